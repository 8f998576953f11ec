"""Contacts and texts come into one form from every script and disguise, and nothing is guessed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.adverts.normalise import (
    advert_words,
    contacts_of,
    email_key,
    handle_key,
    hides_number,
    phone_keys,
    url_key,
)


def phone(text, country):
    return phone_keys(pl.Series([text]), pl.Series([country], dtype=pl.String))[0]


def of(function, text):
    return pl.DataFrame({"t": [text]}).select(function(pl.col("t"))).item()


@pytest.mark.parametrize(
    "written",
    [
        "+32 2 555 01 01",
        "02/555.01.01",
        "0032 2 555 01 01",
        "zero two five five five zero one zero one",
        "nul twee vijf vijf vijf nul één".replace("één", "1") + " nul 1",
        "0️⃣2️⃣5️⃣5️⃣5️⃣0️⃣1️⃣0️⃣1️⃣",
        "０２５５５０１０１",
        "٠٢٥٥٥٠١٠١",
        "०२५५५०१०१",
        "๐๒๕๕๕๐๑๐๑",
        "〇二五五五〇一〇一",
        "⓪②⑤⑤⑤⓪①⓪①",
        "ноль два пять пять пять ноль один ноль один",
        "0 2 - 5 5 5 - 0 1 - 0 1",
        "0\u200b2\u200b5550101",
    ],
)
def test_one_number_in_many_disguises_is_one_number(written):
    assert phone(written, "BE") == "+3225550101"


def test_the_place_decides_what_a_number_without_country_code_means():
    assert phone("(212) 555-0123", "us") == "+12125550123"
    assert phone("020 7946 0018", "GB") == "+442079460018"
    assert phone("+44 20 7946 0018", "US") == "+442079460018"


def test_a_number_of_unknown_region_keeps_its_digits_and_is_not_guessed():
    assert phone("020 7946 0018", None) == "~02079460018"
    assert phone("020 7946 0018", "XX") == "~02079460018"
    assert phone("+442079460018", None) == "+442079460018"


@pytest.mark.parametrize("written", ["call me", "12345", "1234567890123456789", ""])
def test_what_is_no_number_is_none(written):
    assert phone(written, "US") is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.sampled_from(["US", "BE", None])), min_size=1, max_size=5))
def test_any_text_has_one_key_wherever_it_stands(rows):
    texts, countries = (list(part) for part in zip(*rows, strict=True))
    whole = phone_keys(pl.Series(texts), pl.Series(countries, dtype=pl.String)).to_list()
    alone = [phone(text, country) for text, country in rows]
    assert whole == alone


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Anna@Example.ORG", "anna@example.org"),
        ("mailto:anna@example.org", "anna@example.org"),
        ("anna (at) example [dot] org", "anna@example.org"),
        ("анна@почта.рф", "анна@почта.рф"),
        ("anna at home", None),
    ],
)
def test_an_email_address_has_one_form(written, key):
    assert of(email_key, written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("HTTPS://www.Example.org/Anna/?utm_source=x#top", "example.org/Anna"),
        ("example.org/Anna", "example.org/Anna"),
        ("example.org?id=7&utm_medium=y", "example.org?id=7"),
        ("no address", None),
    ],
)
def test_a_web_address_has_one_form(written, key):
    assert of(url_key, written) == key


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("https://t.me/Anna_77", "telegram:anna_77"),
        ("write me, Telegram: @anna_77.", "telegram:anna_77"),
        ("微信: anna_77", "wechat:anna_77"),
        ("IG @anna_77", "instagram:anna_77"),
        ("find @anna_77 now", "@anna_77"),
        ("online until nine", None),
        ("a big one", None),
    ],
)
def test_a_handle_has_its_network_where_the_text_names_it(written, key):
    assert of(handle_key, written) == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("New in TOWN!! Call 555-0101 😀😀 now", "new in town call # ☺ now"),
        ("Новая в городе, звони 8 (900) 555", "новая в городе звони #"),
        ("新來的 電話 ５５５", "新來的 電話 #"),
        ("สาวใหม่ โทร ๐๘๑", "สาวใหม่ โทร #"),
        ("جديدة في المدينة", "جديدة في المدينة"),
        ("★ Ｎｅｗ ★", "☺ new ☺"),
        ("  ?! ", None),
    ],
)
def test_words_of_every_script_are_kept_and_numbers_and_smiles_are_masked(text, words):
    assert of(advert_words, text) == words


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("call two one two five five five zero one two three", True),
        ("call 2 1 2 5 5 5 0 1 2 3", True),
        ("call 2️⃣1️⃣2️⃣5️⃣5️⃣5️⃣0️⃣1️⃣2️⃣3️⃣", True),
        ("call 2o1two ٢١٢٥٥٥٠١٢٣", True),
        ("call 212-555-0123", False),
        ("call 2125550123", False),
        ("rates 100 150 200 300", False),
        ("one of two, five minutes from the station", False),
        ("", False),
    ],
)
def test_a_hidden_number_is_one_that_the_text_does_not_show(text, hidden):
    assert of(hides_number, text) is hidden


def test_contacts_come_from_columns_and_from_texts_once_each():
    ads = pl.DataFrame(
        {
            "country": ["US", "US", None],
            "phone": ["212-555-0123", None, "x"],
            "text": [
                "call (212) 555 0123 or anna@example.org",
                "two one two five five five zero one two three, www.example.org/a",
                "nothing here, 100 150 200 300",
            ],
        }
    )
    assert contacts_of(ads).rows() == [
        (0, "phone", "+12125550123", False),
        (0, "email", "anna@example.org", False),
        (1, "phone", "+12125550123", True),
        (1, "url", "example.org/a", False),
    ]


def test_adverts_without_any_contact_column_have_no_contacts():
    assert contacts_of(pl.DataFrame({"ad_id": ["a"]})).is_empty()
