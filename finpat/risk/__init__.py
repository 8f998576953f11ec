"""Risk: findings and anomaly scores as one order, with band, possible role and reason for each account."""

from finpat.risk.composition import BANDS, account_findings
from finpat.risk.ranking import COLUMNS, rank
from finpat.risk.roles import role_arguments

__all__ = ["BANDS", "COLUMNS", "account_findings", "rank", "role_arguments"]
