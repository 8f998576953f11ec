"""Due times: the slots of a cron expression in a zone, as UTC instants, across clock changes.

A local time that a change leaves out is due at the first minute after it; one that comes twice is due once
(cronsim 2.8). Slots are named by their instant, so that no change of the clock makes two of one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from finpat.scheduled.catalogue import Query

MOST_CAUGHT_UP = 400  # slots of one query in one pass; older ones are skipped: a clock once far ahead


def due_slots(schedule: str, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Slots later than `after` and not later than `until` (naive UTC), in order."""
    found: list[datetime] = []
    for local in CronSim(schedule, after.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))):
        slot = local.astimezone(UTC).replace(tzinfo=None)
        if slot > until:
            break
        if slot > after and (not found or slot > found[-1]):
            found.append(slot)
    return found


def next_slot(query: Query, after: datetime) -> datetime | None:
    """The first slot of a query later than `after` (naive UTC); None for one that is run by hand only."""
    if query.front.schedule is None:
        return None
    start = after.replace(tzinfo=UTC).astimezone(ZoneInfo(query.front.zone))
    for local in CronSim(query.front.schedule, start):
        slot = local.astimezone(UTC).replace(tzinfo=None)
        if slot > after:
            return slot
    return None


def chosen_slots(query: Query, slots: list[datetime]) -> tuple[list[datetime], list[datetime]]:
    """(those to run in order, those that are skipped) of missed slots, by the query's catch_up."""
    kept = 1 if query.front.catch_up == "last" else MOST_CAUGHT_UP
    return slots[-kept:], slots[:-kept]
