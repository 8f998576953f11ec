"""Taking a file in: every row ends loaded, duplicate or quarantined; the file is loaded whole or not at all.

The rows stream through a draft segment, a few pieces at a time; duplicates are told from the draft's row
keys; the finished segment gets its name; then one commit of the catalogue makes the file loaded. A process
killed before that leaves a file without a catalogue row, which the next load sweeps away. A load that takes
the place of an earlier one (see `replacement`) retires it in the same commit; until then the earlier one
stands.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.config import Settings
from finpat.errors import SourceError, UsageError
from finpat.schemas import TABLES, Table
from finpat.sources import Batch, Mapping, Source, read_batches, to_toml
from finpat.sources.convert import REJECTS
from finpat.sources.delimited import LINE
from finpat.sources.reading import columns_of, layout_of, read_pieces
from finpat.store import catalogue, duplicates, keys, quarantine, replacement, segment
from finpat.store.catalogue import FILE_COLUMNS, StoredFile
from finpat.store.failures import told_in_one_line
from finpat.store.workspace import Workspace

STORED = ("transactions", "accounts", "ads", "ad_payments", "watchlist")
SHOWN_REASONS = 3

Progress = Callable[[int], None]  # called with the rows read so far
RawRows = Callable[[list[int]], dict[int, str]]  # source lines -> the rows as the source wrote them


@dataclass(frozen=True)
class Origin:
    """The file that rows come from, and the mapping that read it.

    bytes and sha256: as it lies on disk. path: where it lies, to know it again; null where it lies nowhere.
    """

    table: str
    name: str
    sha256: str
    bytes: int
    mapping_name: str
    mapping_text: str
    header: tuple[str, ...] = ()
    delimiter: str | None = None
    path: str | None = None

    @property
    def mapping_sha256(self) -> str:
        """Names the mapping's exact text."""
        return hashlib.sha256(self.mapping_text.encode()).hexdigest()


@dataclass(frozen=True)
class Loading:
    """One file to take in. raw_rows: how to find rows in the source again.

    Without raw_rows, quarantine keeps the canonical values of a row that contradicts a stored one.
    """

    origin: Origin
    batches: Iterable[Batch]
    raw_rows: RawRows | None = None


@dataclass(frozen=True)
class LoadReport:
    """What became of a file's rows: rows = loaded + duplicate + quarantined.

    file_id: the file's number in the catalogue. already_loaded: the very same file had been loaded before, as
        file_id; nothing was added, all its rows count as duplicates. replaced: the number of the earlier load
        whose place this one took. reasons: quarantined rows by reason, most frequent first.
    """

    file_id: int
    table: str
    file: str
    rows: int
    loaded: int
    duplicate: int
    quarantined: int
    already_loaded: bool = False
    reasons: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    replaced: int | None = None


def load(
    workspace: Workspace,
    source: Source,
    mapping: Mapping,
    *,
    settings: Settings,
    now: datetime,
    progress: Progress | None = None,
) -> LoadReport:
    """Load one export file by a mapping, in one transaction; `now` and errors as in `load_batches`.

    Raises:
        SourceError: besides, whatever `sources.read_batches` cannot read.
    """
    file = loading(source, mapping, settings)
    return load_batches(
        workspace,
        file.batches,
        file.origin,
        settings=settings,
        now=now,
        progress=progress,
        raw_rows=file.raw_rows,
    )


def loading(source: Source, mapping: Mapping, settings: Settings, path: str | None = None) -> Loading:
    """One export file, to be read by a mapping. path: its absolute path, to know it again.

    Raises:
        SourceError: the file has no layout that the mapping can read.
    """
    origin = Origin(
        mapping.table,
        source.name,
        source.sha256,
        source.size,
        mapping.name,
        to_toml(mapping),
        columns_of(source, mapping.dialect),
        layout_of(source, mapping.dialect).delimiter if source.kind == "delimited" else None,
        path,
    )
    return Loading(
        origin,
        read_batches(source, mapping, settings),
        lambda lines: _raw_rows(source, mapping, settings, lines),
    )


def _raw_rows(source: Source, mapping: Mapping, settings: Settings, lines: list[int]) -> dict[int, str]:
    """Rows of the source as it wrote them, found again by a second reading."""
    wanted = pl.Series(lines, dtype=pl.Int64)
    found: dict[int, str] = {}
    for piece in read_pieces(source, mapping.dialect, settings):
        positions = piece.frame[LINE].is_in(wanted.implode()).arg_true().to_list()
        if positions:
            numbers = piece.frame[LINE][positions].to_list()
            found.update(zip(numbers, piece.raw(positions), strict=True))
        if len(found) == len(wanted):
            break
    return found


def load_batches(
    workspace: Workspace,
    batches: Iterable[Batch],
    origin: Origin,
    *,
    settings: Settings,
    now: datetime,
    progress: Progress | None = None,
    raw_rows: RawRows | None = None,
) -> LoadReport:
    """Load one file's batches in one transaction.

    now: the instant that the catalogue keeps as ingested_at (naive UTC). An earlier load of the same content
    by another mapping is replaced if no row of it was loaded.

    Raises:
        UsageError: the table is not one that the store keeps.
        SourceError: more rows are bad than settings.ingest.max_reject_share allows, the file has no rows, or
            rows of it were loaded before by another mapping.
        StoreError: another process is writing, the disk is full, or the workspace is read-only.
    """
    file = Loading(origin, batches, raw_rows)
    with catalogue.open_for_writing(workspace, f"load {origin.name}") as connection:
        before = catalogue.stored_files(connection, _checked(origin).table)
        same = next((stored for stored in before if stored.sha256 == origin.sha256), None)
        if same is not None and same.mapping_sha256 == origin.mapping_sha256:
            return _already_loaded(same, origin)
        if same is not None and same.loaded:
            raise SourceError(
                f"{origin.name}: was loaded before by another mapping ({same.mapping_name}, "
                f"{same.ingested_at:%Y-%m-%d}, as {same.name}); loading it again could count its rows twice. "
                "Nothing was added. --replace puts this reading in the place of that one."
            )
        return _replace(workspace, connection, [(file, same)], settings, now, progress)[0]


def replace(
    workspace: Workspace,
    files: Sequence[Loading],
    *,
    settings: Settings,
    now: datetime,
    progress: Progress | None = None,
) -> list[LoadReport]:
    """Load files in the place of their earlier loads, all in one transaction; `now` as in `load_batches`.

    `replacement` says which earlier load it is; a file without one is loaded like any other. The files are
    judged in the order in which their earlier loads came, new ones last. progress gets the rows of all files.

    Raises:
        UsageError: a table is not one that the store keeps, or two files would replace the same load.
        SourceError: as `load_batches`; or a file that stays relies on rows of a replaced one.
        StoreError: another process is writing, the disk is full, or the workspace is read-only.
    """
    purpose = f"replace {', '.join(file.origin.name for file in files)}"
    with catalogue.open_for_writing(workspace, purpose) as connection:
        pairs: list[tuple[Loading, StoredFile | None]] = []
        taken: dict[int, str] = {}
        for file in files:
            before = catalogue.stored_files(connection, _checked(file.origin).table)
            earlier = replacement.find_earlier(before, file.origin.sha256, file.origin.path)
            if earlier is not None and earlier.file_id in taken:
                raise UsageError(
                    f"{file.origin.name} and {taken[earlier.file_id]} would both replace the load of "
                    f"{earlier.name} ({earlier.ingested_at:%Y-%m-%d}). Name one of them."
                )
            if earlier is not None:
                taken[earlier.file_id] = file.origin.name
            pairs.append((file, earlier))
        reports = _replace(workspace, connection, pairs, settings, now, progress)
        catalogue.sweep(workspace, connection)
        return reports


def _checked(origin: Origin) -> Origin:
    if origin.table not in STORED:
        raise UsageError(f"the store keeps {', '.join(STORED)}, not {origin.table}.")
    return origin


def _replace(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    pairs: Sequence[tuple[Loading, StoredFile | None]],
    settings: Settings,
    now: datetime,
    progress: Progress | None,
) -> list[LoadReport]:
    """Load each file, in the place of the earlier load where it has one: one transaction."""
    retired = [earlier for _, earlier in pairs if earlier is not None]
    replacement.check_dependents(replacement.all_dependents(connection, retired))
    places = [math.inf if earlier is None else earlier.place for _, earlier in pairs]
    order = sorted(range(len(pairs)), key=lambda index: places[index])
    reports: dict[int, LoadReport] = {}
    rows = 0
    names = ", ".join(file.origin.name for file, _ in pairs)
    first = catalogue.next_file_id(connection)
    with told_in_one_line(workspace.path, f"loading {names}"), catalogue.transaction(connection):
        replacement.retire(connection, retired)
        for file_id, index in enumerate(order, first):
            file, earlier = pairs[index]
            before = catalogue.stored_files(connection, file.origin.table)
            steps = _Load(workspace, connection, file.origin, before, earlier, file_id)
            report = steps.run(file.batches, settings, now, _after(rows, progress), file.raw_rows)
            rows += report.rows
            if earlier is not None:
                replacement.keep_as_retired(connection, earlier, report.file_id, now)
            reports[index] = report
    return [reports[index] for index in range(len(pairs))]


def _after(rows: int, progress: Progress | None) -> Progress | None:
    """Progress of a file that comes after others with so many rows."""
    return None if progress is None else lambda read: progress(rows + read)


def _already_loaded(file: StoredFile, origin: Origin) -> LoadReport:
    rows = file.source_rows
    return LoadReport(file.file_id, file.table_name, origin.name, rows, 0, rows, 0, already_loaded=True)


class _Load:
    """The steps of one load; lives for one transaction."""

    def __init__(
        self,
        workspace: Workspace,
        connection: duckdb.DuckDBPyConnection,
        origin: Origin,
        before: list[StoredFile],
        earlier: StoredFile | None,
        file_id: int,
    ) -> None:
        self.workspace = workspace
        self.connection = connection
        self.origin = origin
        self.before = before
        self.table: Table = TABLES[origin.table]
        self.earlier = earlier
        self.file_id = file_id
        self.place = earlier.place if earlier else file_id
        self.segment = workspace.segments(origin.table) / f"{self.file_id}.parquet"
        self.part = self.segment.with_name(self.segment.name + ".part")
        self.source_rows = 0
        self.rejected = 0
        self.reasons: Counter[str] = Counter()
        self.first_reasons: list[str] = []
        self.notes: tuple[str, ...] = ()
        self.instant = next((column.name for column in self.table.columns if column.kind == "instant"), None)
        self.first_at: datetime | None = None  # of all good rows, those that are duplicates included
        self.last_at: datetime | None = None
        self.made: list[npt.NDArray[np.bool_]] = []  # per row of the draft: the source gave no id

    def run(
        self,
        batches: Iterable[Batch],
        settings: Settings,
        now: datetime,
        progress: Progress | None,
        raw_rows: RawRows | None,
    ) -> LoadReport:
        self.segment.parent.mkdir(parents=True, exist_ok=True)
        written = segment.write_frames(self.part, self._rows(iter(batches), progress))
        self._check_share(settings.ingest.max_reject_share)
        duplicate = 0
        marks = quarantine.marks_of(self.part) if written else pl.DataFrame()
        if written:
            found = self._settle_duplicates()
            replacement.keep_judged_by(self.connection, self.file_id, found.by_file)
            duplicate = found.height_of("duplicate")
            conflicts = found.conflicts()
            if raw_rows is not None and conflicts.height:
                raw = raw_rows(conflicts["source_line"].to_list())
                lines = pl.col("source_line")
                conflicts = conflicts.with_columns(
                    raw=pl.coalesce(lines.replace_strict(raw, default=None, return_dtype=pl.String), "raw")
                )
            self._quarantine(conflicts)
            if marks.height:
                bad = conflicts["source_line"].implode()
                marks = marks.filter(~pl.col("source_line").is_in(bad))
        loaded = self.source_rows - duplicate - self.rejected
        if loaded:
            segment.put_in_place(self.part, self.segment)
        else:
            self.part.unlink(missing_ok=True)
        self._catalogue(loaded, duplicate, now)
        quarantine.mark_corrected(self.connection, self.file_id, marks)
        return LoadReport(
            self.file_id,
            self.origin.table,
            self.origin.name,
            self.source_rows,
            loaded,
            duplicate,
            self.rejected,
            reasons=dict(self.reasons.most_common()),
            notes=self.notes,
            replaced=self.earlier.file_id if self.earlier else None,
        )

    def _rows(self, batches: Iterator[Batch], progress: Progress | None) -> Iterator[pl.DataFrame]:
        for batch in batches:
            self.source_rows += batch.source_rows
            self.notes += batch.notes
            self._quarantine(batch.rejects)
            if batch.rows.height:
                yield self._identified(batch.rows)
            if progress is not None:
                progress(self.source_rows)

    def _identified(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with an id and a row key in each."""
        name = keys.id_column(self.table)
        self._extend_period(rows)
        if self.table.name in keys.EVENTS:
            if name not in rows.columns:
                rows = rows.with_columns(pl.lit(None, pl.String).alias(name))
            without = rows[name].is_null()
            some = without.any()
            self.made.append(without.to_numpy() if some else np.broadcast_to(np.False_, rows.height))
            if some:
                made = keys.made_id(keys.content_hash(self.table, rows.columns), pl.lit(1))
                rows = rows.with_columns(pl.coalesce(name, made).alias(name))
        return rows.with_columns(row_key=keys.row_key(self.table))

    def _extend_period(self, rows: pl.DataFrame) -> None:
        if self.instant not in rows.columns:
            return
        first, last = rows.select(first=pl.col(self.instant).min(), last=pl.col(self.instant).max()).row(0)
        if first is not None:
            self.first_at = first if self.first_at is None else min(first, self.first_at)
            self.last_at = last if self.last_at is None else max(last, self.last_at)

    def _quarantine(self, rejects: pl.DataFrame) -> None:
        if rejects.is_empty():
            return
        rejects = rejects.select(pl.col(name).cast(dtype) for name, dtype in REJECTS.items())
        if len(self.first_reasons) < SHOWN_REASONS:
            for line, message in rejects.select("source_line", "message").head(SHOWN_REASONS).iter_rows():
                self.first_reasons.append(f"line {line}: {message}")
        self.reasons.update(dict(rejects["reason"].value_counts().iter_rows()))
        self.rejected += rejects.height
        arrow = rejects.to_arrow()
        self.connection.register("rejects", arrow)
        self.connection.execute(
            'insert into quarantine select ?, source_line, "column", reason, message, raw, null from rejects',
            [self.file_id],
        )
        self.connection.unregister("rejects")

    def _check_share(self, allowed: float) -> None:
        if self.source_rows == 0:
            raise SourceError(f"{self.origin.name}: has no rows. Nothing was loaded.")
        if self.rejected > allowed * self.source_rows:
            shown = "; ".join(self.first_reasons[:SHOWN_REASONS])
            raise SourceError(
                f"{self.origin.name}: {self.rejected:,} of {self.source_rows:,} rows are bad, more than "
                f"max_reject_share = {allowed:g} allows, so the mapping {self.origin.mapping_name} does "
                f"not fit; nothing was loaded. First: {shown}"
            )

    def _settle_duplicates(self) -> duplicates.Verdicts:
        """Number true repeats and take out what is stored; the draft then holds exactly what is loaded."""
        if any(piece.any() for piece in self.made):
            made = np.concatenate(self.made)
            self._rewrite(duplicates.numbering(self.part, made, self.table))
        found = duplicates.judge(self.part, self.workspace.path, self.before, self.origin, self.table)
        self._rewrite(found.change())
        return found

    def _rewrite(self, change: duplicates.Change | None) -> None:
        if change is None:
            return
        draft = self.part.with_name(self.part.name.removesuffix(".part") + ".draft")
        self.part.replace(draft)
        segment.rewrite(draft, self.part, change)
        draft.unlink()

    def _catalogue(self, loaded: int, duplicate: int, now: datetime) -> None:
        columns: list[str] = []
        if loaded:
            columns = segment.columns_of(self.segment)
            self._keep_days()
        row = StoredFile(
            file_id=self.file_id,
            table_name=self.table.name,
            name=self.origin.name,
            sha256=self.origin.sha256,
            bytes=self.origin.bytes,
            mapping_name=self.origin.mapping_name,
            mapping_text=self.origin.mapping_text,
            mapping_sha256=self.origin.mapping_sha256,
            header=list(self.origin.header),
            delimiter=self.origin.delimiter,
            source_rows=self.source_rows,
            loaded=loaded,
            duplicate=duplicate,
            quarantined=self.rejected,
            first_at=self.first_at,
            last_at=self.last_at,
            ingested_at=now,
            segment=self.segment.relative_to(self.workspace.path).as_posix() if loaded else None,
            segment_sha256=segment.checksum(self.segment) if loaded else None,
            columns=columns,
            place=self.place,
            path=self.origin.path,
        )
        values = [getattr(row, name) for name in FILE_COLUMNS]
        self.connection.execute(f"insert into files values ({', '.join('?' * len(values))})", values)

    def _keep_days(self) -> None:
        """Keep the loaded rows per day."""
        instant = self.instant
        if instant is None:
            return
        is_credit = pl.col("direction") == "credit" if self.table.name == "transactions" else pl.lit(False)
        counted = {"row_count": pl.len(), "credit_count": is_credit.sum()}
        read = [name for name in (instant, "direction") if name in segment.columns_of(self.segment)]
        pieces = [
            frame.group_by(day=pl.col(instant).dt.date()).agg(**counted)
            for frame in segment.read_frames(self.segment, read)
        ]
        days = pl.concat(pieces).group_by("day").agg(pl.exclude("day").sum()).sort("day")
        self.connection.register("counted", days.to_arrow())
        self.connection.execute(
            "insert into days select ?, day, row_count, credit_count from counted", [self.file_id]
        )
        self.connection.unregister("counted")
