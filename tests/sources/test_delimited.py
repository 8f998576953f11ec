import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.sources import delimited
from finpat.sources.delimited import LINE, Layout, find_layout, read_delimited
from finpat.sources.mapping import Dialect

LAYOUT = Layout(",", '"', ("a", "b", "c"), 1)


def read(data, layout=LAYOUT, *, piece=1 << 20, line=1 << 20, slow=False, monkeypatch=None):
    blocks = [data[i : i + piece] for i in range(0, len(data), piece)]
    pieces = list(read_delimited(blocks, layout, piece_bytes=piece, line_bytes=line))
    frame = pl.concat([p.frame for p in pieces])
    rejects = [r for p in pieces for r in p.rejects]
    raws = [raw for p in pieces for raw in p.raw(list(range(p.frame.height)))]
    return frame, rejects, raws


def rows_of(data, **options):
    frame, rejects, raws = read(data, **options)
    cells = [tuple(v or None for v in row) for row in frame.drop(LINE).rows()]
    return (
        list(zip(frame[LINE].to_list(), cells, raws, strict=True)),
        sorted((r.line, r.reason, r.raw) for r in rejects),
    )


cell = st.text(st.sampled_from('ab1 ,"\n\u00e9;'), max_size=6)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(cell, cell, cell), max_size=12),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
)
def test_written_rows_come_back_with_their_lines_however_the_stream_is_cut(rows, quoting, end, piece):
    text = io.StringIO()
    csv.writer(text, quoting=quoting, lineterminator=end).writerows(rows)
    found, rejects = rows_of(text.getvalue().encode(), piece=piece)
    expected, line = [], 1
    for row in rows:
        if any(row):
            expected.append((line, tuple(v or None for v in row)))
        line += 1 + sum(v.count("\n") for v in row)
    assert [(number, cells) for number, cells, _ in found] == expected
    assert rejects == []


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60), st.integers(1, 70))
def test_fast_and_exact_parsing_agree_on_any_text_and_any_cut(text, piece):
    data = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "_parse_fast", lambda *_: None)
        exact = rows_of(data)
    assert rows_of(data, piece=piece) == exact


def test_a_regular_file_is_parsed_fast(monkeypatch):
    monkeypatch.setattr(delimited, "_parse_exactly", lambda *_: pytest.fail("not fast"))
    rows, _ = rows_of(b'1,2,3\n4,"5,\n5",6\n7,8,"9"\n')
    assert [(line, cells) for line, cells, _ in rows] == [
        (1, ("1", "2", "3")),
        (2, ("4", "5,\n5", "6")),
        (4, ("7", "8", "9")),
    ]


def test_ragged_rows_are_rejected_with_line_and_text():
    rows, rejects = rows_of(b"1,2,3\n4,5\n6,7,8,9\n1,2,3,\n")
    assert [line for line, _, _ in rows] == [1, 4]
    assert rejects == [(2, "wrong_number_of_fields", "4,5"), (3, "wrong_number_of_fields", "6,7,8,9")]


def test_an_unclosed_quote_costs_its_own_line_only():
    rows, rejects = rows_of(b'1,2,3\n4,"5,6\n7,8,9\n1,"x",3\n')
    assert [line for line, _, _ in rows] == [1, 3, 4]
    assert rejects == [(2, "unclosed_quote", '4,"5,6')]


@pytest.mark.parametrize("piece", [7, 50, 1000, 1 << 20])
def test_a_line_over_the_limit_is_one_reject_wherever_it_stands(piece):
    data = b"1,2,3\n" + b"x" * 500 + b"\n4,5,6\n" + b"y" * 300 + b"\n7,8,9"
    rows, rejects = rows_of(data, piece=piece, line=100)
    assert [line for line, _, _ in rows] == [1, 3, 5]
    assert [(line, reason) for line, reason, _ in rejects] == [(2, "line_too_long"), (4, "line_too_long")]


def test_one_endless_line_is_never_held_in_memory():
    held = 0

    def endless():
        nonlocal held
        yield b"1,2,3\n"
        for _ in range(200):
            yield b"z" * 100_000

    cutter = delimited._Cutter(LAYOUT, 50_000)
    for block in endless():
        list(cutter.feed(block))
        held = max(held, len(cutter.rest))
    assert held <= 100_000


def test_bytes_that_are_no_utf8_are_kept_as_escapes():
    rows, _ = rows_of(b"1,caf\xe9,3\n")
    assert rows[0][1][1] == "caf\\xe9"


def layout(text, **dialect):
    return find_layout(text, True, Dialect(**dialect))


def test_the_header_is_found_under_letterhead():
    found = layout(
        "Statement of account 123\nPrinted 2026-01-05\n\nDate;Text;Amount\n2026-01-02;Shop;-1,50\n"
    )
    assert (found.delimiter, found.columns, found.header_line, found.first_line) == (
        ";",
        ("Date", "Text", "Amount"),
        4,
        5,
    )


def test_a_file_without_header_has_columns_by_position():
    found = layout("01/02/2026,Shop,-1.50\n02/02/2026,Rent,-900.00\n")
    assert (found.columns, found.header_line, found.first_line) == (("1", "2", "3"), 0, 1)


def test_repeated_and_empty_column_names_are_told_apart():
    assert layout("Account,Account,,Amount\nA,B,x,1.00\n").columns == ("Account", "Account_2", "3", "Amount")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(mark):
    text = "\n".join(
        mark.join(row) for row in [("Date", "Text", "Amount"), ("2026-01-02", "a, b", "1.00")] * 3
    )
    assert layout(text).delimiter == mark
