"""How well the same-author score tells authors apart, on adverts whose telephone numbers are taken out.

    python -m finpat.evaluation.authors [--ads ads.parquet --labels labels.parquet --author COLUMN]

Authors are split: the score learns from the pairs of one half of them and is measured on the other half. The
built-in adverts are made here: authors share phrases, prices and cities, and differ in habits that they keep
to most of the time. Real authors are harder and easier in ways that no generator knows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.adverts.authors import caught_at, drawn_pairs, fit_authors, pair_measures, written_style
from finpat.adverts.cluster import cluster_adverts
from finpat.adverts.normalise import contacts_of

PAIRS = 5_000  # of one author, and as many of two, in each half
_SLOTS = tuple(
    tuple(line.split(", "))
    for line in (
        "hello, hi there, good evening, hey, hello everybody, welcome",
        "new in town, just arrived, back in the city, here for some days, visiting again, only this week",
        "call me, give me a ring, text me first, write me a message, phone only, call or text",
        "any time, day and night, all day, from morning to night, every day, late hours too",
        "friendly and relaxed, calm and polite, easy going, kind and patient, warm and open, very discreet",
        "central location, near the station, quiet street, close to the centre, easy parking, nice place",
        "no rush, take your time, never in a hurry, relax with me, time for you, no stress",
        "see you soon, waiting for you, do not miss it, come and see, until then, kisses",
    )
)
_PRICES = ("${}", "{} $", "{}$ / hour", "{} usd", "€{}", "{} euro", "{}/h", "from {}")
_ENDS = (".", "!", "!!", " ...", "", " ;)", " -", "!!!", " ~")
_PICTOGRAPHS = ("❤", "★", "☎", "♥", "✨", "🌹", "🔥", "💋", "✔", "☀")


def made_adverts(authors: int, each: int, keeps: float, seed: int = 7) -> pl.DataFrame:
    """author, text: adverts of authors who keep to their habits this often (0 to 1)."""
    draw = np.random.default_rng(seed)
    rows = []
    for author in range(authors):
        words = [draw.integers(0, len(slot), 2) for slot in _SLOTS]
        price, end, break_ = draw.integers(0, len(_PRICES)), draw.integers(0, len(_ENDS)), draw.random() < 0.5
        signs = draw.choice(_PICTOGRAPHS, draw.integers(0, 3), replace=False).tolist()
        case = draw.integers(0, 4)
        order = draw.permutation(len(_SLOTS))
        for _ in range(each):
            pieces = []
            for slot in order if draw.random() < keeps else draw.permutation(len(_SLOTS)):
                if draw.random() < 0.25:
                    continue
                choice = (
                    draw.choice(words[slot]) if draw.random() < keeps else draw.integers(0, len(_SLOTS[slot]))
                )
                piece = _SLOTS[slot][choice]
                how = case if draw.random() < keeps else draw.integers(0, 4)
                piece = (piece, piece.capitalize(), piece.title(), piece.upper())[how]
                mark = _ENDS[end] if draw.random() < keeps else draw.choice(_ENDS)
                sign = str(draw.choice(signs)) if signs and draw.random() < keeps / 3 else ""
                pieces.append(f"{piece}{mark}{sign}")
            form = _PRICES[price] if draw.random() < keeps else str(draw.choice(_PRICES))
            pieces.insert(int(draw.integers(0, len(pieces) + 1)), form.format(10 * draw.integers(5, 30)))
            rows.append((author, ("\n" if break_ == (draw.random() < keeps) else " ").join(pieces)))
    return pl.DataFrame(rows, schema={"author": pl.Int64, "text": pl.String}, orient="row")


def measured(texts: pl.Series, authors: npt.NDArray[np.int64], seed: int = 7) -> dict[str, float]:
    """True positives at 1 % false positives over authors whom the score has not learned from.

    all: of all pairs; reworded: of pairs whose texts share less than half of their words, so that a copied
    text does not count. authors: per text.
    """
    learn = np.isin(authors, np.random.default_rng(seed).permutation(np.unique(authors))[::2])
    half = {}
    for name, chosen in (("learn", learn), ("judge", ~learn)):
        rows = np.flatnonzero(chosen)
        left, right, same = drawn_pairs(authors[rows], PAIRS, seed)
        left, right = rows[left], rows[right]
        half[name] = (pair_measures(texts, left, right), same, left, right)
    measures, same, _, _ = half["learn"]
    model = fit_authors(measures, same)
    measures, same, left, right = half["judge"]
    scores = model.score(measures)
    words = texts.str.to_lowercase().str.extract_all(r"\p{L}+").list.unique().to_list()
    shared = np.array(
        [len(set(words[a]) & set(words[b])) / max(len(set(words[a]) | set(words[b])), 1)
         for a, b in zip(left, right, strict=True)]
    )  # fmt: skip
    reworded = shared < 0.5
    return {
        "all": caught_at(scores, same),
        "words_alone": caught_at(measures[:, 1], same),
        "reworded": caught_at(scores[reworded], same[reworded]),
        "reworded_pairs": float((same & reworded).sum()),
    }


def pair_figures(found: pl.Series, truth: pl.Series) -> dict[str, float]:
    """Precision and recall of the pairs of one cluster against the pairs of one true group; null: alone."""
    frame = pl.DataFrame({"found": found, "truth": truth})

    def pairs(*names: str) -> float:
        size = frame.drop_nulls(names).group_by(*names).len()["len"].cast(pl.Float64)
        return float((size * (size - 1) / 2).sum())

    both = pairs("found", "truth")
    return {"precision": both / max(pairs("found"), 1.0), "recall": both / max(pairs("truth"), 1.0)}


def cluster_figures(ads: pl.DataFrame, strip: str) -> dict[str, dict[str, float]]:
    """How text clusters hold against the true texts (cluster_id), and posters against the true ones.

    ads: ad_id, posted_at, text, phone, email, social (a name on some network), cluster_id, meta_id. small:
    text clusters without the true groups of more than 200 adverts.
    """
    told = ads.select(
        "ad_id", "phone", "email",
        pl.col("posted_at").cast(pl.Datetime("us")),
        country=pl.lit("US"),
        text=pl.col("text").str.replace_all(strip, " "),
        url=pl.format("https://instagram.com/{}", "social"),
    )  # fmt: skip
    members = cluster_adverts(told, contacts_of(told)).members
    small = ads.select(pl.len().over("cluster_id") <= 200).to_series()
    return {
        "texts": pair_figures(members["text_cluster"], ads["cluster_id"]),
        "small": pair_figures(members["text_cluster"].filter(small), ads["cluster_id"].filter(small)),
        "posters": pair_figures(members["cluster"], ads["meta_id"]),
    }


def main() -> None:
    """Print true positives at 1 % false positives, built-in adverts first; then how clusters hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ads", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--author", default="meta_id")
    parser.add_argument("--strip", default=r"\b(?:ht|isw|call)_\w+", help="what gives an author away")
    chosen = parser.parse_args()
    for keeps in (0.9, 0.7, 0.5):
        made = made_adverts(400, 12, keeps)
        texts = written_style(made)["text"]
        figures = measured(texts, made["author"].to_numpy())
        print(f"made, habits kept {keeps:.0%}: " + _line(figures))  # noqa: T201
    if chosen.ads and chosen.labels:
        ads = pl.read_parquet(chosen.ads).join(pl.read_parquet(chosen.labels), on="ad_id").sort("ad_id")
        for name, figures in cluster_figures(ads, chosen.strip).items():
            print(f"{chosen.ads.parent.name}, {name}: " + _line(figures))  # noqa: T201
        ads = ads.with_columns(text=written_style(ads)["text"].str.replace_all(chosen.strip, " "))
        ads = ads.drop_nulls(["text", chosen.author])
        code = ads[chosen.author].rank("dense").cast(pl.Int64).to_numpy()
        print(f"{chosen.ads.parent.name}: " + _line(measured(ads["text"], code)))  # noqa: T201


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in figures.items())


if __name__ == "__main__":
    main()
