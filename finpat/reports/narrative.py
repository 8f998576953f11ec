"""The narrative of a draft: facts, numbers and interpretation kept apart, from what `explain` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from finpat.explain import value_in_words
from finpat.reports.preflight import one_line

DRAFT = "DRAFT, not filed: to be checked, completed and decided by an officer."


def paragraphs(explanation: Mapping[str, Any], key_term: str) -> list[str]:
    """One line each: what it is, the facts with their source rows, the numbers, the interpretation."""
    facts, inner = explanation["facts"], explanation["interpretation"]
    told = [DRAFT, key_term, "FACTS (what the records say):"]
    told.append(
        f"Account {explanation['account_id']}: {facts['transactions']:,} transactions from "
        f"{facts['first_seen']:%Y-%m-%d} to {facts['last_seen']:%Y-%m-%d}; in {facts['amount_in']:,.2f}, "
        f"out {facts['amount_out']:,.2f} {facts['currency']}."
    )
    for finding in facts["findings"]:
        told.append(f"{finding['indicator_id']}: {finding['fact']}.")
        told += [
            f"{row['booked_at']:%Y-%m-%d} {row['amount']:,.2f} {row['currency']} {row['direction']} by "
            f"{row['channel']} [{row['source_file']}:{row['source_line']}]"
            for row in finding["evidence"]
        ]
    told.append("NUMBERS (computed from the facts):")
    told += [
        f"{finding['indicator_id']}: {value_in_words(value)}"
        for finding in facts["findings"]
        for value in finding["values"]
    ]
    told.append(f"Anomaly score higher than {explanation['place']['anomaly_percentile']:.1f} % of accounts.")
    told.append("INTERPRETATION (what may follow from both; no evidence):")
    told += [
        inner["reason"],
        f"Possible role: {inner['possible_role'].replace('_', ' ')}.",
        inner["note"],
    ]
    return [one_line(text) for text in told if text]


def pieces(lines: Sequence[str], length: int, count: int) -> tuple[list[str], bool]:
    """The lines joined into at most `count` texts of at most `length` characters; whether all fitted.

    A line too long for one text goes on in the next one.
    """
    words = [word[at : at + length] for word in " ".join(lines).split() for at in range(0, len(word), length)]
    made = [""]
    for word in words:
        joined = f"{made[-1]} {word}".strip()
        if len(joined) <= length:
            made[-1] = joined
        else:
            made.append(word)
    return made[:count], len(made) <= count
