from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from finpat.config import parse_settings
from finpat.errors import SourceError
from finpat.store.load import load_batches
from finpat.store.payments import fingerprint, locate, read_payments
from finpat.store.workspace import Workspace
from tests.store.exports import batches, frame, ingest, origin, piece, reject, rejected, row


def counts(report):
    return report.loaded, report.duplicate, report.quarantined


def test_rows_read_back_as_they_were_loaded(workspace: Workspace):
    report = ingest(workspace, "may.csv", [row(transaction_id="T1"), row(transaction_id="T2", city="Ghent")])
    assert counts(report) == (2, 0, 0)
    payments = read_payments(workspace)
    assert payments["amount_minor"].to_list() == [100_00, 100_00]
    assert payments["city"].to_list() == [None, "Ghent"]
    found = locate(workspace, [1])
    assert found.select("transaction_id", "source_file", "source_line").rows() == [("T2", "may.csv", 3)]


def test_the_same_file_twice_adds_nothing_and_says_so(workspace: Workspace):
    rows = [row(transaction_id="T1"), row(transaction_id="T2")]
    ingest(workspace, "may.csv", rows)
    before = fingerprint(workspace)
    again = ingest(workspace, "may.csv", rows)
    assert again.already_loaded
    assert counts(again) == (0, 2, 0)
    assert fingerprint(workspace) == before


def test_the_same_file_by_another_mapping_is_refused(workspace: Workspace):
    ingest(workspace, "may.csv", [row()])
    with pytest.raises(SourceError, match="loaded before by another mapping"):
        ingest(workspace, "may.csv", [row()], mapping="other")


def test_an_overlapping_export_adds_only_what_is_new(workspace: Workspace):
    ingest(workspace, "may.csv", [row(transaction_id=f"T{n}") for n in range(10)])
    report = ingest(workspace, "june.csv", [row(transaction_id=f"T{n}") for n in range(5, 15)])
    assert counts(report) == (5, 5, 0)
    assert locate(workspace, range(15))["transaction_id"].to_list() == [f"T{n}" for n in range(15)]


def test_a_repeated_id_with_the_same_content_is_a_duplicate_within_one_file(workspace: Workspace):
    assert counts(ingest(workspace, "may.csv", [row(), row()])) == (1, 1, 0)


def test_a_known_id_with_other_content_goes_to_quarantine_and_names_the_first_row(workspace: Workspace):
    ingest(workspace, "may.csv", [row(transaction_id="T0"), row(transaction_id="T1")])
    report = ingest(
        workspace,
        "june.csv",
        [
            row(transaction_id="T1", amount_minor=1),
            row(transaction_id="T9"),
            row(transaction_id="T9", description="other"),
        ],
    )
    assert counts(report) == (1, 0, 2)
    assert report.reasons == {"duplicate_key": 2}


def test_true_repeats_stay_where_the_source_gives_no_ids(workspace: Workspace):
    coffee = {key: value for key, value in row(amount_minor=350).items() if key != "transaction_id"}
    assert counts(ingest(workspace, "may.csv", [coffee, coffee, coffee], size=1)) == (3, 0, 0)
    assert counts(ingest(workspace, "june.csv", [coffee, coffee])) == (0, 2, 0)
    assert counts(ingest(workspace, "july.csv", [coffee] * 4)) == (1, 3, 0)
    assert read_payments(workspace)["row_key"].n_unique() == 4


def test_a_later_statement_of_a_two_sided_payment_doubles_no_leg(workspace: Workspace):
    ingest(workspace, "ledger.parquet", [row(account_id="A", counterparty_id="B", mirrored=True)])
    statement = row(account_id="B", counterparty_id="A", direction="credit", description="in other words")
    assert counts(ingest(workspace, "b.csv", [statement], mapping="statement")) == (0, 1, 0)


def test_a_two_sided_row_after_one_statement_brings_only_the_missing_leg(workspace: Workspace):
    ingest(
        workspace, "a.csv", [row(account_id="A", counterparty_id="B", direction="debit")], mapping="statement"
    )
    report = ingest(workspace, "ledger.parquet", [row(account_id="A", counterparty_id="B", mirrored=True)])
    assert counts(report) == (1, 0, 0)
    legs = read_payments(workspace).select("account_id", "counterparty_id", "direction", "mirrored").rows()
    assert sorted(legs) == [("A", "B", "debit", False), ("B", "A", "credit", False)]


def test_bad_rows_are_counted_and_the_rest_is_loaded(workspace: Workspace):
    pieces = [piece(frame([row(transaction_id="T1"), row(transaction_id="T2")])), rejected(reject(4))]
    report = load_batches(
        workspace, pieces, origin("may.csv"), settings=parse_settings({}), now=datetime(2026, 1, 1)
    )
    assert counts(report) == (2, 0, 1)
    assert report.rows == 3


@pytest.mark.parametrize(("bad", "refused"), [(1, False), (2, True)])
def test_a_file_is_refused_only_above_the_share_of_bad_rows(workspace: Workspace, bad: int, refused: bool):
    pieces = [piece(frame([row()])), rejected(*[reject(line) for line in range(3, 3 + bad)])]
    settings = parse_settings({"ingest": {"max_reject_share": 0.5}})

    def load():
        return load_batches(workspace, pieces, origin("may.csv"), settings=settings, now=datetime(2026, 1, 1))

    if refused:
        with pytest.raises(SourceError, match=r"may.csv: 2 of 3 rows are bad.*line 3: no_amount here"):
            load()
        assert read_payments(workspace).is_empty()
    else:
        assert counts(load()) == (1, 0, 1)


def test_the_latest_rows_up_to_an_instant_include_that_instant(workspace: Workspace):
    noon = datetime(2026, 3, 2, 12, 0)
    ingest(
        workspace,
        "may.csv",
        [
            row(transaction_id="T1", booked_at=noon),
            row(transaction_id="T2", booked_at=noon.replace(second=1)),
        ],
    )
    assert read_payments(workspace, as_of=noon).height == 1
    assert locate(workspace, [0], as_of=noon)["transaction_id"].to_list() == ["T1"]


def test_files_with_different_columns_are_read_together(workspace: Workspace):
    ingest(workspace, "a.csv", [row(transaction_id="T1", city="Ghent", extra={"Ref": "1"})])
    ingest(workspace, "b.csv", [row(transaction_id="T2", country="BE", extra={"Note": "2"})])
    assert read_payments(workspace).select("city", "country").rows() == [("Ghent", None), (None, "BE")]
    assert locate(workspace, [0, 1])["extra"].to_list() == ['{"Ref":"1"}', '{"Note":"2"}']


def test_an_interrupted_load_leaves_nothing(workspace: Workspace):
    def interrupted():
        yield from batches([row(transaction_id=f"T{n}") for n in range(10)], size=2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_batches(
            workspace, interrupted(), origin("may.csv"), settings=parse_settings({}), now=datetime(2026, 1, 1)
        )
    assert read_payments(workspace).is_empty()
    assert counts(ingest(workspace, "may.csv", [row()])) == (1, 0, 0)


def test_rows_are_the_same_whatever_the_size_of_the_pieces(tmp_path):
    rows = [row(transaction_id=f"T{n % 7}", amount_minor=n % 7 + 1) for n in range(50)]
    frames = []
    for size in (1, 3, 50):
        workspace = Workspace.create(tmp_path / str(size))
        ingest(workspace, "may.csv", rows, size=size)
        frames.append(read_payments(workspace))
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])
    assert isinstance(frames[0], pl.DataFrame)
