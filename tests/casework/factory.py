"""A run's list and alerts for tests: every column has a plain default."""

from __future__ import annotations

from datetime import timedelta

from finpat.casework.following import follow_run
from finpat.casework.run_list import Ranked
from finpat.config import CaseworkSettings
from tests.casework.conftest import NOON

QUIET = CaseworkSettings(quota_share=0)
FOUR_EYES = CaseworkSettings(quota_share=0, four_eyes=("close", "export", "reveal", "suppress"))


def ranked(account_id="A", **changes):
    defaults = {
        "rank": 1,
        "score": 800,
        "band": "high",
        "possible_role": "unclear",
        "indicators": ("ST-STRUCT-01",),
        "findings": 2,
    }
    return Ranked(account_id, **(defaults | changes))


def listed(*accounts):
    """The accounts with ranks in the order given."""
    return [
        Ranked(
            account.account_id, rank, account.score, account.band, account.possible_role,
            account.indicators, account.findings,
        )
        for rank, account in enumerate(accounts, 1)
    ]  # fmt: skip


def minutes(count):
    return NOON + timedelta(minutes=count)


def follow(database, *accounts, run_id="0001", settings=QUIET, at=NOON):
    with database.writing(f"run {run_id}", at) as change:
        return follow_run(change, run_id, listed(*accounts), settings)
