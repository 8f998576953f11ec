"""Risk: findings and anomaly scores as one order, with band, possible role and reason for each account."""

from finpat.risk.composition import BANDS
from finpat.risk.ranking import COLUMNS, rank

__all__ = ["BANDS", "COLUMNS", "rank"]
