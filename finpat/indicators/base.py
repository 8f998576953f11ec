"""What an indicator is: its parameters, its card and one function, in one place.

An indicator is a reason to look, never a conclusion. Its function gets a `Context` and its parameters and
returns an `Outcome`: the windows in which the definition holds, and the rows that evidence is drawn from.
Everything else (overrides, merging, ids, sentences, what could not be judged) is done once, in evaluation.py.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from finpat.errors import SettingsError, nearest

if TYPE_CHECKING:
    from finpat.indicators.context import Context

ROLES = {"PV": "possible victim", "PC": "possible controller", "NET": "role unknown", "BIZ": "business"}
WEIGHTS = {"S": "strong", "M": "medium", "W": "weak"}
# Family of an id -> the method it stands for.
TYPOLOGIES = {
    "HT-ADS": "advert payments",
    "HT-MOV": "accommodation and movement",
    "HT-NIT": "night activity",
    "HT-SPD": "upkeep spending",
    "HT-P2P": "third-party receipts",
    "HT-CTL": "control of accounts",
    "HT-LAB": "wages and recruitment fees",
    "HT-RES": "premises",
    "HT-FRT": "front business",
    "ST": "structuring",
    "VE": "velocity",
    "NW": "network pattern",
    "CR": "crypto-assets",
    "CX": "context",
}

Unit = Literal["count", "share", "ratio", "hours", "days", "km", "money", "score", "probability"]
Operator = Literal[">=", ">", "<=", "<", ""]
Stricter = Literal["higher", "lower", ""]


def parameter(
    default: Any, why: str, *, stricter: Stricter = "", low: float | None = None, high: float | None = None
) -> Any:
    """One parameter of an indicator: a dataclass field with its default, why it is that, and its bounds.

    stricter: the direction of the value in which the indicator can only find less ("" where neither is
    certain).
    low, high: smallest and largest value a setting may give, both allowed.
    """
    return field(default=default, metadata={"why": why, "stricter": stricter, "low": low, "high": high})


@dataclass(frozen=True)
class Value:
    """One number of a finding: a column of `Outcome.windows`, with the bound it is held against.

    threshold: name of a parameter, or of a further column of `windows` in the same unit; "" where the number
        is told but not tested. Money columns are minor units of the window's `currency`.
    """

    name: str
    unit: Unit
    operator: Operator = ""
    threshold: str = ""


@dataclass(frozen=True)
class Outcome:
    """What an indicator's function returns.

    windows: one row per window in which the definition holds: `subject` (any integer that `rows` shares: an
        account, a person, a beneficiary), `window_start`, `window_end` (first and last instant of its
        evidence), one column per declared value, `currency` where a value is money; `weight` where a window
        weighs less than its indicator.
    rows: candidate evidence: `subject`, `account`, `booked_at`, `row`. The rows of a subject from
        window_start to window_end, both included, are a window's evidence; each account among them gets the
        finding. Where a finding argues for different roles of different accounts (who is swept, who
        receives), a further column `role` says which, one per subject and account; else the indicator's.
    unjudged: `account`, `missing_field`: accounts that everything but the missing field would have let be
    judged.
    """

    windows: pl.DataFrame
    rows: pl.DataFrame
    unjudged: pl.DataFrame | None = None


@dataclass(frozen=True)
class Indicator:
    """One red flag.

    id: the catalogue's id, never used again for anything else. level: `account`, or `portfolio` for a
    statement about the whole data set (account_id null). source: documents, with `evidence` telling how well
    each was read (V1 text, V2 secondary, M memory, D the numbers are this project's defaults, U an unofficial
    code base). needs: what the indicator cannot do without: optional leg or account columns, `time` (time of
    day), `local_hour`. fact: the finding in a few words, `{name}` being a value or parameter. caution: who
    shows the same innocently. uses_peers: what is found depends on other accounts. across: its function has
    to see the legs of all accounts at once, because it joins what several persons did or is about everybody;
    otherwise it is called with some whole persons at a time (Context.whole says what concerns everybody).
    None: as uses_peers and level say. rows_shown: evidence rows of one finding that are kept at most, those
    of its most extreme window first; the sentence says how many there are. measured: the measured precision
    where there is one.
    """

    id: str
    name: str
    role: str
    weight: str
    source: str
    evidence: str
    parameters: Any
    values: tuple[Value, ...]
    fact: str
    caution: str
    find: Callable[[Context, Any], Outcome]
    needs: tuple[str, ...] = ()
    enabled: bool = True
    level: Literal["account", "portfolio"] = "account"
    uses_peers: bool = False
    across: bool | None = None
    rows_shown: int = 100
    measured: str = "not measured"

    @property
    def needs_all(self) -> bool:
        """Whether its function has to see the legs of all accounts at once."""
        return (self.uses_peers or self.level == "portfolio") if self.across is None else self.across

    @property
    def family(self) -> str:
        """The id without name and number: ST, VE, HT-MOV, ..."""
        first, second, *_ = self.id.split("-")
        return f"{first}-{second}" if first == "HT" else first

    @property
    def typology(self) -> str:
        """The method that the family stands for."""
        return TYPOLOGIES[self.family]

    @property
    def definition(self) -> str:
        """The docstring of the function, without line breaks."""
        return " ".join((self.find.__doc__ or "").split())

    @property
    def role_label(self) -> str:
        """The role in words; `PC/NET` reads `possible controller or role unknown`."""
        return in_words(self.role)

    def parameter_fields(self) -> tuple[dataclasses.Field[Any], ...]:
        """The parameters' dataclass fields, in order."""
        return dataclasses.fields(self.parameters)

    def with_parameters(self, overrides: dict[str, Any]) -> Any:
        """The parameters, those in `overrides` replaced.

        Raises:
            SettingsError: a name the indicator lacks (the nearest is named), a value of another type or out
            of bounds.
        """
        known = {item.name: item for item in self.parameter_fields()}
        values = {}
        for name, value in overrides.items():
            where = f"indicators.{self.id}.{name}"
            if name not in known:
                hint = nearest(name, known) or f" Known: {', '.join(known)}."
                raise SettingsError(f"{where}: {self.id} has no such parameter.{hint}")
            values[name] = _checked(where, value, getattr(self.parameters, name), known[name].metadata)
        return dataclasses.replace(self.parameters, **values)


def in_words(role: str) -> str:
    """A role, or several joined by `/`, as people read it."""
    return " or ".join(ROLES[part] for part in role.split("/"))


def _checked(where: str, value: Any, default: Any, metadata: Any) -> Any:
    """`value` in the type of `default` and inside the bounds. Raises SettingsError otherwise."""
    if isinstance(default, tuple):
        kind = type(default[0]) if default else str
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, kind) for item in value):
            raise SettingsError(f"{where} = {value!r}: expected a list like {list(default)!r}")
        return tuple(value)
    expected = type(default)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not expected:
        names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
        raise SettingsError(f"{where} = {value!r}: expected {names[expected]} like {default!r}")
    low, high = metadata["low"], metadata["high"]
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = (
            f"at least {low}" if high is None else f"at most {high}" if low is None else f"{low} to {high}"
        )
        raise SettingsError(f"{where} = {value!r}: expected {bounds}")
    return value
