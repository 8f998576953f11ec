import polars as pl
import pytest

from finpat.vocabulary import KINDS, kind_bits, load_vocabulary, of_kind

WORDS = load_vocabulary()


def kinds_of_text(text: str | None) -> set[str]:
    for column in (pl.Series([text]), pl.Series([text], dtype=pl.Categorical)):
        bits = WORDS.kinds_of(None, [column])[0]
    return {kind for kind in KINDS if bits & kind_bits(kind)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("MIETE März, Whg. 4", "rent"),
        ("Salaire de mars", "payroll"),
        ("НАГРАДА: Зарплата за март", "payroll"),
        ("HOTEL ADLER 0231", "lodging"),
        ("CAFÉ: Clases, ALQUILER", "rent"),
    ],
)
def test_a_word_is_found_without_case_accents_and_punctuation(text: str, kind: str):
    assert kind in kinds_of_text(text)


@pytest.mark.parametrize(
    "text", ["Parental leave", "RENTOKIL", "coparent", "hotelier supplies", "wagendienst"]
)
def test_a_part_of_a_longer_word_does_not_count(text: str):
    assert kinds_of_text(text) == set()


def test_a_text_that_names_nothing_has_no_kind_and_an_absent_one_neither():
    assert kinds_of_text("see you") == kinds_of_text(None) == set()


def test_merchant_categories_give_kinds_by_range_and_one_category_may_have_two():
    codes = pl.Series(["3501", "4899", "5499", " 763", None, "hotel"], dtype=pl.Categorical)
    frame = pl.DataFrame({"kinds": WORDS.kinds_of(codes, [])})
    assert frame.select(of_kind("lodging")).to_series().to_list() == [True, False, False, False, False, False]
    assert frame["kinds"][2] == kind_bits("grocery", "convenience")
    assert frame["kinds"][4] == frame["kinds"][5] == 0


def test_every_listed_kind_is_declared_and_every_kind_has_words_or_categories():
    listed = set(WORDS.words)
    by_category = {kind for kind in KINDS if ((WORDS.categories["kinds"] & kind_bits(kind)) != 0).any()}
    assert listed <= set(KINDS)
    assert listed | by_category == set(KINDS)


def test_own_words_are_added_to_the_shipped_ones():
    own = load_vocabulary({"lodging": ["Zum Wilden Mann"]})
    kinds = own.kinds_of(None, [pl.Series(["zum wilden mann, Wien", "Hotel Post"])])
    assert [bool(bits & kind_bits("lodging")) for bits in kinds] == [True, True]
