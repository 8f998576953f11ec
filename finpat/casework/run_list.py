"""What casework is told of a published run: one row per account of its list, best first."""

from __future__ import annotations

from dataclasses import dataclass

POSSIBLE_VICTIM = "possible_victim"
UNUSUAL = "unusual"  # the group of an account that no indicator found anything on
# Family of an indicator's id -> the group of typologies whose facts one alert holds together.
GROUPS = {
    "HT": "exploitation",
    "ST": "money movement",
    "VE": "money movement",
    "NW": "money movement",
    "CR": "crypto-assets",
}
CONTEXT = "CX"  # makes other findings weigh more and is no fact of its own


@dataclass(frozen=True, slots=True)
class Ranked:
    """One account of the list.

    indicators: ids of what was found, each once. findings: how many findings there are in all.
    """

    account_id: str
    rank: int
    score: int
    band: str
    possible_role: str
    indicators: tuple[str, ...]
    findings: int

    def groups(self, without: frozenset[str] = frozenset()) -> frozenset[str]:
        """Groups of typologies that the indicators stand for, `without` some of them; `unusual` for none."""
        families = {name.split("-")[0] for name in self.indicators if name not in without}
        named = frozenset(GROUPS.get(family, family) for family in families - {CONTEXT})
        return named or frozenset({UNUSUAL})

    def rests_on(self, suppressed: frozenset[str]) -> bool:
        """Whether all that was found on the account is among the `suppressed` indicators."""
        return bool(self.indicators) and suppressed.issuperset(self.indicators)
