"""Amounts as exports write them -> exact minor units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as arrow

SYMBOLS = {
    "€": ("EUR",), "£": ("GBP", "GIP", "FKP", "SHP", "EGP"), "¥": ("JPY", "CNY"), "zł": ("PLN",),
    "Kč": ("CZK",), "kr": ("SEK", "NOK", "DKK", "ISK"), "₹": ("INR",), "₽": ("RUB",), "₺": ("TRY",),
    "₴": ("UAH",), "₿": ("BTC",), "₩": ("KRW",), "₦": ("NGN",), "฿": ("THB",), "₫": ("VND",), "₱": ("PHP",),
    "R$": ("BRL",),
}  # fmt: skip
_DOLLARS = (
    "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP BBD BMD BSD BZD BND FJD GYD JMD KYD LRD NAD SBD SRD TTD "
    "XCD ZWL"
).split()
_MONEY = (
    r"^(?<open>\()?\s*(?<s1>[-+])?\s*(?<c1>[A-Z]{3}|R\$|\$|[€£¥₹₽₺₴₿₩₦฿₫₱]|kr\.?|zł|Kč)?\s*(?<s2>[-+])?\s*"
    r"(?<num>(?:\d|[.,]\d)[\d.,'’ \u00a0\u202f]*?)\s*(?<c2>[A-Z]{3}|R\$|\$|[€£¥₹₽₺₴₿₩₦฿₫₱]|kr\.?|zł|Kč)?\s*"
    r"(?<s3>[-+])?\s*(?<close>\))?\s*(?<side>(?i:cr|dr|c|d|h|s))?\.?$"
)
_MAX_MINOR = 2**62  # far above any payment; leaves room for sums


def plain_number(text: pl.Expr, decimal: str, thousands: str) -> list[pl.Expr]:
    """`plain` ("-1234.56", null where no amount) and `symbol` of amounts as people write them."""
    parts = text.str.replace_all("[\u2212\u2013]", "-").str.extract_groups(_MONEY)

    def part(name: str) -> pl.Expr:
        return parts.struct.field(name)

    mark = {"": "", " ": r"[ \u00a0\u202f]", "'": "['’]"}.get(
        thousands, "\\" + thousands if thousands else ""
    )
    point = "\\" + decimal
    grouped = rf"^\d{{1,3}}(?:{mark}\d{{3}})+(?:{point}\d*)?$" if mark else r"^\b$"
    number = part("num")
    valid = number.str.contains(rf"^\d*(?:{point}\d*)?$") | number.str.contains(grouped)
    digits = number.str.replace_all(mark, "") if mark else number
    digits = digits.str.replace(point, ".") if decimal != "." else digits
    signs = pl.concat_str([part("s1"), part("s2"), part("s3")], ignore_nulls=True)
    both = part("open").is_not_null() & part("close").is_not_null()
    one = part("open").is_not_null() != part("close").is_not_null()
    side = part("side").str.to_lowercase().is_in(["dr", "d", "s"]).fill_null(False)
    negative = (signs == "-") | both | side
    usable = valid & (signs.str.len_bytes() <= 1) & ~one & ~(both & (signs == "-"))
    return [
        pl.when(usable)
        .then(pl.when(negative).then(pl.concat_str(pl.lit("-"), digits)).otherwise(digits))
        .alias("plain"),
        pl.coalesce(part("c1"), part("c2")).alias("symbol"),
    ]


def plain_minor(text: pl.Series, currency: pl.Series, decimals: dict[str, int]) -> pl.Series | None:
    """Minor units where every value is a plain number such as -1234.56 that fits exactly, else None.

    Says nothing about any single value: where it is None, the long way tells what is wrong with which row.
    """
    if text.null_count() or not len(text) or not decimals or currency.null_count():
        return None
    values = text.rechunk().to_arrow()
    letters = values.buffers()[2]
    if not letters or int(np.frombuffer(letters, np.uint8).max(initial=0)) > ord("9"):
        return None  # letters: an exponent, a currency
    places = max(decimals.values())
    try:
        # 18 digits: whatever passes is an Int64, the low half of the 128 bits.
        exact = arrow.cast(values, pa.decimal128(18, places))
    except pa.ArrowInvalid:
        return None
    minor: npt.NDArray[np.int64] = np.frombuffer(exact.buffers()[1], np.int64)[::2][: len(text)]
    if len(set(decimals.values())) == 1:
        return pl.Series(minor.copy())
    surplus = currency.cast(pl.String).replace_strict(
        {code: 10 ** (places - count) for code, count in decimals.items()}, return_dtype=pl.Int64
    )
    whole, rest = np.divmod(minor, surplus.to_numpy())
    return None if rest.any() else pl.Series(whole)


def other_currency(data: pl.DataFrame) -> pl.Series | None:
    """Rows whose amount cell names another currency than the row has; None if there is none."""
    symbols = data["symbol"].unique().drop_nulls().to_list()
    if not symbols:
        return None
    clash = pl.lit(False)
    for symbol in symbols:
        base = symbol.rstrip(".")
        allowed = list(_DOLLARS if base == "$" else SYMBOLS.get(base, (base,)))
        clash = clash | ((pl.col("symbol") == symbol) & ~pl.col("currency").is_in(allowed))
    rows = data.select(clash.fill_null(False).alias("clash")).to_series()
    return rows if rows.any() else None


def scaled(data: pl.DataFrame, decimals: dict[str, int], rounding: str) -> pl.DataFrame:
    """Add `minor` (Int64, null where the currency holds fewer decimals) and `too_large`."""
    minor = pl.lit(None, pl.Int64)
    large = pl.lit(False)
    number = pl.col("plain")
    for places in sorted(set(decimals.values())):
        codes = [code for code, count in decimals.items() if count == places]
        here = pl.lit(True) if len(codes) == len(decimals) else pl.col("currency").is_in(codes)
        scaled = number.cast(pl.Decimal(38, places), strict=False).to_physical().cast(pl.Int128)
        exact = rounding != "none" or ~number.str.contains(rf"\.\d{{{places}}}\d*[1-9]")
        fits = scaled.abs() <= _MAX_MINOR
        minor = pl.when(here & exact & fits).then(scaled.cast(pl.Int64, strict=False)).otherwise(minor)
        large = pl.when(here).then(~fits.fill_null(False) & number.is_not_null()).otherwise(large)
    return data.with_columns(minor=minor, too_large=large)


def minor_of_floats(
    value: pl.Series, currency: pl.Series, decimals: dict[str, int], rounding: str
) -> tuple[pl.Series, pl.Series, dict[str, tuple[str, pl.Series]]]:
    """Minor units of binary floats: a float counts as the decimal that it is within float error of."""
    data = pl.DataFrame({"value": value.cast(pl.Float64), "currency": currency}).with_columns(
        places=pl.col("currency").replace_strict(decimals, default=None, return_dtype=pl.Int32)
    )
    scaled = pl.col("value") * pl.lit(10.0).pow(pl.col("places"))
    whole = scaled.round()
    near = (scaled - whole).abs() <= scaled.abs() * 2.0**-46 + 1e-9
    data = data.with_columns(
        finite=pl.col("value").is_finite(),
        large=whole.abs() > 2.0**53,
        near=near if rounding == "none" else pl.lit(True),
        minor=pl.when(pl.col("value").is_finite() & (whole.abs() <= 2.0**53)).then(whole),
    )
    known = data["value"].is_not_null()
    finite = data["finite"].fill_null(False)
    usable = known & finite & data["currency"].is_not_null()
    large = data["large"].fill_null(False)
    near_rows = data["near"].fill_null(False)
    minor = data.select(pl.when(pl.col("near")).then("minor").cast(pl.Int64, strict=False)).to_series()
    return (
        value.cast(pl.String),
        minor,
        {
            "not_finite": ("not a finite number", known & ~finite),
            "too_large": ("larger than a floating-point number can state exactly", usable & large),
            "too_many_decimals": (
                "more decimals than its currency holds; state amount.rounding in the mapping to round",
                usable & ~large & ~near_rows,
            ),
        },
    )
