"""From an indicator to the advisory that it is taken from and to the codes of report forms.

`crosswalk.csv` has one row per indicator; a code is blank where none is known to fit. Suspicious activity
types and subtypes are those of the FinCEN SAR XML schema 2.0, in which a subtype's hundreds are its type;
goAML indicators are those of the United Arab Emirates' schema 5.0.2, since each FIU has its own. A code is a
proposal: the officer chooses.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Crossing:
    """One indicator in the words of report forms; empty where unknown."""

    indicator_id: str
    advisory: str
    fincen_type: str
    fincen_subtype: str
    goaml_uae: str


def _read() -> dict[str, Crossing]:
    text = files("finpat.reports").joinpath("crosswalk.csv").read_text(encoding="utf-8")
    return {row["indicator_id"]: Crossing(**row) for row in csv.DictReader(text.splitlines())}


CROSSWALK = _read()
