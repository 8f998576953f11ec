"""The catalogue of indicators as a page and as README's table.

`python -m finpat.indicators.document` writes docs/indicators.md and the marked part of README.md.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from finpat.indicators import INDICATORS
from finpat.indicators.base import TYPOLOGIES, WEIGHTS, Indicator
from finpat.indicators.thresholds import shipped_thresholds

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "indicators.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- indicators: begin -->", "<!-- indicators: end -->"

HEAD = """# Indicators

An indicator is a reason to look, never a conclusion: none of them alone says what an account is used for.
Each is judged in three states: found, not found, not evaluable (a field it needs is missing, or its peers are
too few).
This page is generated from the code (`python -m finpat.indicators.document`).

Every parameter can be set in `finpat.toml`, for example

```toml
[indicators.ST-STRUCT-01]
min_count = 4
[indicators.VE-SPIKE-03]
enabled = false
```

Evidence tags: V1 the text of the document was read; V2 a secondary source; M from memory, verify before
citing; D the number is a default of this project, the source gives the pattern only; S checked in a
simulation; U taken from unofficial code. No guidance on human trafficking gives most of these numbers, which
is why all of them are parameters.
Windows look backwards; a row exactly as old as the window is outside. Findings whose windows overlap are told
as one, with the values of the most extreme window. Money that moves between accounts of one holder is left
out of velocity, and bookings that were declined, cancelled or reversed count nowhere, where the source says
so (`status`).
"""

TRANSACTIONS_ONLY = "account, time, amount, direction, counterparty, channel"


def render(indicators: Sequence[Indicator] = INDICATORS) -> str:
    """The page as Markdown: an overview, each indicator in full, and the legal thresholds."""
    overview = ["| id | what it says | role | weight | precision |", "|---|---|---|---|---|"]
    for item in indicators:
        link = f"[{item.id}](#{item.id.lower()})"
        overview.append(
            f"| {link} | {_summary(item)} | {item.role_label} | {WEIGHTS[item.weight]} | {item.measured} |"
        )
    parts = [HEAD, "## Overview", "\n".join(overview)]
    parts += [_section(item) for item in indicators]
    parts += ["## Legal thresholds", _thresholds()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def render_table(indicators: Sequence[Indicator] = INDICATORS) -> str:
    """README's table: one foldable part per family, with the markers around them all."""
    parts = [BEGIN]
    for family, method in TYPOLOGIES.items():
        mine = [item for item in indicators if item.family == family]
        if not mine:
            continue
        rows = ["| id | what it says | role | weight |", "|---|---|---|---|"]
        for item in mine:
            off = "" if item.enabled else " (switched off)"
            link = f"[{item.id}](docs/indicators.md#{item.id.lower()})"
            rows.append(f"| {link} | {_summary(item)}{off} | {item.role_label} | {WEIGHTS[item.weight]} |")
        title = f"<summary>{family}, {method}: {len(mine)}</summary>"
        parts.append(f"<details>{title}\n\n" + "\n".join(rows) + "\n\n</details>")
    return "\n".join([*parts, END])


def with_table(text: str, table: str) -> str:
    """README's text with the marked part replaced.

    Raises:
        ValueError: the text has no such part.
    """
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"no part between {BEGIN} and {END}")
    return f"{before}{table}{after}"


def _summary(item: Indicator) -> str:
    return (item.find.__doc__ or "").split("\n\n")[0].strip()


def _section(item: Indicator) -> str:
    rows = ["| parameter | default | why | stricter when |", "|---|---|---|---|"]
    for field in item.parameter_fields():
        why, stricter = field.metadata["why"], field.metadata["stricter"]
        rows.append(f"| `{field.name}` | {getattr(item.parameters, field.name)} | {why} | {stricter} |")
    needs = ", ".join(item.needs)
    off = "" if item.enabled else " Switched off unless settings switch it on."
    return "\n\n".join(
        [
            f"### {item.id}",
            f"**{item.name}.** {item.definition}{off}",
            "\n".join(rows),
            f"- Source: {item.source} ({item.evidence}).\n"
            f"- Needs: {TRANSACTIONS_ONLY}{', and ' + needs if needs else ''}.\n"
            f"- Also common for: {item.caution}.\n"
            f"- Role: {item.role_label}. Weight: {WEIGHTS[item.weight]}. Precision: {item.measured}.",
        ]
    )


def _thresholds() -> str:
    rows = [
        "Rules with a use are what ST indicators test against, by the currency and the date of each "
        "payment; `jurisdictions`"
        " in `finpat.toml` narrows them. The others are here for reference.\n",
        "| jurisdiction | instrument | use | threshold | window | in force | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in shipped_thresholds():
        until = f" to before {rule.valid_to}" if rule.valid_to else ""
        rows.append(
            f"| {rule.jurisdiction} | {rule.instrument} | {rule.use.replace('_', ' ') or 'reference'} | "
            f"{rule.operator} "
            f"{rule.amount:,} {rule.currency} | {rule.window.replace('_', ' ')} | "
            f"{rule.valid_from}{until} | {rule.source} "
            f"({rule.evidence}) |"
        )
    return "\n".join(rows)


def main() -> None:
    """Write the page, and the table into README."""
    PAGE.write_text(render(), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8"), render_table()), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n{README}\n")


if __name__ == "__main__":
    main()
