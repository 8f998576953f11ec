"""The column `kinds` of an indicator's legs: what a payment was for."""

from finpat.config import Settings
from finpat.indicators.context import Context
from finpat.indicators.thresholds import Thresholds
from finpat.ledger import Ledger
from finpat.vocabulary import of_kind
from tests.factory import ledger


def context_of(data: Ledger, **words: tuple[str, ...]) -> Context:
    settings = Settings(dictionaries=words)
    return Context(data, data.accounts, settings, Thresholds.in_force(settings), lambda _id: None)


def test_category_payee_and_text_tell_the_kind_together():
    data = ledger(
        {"merchant_category": "7011"},
        {"counterparty_name": "HOTEL ADLER"},
        {"description": "booking.com 123"},
        {"description": "thanks"},
    )
    assert context_of(data).legs(of_kind("lodging"))["row"].to_list() == [0, 1, 2]


def test_own_words_count_too():
    data = ledger({"description": "Wilder Mann"}, {"description": "thanks"})
    assert context_of(data, lodging=("wilder mann",)).legs(of_kind("lodging"))["row"].to_list() == [0]


def test_without_any_text_or_category_nothing_has_a_kind_and_the_data_lacks_it():
    context = context_of(ledger({}, {}))
    assert context.legs(of_kind("lodging")).is_empty()
    assert not context.has("merchant")
    assert context_of(ledger({"description": "thanks"})).has("merchant")
