"""Typing of rows: what is taken, what is quarantined and why, in every kind of file."""

import json
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.config import Settings, parse_settings
from finpat.errors import SourceError, UsageError
from finpat.money import to_minor
from finpat.sources import detect_mapping, load_mapping, open_source, read_batches
from finpat.sources.amounts import minor_of_floats
from finpat.sources.mapping import parse_mapping

HEAD = "transaction_id,booked_at,account_id,direction,amount,currency,channel\n"
GOOD = "t0,2026-01-02T10:00:00,A1,credit,10.00,EUR,card\n"


def ingest(path, mapping=None, settings=None, table="transactions"):
    source = open_source(path)
    batches = list(read_batches(source, mapping or detect_mapping(source, table), settings or Settings()))
    return pl.concat([b.rows for b in batches]), pl.concat([b.rejects for b in batches]), batches


def ingest_text(tmp_path, text, **options):
    path = tmp_path / "x.csv"
    path.write_text(text)
    return ingest(path, **options)


BAD_ROWS = {
    "no amount": ("2026-01-02T10:00:00,A1,credit,,EUR,card", "amount", "missing_value"),
    "amount is text": ("2026-01-02T10:00:00,A1,credit,ten,EUR,card", "amount", "not_a_number"),
    "decimal comma": ('2026-01-02T10:00:00,A1,credit,"10,50",EUR,card', "amount", "not_a_number"),
    "NaN": ("2026-01-02T10:00:00,A1,credit,NaN,EUR,card", "amount", "not_finite"),
    "inf": ("2026-01-02T10:00:00,A1,credit,-inf,EUR,card", "amount", "not_finite"),
    "exponent": ("2026-01-02T10:00:00,A1,credit,1e3,EUR,card", "amount", "not_a_number"),
    "zero": ("2026-01-02T10:00:00,A1,credit,0.00,EUR,card", "amount", "zero_amount"),
    "negative": ("2026-01-02T10:00:00,A1,credit,-5.00,EUR,card", "amount", "negative_amount"),
    "three decimals": ("2026-01-02T10:00:00,A1,credit,5.001,EUR,card", "amount", "too_many_decimals"),
    "too large": ("2026-01-02T10:00:00,A1,credit,99999999999999999999.00,EUR,card", "amount", "too_large"),
    "another currency in the cell": (
        "2026-01-02T10:00:00,A1,credit,USD 5.00,EUR,card",
        "amount",
        "other_currency",
    ),
    "no currency": ("2026-01-02T10:00:00,A1,credit,5.00,,card", "currency", "missing_value"),
    "unknown currency": ("2026-01-02T10:00:00,A1,credit,5.00,EUX,card", "currency", "unknown_currency"),
    "30 February": ("2026-02-30T10:00:00,A1,credit,5.00,EUR,card", "booked_at", "impossible_date"),
    "year 26": ("0026-02-03T10:00:00,A1,credit,5.00,EUR,card", "booked_at", "impossible_date"),
    "no date": (",A1,credit,5.00,EUR,card", "booked_at", "missing_value"),
    "no account": ("2026-01-02T10:00:00,,credit,5.00,EUR,card", "account_id", "missing_value"),
    "no direction": ("2026-01-02T10:00:00,A1,,5.00,EUR,card", "direction", "missing_value"),
    "unknown direction": ("2026-01-02T10:00:00,A1,sideways,5.00,EUR,card", "direction", "unknown_direction"),
    "too few fields": ("2026-01-02T10:00:00,A1,credit,5.00", None, "wrong_number_of_fields"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_quarantined_with_line_column_reason_and_text(tmp_path, case):
    row, column, reason = BAD_ROWS[case]
    rows, rejects, batches = ingest_text(tmp_path, HEAD + GOOD * 12 + f"t1,{row}\n" + GOOD)
    assert rows.height == 13
    assert rejects.select("source_line", "column", "reason", "raw").rows() == [
        (14, column, reason, f"t1,{row}")
    ]
    assert sum(batch.source_rows for batch in batches) == 14


def test_a_row_of_empty_cells_is_no_row(tmp_path):
    rows, rejects, batches = ingest_text(tmp_path, HEAD + GOOD + ",,,,,,\n , ,,,,,\n" + GOOD)
    assert (rows.height, rejects.height, sum(b.source_rows for b in batches)) == (2, 0, 2)


def test_an_unknown_channel_is_other_and_its_word_is_kept(tmp_path):
    rows, rejects, _ = ingest_text(tmp_path, HEAD + GOOD + GOOD.replace("card", "pigeon"))
    assert rejects.height == 0
    assert rows["channel"].to_list() == ["card", "other"]
    assert rows["extra"].struct.field("channel").to_list() == [None, "pigeon"]


def test_further_columns_are_kept_untouched(tmp_path):
    text = HEAD.replace("\n", ",Mood\n") + GOOD.replace("\n", ",  sunny \n")
    rows, _, _ = ingest_text(tmp_path, text)
    assert rows["extra"].struct.field("Mood").to_list() == ["  sunny "]


def test_equal_content_gives_equal_rows_in_every_kind_of_file(tmp_path):
    values = {
        "transaction_id": ["a", "b"],
        "booked_at": [datetime(2026, 1, 2, 10), datetime(2026, 1, 3, 11, 30)],
        "account_id": ["A1", "A2"],
        "direction": ["credit", "debit"],
        "amount": [10.5, 0.07],
        "currency": ["EUR", "EUR"],
        "channel": ["card", "cash"],
    }
    frame = pl.DataFrame(values)
    frame.write_csv(tmp_path / "x.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
    frame.write_csv(tmp_path / "x.tsv", separator="\t", datetime_format="%Y-%m-%d %H:%M:%S")
    frame.with_columns(pl.col("currency", "account_id").cast(pl.Categorical)).write_parquet(
        tmp_path / "x.parquet"
    )
    frame.write_ndjson(tmp_path / "x.ndjson")
    (tmp_path / "x.json").write_text(
        json.dumps(
            {
                "exported": "today",
                "rows": [{**row, "booked_at": row["booked_at"].isoformat()} for row in frame.to_dicts()],
            }
        )
    )
    expected = [
        ("a", datetime(2026, 1, 2, 10), "A1", "credit", 1050, "EUR", "card"),
        ("b", datetime(2026, 1, 3, 11, 30), "A2", "debit", 7, "EUR", "cash"),
    ]
    for name in ("x.csv", "x.tsv", "x.parquet", "x.ndjson", "x.json"):
        rows, rejects, _ = ingest(tmp_path / name)
        columns = [*list(values)[:4], "amount_minor", "currency", "channel"]
        assert rejects.height == 0, name
        assert rows.select(columns).rows() == expected, name


def test_json_numbers_are_read_as_they_are_written(tmp_path):
    start = '{"transaction_id": 1, "booked_at": "2026-01-02", "account_id": 5, "direction": "credit", '
    line = start + '"amount": %s, "currency": "BTC"}\n'
    (tmp_path / "x.json").write_text(line % "0.12345678" + line % "9007199254.00000001" + "{broken\n")
    rows, rejects, _ = ingest(tmp_path / "x.json")
    assert rows["amount_minor"].to_list() == [12345678, 900719925400000001]
    assert rejects.select("source_line", "reason").rows() == [(3, "malformed_json")]


def test_a_json_file_that_is_cut_off_is_refused(tmp_path):
    (tmp_path / "x.json").write_text('[{"booked_at": "2026-01-02", "account_id": "A"}, {"booked')
    with pytest.raises(SourceError, match="JSON ends inside the list"):
        ingest(tmp_path / "x.json", load_mapping("canonical"))


def test_a_column_that_is_not_there_is_named_with_the_nearest(tmp_path):
    mapping = parse_mapping(
        {
            "name": "own",
            "table": "transactions",
            "columns": {
                "booked_at": "Datum",
                "amount": "Betragg",
                "currency": {"constant": "EUR"},
                "account_id": {"constant": "A"},
            },
            "amount": {"sign": "signed"},
        },
        "own",
    )
    (tmp_path / "x.csv").write_text("Datum;Betrag\n2026-01-02;1.00\n")
    with pytest.raises(SourceError, match=r"no column 'Betragg' for amount.*Did you mean 'Betrag'\?"):
        ingest(tmp_path / "x.csv", mapping)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tabel": "transactions"}, r"unknown key 'tabel'. Did you mean 'table'\?"),
        ({"amount": {"decimel": ","}}, r"unknown key 'amount.decimel'. Did you mean 'decimal'\?"),
        ({"columns": {"booked_at": "d", "amunt": "a"}}, r"no column 'amunt'. Did you mean 'amount'\?"),
        ({"time": {"zone": "Europe/Berlim"}}, "Did you mean 'Europe/Berlin'"),
        ({"values": {"channel": {"X": "crad"}}}, "Did you mean 'card'"),
        ({"sides": {"cash": ["("]}}, "not a regular expression"),
    ],
)
def test_a_misspelt_mapping_names_the_key_and_the_nearest(values, message):
    base = {
        "name": "own",
        "table": "transactions",
        "columns": {"booked_at": "d", "amount": "a", "currency": "c", "account_id": "i"},
        "amount": {"sign": "signed"},
    }
    with pytest.raises(SourceError, match=message):
        parse_mapping({**base, **values}, "own.toml")
    with pytest.raises(UsageError, match="Did you mean 'canonical'"):
        load_mapping("canonicle")


MINE = {
    "name": "own",
    "table": "transactions",
    "columns": {
        "booked_at": "at",
        "amount": "amount",
        "currency": {"constant": "EUR"},
        "account_id": {"constant": "A"},
    },
    "amount": {"sign": "signed"},
}


def test_times_on_a_local_clock_become_utc_and_dates_stay(tmp_path):
    mapping = parse_mapping({**MINE, "time": {"zone": "Europe/Berlin"}}, "own")
    times = ("2026-07-01 12:00", "2026-01-01 12:00", "2026-03-29 02:30", "2026-10-25 02:30")
    text = "at,amount\n" + "".join(f"{time}:00,1.00\n" for time in times)
    rows, rejects, _ = ingest_text(tmp_path, text, mapping=mapping)
    assert [str(at) for at in rows["booked_at"]] == [
        "2026-07-01 10:00:00",
        "2026-01-01 11:00:00",
        "2026-10-25 00:30:00",
    ]
    assert rows["local_zone"].unique().to_list() == ["Europe/Berlin"]
    assert rejects["reason"].to_list() == ["zone_gap"]
    rows, _, _ = ingest_text(tmp_path, "at,amount\n2026-07-01,1.00\n", mapping=mapping)
    assert (str(rows["booked_at"][0]), rows["time_precision"][0]) == ("2026-07-01 00:00:00", "day")


def test_instants_with_an_offset_need_no_zone(tmp_path):
    rows, rejects, _ = ingest_text(
        tmp_path,
        "at,amount\n2026-07-01T12:00:00+02:00,1.00\n2026-07-01T12:00:00Z,1.00\n",
        mapping=parse_mapping(MINE, "own"),
    )
    assert rejects.height == 0
    assert [at.hour for at in rows["booked_at"]] == [10, 12]


def test_midnights_mean_dates_only_if_the_whole_file_has_nothing_else(tmp_path):
    mapping = parse_mapping(MINE, "own")
    midnights = "2026-07-01 00:00:00,1.00\n" * 70_000
    small = parse_settings({"ingest": {"piece_mb": 1}})
    rows, _, batches = ingest_text(tmp_path, "at,amount\n" + midnights, mapping=mapping, settings=small)
    assert rows["time_precision"].unique().to_list() == ["day"]
    assert "no row has a time of day" in batches[0].notes[0]
    rows, _, batches = ingest_text(
        tmp_path, "at,amount\n" + midnights + "2026-07-02 08:00:00,1.00\n", mapping=mapping, settings=small
    )
    assert rows["time_precision"].unique().to_list() == ["second"]
    assert batches[0].notes == ()


def test_rounding_happens_only_where_it_is_declared(tmp_path):
    text = "at,amount\n2026-07-01,1.005\n2026-07-01,-1.015\n"
    rows, rejects, _ = ingest_text(tmp_path, text, mapping=parse_mapping(MINE, "own"))
    assert (rows.height, rejects["reason"].to_list()) == (0, ["too_many_decimals"] * 2)
    rounded = parse_mapping({**MINE, "amount": {"sign": "signed", "rounding": "half_even"}}, "own")
    rows, _, _ = ingest_text(tmp_path, text, mapping=rounded)
    assert rows["amount_minor"].to_list() == [100, 102]


@given(st.integers(1, 10**13), st.sampled_from(["EUR", "KWD", "BTC"]))
def test_a_float_is_the_decimal_it_was_written_as(minor, currency):
    places = {"EUR": 2, "KWD": 3, "BTC": 8}[currency]
    written = float(Decimal(minor).scaleb(-places))
    _, found, reasons = minor_of_floats(
        pl.Series([written]), pl.Series([currency]), {currency: places}, "none"
    )
    assert found.to_list() == [minor] == [to_minor(Decimal(minor).scaleb(-places), currency)]
    assert not any(rows.any() for _, rows in reasons.values())


def test_a_float_with_more_decimals_than_its_currency_is_refused():
    _, found, reasons = minor_of_floats(
        pl.Series([1.005, 0.1 + 0.2]), pl.Series(["EUR"] * 2), {"EUR": 2}, "none"
    )
    assert found.to_list() == [None, 30]
    assert reasons["too_many_decimals"][1].to_list() == [True, False]


def test_the_result_does_not_depend_on_the_size_of_pieces(tmp_path):
    lines = [
        f"t{i},2026-01-{i % 27 + 1:02d}T10:00:00,A{i % 7},credit,{i}.{i % 100:02d},EUR,card\n"
        for i in range(40_000)
    ]
    lines[777] = "t777,broken\n"
    (tmp_path / "x.csv").write_text(HEAD + "".join(lines))
    results = [
        ingest(tmp_path / "x.csv", settings=parse_settings({"ingest": {"piece_mb": size}}))[:2]
        for size in (1, 64)
    ]
    assert results[0][0].equals(results[1][0])
    assert results[0][1].equals(results[1][1])
    assert results[0][0]["source_line"].to_list() == [i + 2 for i in range(40_000) if i not in (0, 777)]


def test_accounts_labels_and_adverts_are_read_by_the_same_machinery(tmp_path):
    (tmp_path / "accounts.csv").write_text(
        "account_id,holder_type,opened_on,declared_monthly_income\nA,Person,2020-02-03,1200.50\nB,robot,,\n"
    )
    rows, rejects, _ = ingest(tmp_path / "accounts.csv", table="accounts")
    assert rows.select("account_id", "holder_type", "opened_on", "declared_monthly_income").rows() == [
        ("A", "person", date(2020, 2, 3), Decimal("1200.5"))
    ]
    assert rejects.select("source_line", "column", "reason").rows() == [(3, "holder_type", "unknown_value")]
    pl.DataFrame({"account_id": ["A"], "label": [1]}).write_parquet(tmp_path / "labels.parquet")
    rows, _, _ = ingest(tmp_path / "labels.parquet", table="labels")
    assert rows.select("account_id", "label").rows() == [("A", "1")]
    (tmp_path / "pay.csv").write_text(
        "payment_id,paid_at,platform,amount,currency\np1,2026-01-02T03:04:05,ads.example,12.00,USD\n"
        "p2,2026-01-02T03:04:05,ads.example,-1.00,USD\n"
    )
    rows, rejects, _ = ingest(tmp_path / "pay.csv", table="ad_payments")
    assert rows.select("payment_id", "amount_minor").rows() == [("p1", 1200)]
    assert rejects["reason"].to_list() == ["negative_amount"]
