"""The schedule: each due slot of each query run once, in order, written, recorded and told.

One pass settles everything that is due at an instant; the service is a pass again and again. Nothing here
reads the clock: instants are handed in, so a month can be played through in a test.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from filelock import FileLock, Timeout
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from finpat.errors import FinpatError, QueryError, StoreError
from finpat.readmodel import ReadModel
from finpat.scheduled import delivery
from finpat.scheduled.catalogue import Catalogue, Query
from finpat.scheduled.due import chosen_slots, due_slots
from finpat.scheduled.files import Written, write_result
from finpat.scheduled.ledger import FAILED, GIVEN_UP, OK, PENDING, SENT, Ledger
from finpat.scheduled.metrics import write_metrics
from finpat.scheduled.reach import published_runs, reach_of
from finpat.scheduled.runner import Result, run_query
from finpat.scheduled.settings import ScheduleSettings
from finpat.scheduled.statement import parse_statement
from finpat.store.workspace import Workspace

Clock = Callable[[], datetime]
LONGEST_NAP_S = 30  # a machine that slept wakes in the middle of a nap: due times are looked at this often
_LONGEST_WAIT_S = 60
MOST_DEATHS = 3  # a query that takes the process with it must not stop all others for ever


class BusyError(StoreError):
    """Another scheduler is at work in the workspace."""


@dataclass
class Pass:
    """What one pass did: (query, slot) by outcome."""

    ok: list[tuple[str, datetime]] = field(default_factory=list)
    failed: list[tuple[str, datetime]] = field(default_factory=list)
    skipped: list[tuple[str, datetime]] = field(default_factory=list)
    undelivered: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether nothing asks for a person."""
        return not self.failed and not self.undelivered


@contextmanager
def only_scheduler(workspace: Workspace) -> Iterator[None]:
    """Be the one scheduler of a workspace; the lock falls with the process, however it ends.

    Raises:
        BusyError: another one is at work.
    """
    workspace.schedule.mkdir(parents=True, exist_ok=True)
    lock = FileLock(workspace.schedule / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BusyError(f"{workspace.path}: another scheduler is at work; nothing was done") from None
    try:
        yield
    finally:
        lock.release()


def run_due(
    workspace: Workspace, catalogue: Catalogue, settings: ScheduleSettings, now: datetime, clock: Clock
) -> Pass:
    """Settle every slot that is due at `now`, oldest first; then send what is to be sent.

    The caller is the only scheduler (`only_scheduler`). clock: gives instants for the record.
    """
    done = Pass()
    with Ledger(workspace.schedule) as ledger:
        waiting: list[tuple[datetime, str]] = []
        for query in catalogue:
            if query.front.schedule is None:
                continue
            after = ledger.last_slot(query.name) or ledger.known_since(query.name, now)
            run, skipped = chosen_slots(query, due_slots(query.front.schedule, query.front.zone, after, now))
            if skipped:
                ledger.skip(query.name, skipped, f"missed; catch_up is {query.front.catch_up}")
                done.skipped += [(query.name, slot) for slot in skipped]
            waiting += [(slot, query.name) for slot in (*ledger.left_running(query.name), *run)]
        for slot, name in sorted(waiting):
            _settle(workspace, ledger, catalogue.get(name), slot, settings, clock, done)
        _deliver(workspace, ledger, catalogue, settings, clock, done)
    write_metrics(workspace.schedule, clock())
    return done


def serve(
    workspace: Workspace,
    catalogue: Callable[[], Catalogue],
    settings: ScheduleSettings,
    clock: Clock,
    stop: threading.Event,
    told: Callable[[Pass], None],
) -> None:
    """A pass again and again until `stop` is set; a run under way is finished first.

    catalogue: read anew each time, so that a changed query is the one that runs next.
    """
    while not stop.is_set():
        told(run_due(workspace, catalogue(), settings, clock(), clock))
        stop.wait(LONGEST_NAP_S)


def model_at(workspace: Workspace, slot: datetime) -> Path | None:
    """The newest run that was there at an instant: what an on-time answer would have read."""
    for path in reversed(published_runs(workspace)):
        with ReadModel(path) as model:
            if datetime.fromisoformat(model.manifest()["started_at"]) <= slot:
                return path
    return None


def _settle(
    workspace: Workspace,
    ledger: Ledger,
    query: Query,
    slot: datetime,
    settings: ScheduleSettings,
    clock: Clock,
    done: Pass,
) -> None:
    """Run one slot and record what became of it."""
    tries = ledger.claim(query.name, slot, clock())
    if not tries:
        return
    told: dict[str, object] = {"text_sha256": query.text_sha256}
    try:
        if tries > MOST_DEATHS:
            raise QueryError(f"{query.name}: the process ended {tries - 1} times while it ran; not run again")
        model = model_at(workspace, slot)
        if model is None:
            ledger.skip(query.name, [slot], "no run had been published by then")
            done.skipped.append((query.name, slot))
            return
        result = _retrying(settings)(_answer, workspace, ledger, query, slot, model)
        keys = row_keys(result)
        is_new = _is_new(result, ledger.keys_before(query.name))
        files = _retrying(settings)(_write, workspace, result, slot, is_new, clock())
    except (FinpatError, OSError) as error:
        told |= {"state": FAILED, "finished_at": clock(), "error": " ".join(str(error).split())}
        ledger.settle(query.name, slot, told, deliveries=delivery.channels(settings))
        done.failed.append((query.name, slot))
        return
    told |= {
        "state": OK,
        "finished_at": clock(),
        "parameters": {name: str(value) for name, value in result.parameters.items()},
        "run_id": result.run_id,
        "data_fingerprint": result.data_fingerprint,
        "rows": result.count,
        "rows_apart": result.protect.height,
        "new_rows": sum(is_new.values()),
        "is_cut": result.cut,
        "seconds": result.seconds,
    }
    ledger.settle(
        query.name,
        slot,
        told,
        files=[(str(f.path.relative_to(workspace.path)), f.rows, f.bytes, f.sha256) for f in files],
        keys=keys,
        deliveries=delivery.channels(settings),
    )
    done.ok.append((query.name, slot))


def _retrying(settings: ScheduleSettings) -> Retrying:
    """Tries again what failed to read or write, with growing pauses; what is wrong fails at once."""
    return Retrying(
        retry=retry_if_exception_type((OSError, StoreError)),
        stop=stop_after_attempt(settings.attempts),
        wait=wait_exponential(multiplier=settings.first_wait_s, max=_LONGEST_WAIT_S),
        reraise=True,
    )


def _answer(workspace: Workspace, ledger: Ledger, query: Query, slot: datetime, model: Path) -> Result:
    before = ledger.run_before(query.name)
    previous = workspace.readmodel / f"{before}.duckdb" if before else None
    if previous is not None and not previous.exists():
        raise QueryError(f"{query.name}: run {before}, which `previous` shows, is no longer in the workspace")
    statement = parse_statement(query)
    reads_previous = "previous" in statement.schemas
    return run_query(
        query, reach_of(workspace, model, previous if reads_previous else None, statement.tables), due=slot
    )


def row_keys(result: Result) -> frozenset[bytes]:
    """A hash of the grain of each row, protected ones included: identity without the values."""
    grain = list(result.query.front.grain)
    rows = pl.concat([result.rows, result.protect]).select(grain)
    return frozenset(_key(row) for row in rows.iter_rows())


def _key(row: tuple[object, ...]) -> bytes:
    # Each value with its type and length, so that no two different rows are written alike.
    text = "".join(f"{type(value).__name__}:{len(str(value))}:{value};" for value in row)
    return sha256(text.encode()).digest()[:16]


def _is_new(result: Result, before: frozenset[bytes]) -> dict[bytes, bool]:
    return {key: key not in before for key in row_keys(result)}


def _write(
    workspace: Workspace, result: Result, slot: datetime, is_new: dict[bytes, bool], now: datetime
) -> list[Written]:
    """The declared outputs under exports/<query>/, named by query, due time in its zone, and run."""
    front = result.query.front
    local = slot.replace(tzinfo=UTC).astimezone(ZoneInfo(front.zone))
    # The offset keeps two slots apart that the clock calls the same.
    stem = f"{result.query.name}-{local:%Y%m%dT%H%M%z}-run{result.run_id}"
    written = []
    for output in front.outputs:
        chosen = result if output.rows == "all" else _only_new(result, is_new)
        name = f"{stem}{'' if output.rows == 'all' else '-new'}.{output.format}"
        out = workspace.exports / result.query.name / name
        written += write_result(
            chosen, out, output.format, made_at=now, force=True, slot=slot.isoformat(), holds=output.rows
        )
    return written


def _only_new(result: Result, is_new: dict[bytes, bool]) -> Result:
    """The result with the rows alone that the run before did not give."""
    grain = list(result.query.front.grain)

    def kept(rows: pl.DataFrame) -> pl.DataFrame:
        return rows.filter(
            pl.Series([is_new[_key(row)] for row in rows.select(grain).iter_rows()], dtype=pl.Boolean)
        )

    return replace(result, rows=kept(result.rows), protect=kept(result.protect))


def _deliver(
    workspace: Workspace,
    ledger: Ledger,
    catalogue: Catalogue,
    settings: ScheduleSettings,
    clock: Clock,
    done: Pass,
) -> None:
    """Send what is pending; what cannot be sent stays pending for later passes, until it is given up."""
    open_channels = set(delivery.channels(settings))
    for waiting in ledger.pending():
        if (waiting.channel, waiting.target) not in open_channels:
            ledger.note_delivery(waiting, GIVEN_UP, 0, "no longer in schedule.toml", clock())
            continue
        query = catalogue.queries.get(waiting.query)
        run = ledger.run_of(waiting.query, waiting.slot)
        notice = delivery.notice_of(run, query.front.title if query else waiting.query)
        tries = 0

        def counted(state: RetryCallState) -> None:
            nonlocal tries
            tries = state.attempt_number

        retrying = _retrying(settings).copy(before=counted)
        try:
            retrying(
                delivery.send, waiting.channel, waiting.target, notice, settings, workspace.path, clock()
            )
        except (delivery.Refused, FinpatError, OSError) as error:
            now = clock()
            late = now - waiting.due_at > timedelta(hours=settings.give_up_hours)
            state = GIVEN_UP if isinstance(error, delivery.Refused) or late else PENDING
            ledger.note_delivery(waiting, state, tries, str(error), now)
            done.undelivered += 1
        else:
            ledger.note_delivery(waiting, SENT, tries, None, clock())
