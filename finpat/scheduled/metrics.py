"""Metrics of the schedule in the Prometheus text format, from the ledger: a file, or a loopback address."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from finpat.scheduled.ledger import OK, Ledger
from finpat.store.workspace import replace_text

FILE_NAME = "metrics.prom"


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


class _Schedule(Collector):
    """The ledger of a folder, read anew each time that metrics are asked for."""

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self.folder, self.clock = folder, clock

    def collect(self) -> Iterable[Metric]:
        with Ledger(self.folder) as ledger:
            runs = CounterMetricFamily(
                "finpat_schedule_runs", "Settled and running slots.", labels=["query", "state"]
            )
            for query, state, count in ledger.counts("runs", ("query", "state")):
                runs.add_metric([query, state], count)
            notices = CounterMetricFamily(
                "finpat_schedule_deliveries", "Notices by channel and state.", labels=["channel", "state"]
            )
            for channel, state, count in ledger.counts("deliveries", ("channel", "state")):
                notices.add_metric([channel, state], count)
            last_at = GaugeMetricFamily(
                "finpat_schedule_last_success_timestamp_seconds",
                "Slot of the last success.",
                labels=["query"],
            )
            duration = GaugeMetricFamily(
                "finpat_schedule_last_duration_seconds", "Time of the last success.", labels=["query"]
            )
            rows = GaugeMetricFamily(
                "finpat_schedule_last_rows", "Rows of the last success.", labels=["query"]
            )
            seen = set()
            for run in ledger.runs():
                if run["state"] == OK and run["query"] not in seen:
                    seen.add(run["query"])
                    last_at.add_metric([run["query"]], _seconds(run["slot"]))
                    duration.add_metric([run["query"]], run["seconds"])
                    rows.add_metric([run["query"]], run["rows"])
        beat = GaugeMetricFamily(
            "finpat_schedule_heartbeat_timestamp_seconds", "When these figures were made."
        )
        beat.add_metric([], self.clock().replace(tzinfo=UTC).timestamp())
        return [runs, notices, last_at, duration, rows, beat]


def registry(folder: Path, clock: Callable[[], datetime]) -> CollectorRegistry:
    """A registry over the ledger of a folder."""
    made = CollectorRegistry()
    made.register(_Schedule(folder, clock))
    return made


def write_metrics(folder: Path, now: datetime) -> Path:
    """Write `folder`/metrics.prom whole, for a node exporter's text file collector."""
    path = folder / FILE_NAME
    replace_text(path, generate_latest(registry(folder, lambda: now)).decode())
    return path
