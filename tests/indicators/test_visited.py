"""What holds for all of movement, night and upkeep, on a ledger that shows every one of them."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finpat.config import IndicatorSettings, Settings
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.ledger import build_ledger
from tests.factory import payments
from tests.indicators import test_movement as movement
from tests.indicators import test_night as night
from tests.indicators import test_spending as spending

SHOWN = {
    "HT-MOV-01": [*movement.AT_HOME, *movement.TOUR],
    "HT-MOV-03": movement.BANKED,
    "HT-MOV-04": movement.TWICE,
    "HT-MOV-05": movement.GIVEN_BACK,
    "HT-MOV-06": movement.ROUND,
    "HT-MOV-07": movement.TICKETS,
    "HT-MOV-08": movement.ONE_NIGHT,
    "HT-MOV-09": movement.AWAY,
    "HT-MOV-10": movement.AT_ONCE,
    "HT-MOV-11": [*movement.STAY, *movement.PARKED, *movement.ELSEWHERE],
    "HT-MOV-12": movement.PAID_FOR,
    "HT-NIT-01": night.NIGHTS,
    "HT-NIT-02": night.MACHINES,
    "HT-NIT-03": night.BETS,
    "HT-SPD-01": [*spending.peers(), *spending.household(), *spending.THIRD_PARTY],
    "HT-SPD-02": [spending.STAY, *spending.MEALS],
    "HT-SPD-03": spending.CARDS,
    "HT-SPD-04": spending.LOADS,
    "HT-SPD-05": [*spending.FUNDED, spending.funded(4)],
    "HT-SPD-06": spending.CALLS,
    "HT-SPD-07": spending.LAVISH[:7],
    "HT-SPD-08": spending.CALLED,
    "HT-SPD-09": spending.EMPTY,
}
OWN = tuple(indicator for indicator in INDICATORS if indicator.id in SHOWN)
ON = {name: IndicatorSettings(enabled=True) for name in SHOWN}


def named(indicator_id, rows):
    """`rows` of accounts whose names start with the indicator's id."""
    for row in rows:
        changes = {"account_id": f"{indicator_id} {row.get('account_id', 'A')}"}
        if row.get("mirrored"):
            changes["counterparty_id"] = f"{indicator_id} {row['counterparty_id']}"
        yield {**row, **changes}


FRAME = payments(*[row for name, rows in SHOWN.items() for row in named(name, rows)])
NAMES = FRAME["account_id"].unique().sort()
HELD = pl.DataFrame({"account_id": NAMES, "holder_id": NAMES, "holder_type": ["person"] * len(NAMES)})


def judged(frame=FRAME, settings=ON, **how):
    """Findings of these indicators, and the account and content of their evidence."""
    data = build_ledger(frame, HELD)
    result = evaluate_indicators(OWN, data, pl.DataFrame(), Settings(indicators=settings), **how)
    content = result.evidence.join(
        frame.with_row_index("row").select("row", "row_key"), on="row", maintain_order="left"
    )
    return result.findings, content.select("finding_id", "row_key").sort(pl.all())


def test_every_indicator_finds_the_account_that_shows_it():
    findings, evidence = judged()
    found = findings.filter(pl.col("state") == "found")
    for name in SHOWN:
        own = found.filter(pl.col("indicator_id") == name)
        assert f"{name} A" in own["account_id"].to_list(), name
    assert set(found["finding_id"]) == set(evidence["finding_id"])


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_changes_nothing(seed):
    shuffled = FRAME.sample(fraction=1, shuffle=True, seed=seed)
    for ours, theirs in zip(judged(), judged(shuffled), strict=True):
        assert_frame_equal(ours, theirs)


def test_judging_some_persons_at_a_time_changes_nothing():
    for ours, theirs in zip(judged(), judged(legs_at_once=20), strict=True):
        assert_frame_equal(ours, theirs)
