"""Risk: what the indicators found and how unusual an account is, as one order, a band, a possible role and a sentence."""

from finpat.risk.composition import BANDS
from finpat.risk.ranking import COLUMNS, rank

__all__ = ["BANDS", "COLUMNS", "rank"]
