"""Vocabulary: what kind of thing a payment was for, read off merchant category, payee and text.

The kinds stand in two tables that a reviewer can read: merchant categories of ISO 18245
(`merchant_categories.csv`) and words of descriptions and payees in several languages (`words.csv`; language
`name` marks a company's name). Own words are added in finpat.toml under `[dictionaries]`. A word counts as a
whole: it is compared without case, accents and punctuation, and no part of a longer word is taken for it.
What no category and no word names has no kind, which says nothing about it.

`service_words` and `protected` are sensitive: what they match is never shown (guardrails of the catalogue).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

import polars as pl

from finpat.places import normalised

# Kind -> what it stands for. The position is the bit that carries it in the column `kinds`.
KINDS: dict[str, str] = {
    "lodging": "hotels, hostels, holiday flats and the sites that sell them",
    "transport_far": "airlines, railways, long-distance coaches",
    "transport_local": "taxis, ride hailing, local transport, car rental",
    "food_fast": "fast food",
    "delivery": "delivered meals",
    "pharmacy": "pharmacies",
    "apparel_beauty": "clothing, hairdressers, beauty",
    "grocery": "food shops",
    "convenience": "convenience shops and petrol stations",
    "prepaid": "prepaid cards and their loads",
    "gift_card": "gift cards and the shops that sell them",
    "crypto": "crypto-asset exchanges and sellers",
    "gambling": "betting and casinos",
    "luxury": "jewellery, cars, bars, spas",
    "advert": "classified-advert platforms, dating and advertising services",
    "parking": "parking",
    "vehicle_rental": "rented cars, vans and buses",
    "telecom": "telephone companies and top-ups",
    "utility": "electricity, gas, water",
    "rent": "rent and landlords",
    "payroll": "wages",
    "tax": "taxes and social security",
    "benefit": "welfare payments",
    "payment_processor": "companies that collect payments for others",
    "recruitment": "job placement, visa, permit and training fees",
    "travel_agency": "travel agencies and ticket sellers",
    "remittance": "money transfer companies",
    "cash_advance": "cash on a credit card",
    "credit_disbursement": "a loan paid out",
    "card_payment": "a credit card's bill",
    "invoice": "a reference to an invoice or order",
    "refund": "money given back",
    "interest": "interest that a bank books by itself",
    "collect_call": "telephone calls that the called party pays",
    "kiosk": "machines that sell crypto-assets for cash",
    "mixer": "services that hide where crypto-assets come from",
    "property_tax": "tax on land and buildings",
    "occasion": "months, weekdays, feasts: a word in brackets that is no name",
    "service_words": "reviewed words of intimate services (sensitive: never shown)",
    "shared_address": "houses where many live or are registered: hostels, halls of residence, law firms",
    "custodian": "care homes and appointees, who lawfully receive money for others",
    "protected": "shelters, legal aid, victim support, unions (protected: never shown, never counted)",
    "remote_sale": "sold without the buyer being there: booking sites, online shops, subscriptions",
    "expenses": "travel expenses that an employer pays back",
}
_BIT = {kind: 1 << position for position, kind in enumerate(KINDS)}


def kind_bits(*kinds: str) -> int:
    """The kinds as bits of the column `kinds`."""
    return sum(_BIT[kind] for kind in kinds)


def of_kind(*kinds: str) -> pl.Expr:
    """Whether the leg is of one of `kinds` (a condition on the column `kinds`)."""
    return (pl.col("kinds") & kind_bits(*kinds)) != 0


@dataclass(frozen=True)
class Vocabulary:
    """Words and merchant categories of every kind.

    words: kind -> folded words. categories: merchant_category (four digits) and kinds (UInt64).
    """

    words: Mapping[str, tuple[str, ...]]
    categories: pl.DataFrame

    def kinds_of(self, merchant_category: pl.Series | None, texts: Iterable[pl.Series]) -> pl.Series:
        """The kinds of each row, as bits (UInt64); rows of which nothing is known have none.

        merchant_category, texts: columns of one length (Categorical or String). Each distinct value is judged
        once.
        """
        columns = [] if merchant_category is None else [self._by_category(merchant_category)]
        columns += [self._by_words(text) for text in texts]
        if not columns:
            raise ValueError("kinds_of needs a merchant category or a text")
        kinds = columns[0]
        for more in columns[1:]:
            kinds = kinds | more
        return kinds.alias("kinds")

    def _by_category(self, column: pl.Series) -> pl.Series:
        asked = pl.DataFrame({"merchant_category": column.cast(pl.String)})
        distinct = asked.unique().with_columns(key=pl.col("merchant_category").str.strip_chars().str.zfill(4))
        known = distinct.join(self.categories, left_on="key", right_on="merchant_category", how="left")
        return _looked_up(column, known.select(value="merchant_category", kinds="kinds"))

    def _by_words(self, column: pl.Series) -> pl.Series:
        distinct = pl.DataFrame({"value": column.unique().cast(pl.String)}).unique().drop_nulls()
        folded = distinct.select("value", text=pl.format(" {} ", normalised(pl.col("value"))))
        bits = [
            pl.when(pl.col("text").str.contains_any([f" {word} " for word in words]))
            .then(pl.lit(_BIT[kind], pl.UInt64))
            .otherwise(pl.lit(0, pl.UInt64))
            .alias(kind)
            for kind, words in self.words.items()
        ]
        judged = folded.select("value", *bits)
        kinds = pl.lit(0, pl.UInt64)
        for kind in self.words:
            kinds = kinds | pl.col(kind)
        return _looked_up(column, judged.select("value", kinds=kinds))


def _looked_up(column: pl.Series, known: pl.DataFrame) -> pl.Series:
    """The kinds of each value of `column`, 0 where unknown. known: value (text), kinds."""
    if isinstance(column.dtype, pl.Categorical):
        values = known["value"].cast(column.dtype)
        codes = column.to_physical().cast(pl.UInt32)
        table = pl.DataFrame({"code": values.to_physical().cast(pl.UInt32), "kinds": known["kinds"]})
        asked = pl.DataFrame({"code": codes})
        found = asked.join(table.drop_nulls("code"), on="code", how="left", maintain_order="left")
    else:
        asked = pl.DataFrame({"value": column.cast(pl.String)})
        found = asked.join(known.drop_nulls("value"), on="value", how="left", maintain_order="left")
    return found["kinds"].fill_null(0)


@cache
def _shipped() -> tuple[dict[str, tuple[str, ...]], pl.DataFrame]:
    folder = files("finpat").joinpath("vocabulary")
    listed = pl.read_csv(StringIO(folder.joinpath("words.csv").read_text("utf-8")))
    words = listed.select("kind", word=normalised(pl.col("word"))).unique(maintain_order=True)
    by_kind = {kind: tuple(group["word"]) for (kind,), group in words.group_by("kind", maintain_order=True)}
    ranges = pl.read_csv(StringIO(folder.joinpath("merchant_categories.csv").read_text("utf-8")))
    categories = (
        ranges.with_columns(code=pl.int_ranges(pl.col("first"), pl.col("last") + 1))
        .explode("code")
        .select(
            merchant_category=pl.col("code").cast(pl.String).str.zfill(4),
            kinds=pl.col("kind").replace_strict(_BIT, return_dtype=pl.UInt64),
        )
        .group_by("merchant_category")
        .agg(pl.col("kinds").bitwise_or())
        .sort("merchant_category")
    )
    return {str(kind): kind_words for kind, kind_words in by_kind.items()}, categories


def load_vocabulary(own: Mapping[str, Iterable[str]] | None = None) -> Vocabulary:
    """The shipped vocabulary with `own` words added (kind -> words)."""
    words, categories = _shipped()
    merged = dict(words)
    for kind, more in (own or {}).items():
        folded = pl.Series(list(more), dtype=pl.String).to_frame("word").select(normalised(pl.col("word")))
        merged[kind] = tuple(dict.fromkeys([*merged.get(kind, ()), *folded["word"]]))
    return Vocabulary({kind: merged[kind] for kind in KINDS if merged.get(kind)}, categories)
