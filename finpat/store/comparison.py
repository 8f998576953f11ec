"""Comparing rows that share a row key, leg by leg, in SQL; the rules are those of `duplicates`.

`stage` collects the legs of all rows to compare in one table; `verdicts` says what becomes of the new ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from finpat.schemas import Table
from finpat.store import keys, segment

VERDICTS = {
    "position": pl.Int64,
    "verdict": pl.String,
    "source_line": pl.Int64,
    "column": pl.String,
    "message": pl.String,
    "raw": pl.String,
}

# What two layouts must agree on to mean the same event, beside its time.
_FACTS = {"transactions": ("amount_minor", "currency"), "ad_payments": ("amount_minor", "currency")}


@dataclass(frozen=True)
class Legs:
    """A segment with rows to compare; file_id is null for the draft of the new file."""

    path: Path
    file_id: int | None
    mapping_sha256: str
    place: int = 0  # among the stored files; the last has the latest version of a row


def _told_names(table: Table) -> list[str]:
    """Canonical columns that tell a row's content, as stored; the key is not among them."""
    return [keys.stored_name(column.name, table) for column in table.columns if column.name not in table.key]


def _instant(table: Table) -> str | None:
    return next((column.name for column in table.columns if column.kind == "instant"), None)


def _text(table: Table, name: str, present: set[str]) -> str:
    """SQL of a stored column as text that is equal where the values are."""
    if name not in present:
        return "null::varchar"
    declared = next((column for column in table.columns if column.name == name), None)
    if declared is not None and declared.kind == "decimal":  # files may keep a different number of decimals
        return f'cast(cast("{name}" as decimal(38, 10)) as varchar)'
    return f'cast("{name}" as varchar)'


def _leg(table: Table, present: set[str], *, mirror: bool) -> str:
    """Select list of one leg; the mirror swaps the sides and turns the direction."""
    swapped = {
        "account_id": _text(table, "counterparty_id", present),
        "counterparty_id": _text(table, "account_id", present),
        "direction": "if(direction = 'credit', 'debit', 'credit')",
    }
    listed = []
    for name in (*table.key, *_told_names(table)):
        value = swapped[name] if mirror and name in swapped else _text(table, name, present)
        listed.append(f'{value} as "{name}"')
    instant = _instant(table)
    listed.append(f'cast("{instant}" as timestamp)' if instant in present else "null::timestamp")
    listed.append("mirrored" if "mirrored" in present else "false")
    listed.append("false" if mirror else "true")
    return ", ".join(listed)


def stage(connection: duckdb.DuckDBPyConnection, table: Table, sources: list[Legs]) -> None:
    """Fill the table `legs` with every leg of the rows whose key is in `shared_keys`."""
    names = ", ".join(f'"{name}" varchar' for name in (*table.key, *_told_names(table)))
    connection.execute(
        f"""
        create table legs (
            file_id integer, place integer, position bigint, source_line bigint, mapping varchar, {names},
            moment timestamp, mirrored boolean, written boolean
        )
        """
    )
    for source in sources:
        present = set(segment.columns_of(source.path))
        for mirror in (False, True) if {"mirrored", "counterparty_id"} <= present else (False,):
            connection.execute(
                f"""
                insert into legs
                select
                    $file_id, $place, file_row_number, source_line, $mapping,
                    {_leg(table, present, mirror=mirror)}
                from read_parquet($path, file_row_number = true)
                where row_key in (select row_key from shared_keys) {"and mirrored" if mirror else ""}
                """,
                {
                    "file_id": source.file_id,
                    "place": source.place,
                    "mapping": source.mapping_sha256,
                    "path": str(source.path),
                },
            )


def _differences(table: Table, *, stored: bool) -> str:
    """SQL text of the columns in which leg a (new) contradicts leg b (first), with commas; empty if none.

    stored: leg b is of a loaded file, not of the same file.
    """

    def tests(names: Iterable[str], also: str = "true") -> str:
        each = "if({also} and a.{name} is distinct from b.{name}, '{name}', null)"
        return ", ".join(each.format(name=name, also=also.format(name=name)) for name in names)

    told = _told_names(table)
    if table.name not in keys.EVENTS:
        # A newer file may tell fewer columns; what it leaves open it does not change.
        return f"concat_ws(', ', {tests(told, 'a.{name} is not null' if stored else 'true')})"
    dates_only = (
        "a.time_precision = 'day' or b.time_precision = 'day'" if "time_precision" in told else "false"
    )
    another_time = f"""if(
        if({dates_only}, abs(date_diff('day', a.moment, b.moment)) > 1, a.moment is distinct from b.moment),
        '{_instant(table)}', null)"""
    return f"""if(
        a.mapping = b.mapping and a.written = b.written and a.mirrored = b.mirrored,
        concat_ws(', ', {tests(told)}),
        concat_ws(', ', {tests(_FACTS[table.name])}, {another_time}))"""


def verdicts(connection: duckdb.DuckDBPyConnection, table: Table) -> tuple[pl.DataFrame, dict[int, int]]:
    """What becomes of the staged new rows, with the columns of VERDICTS; rows that are not listed are new.

    The second value: by stored file, how many of the new rows were judged by its rows.
    """
    event = table.name in keys.EVENTS
    key = ", ".join(f'"{name}"' for name in table.key)
    same_key = " and ".join(f'a."{name}" = b."{name}"' for name in table.key)
    # Of a table whose later rows replace earlier ones, the latest is what a new row is compared with.
    connection.execute(
        f"""
        create table known as
        with first as (
            select * from legs where file_id is not null
            qualify row_number() over (partition by {key} order by place desc, file_id desc, position) = 1
        )
        select
            a.position, a.written, b.file_id, b.source_line as first_line,
            {_differences(table, stored=True)} as differences
        from legs a join first b on {same_key} where a.file_id is null
        """
    )
    if not event:  # a newer version is new, not known
        connection.execute("delete from known where differences <> ''")
    by_file = dict(
        connection.execute("select file_id, count(distinct position) from known group by file_id").fetchall()
    )
    connection.execute(f"create table conflicts as {_worst('known', 'file_id')}")
    # Rows in conflict are taken out, and the others compared again: a row must not be the duplicate of one
    # that is not loaded. Each round takes out at least one row, and nearly always one round finds them all.
    unknown = "and (position, written) not in (select (position, written) from known)" if event else ""
    while True:
        connection.execute(
            f"""
            create or replace table within as
            with mine as (
                select * from legs
                where file_id is null and position not in (select position from conflicts) {unknown}
            ),
            first as (
                select * from mine
                qualify row_number() over (partition by {key} order by position, written desc) = 1
            )
            select
                a.position, a.written, b.source_line as first_line,
                {_differences(table, stored=False)} as differences
            from mine a join first b on {same_key} where a.position > b.position
            """
        )
        added = f"insert into conflicts {_worst('within', 'null::integer')} returning position"
        if not connection.execute(added).fetchall():
            break
    known = connection.sql(
        """
        with same as (
            select position, written from known where differences = ''
            union
            select position, written from within where differences = ''
        ),
        mine as (
            select legs.position, legs.written, same.position is not null as is_known
            from legs left join same on same.position = legs.position and same.written = legs.written
            where legs.file_id is null and legs.position not in (select position from conflicts)
        ),
        judged as (
            select
                position, count(*) as leg_count, count(*) filter (is_known) as known_count,
                bool_or(is_known and written) as written_known
            from mine group by position
        )
        select
            position,
            case
                when known_count = leg_count then 'duplicate'
                when written_known then 'mirror_only'
                else 'written_only'
            end as verdict
        from judged where known_count > 0
        """
    )
    judged: pl.DataFrame = known.pl()
    judged_names = set(judged.columns)
    untold = {name: pl.lit(None, dtype) for name, dtype in VERDICTS.items() if name not in judged_names}
    judged = judged.with_columns(**untold).select(*VERDICTS)
    return pl.concat([judged, _conflicts(connection, table)]), by_file


def _worst(compared: str, file_id: str) -> str:
    """SQL of one conflict for each row in conflict; the written leg goes before the mirror."""
    return f"""
        select position, {file_id} as file_id, first_line, differences
        from {compared} where differences <> ''
        qualify row_number() over (partition by position order by written desc, first_line) = 1
    """


def _conflicts(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    """Rows in conflict with a message that names the row that came first."""
    named = ", ".join(f"'{name} ' || legs.\"{name}\"" for name in table.key)
    told = ", ".join(f'"{name}" := legs."{name}"' for name in (*table.key, *_told_names(table)))
    found = connection.sql(
        f"""
        select
            conflicts.position, 'conflict' as verdict, legs.source_line,
            split_part(conflicts.differences, ', ', 1) as "column",
            concat_ws(', ', {named})
            || if(conflicts.file_id is null,
                  ' stands already in line ' || conflicts.first_line || ' of this file',
                  ' is loaded already from ' || files.name || ' line ' || conflicts.first_line)
            || ' with another ' || conflicts.differences as message,
            cast(to_json(struct_pack({told})) as varchar) as raw
        from conflicts
        join legs on legs.position = conflicts.position and legs.file_id is null and legs.written
        left join files on files.file_id = conflicts.file_id
        """
    )
    rows: pl.DataFrame = found.pl()
    return rows
