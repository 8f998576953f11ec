from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from finpat.sources import inspect_source

ROWS = (
    ("Lastschrift", "-5,00"), ("SEPA Überweisung", "-7,50"), ("Bareinzahlung", "900,00"),
    ("Kartenzahlung", "-3,20"), ("Geldautomat", "-50,00"), ("Treuebonus", "1,00"),
)  # fmt: skip
SETTLED = {"columns.account_id": "DE1", "columns.currency": "EUR"}


def statement(folder: Path, header: str = "Buchungstext") -> Path:
    path = folder / "umsaetze.csv"
    lines = [f"{day:02}.03.2026;{word};Zweck {day};{amount}" for day, (word, amount) in enumerate(ROWS, 13)]
    path.write_text(f"Buchungstag;{header};Verwendungszweck;Betrag\n" + "\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("header", ["Buchungstext", "Vorgang"])
def test_booking_words_propose_the_channel_and_are_shown(tmp_path: Path, header: str):
    found = inspect_source(statement(tmp_path, header), "transactions")
    assert {column.name: column.canonical for column in found.columns}[header] == "channel"
    expected = {
        "Lastschrift": "transfer", "SEPA Überweisung": "transfer", "Bareinzahlung": "cash",
        "Kartenzahlung": "card", "Geldautomat": "atm",
    }  # fmt: skip
    mapping = found.mapping(SETTLED)
    assert mapping.values["channel"] == expected
    assert tomllib.loads(found.to_toml())["values"]["channel"] == expected
    assert any("'Geldautomat' is atm" in note for note in found.notes)


def test_free_text_is_no_booking_word(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(
        "Buchungstag;Verwendungszweck;Betrag\n13.03.2026;cash for rent;-5,00\n14.03.2026;card game;2,00\n"
    )
    found = inspect_source(path, "transactions")
    assert "channel" not in {column.canonical for column in found.columns}


def test_who_stood_at_the_counter_and_the_state_are_proposed_by_their_headers(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(
        "Date,Amount,Conductor ID,Status,Branch Code,Device ID\n"
        "2026-03-13,-5.00,P1,completed,B1,D1\n2026-03-14,7.00,P2,pending,B2,D2\n"
    )
    found = inspect_source(path, "transactions")
    proposed = {column.canonical for column in found.columns}
    assert {"conductor_id", "status", "branch_id", "device_id"} <= proposed
