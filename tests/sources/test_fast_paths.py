"""Quick ways of reading whole columns say exactly what the long ways say, or leave them to it."""

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from finpat.sources.amounts import plain_minor, plain_number, scaled
from finpat.sources.dates import _ISO_FORMS, _iso_instants

number = st.one_of(
    st.decimals(-(10**12), 10**12, places=2).map(str),
    st.text(st.sampled_from("0123456789.-+eE, "), max_size=8),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(number, st.sampled_from(["EUR", "KWD", "BTC"])), min_size=1, max_size=4))
@example([("1e3", "EUR")])
@example([("1.230", "EUR"), ("1.234", "KWD")])
@example([("0.001", "EUR"), ("0.001", "KWD")])
def test_amounts_read_as_a_whole_are_those_read_one_by_one(rows):
    text = pl.Series([value for value, _ in rows])
    currency = pl.Series([code for _, code in rows])
    decimals = {"EUR": 2, "KWD": 3, "BTC": 8}
    quick = plain_minor(text, currency, decimals)
    data = pl.DataFrame({"text": text, "currency": currency})
    data = data.with_columns(plain_number(pl.col("text"), ".", ""))
    if quick is not None:
        assert quick.to_list() == scaled(data, decimals, "none")["minor"].to_list()


def test_plain_amounts_are_read_as_a_whole():
    quick = plain_minor(pl.Series(["1.50", "-2", "1.5"]), pl.Series(["EUR"] * 3), {"EUR": 2})
    assert quick is not None
    assert quick.to_list() == [150, -200, 150]


instant = st.one_of(
    st.datetimes().map(lambda at: at.isoformat()),
    st.datetimes().map(lambda at: at.isoformat(" ")),
    st.text(st.sampled_from("0123456789-:.TZ+ "), min_size=17, max_size=30),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(instant, min_size=1, max_size=3), st.sampled_from(sorted(_ISO_FORMS)))
@example(["2026-01-01T00:30:07.1234567"], "%Y-%m-%dT%H:%M:%S%.f")
@example(["2026-01-01T00:30:07Z"], "%Y-%m-%dT%H:%M:%S%.f")
@example(["2026-01-01T00:30:60"], "%Y-%m-%dT%H:%M:%S%.f")
def test_instants_read_as_a_whole_are_those_read_by_their_format(values, form):
    text = pl.Series(values)
    quick = _iso_instants(text, _ISO_FORMS[form])
    if quick is not None:
        assert quick.to_list() == text.str.strptime(pl.Datetime("us"), form, strict=False).to_list()


def test_complete_instants_are_read_as_a_whole():
    assert _iso_instants(pl.Series(["2026-01-31T12:34:56", "2026-01-31T12:34:56.5"]), "T") is not None
