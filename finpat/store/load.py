"""Taking a file in: every row ends loaded, duplicate or quarantined; the file is loaded whole or not at all.

The rows stream through a draft segment, a few pieces at a time; duplicates are told from the draft's row
keys; the finished segment gets its name; then one commit of the catalogue makes the file loaded. A process
killed before that leaves a file without a catalogue row, which the next load sweeps away.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
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
from finpat.store import catalogue, duplicates, keys, quarantine, segment
from finpat.store.catalogue import FILE_COLUMNS, StoredFile
from finpat.store.failures import told_in_one_line
from finpat.store.workspace import Workspace

STORED = ("transactions", "accounts", "ads", "ad_payments", "watchlist")
SHOWN_REASONS = 3

Progress = Callable[[int], None]  # called with the rows read so far
RawRows = Callable[[list[int]], dict[int, str]]  # source lines -> the rows as the source wrote them


@dataclass(frozen=True)
class Origin:
    """The file that rows come from, and the mapping that read it. bytes and sha256: as it lies on disk."""

    table: str
    name: str
    sha256: str
    bytes: int
    mapping_name: str
    mapping_text: str
    header: tuple[str, ...] = ()
    delimiter: str | None = None

    @property
    def mapping_sha256(self) -> str:
        """Names the mapping's exact text."""
        return hashlib.sha256(self.mapping_text.encode()).hexdigest()


@dataclass(frozen=True)
class LoadReport:
    """What became of a file's rows: rows = loaded + duplicate + quarantined.

    file_id: the file's number in the catalogue. already_loaded: the very same file had been loaded before, as
        file_id; nothing was added, all its rows count as duplicates. reasons: quarantined rows by reason,
        most frequent first.
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
    origin = Origin(
        mapping.table,
        source.name,
        source.sha256,
        source.size,
        mapping.name,
        to_toml(mapping),
        columns_of(source, mapping.dialect),
        layout_of(source, mapping.dialect).delimiter if source.kind == "delimited" else None,
    )
    return load_batches(
        workspace,
        read_batches(source, mapping, settings),
        origin,
        settings=settings,
        now=now,
        progress=progress,
        raw_rows=lambda lines: _raw_rows(source, mapping, settings, lines),
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

    now: the instant that the catalogue keeps as ingested_at (naive UTC). raw_rows: how to find rows in the
    source again; without it, quarantine keeps the canonical values of a row that contradicts a stored one.

    Raises:
        UsageError: the table is not one that the store keeps.
        SourceError: more rows are bad than settings.ingest.max_reject_share allows, the file has no rows, or
            it was loaded before by another mapping.
        StoreError: another process is writing, the disk is full, or the workspace is read-only.
    """
    if origin.table not in STORED:
        raise UsageError(f"the store keeps {', '.join(STORED)}, not {origin.table}.")
    with catalogue.open_for_writing(workspace, f"load {origin.name}") as connection:
        before = catalogue.stored_files(connection, origin.table)
        for file in before:
            if file.sha256 == origin.sha256:
                return _already_loaded(file, origin)
        with told_in_one_line(workspace.path, f"loading {origin.name}"), catalogue.transaction(connection):
            steps = _Load(workspace, connection, origin, before)
            return steps.run(batches, settings, now, progress, raw_rows)


def _already_loaded(file: StoredFile, origin: Origin) -> LoadReport:
    if file.mapping_sha256 != origin.mapping_sha256:
        raise SourceError(
            f"{origin.name}: was loaded before by another mapping ({file.mapping_name}, "
            f"{file.ingested_at:%Y-%m-%d}, as {file.name}); loading it again could count its "
            "rows twice. Nothing was added."
        )
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
    ) -> None:
        self.workspace = workspace
        self.connection = connection
        self.origin = origin
        self.before = before
        self.table: Table = TABLES[origin.table]
        last = connection.execute("select coalesce(max(file_id), 0) from files").fetchall()
        self.file_id = int(last[0][0]) + 1
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
            self.made.append(without.to_numpy())
            if without.any():
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
        if self.made:
            made = np.concatenate(self.made)
            if made.any():
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
        )
        values = [getattr(row, name) for name in FILE_COLUMNS]
        self.connection.execute(f"insert into files values ({', '.join('?' * len(values))})", values)

    def _keep_days(self) -> None:
        """Keep the loaded rows per day."""
        instant = self.instant
        if instant is None:
            return
        is_credit = pl.col("direction") == "credit" if self.table.name == "transactions" else pl.lit(False)
        days = (
            pl.scan_parquet(self.segment)
            .group_by(day=pl.col(instant).dt.date())
            .agg(row_count=pl.len(), credit_count=is_credit.sum())
            .sort("day")
            .collect()
        )
        self.connection.register("counted", days.to_arrow())
        self.connection.execute(
            "insert into days select ?, day, row_count, credit_count from counted", [self.file_id]
        )
        self.connection.unregister("counted")
