"""Is the data what it seems? Checks of loaded transactions, each with its figures and how to read them.

The ideas are those of amlaidatatests (Apache-2.0), which checks banks' exports for the same faults: months
far below the average, one booking time in more than one row of a hundred, peaks at full hours. Thresholds are
its own where the doc of a check says so, else chosen.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Literal

import duckdb

from finpat.store.catalogue import MEMORY_LIMIT, StoredFile, open_for_reading, stored_files
from finpat.store.workspace import Workspace

Severity = Literal["ok", "note", "warning", "error"]

GAP_DAYS = 14  # chosen: two weeks without any row in a file that has rows on most days
DAILY_SHARE = 0.5  # chosen: a file has rows "on most days"
THIN_MONTH = 0.40  # amlaidatatests P033: a month with less than 40 % of the average
SAME_INSTANT = 0.01  # amlaidatatests P034: one booking time in more than 1 % of the rows
SAME_CLOCK = 0.5  # chosen: half of the rows at one second of the day
FULL_HOURS = 0.10  # chosen: by chance one row of 3,600 is at a full hour
RATIO = 20.0  # chosen: so many times more rows on one side than on the other
QUARANTINED = 0.05  # chosen
ENOUGH_A_MONTH = 20  # chosen: average rows of a month below which a thin one says nothing
ENOUGH_ROWS = 100  # below, shares say nothing


@dataclass(frozen=True)
class Check:
    """One answer. subject: the file or place looked at; sentence: what was found and how to read it."""

    id: str
    severity: Severity
    subject: str
    sentence: str
    figures: dict[str, float | int | str] = field(default_factory=dict)


def check_data(
    workspace: Workspace, *, rated: Collection[str] | None = None, file_ids: Collection[int] | None = None
) -> list[Check]:
    """What is odd about the loaded transactions; an empty list where nothing is.

    rated: currencies with an exchange rate; None leaves that check out. file_ids: only these files are looked
    at, beside all others for what overlaps.

    Raises:
        StoreError: a process is writing to the workspace.
    """
    with open_for_reading(workspace) as connection:
        files = stored_files(connection, "transactions")
        days = connection.execute("select file_id, day, row_count from days order by file_id, day").fetchall()
    chosen = [file for file in files if file_ids is None or file.file_id in set(file_ids)]
    found: list[Check] = []
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        for file in chosen:
            found += _quarantine(file)
            if file.segment:
                path = str(workspace.path / file.segment)
                found += _clock(connection, file, path)
                found += _sides_and_currencies(connection, file, path, rated)
                found += _calendar(
                    file, [(day, count) for file_id, day, count in days if file_id == file.file_id]
                )
        found += _overlaps(files, chosen)
        found += _account_gaps(connection, workspace, [file for file in files if file.segment])
    finally:
        connection.close()
    return found


def _quarantine(file: StoredFile) -> list[Check]:
    share = file.quarantined / file.source_rows
    if share <= QUARANTINED:
        return []
    return [Check(
        "DQ-QUARANTINE", "warning", file.name,
        f"{file.quarantined:,} of {file.source_rows:,} rows are in quarantine. Look at the reasons: many "
        f"of one kind "
        "mean that the mapping does not fit; few of many kinds mean that the source is dirty.",
        {"quarantined": file.quarantined, "rows": file.source_rows, "share": round(share, 4)},
    )]  # fmt: skip


def _clock(connection: duckdb.DuckDBPyConnection, file: StoredFile, path: str) -> list[Check]:
    timed, hours, midnight = connection.execute(
        """
        select
            count(*), count(*) filter (minute(booked_at) = 0 and second(booked_at) = 0),
            count(*) filter (hour(booked_at) = 0 and minute(booked_at) = 0 and second(booked_at) = 0)
        from read_parquet(?) where time_precision <> 'day'
        """,
        [path],
    ).fetchall()[0]
    found = []
    if timed < file.loaded:
        found.append(Check(
            "DQ-DATE-ONLY", "note", file.name,
            f"{file.loaded - timed:,} of {file.loaded:,} rows have a date without a time. Indicators of "
            f"the hour of "
            "the day skip them; windows shorter than a day count all rows of a day together.",
            {"date_only": file.loaded - timed, "rows": file.loaded},
        ))  # fmt: skip
    if timed < ENOUGH_ROWS:
        return found
    second, same_clock = connection.execute(
        """
        select strftime(any_value(booked_at), '%H:%M:%S'), count(*) as rows from read_parquet(?)
        where time_precision <> 'day'
        group by hour(booked_at) * 3600 + minute(booked_at) * 60 + second(booked_at)
        order by rows desc, 1 limit 1
        """,
        [path],
    ).fetchall()[0]
    if same_clock / timed >= SAME_CLOCK:
        found.append(Check(
            "DQ-CONSTANT-TIME", "warning", file.name,
            f"{same_clock:,} of {timed:,} rows are at {second} UTC: the source probably knows only dates "
            f"and writes a "
            "fixed time. State time.precision = \"day\" in the mapping, or findings about hours are "
            "worthless.",
            {"at": second, "rows_at": same_clock, "share": round(same_clock / timed, 4)},
        ))  # fmt: skip
    elif hours / timed >= FULL_HOURS:
        found.append(Check(
            "DQ-FULL-HOURS", "warning", file.name,
            f"{hours:,} of {timed:,} rows are at a full hour ({midnight:,} at midnight UTC); by chance it "
            f"is 1 in "
            "3,600. The source rounds its times, or some rows have only a date in another zone.",
            {"full_hour": hours, "midnight": midnight, "share": round(hours / timed, 4)},
        ))  # fmt: skip
    instant, together = connection.execute(
        """
        with candidates as (
            select unnest(approx_top_k(booked_at, 10)) as booked_at from read_parquet($path)
            where time_precision <> 'day'
        )
        select booked_at, count(*) as rows from read_parquet($path)
        where time_precision <> 'day' and booked_at in (select booked_at from candidates)
        group by booked_at order by rows desc, booked_at limit 1
        """,
        {"path": path},
    ).fetchall()[0]
    if together / timed > SAME_INSTANT:
        found.append(Check(
            "DQ-SAME-INSTANT", "warning", file.name,
            f"{together:,} of {timed:,} rows share the instant {instant} UTC: batch bookings, or a "
            f"default time. "
            "Velocity indicators see them as simultaneous.",
            {"instant": str(instant), "rows_at": together, "share": round(together / timed, 4)},
        ))  # fmt: skip
    return found


def _sides_and_currencies(
    connection: duckdb.DuckDBPyConnection, file: StoredFile, path: str, rated: Collection[str] | None
) -> list[Check]:
    counts = connection.execute(
        """
        select currency, count(*) filter (mirrored or direction = 'credit'),
            count(*) filter (mirrored or direction = 'debit'), count(*)
        from read_parquet(?) group by currency order by currency
        """,
        [path],
    ).fetchall()
    found = []
    unrated = {} if rated is None else {code: rows for code, _, _, rows in counts if code not in rated}
    if unrated and len(counts) > 1:
        found.append(Check(
            "DQ-NO-RATE", "warning", file.name,
            f"no exchange rate for {', '.join(unrated)} ({sum(unrated.values()):,} rows). Amounts in "
            f"accounts of "
            "another currency are left out of sums, never taken one to one; state own rates in "
            "fx.rates_file.",
            {"rows": sum(unrated.values()), "currencies": ", ".join(unrated)},
        ))  # fmt: skip
    credits, debits = sum(row[1] for row in counts), sum(row[2] for row in counts)
    if file.loaded >= ENOUGH_ROWS and max(credits, debits) > RATIO * min(credits, debits):
        found.append(Check(
            "DQ-ONE-SIDED", "warning", file.name,
            f"{credits:,} rows into accounts, {debits:,} out of them. Unless the export was meant to show "
            f"one side, the "
            "mapping of signs is wrong, or half of the export is missing.",
            {"credits": credits, "debits": debits},
        ))  # fmt: skip
    return found


def _calendar(file: StoredFile, days: list[tuple[object, int]]) -> list[Check]:
    rows = [(day, count) for day, count in days if isinstance(day, date)]
    if len(rows) < 2:
        return []
    found = []
    span = (rows[-1][0] - rows[0][0]).days + 1
    gaps = [(a, b) for (a, _), (b, _) in pairwise(rows) if (b - a).days > GAP_DAYS]
    idle = sum((b - a).days - 1 for a, b in gaps)
    if gaps and len(rows) >= DAILY_SHARE * (span - idle):
        longest = max(gaps, key=lambda gap: gap[1] - gap[0])
        found.append(Check(
            "DQ-GAP", "warning", file.name,
            f"no row of any account for {len(gaps)} period(s) of more than {GAP_DAYS} days, the longest "
            f"between "
            f"{longest[0]} and {longest[1]}, in a file that has rows on most days. A part of the export "
            f"is missing, "
            "and dormancy is not what it seems.",
            {"gaps": len(gaps), "from": str(longest[0]), "to": str(longest[1])},
        ))  # fmt: skip
    months: dict[str, int] = {}
    for day, count in rows:
        months[f"{day:%Y-%m}"] = months.get(f"{day:%Y-%m}", 0) + count
    whole = dict(sorted(months.items())[1:-1])  # the first and the last month may be cut
    average = sum(whole.values()) / len(whole) if whole else 0
    thin = [month for month, count in whole.items() if count < THIN_MONTH * average]
    if thin and len(whole) >= 3 and average >= ENOUGH_A_MONTH:
        found.append(Check(
            "DQ-THIN-MONTH", "warning", file.name,
            f"{', '.join(thin)}: less than {THIN_MONTH:.0%} of the average month ({average:,.0f} rows). "
            "A part of the export is probably missing.",
            {"months": ", ".join(thin), "average": round(average, 1)},
        ))  # fmt: skip
    return found


def _overlaps(files: list[StoredFile], chosen: list[StoredFile]) -> list[Check]:
    names = {file.file_id for file in chosen}
    found = []
    dated = [file for file in files if file.first_at and file.last_at]
    for index, first in enumerate(dated):
        for second in dated[index + 1 :]:
            if first.file_id not in names and second.file_id not in names:
                continue
            if first.mapping_sha256 != second.mapping_sha256:
                continue
            start = max(instant for instant in (first.first_at, second.first_at) if instant)
            end = min(instant for instant in (first.last_at, second.last_at) if instant)
            if start < end:
                found.append(Check(
                    "DQ-OVERLAP", "note", second.name,
                    f"covers {start:%Y-%m-%d} to {end:%Y-%m-%d} as {first.name} does. Rows that both have "
                    f"were counted "
                    f"once ({second.duplicate:,} duplicates); if there are none though the accounts are "
                    f"the same, the "
                    "two files name their rows differently.",
                    {"with": first.name, "from": str(start), "to": str(end), "duplicates": second.duplicate},
                ))  # fmt: skip
    return found


def _account_gaps(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, files: list[StoredFile]
) -> list[Check]:
    """Accounts that an earlier and a later file show, with a month or more between the two."""
    if len(files) < 2:
        return []
    count, example, start, end = connection.execute(
        """
        with periods as (
            select account_id, filename, min(booked_at) as first_at, max(booked_at) as last_at
            from read_parquet(?, union_by_name = true, filename = true) group by account_id, filename
        ),
        joined as (
            select account_id, first_at, max(last_at) over (
                partition by account_id order by first_at rows between unbounded preceding and 1 preceding
            ) as before
            from periods
        )
        select
            count(distinct account_id), min_by(account_id, before - first_at),
            min_by(before, before - first_at), min_by(first_at, before - first_at)
        from joined where first_at - before > interval 31 days
        """,
        [[str(workspace.path / file.segment) for file in files if file.segment]],
    ).fetchall()[0]
    if not count:
        return []
    return [Check(
        "DQ-ACCOUNT-GAP", "note", "all files",
        f"{count:,} account(s) have more than a month between one file and the next, e.g. {example} from "
        f"{start:%Y-%m-%d} to {end:%Y-%m-%d}. If a statement is missing, dormancy and changes of habit "
        f"are not real.",
        {"accounts": count, "account": example, "from": str(start), "to": str(end)},
    )]  # fmt: skip
