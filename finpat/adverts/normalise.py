"""Advert contacts and texts in one form, whatever script or disguise they were written in.

Each distinct value is judged once. A telephone number whose region is not known is never guessed into E.164:
it keeps its digits behind a `~` and equals only the same digits.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from functools import cache

import phonenumbers
import polars as pl
from phonenumbers import timezone

CONTACT_KINDS = ("phone", "email", "url", "handle")
UNKNOWN_REGION = "~"  # before the digits of a number that no region makes whole

# Spelled digits, by the digit they stand for. Words that mean something else in a language that adverts are
# written in (English `to`, Swedish `sex`) are left out.
_SPELLED = (
    "zero oh zéro cero nul null nula zera ноль нуль нол sıfır صفر ศูนย์",
    "one un une uno um eins jeden один один bir واحد หนึ่ง",
    "two deux dos dois due zwei zwo twee dwa два dwie iki اثنان สอง",
    "three trois tres três tre drei drie trzy три üç ثلاثة สาม",
    "four quatre cuatro quatro quattro vier cztery четыре чотири dört اربعة أربعة สี่",
    "five cinq cinco cinque fünf fuenf vijf pięć пять п'ять beş خمسة ห้า",
    "six seis sei sechs zes sześć шесть шість altı ستة หก",
    "seven sept siete sete sette sieben zeven siedem семь сім yedi سبعة เจ็ด",
    "eight huit ocho oito otto acht osiem восемь вісім sekiz ثمانية แปด",
    "nine neuf nueve nove neun negen dziewięć девять дев'ять dokuz تسعة เก้า",
)
_NUMERALS = {"〇": "0", "零": "0", "一": "1", "幺": "1", "二": "2", "两": "2", "三": "3", "四": "4",
             "五": "5", "六": "6", "七": "7", "八": "8", "九": "9", "🔟": "10"}  # fmt: skip
_INVISIBLE = r"[\u{200b}-\u{200f}\u{2060}\u{feff}\u{fe0e}\u{fe0f}\u{20e3}\u{ad}]"
_SEPARATOR = r"[^\p{L}\p{N}]"
# 9 to 15 digits, not more than three other signs between two of them.
_DIGIT_RUN = rf"\+?[0-9](?:{_SEPARATOR}{{0,3}}[0-9]){{8,14}}"
# A number as it is plainly written: two or more ASCII digits stand together.
_PLAIN_NUMBER = r"\+?[0-9]{1,4}(?:[ .\-/()]{0,2}[0-9]{2,}){2,6}"
_EMAIL = r"[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)*\.\p{L}{2,}"
_URL = r"(?:https?://|www\.)[^\s<>\"'()\[\]{}]+"
_NETWORKS = {
    "telegram": r"(?:t\.me|telegram\.me)", "instagram": r"instagram\.com", "twitter": r"(?:twitter|x)\.com",
    "snapchat": r"snapchat\.com/add", "facebook": r"facebook\.com", "onlyfans": r"onlyfans\.com",
    "wechat": r"weixin\.qq\.com", "line": r"line\.me/ti/p", "kik": r"kik\.me", "whatsapp": r"wa\.me",
}  # fmt: skip
_NETWORK_WORDS = {
    "telegram": r"telegram|телеграм|tg", "instagram": r"instagram|insta|ig", "twitter": r"twitter",
    "snapchat": r"snapchat|snap", "wechat": r"wechat|微信", "line": r"line ?id", "kik": r"kik",
}  # fmt: skip


@cache
def _digits_of_scripts() -> dict[str, str]:
    """Every character that Unicode gives the value of one digit -> that digit."""
    values = ((chr(code), unicodedata.digit(chr(code), None)) for code in range(128, sys.maxunicode + 1))
    return {character: str(value) for character, value in values if value is not None}


@cache
def _spelled_patterns() -> tuple[str, ...]:
    """One pattern per digit: its names, standing alone."""
    return tuple(
        rf"(?i)(^|{_SEPARATOR})(?:{'|'.join(sorted(set(words.split()), key=len, reverse=True))})"
        for words in _SPELLED
    )


def plain_digits(text: pl.Expr) -> pl.Expr:
    """`text` with compatibility forms folded (NFKC), invisible signs gone and digits of any script as 0-9."""
    digits = _digits_of_scripts()
    return (
        text.str.replace_many(list(digits), list(digits.values()))
        .str.normalize("NFKC")
        .str.replace_all(_INVISIBLE, "")
    )


def spelled_digits(text: pl.Expr) -> pl.Expr:
    """`text` (of `plain_digits`) with digits in words, and Chinese numerals, as 0-9."""
    told = text.str.replace_many(list(_NUMERALS), list(_NUMERALS.values())).str.to_lowercase()
    for digit, pattern in enumerate(_spelled_patterns()):
        told = told.str.replace_all(rf"{pattern}(?:{_SEPARATOR}|$)", f"${{1}} {digit} ")
        # A separator ends one word and starts the next: what the first pass stepped over.
        told = told.str.replace_all(rf"{pattern}(?:{_SEPARATOR}|$)", f"${{1}} {digit} ")
    return told.str.replace_all(r" {2,}", " ")


def advert_words(text: pl.Expr) -> pl.Expr:
    """Advert text as words for comparison: one space between them, null where nothing is left.

    NFKC, lower case, letters of every script kept; each run of digits is `#`, each run of pictographs is
    `☺`, so that a new number or a new smile makes no new text; punctuation is a space.
    """
    words = (
        text.str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all(_INVISIBLE, "")
        .str.replace_all(r"\p{N}+(?:[ .\-/()]*\p{N}+)*", " # ")
        .str.replace_all(r"[\p{So}\p{Sk}\u{200d}]+", " ☺ ")
        .str.replace_all(r"[^\p{L}\p{M}#☺]+", " ")
        .str.strip_chars()
    )
    return pl.when(words != "").then(words)


def phone_keys(numbers: pl.Series, countries: pl.Series) -> pl.Series:
    """Telephone numbers in E.164 (`+3225550101`), row by row; null where there is no number.

    countries: ISO 3166-1 alpha-2 of the place, whose numbering a number without country code is read by. A
    number that cannot be read so (no country, or none of its numbers) keeps its digits as `~25550101`; fewer
    than 6 digits, or more than 15, are none. Extensions are dropped.
    """
    return _keyed(numbers, countries, _phone_key)


def _keyed(
    numbers: pl.Series, countries: pl.Series, key_of: Callable[[str, str | None], str | None]
) -> pl.Series:
    asked = pl.DataFrame(
        {
            "number": numbers.cast(pl.String),
            "country": countries.cast(pl.String).str.strip_chars().str.to_uppercase(),
        }
    )
    distinct = asked.filter(pl.col("number").is_not_null()).unique()
    plain = distinct.select(plain_digits(pl.col("number")))["number"]
    has_letters = plain.str.contains(r"\p{L}")
    spelled = plain.to_frame().select(spelled_digits(pl.col("number")))["number"]
    read = spelled.zip_with(has_letters, plain)
    keys = [key_of(text, country) for text, country in zip(read, distinct["country"], strict=True)]
    keyed = distinct.with_columns(key=pl.Series(keys, dtype=pl.String))
    return asked.join(keyed, on=["number", "country"], how="left", nulls_equal=True, maintain_order="left")[
        "key"
    ]


def _parsed(text: str, country: str | None) -> str | None:
    """E.164 of a number that the country's plan (or its own country code) makes whole; else None."""
    region = country if country in phonenumbers.SUPPORTED_REGIONS else None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    number.extension = None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _phone_key(text: str, country: str | None) -> str | None:
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if not 6 <= len(digits) <= 17:
        return None
    if country is None and digits.startswith("00") and "+" not in text:
        text = "+" + digits[2:]  # how nearly every country dials abroad
    whole = _parsed(text, country)
    if whole is not None:
        return whole
    return UNKNOWN_REGION + digits if len(digits) <= 15 else None


def _valid_phone(text: str, country: str | None) -> str | None:
    """E.164 of digits found in a text: only where they are a number in use, since prices look alike."""
    region = country if country in phonenumbers.SUPPORTED_REGIONS else None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_zones(keys: pl.Series) -> pl.Series:
    """The IANA zones in which a number (of `phone_keys`) was given out; empty where they are not known."""
    zones = {key: _zones_of(key) for key in keys.drop_nulls().unique().to_list()}
    return pl.Series([zones.get(key, []) for key in keys], dtype=pl.List(pl.String))


def _zones_of(key: str) -> list[str]:
    if key.startswith(UNKNOWN_REGION):
        return []
    zones = timezone.time_zones_for_number(phonenumbers.parse(key))
    return [zone for zone in zones if zone != timezone.UNKNOWN_TIMEZONE]


def email_key(email: pl.Expr) -> pl.Expr:
    """An e-mail address in lower case without `mailto:` or spaces; null where it is none."""
    told = (
        email.str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all(r"\s+|^mailto:", "")
        .str.replace_all(r"[\(\[{](?:at|@)[\)\]}]", "@")
        .str.replace_all(r"[\(\[{](?:dot|\.)[\)\]}]", ".")
    )
    return told.str.extract(rf"({_EMAIL})", 1)


def url_key(url: pl.Expr) -> pl.Expr:
    """A web address without scheme, `www.`, fragment, campaign marks or closing slash; null where it is none.

    The host is in lower case, the path as written.
    """
    told = url.str.strip_chars().str.replace(r"(?i)^[a-z]+://", "").str.replace(r"(?i)^www\.", "")
    told = (
        told.str.replace(r"#.*$", "")
        .str.replace_all(r"(?i)[?&](?:utm_[a-z]+|fbclid|gclid|ref)=[^&]*", "")
        .str.replace(r"[/?&.,;:!]+$", "")
    )
    host = told.str.extract(r"^([^/?]+)", 1).str.to_lowercase()
    rest = told.str.replace(r"^[^/?]+", "")
    return pl.when(host.str.contains(r"^[\p{L}\p{N}\-]+(\.[\p{L}\p{N}\-]+)*\.\p{L}{2,}(:\d+)?$")).then(
        host + rest
    )


def handle_key(text: pl.Expr) -> pl.Expr:
    """`network:name` of the first account named in a text or web address; null where none is.

    A bare `@name` names no network and reads `@name`.
    """
    lower = text.str.normalize("NFKC").str.to_lowercase()
    found = [
        pl.lit(f"{network}:") + lower.str.extract(rf"{host}/@?([a-z0-9._]{{3,}})", 1)
        for network, host in _NETWORKS.items()
    ]
    found += [
        pl.lit(f"{network}:")
        + lower.str.extract(rf"(?:^|{_SEPARATOR})(?:{word})\s*(?:[:@=]|is)\s*@?([a-z0-9._]{{3,}})", 1)
        for network, word in _NETWORK_WORDS.items()
    ]
    bare = pl.lit("@") + lower.str.extract(r"(?:^|[\s,;:(])@([a-z0-9._]{3,})", 1)
    return pl.coalesce(*found, bare).str.strip_chars_end(".")


def hides_number(text: pl.Expr) -> pl.Expr:
    """Whether a text has a telephone number that is not plainly written.

    9 to 15 digits appear once words, spaced digits, pictographs and other scripts are read as digits, while
    the text as it stands shows no such number.
    """
    plain = text.str.contains(_PLAIN_NUMBER)
    return (~plain & spelled_digits(plain_digits(text)).str.contains(_DIGIT_RUN)).fill_null(False)


def contacts_of(ads: pl.DataFrame) -> pl.DataFrame:
    """Contact values of adverts: ad (position in `ads`, UInt32), kind (CONTACT_KINDS), value, is_hidden.

    ads: those columns of the ads table that are known; country is the region of numbers. Values stated in a
    column and values found in title and text; each once per advert, sorted. is_hidden: a number that the text
    does not show plainly.
    """
    known = ads.with_row_index("ad").with_columns(
        pl.lit(None, pl.String).alias(name)
        for name in ("country", "phone", "email", "url", "title", "text")
        if name not in ads.columns
    )
    text = pl.concat_str("title", "text", separator=" \n ", ignore_nulls=True)
    told = known.select("ad", "country", written=text).filter(pl.col("written") != "")
    words = told.unique("written", maintain_order=True).select("written")
    number_like = pl.col("written").str.contains(r"[^a-zA-Z\s]|(?i)(?:zero|one|two|three|five|seven)")
    spelled = words.filter(number_like).with_columns(
        run=spelled_digits(plain_digits(pl.col("written"))).str.extract_all(_DIGIT_RUN),
        hidden=hides_number(pl.col("written")),
    )
    runs = (
        spelled.filter(pl.col("run").list.len() > 0)
        .explode("run")
        .join(told, on="written")
        .select("ad", "country", "run", is_hidden="hidden")
    )
    stated = known.filter(pl.col("phone").is_not_null())
    parts = [
        stated.select("ad", kind=pl.lit("phone"), value=phone_keys(stated["phone"], stated["country"])),
        runs.select(
            "ad",
            kind=pl.lit("phone"),
            value=_keyed(runs["run"], runs["country"], _valid_phone),
            is_hidden="is_hidden",
        ),
        known.select("ad", kind=pl.lit("email"), value=email_key(pl.col("email"))),
        known.select("ad", kind=pl.lit("url"), value=url_key(pl.col("url"))),
        known.select("ad", kind=pl.lit("handle"), value=handle_key(pl.col("url"))),
        _found(words.filter(pl.col("written").str.contains("@")), _EMAIL, "email", email_key, told),
        _found(words.filter(pl.col("written").str.contains(r"(?i)www\.|https?:")), rf"(?i){_URL}", "url",
               url_key, told),
        words.with_columns(value=handle_key(pl.col("written").str.replace_all(_EMAIL, " ")))
        .filter(pl.col("value").is_not_null())
        .join(told, on="written")
        .select("ad", "value", kind=pl.lit("handle")),
    ]  # fmt: skip
    return (
        pl.concat(parts, how="diagonal")
        .filter(pl.col("value").is_not_null())
        .group_by("ad", "kind", "value")
        .agg(is_hidden=pl.col("is_hidden").fill_null(False).any())
        .cast({"kind": pl.Enum(CONTACT_KINDS)})
        .sort("ad", "kind", "value")
    )


def _found(
    words: pl.DataFrame, pattern: str, kind: str, key: Callable[[pl.Expr], pl.Expr], told: pl.DataFrame
) -> pl.DataFrame:
    found = words.with_columns(value=pl.col("written").str.extract_all(pattern)).explode("value")
    found = found.filter(pl.col("value").is_not_null()).with_columns(value=key(pl.col("value")))
    return found.join(told, on="written").select("ad", "value", kind=pl.lit(kind))
