"""A stricter parameter never finds more: every indicator, each where its own rows show it.

An indicator is looked at in data in which it finds somebody; where it finds nobody, nothing would be tested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import polars as pl
import pytest

from finpat.config import IndicatorSettings, Settings
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.ledger import Ledger, build_ledger
from tests.indicators import test_advert_feed as feed
from tests.indicators import test_circumstances as circumstances
from tests.indicators import test_control as control
from tests.indicators import test_fronts as fronts
from tests.indicators import test_labour as labour
from tests.indicators import test_networks as networks
from tests.indicators import test_visited as visited
from tests.indicators.support import BY_ID, ledger
from tests.indicators.test_evaluation import showing_ledger
from tests.indicators.test_third_party_properties import MINE, NOT_LIVED, lively_ledger

showing, lively = cache(showing_ledger), cache(lively_ledger)
visits = cache(lambda: build_ledger(visited.FRAME, visited.HELD))


def _of_adverts(*adverts: Any, **more: Any) -> Callable[[], tuple[Ledger, Any]]:
    return lambda: feed.world(*adverts, **more)


def _users(count: int) -> pl.DataFrame:
    return control.people(*control.names(count, authorised_users="x"))


# Indicator -> data that shows it; or data and adverts.
SHOWN: dict[str, Callable[[], Any]] = {
    **{indicator.id: showing for indicator in INDICATORS if indicator.family in ("ST", "VE")},
    **{name: lively for name in MINE if name not in NOT_LIVED},
    **dict.fromkeys(visited.SHOWN, visits),
    **labour.SHOWING,
    "HT-RES-01": lambda: ledger(*fronts.RENTS, accounts=fronts.PERSON),
    "HT-RES-02": lambda: ledger(*fronts.RATES, accounts=fronts.lives_at("Dlouhá 3, 602 00 BRNO")),
    "HT-FRT-01": lambda: ledger(*fronts.LATE, *fronts.PEERS, accounts=fronts.SHOPS),
    "HT-FRT-02": lambda: ledger(*fronts.CASH),
    "HT-FRT-03": lambda: ledger(*fronts.shop("A", 300, 100), *fronts.SHOP_PEERS, accounts=fronts.SHOPS),
    "HT-FRT-04": lambda: ledger(*fronts.PARKED, accounts=fronts.BOTH),
    "HT-FRT-05": lambda: ledger(*fronts.ROUND, accounts=fronts.OWN),
    "HT-FRT-06": lambda: ledger(*fronts.BILLS, *fronts.DRAWN),
    "HT-CTL-01": lambda: ledger(*control.device_days(), control.leg("W", device_id="own")),
    "HT-CTL-02": lambda: ledger(
        *control.using(3), accounts=control.people(*control.names(3, phone="+442079460018"))
    ),
    "HT-CTL-03": lambda: ledger(
        *control.using(2), accounts=control.people(*control.names(2, address="Hotel Sun, 12 Mill Lane"))
    ),
    "HT-CTL-04": lambda: ledger(*control.STAR),
    "HT-CTL-05": lambda: ledger(*control.QUEUES),
    "HT-CTL-06": lambda: ledger(*control.using(4), accounts=_users(4)),
    "HT-CTL-07": lambda: ledger(
        control.leg("A"),
        accounts=control.people({"account_id": "A", "access_phones": control.numbers(0, 1, 2, 29)}),
    ),
    "HT-CTL-08": lambda: ledger(*control.COHORT, accounts=control.cohort(0, 7, 14)),
    "HT-CTL-09": lambda: ledger(control.loan(), control.leaving()),
    "HT-CTL-10": lambda: ledger(*control.CAPTURED),
    "HT-ADS-02": _of_adverts(*feed.tour(0, 3, 6)),
    "HT-ADS-03": _of_adverts(*feed.MANY),
    "HT-ADS-04": _of_adverts(feed.advert(0), feed.advert(29, "B")),
    "HT-ADS-05": _of_adverts(*[feed.advert(n / 2, platform=name) for n, name in enumerate("xyz")]),
    "HT-ADS-06": _of_adverts(*feed.tour(0, 5, 13)),
    "HT-ADS-11": _of_adverts(
        feed.advert(0, None), rows=[{"account_id": "A", "booked_at": feed.at(3)}], accounts=feed.HOLDER
    ),
    "HT-ADS-12": _of_adverts(*feed.timed(*feed.TIMES), stated=False),
    "HT-ADS-14": _of_adverts(*[feed.advert(3 * n, city=city) for n, city in enumerate(feed.CITIES[1:])]),
    "HT-ADS-15": _of_adverts(*[feed.advert(day, phone=None, text=feed.HIDDEN) for day in range(2)]),
    "HT-ADS-16": _of_adverts(
        feed.advert(0, text="work abroad, good wages"), feed.advert(100, text="escort and companionship")
    ),
    "HT-ADS-17": _of_adverts(
        *[feed.advert(day, text=feed.ONE, phone=feed.NUMBERS[day % 2]) for day in range(3)]
    ),
    "HT-MOV-02": _of_adverts(*feed.tour(0, 5), rows=[feed.hotel(2, "boston"), feed.hotel(7, "CHICAGO")]),
    "CR-ADPAY-04": _of_adverts(
        *feed.timed(*feed.TIMES),
        rows=[feed.coin(feed.TIMES[0] - 1), feed.coin(feed.TIMES[1] - 0.5)],
        stated=False,
    ),
    "HT-RES-03": _of_adverts(
        *circumstances.BOSTON,
        rows=[*circumstances.IDLE, *circumstances.FLATS],
        accounts=circumstances.HOLDER,
    ),
    "CX-HOT-01": lambda: circumstances.weeks(23),
    "CX-CORR-02": lambda: ledger(
        *[circumstances.room(5 * n, city) for n, city in enumerate(("Toronto", "Kingston", "Quebec"))]
    ),
    "NW-FANIN-01": lambda: ledger(*networks.OLD, *networks.fan()),
    "NW-FANOUT-02": lambda: ledger(*networks.OLD, *networks.fan_out()),
    "NW-GS-03": lambda: ledger(*networks.OLD, *networks.through()),
    "NW-SG-04": lambda: ledger(*networks.by_others()),
    "NW-CYCLE-05": lambda: ledger(*networks.ring()),
    "NW-BIP-06": lambda: ledger(*networks.OLD_AND_MANY, *networks.block()),
    "NW-STACK-07": lambda: ledger(*networks.OLD_AND_MANY, *networks.stack()),
    "NW-CHAIN-08": lambda: ledger(*networks.chain()),
    "NW-LFAN-09": lambda: ledger(*networks.OLD, *networks.layered()),
    "NW-COPAY-10": lambda: ledger(*networks.block()),
    "NW-RING-11": lambda: ledger(*networks.rounds()),
}
# Parameters without which nothing can be found.
GIVEN = {"HT-LAB-10": {"corridors": ("xx",)}, "CX-CORR-02": {"corridors": circumstances.CHAIN}}


@cache
def _data(indicator_id: str) -> Any:
    return SHOWN[indicator_id]()


def _found(indicator_id: str, **changes: Any) -> set[str | None]:
    """Accounts that the indicator finds in its data, by its parameters with `changes`."""
    made = _data(indicator_id)
    data, adverts = made if isinstance(made, tuple) else (made, None)
    chosen = {name: IndicatorSettings(enabled=False) for name in BY_ID}
    chosen[indicator_id] = IndicatorSettings(enabled=True, **GIVEN.get(indicator_id, {}), **changes)
    settings = Settings(indicators=chosen)
    result = evaluate_indicators(INDICATORS, data, pl.DataFrame(), settings, adverts=adverts)
    own = pl.col("indicator_id") == indicator_id
    return set(result.findings.filter(own, pl.col("state") == "found")["account_id"])


found_by_default = cache(_found)


def _moved(value: Any, direction: str, low: Any, high: Any) -> Any:
    """The value one step (of a whole number) or a tenth higher or lower, inside its bounds."""
    step = 1 if isinstance(value, int) else 0.1 * value
    moved = value + step if direction == "higher" else value - step
    moved = min(moved, high) if high is not None else moved
    return max(moved, low) if low is not None else moved


def _steps() -> Iterator[Any]:
    opposite = {"higher": "lower", "lower": "higher"}
    for indicator in INDICATORS:
        for field in indicator.parameter_fields():
            direction, value = field.metadata["stricter"], getattr(indicator.parameters, field.name)
            if not direction:
                continue
            bounds = field.metadata["low"], field.metadata["high"]
            strict, loose = (_moved(value, way, *bounds) for way in (direction, opposite[direction]))
            name = f"{indicator.id} {field.name} {strict:g} {loose:g}"
            yield pytest.param(indicator.id, field.name, strict, loose, id=name)


@pytest.mark.parametrize("indicator_id", list(BY_ID))
def test_every_indicator_finds_somebody_in_the_data_that_shows_it(indicator_id):
    assert indicator_id in SHOWN, "give SHOWN data in which it finds somebody, so that strictness is tested"
    assert found_by_default(indicator_id)


@pytest.mark.parametrize(("indicator_id", "name", "strict", "loose"), list(_steps()))
def test_a_stricter_parameter_never_finds_more_and_a_looser_one_never_less(indicator_id, name, strict, loose):
    found = found_by_default(indicator_id)
    assert found
    assert _found(indicator_id, **{name: strict}) <= found <= _found(indicator_id, **{name: loose})
