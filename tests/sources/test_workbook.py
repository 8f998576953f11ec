"""Excel workbooks are read like the tables that they hold."""

from datetime import date, datetime, time

import polars as pl
import pytest
import xlsxwriter

from finpat.config import Settings
from finpat.errors import SourceError
from finpat.sources import open_source, read_batches
from finpat.sources.mapping import parse_mapping
from finpat.sources.reading import columns_of

MAPPING = parse_mapping(
    {
        "name": "sheet", "table": "transactions",
        "columns": {
            "account_id": "IBAN", "booked_at": "Datum", "time": "Uhrzeit", "amount": "Betrag",
            "currency": {"constant": "EUR"}, "description": "Text",
        },
        "amount": {"sign": "signed"},
    },
    "sheet",
)  # fmt: skip


def workbook(path, sheets):
    with xlsxwriter.Workbook(path, {"default_date_format": "dd.mm.yyyy"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    sheet.write(at, column, value)
    return path


TABLE = [
    ["Kontoauszug"],
    [],
    ["Datum", "Uhrzeit", "Betrag", "IBAN", "Text"],
    [date(2026, 3, 1), time(13, 5), -12.34, "DE02", "two\nlines, and a comma"],
    [datetime(2026, 3, 2), time(0, 30), 0.1 + 0.2, "DE02", 'a "quote"'],
    [date(2026, 3, 3), None, 1.005, "DE02", "fraction of a cent"],
]


def test_a_sheet_is_read_with_letterhead_header_dates_and_exact_amounts(tmp_path):
    source = open_source(workbook(tmp_path / "a.xlsx", {"Umsätze": TABLE, "Leer": []}))
    assert columns_of(source) == ("Datum", "Uhrzeit", "Betrag", "IBAN", "Text")
    batches = list(read_batches(source, MAPPING, Settings()))
    rows = pl.concat([batch.rows for batch in batches])
    assert rows["booked_at"].to_list() == [datetime(2026, 3, 1, 13, 5), datetime(2026, 3, 2, 0, 30)]
    assert rows["amount_minor"].to_list() == [1234, 30]
    assert rows["direction"].to_list() == ["debit", "credit"]
    assert rows["description"].to_list() == ["two lines, and a comma", 'a "quote"']
    assert rows["source_line"].to_list() == [4, 5]
    rejects = pl.concat([batch.rejects for batch in batches])
    assert rejects.select("source_line", "reason").rows() == [(6, "too_many_decimals")]


def test_a_workbook_that_changes_is_read_again(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"A": TABLE})
    before = open_source(path).head()
    workbook(path, {"A": [*TABLE, ["more"]]})
    assert open_source(path).head() == before + "more,,,,\n"


@pytest.mark.parametrize(
    ("sheets", "message"),
    [({"A": TABLE, "B": TABLE}, r"2 sheets have rows \(A, B\)"), ({"A": []}, "has no rows")],
)
def test_which_sheet_is_meant_is_never_guessed(tmp_path, sheets, message):
    with pytest.raises(SourceError, match=message):
        open_source(workbook(tmp_path / "a.xlsx", sheets))


def test_a_damaged_workbook_is_one_clear_error(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"A": TABLE})
    data = path.read_bytes()
    at = data.index(b"PK\x03\x04", 100)
    path.write_bytes(data[:at] + bytes(200) + data[at + 200 :])
    with pytest.raises(SourceError) as refused:
        open_source(path)
    assert "\n" not in str(refused.value)
