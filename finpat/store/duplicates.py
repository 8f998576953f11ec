"""Which rows of a new file are stored already.

A row's `row_key` is a hash; rows whose key occurs once, in the file and in the store, are new without a further look.
Only the others are compared, by their values and leg by leg, so a chance collision of hashes loses nothing.

What counts as the same (`judge`):

* A leg is named by (transaction_id, account_id, direction). A row stands for one leg, a mirrored row for two.
* A row all of whose legs are known with the same content is a duplicate. A mirrored row of which one leg is known
  brings the other: it is loaded as a one-sided row of the missing leg. So a two-sided export and a later statement
  of one account, or the other way round, never double a leg, provided that both carry the source's own ids.
* A leg that is known with other content is in conflict and its row goes to quarantine, where the message names the
  file and line of the row that came first.
* Content: rows read by the same mapping and seen from the same side must agree in every canonical column. Other
  layouts tell the same payment in other words: amount, currency and time must agree (the day, give or take one for
  zones, where one of them has only dates).
* Tables other than events (accounts, ads, watchlist): a row that differs from the stored one is a newer version and
  is loaded; two versions within one file are in conflict.
* Rows without an id of their own have their content as id, and the n-th equal row within one file is the n-th
  repeat: repeats stay, and an overlapping file adds only what no file before had as often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.schemas import Table
from finpat.store import keys, segment
from finpat.store.catalogue import MEMORY_LIMIT, SPILL, StoredFile

if TYPE_CHECKING:
    from finpat.store.load import Origin

Change = Callable[[pl.DataFrame, int], pl.DataFrame]
Keys = npt.NDArray[np.uint64]

PART_ROWS = 1 << 24  # keys compared at a time: 128 MB of them, however long the file
_MARK_BITS = 26  # a table of 2^26 flags sorts out nearly all stored keys that cannot match


def _key_pieces(path: Path, part: int, parts: int) -> Iterator[Keys]:
    """The segment's row keys that fall into one of `parts` equal ranges of the key space."""
    for frame in segment.read_frames(path, ["row_key"]):
        found = frame["row_key"].to_numpy()
        if parts > 1:
            width = (1 << 64) // parts + 1
            found = found[(found // np.uint64(width)) == part]
        yield found


def _repeated(found: Keys) -> Keys:
    """Keys that stand more than once in the sorted array."""
    return found[1:][found[1:] == found[:-1]]


def _parts(path: Path) -> int:
    return -(-segment.row_count(path) // PART_ROWS)


def shared_keys(draft: Path, stored: list[Path]) -> tuple[Keys, list[Path]]:
    """Sorted keys that two rows of the draft share, or one of it and a stored row; and the segments that have them."""
    parts = _parts(draft)
    shared: list[Keys] = []
    matching: dict[Path, None] = {}
    for part in range(parts):
        mine = np.sort(np.concatenate(list(_key_pieces(draft, part, parts))))
        if not len(mine):
            continue
        shared.append(np.unique(_repeated(mine)))
        shift = np.uint64(64 - _MARK_BITS)
        marks = np.zeros(1 << _MARK_BITS, np.bool_)
        marks[mine >> shift] = True
        for path in stored:
            for theirs in _key_pieces(path, part, parts):
                possible = theirs[marks[theirs >> shift]]
                place = np.minimum(np.searchsorted(mine, possible), len(mine) - 1)
                same = possible[mine[place] == possible]
                if len(same):
                    matching[path] = None
                    shared.append(same)
    return np.unique(np.concatenate(shared)) if shared else np.empty(0, np.uint64), list(matching)


def numbering(draft: Path, made: npt.NDArray[np.bool_], table: Table) -> Change | None:
    """How to number the repeats among rows whose id is made from their content; None if there are none.

    made: per row of the draft, whether finpat made its id (always with occurrence 1 so far).
    """
    parts = _parts(draft)
    repeats = []
    for part in range(parts):
        found = np.concatenate(list(_key_pieces(draft, part, parts)))
        repeats.append(_repeated(np.sort(found)))
    again = np.unique(np.concatenate(repeats))
    if not len(again):
        return None
    positions, hashes, start = [], [], 0
    for frame in segment.read_frames(draft, ["row_key"]):
        found = frame["row_key"].to_numpy()
        place = np.minimum(np.searchsorted(again, found), len(again) - 1)
        chosen = (again[place] == found) & made[start : start + len(found)]
        positions.append(np.flatnonzero(chosen) + start)
        hashes.append(found[chosen])
        start += len(found)
    rows = pl.DataFrame({"position": np.concatenate(positions), "row_key": np.concatenate(hashes)})
    rows = rows.with_columns(occurrence=pl.int_range(1, pl.len() + 1).over("row_key")).filter(pl.col("occurrence") > 1)
    if rows.is_empty():
        return None
    at, nth = rows["position"].to_numpy(), rows["occurrence"].to_numpy()
    name = keys.id_column(table)

    def change(frame: pl.DataFrame, position: int) -> pl.DataFrame:
        first, last = np.searchsorted(at, [position, position + frame.height])
        if first == last:
            return frame
        occurrence = np.ones(frame.height, np.int64)
        occurrence[at[first:last] - position] = nth[first:last]
        numbered = pl.concat_str(
            pl.col(name).str.strip_suffix("-1"), pl.lit("-"), pl.Series("occurrence", occurrence).cast(pl.String)
        )
        return frame.with_columns(
            pl.when(pl.Series(occurrence > 1)).then(numbered).otherwise(name).alias(name)
        ).with_columns(row_key=keys.row_key(table))

    return change


@dataclass(frozen=True)
class Verdicts:
    """What the compared rows are. Columns of `rows`: position, verdict, source_line, column, message, raw.

    verdict: `duplicate`, `conflict`, `written_only` (load as one-sided), `mirror_only` (load the mirror as one-sided).
    Rows that are not listed are new.
    """

    rows: pl.DataFrame
    table: Table

    def height_of(self, verdict: str) -> int:
        """Number of rows with the verdict."""
        return self.rows.filter(pl.col("verdict") == verdict).height

    def conflicts(self) -> pl.DataFrame:
        """The rows for quarantine, in the file's order."""
        found = self.rows.filter(pl.col("verdict") == "conflict").sort("position")
        return found.select("source_line", "column", reason=pl.lit("duplicate_key"), message="message", raw="raw")

    def change(self) -> Change | None:
        """How to bring the draft to what is loaded; None if it is that already."""
        if self.rows.is_empty():
            return None
        rows = self.rows.sort("position")
        at = rows["position"].to_numpy()
        verdicts = rows["verdict"]

        def change(frame: pl.DataFrame, position: int) -> pl.DataFrame:
            first, last = (int(place) for place in np.searchsorted(at, [position, position + frame.height]))
            if first == last:
                return frame
            marked = pl.DataFrame({"index": at[first:last] - position, "verdict": verdicts[first:last]})
            frame = (
                frame.with_row_index("index", 0)
                .with_columns(pl.col("index").cast(pl.Int64))
                .join(marked.with_columns(pl.col("index").cast(pl.Int64)), on="index", how="left", maintain_order="left")
                .filter(~pl.col("verdict").is_in(["duplicate", "conflict"]).fill_null(False))
            )
            return _one_sided(frame).drop("index", "verdict")

        return change


def _one_sided(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn rows marked written_only and mirror_only into the one leg that is missing."""
    if "mirrored" not in frame.columns:
        return frame
    turned = (pl.col("verdict") == "mirror_only").fill_null(False)
    single = pl.col("verdict").is_in(["mirror_only", "written_only"]).fill_null(False)
    # The name of the other side and the balance were told from the written side; the mirror does not know its own.
    untold = [name for name in ("counterparty_name", "balance_after_minor") if name in frame.columns]
    return frame.with_columns(
        account_id=pl.when(turned).then("counterparty_id").otherwise("account_id"),
        counterparty_id=pl.when(turned).then("account_id").otherwise("counterparty_id"),
        direction=pl.when(turned)
        .then(pl.col("direction").replace_strict({"credit": "debit", "debit": "credit"}, default=None))
        .otherwise("direction"),
        mirrored=pl.col("mirrored") & ~single,
        *[pl.when(~turned).then(name).alias(name) for name in untold],
    )


_NONE = pl.DataFrame(
    schema={
        "position": pl.Int64, "verdict": pl.String, "source_line": pl.Int64, "column": pl.String,
        "message": pl.String, "raw": pl.String,
    }
)  # fmt: skip


def judge(draft: Path, root: Path, before: list[StoredFile], origin: Origin, table: Table) -> Verdicts:
    """Compare the draft's rows with one another and with what is stored; see the module's rules.

    root: the workspace's folder. before: the table's stored files.
    """
    paths = {root / file.segment: file for file in before if file.segment}
    shared, matching = shared_keys(draft, list(paths))
    if not len(shared):
        return Verdicts(_NONE, table)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = '{str(root / SPILL).replace(chr(39), chr(39) * 2)}'")
        connection.register("shared_keys", pl.DataFrame({"row_key": shared}).to_arrow())
        stored = [paths[path] for path in matching]
        names = pl.DataFrame([(file.file_id, file.name) for file in stored], {"file_id": pl.Int64, "name": pl.String}, orient="row")
        connection.register("files", names.to_arrow())
        _stage(connection, draft, stored, root, origin, table)
        return Verdicts(_compare(connection, table), table)
    finally:
        connection.close()


# What two layouts must agree on to mean the same event: (money, currency, instant).
_FACTS = {
    "transactions": ("amount_minor", "currency", "booked_at"),
    "ad_payments": ("amount", "currency", "paid_at"),
}


def _key_names(table: Table) -> tuple[str, ...]:
    return table.key


def _told_names(table: Table) -> list[str]:
    """Canonical columns that tell a row's content, as stored; the key is not among them."""
    return [keys.stored_name(column.name, table) for column in table.columns if column.name not in table.key]


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
    names = [*_key_names(table), *_told_names(table)]
    listed = [f'{swapped[name] if mirror and name in swapped else _text(table, name, present)} as "{name}"' for name in names]
    at = next((column.name for column in table.columns if column.kind == "instant"), None)
    listed.append(f'cast("{at}" as timestamp) as moment' if at in present else "null::timestamp as moment")
    has_mirrors = "mirrored" in present
    listed.append("mirrored" if has_mirrors else "false as mirrored")
    listed.append(f"{'false' if mirror else 'true'} as written")
    return ", ".join(listed)


def _stage(
    connection: duckdb.DuckDBPyConnection,
    draft: Path,
    stored: list[StoredFile],
    root: Path,
    origin: Origin,
    table: Table,
) -> None:
    """Make the temporary table `legs`: every leg of the rows to compare, of the draft (file_id null) and stored."""
    names = [*_key_names(table), *_told_names(table)]
    connection.execute(
        "create or replace temp table legs (file_id integer, position bigint, source_line bigint, mapping varchar, "
        + ", ".join(f'"{name}" varchar' for name in names)
        + ", moment timestamp, mirrored boolean, written boolean)"
    )
    sources: list[tuple[Path, int | None, str]] = [(draft, None, origin.mapping_sha256)]
    sources += [(root / file.segment, file.file_id, file.mapping_sha256) for file in stored if file.segment]
    for path, file_id, mapping in sources:
        present = set(segment.columns_of(path))
        for mirror in (False, True) if "mirrored" in present else (False,):
            connection.execute(
                f"insert into legs select ?, {'file_row_number' if file_id is None else 'null'}, source_line, ?, "
                f"{_leg(table, present, mirror=mirror)} from read_parquet(?, file_row_number = true) "
                f"where row_key in (select row_key from shared_keys) {'and mirrored' if mirror else ''}",
                [file_id, mapping, str(path)],
            )


def _differences(table: Table, *, against_stored: bool) -> str:
    """SQL text of the columns in which leg `a` (new) contradicts leg `b` (first), joined by `, `; empty if none."""
    told = _told_names(table)
    if table.name not in keys.EVENTS:
        # A newer file may tell fewer columns; what it leaves open it does not change.
        condition = "a.\"{0}\" is not null and a.\"{0}\" is distinct from b.\"{0}\"" if against_stored else "a.\"{0}\" is distinct from b.\"{0}\""
        return "concat_ws(', ', " + ", ".join(f"if({condition.format(name)}, '{name}', null)" for name in told) + ")"
    strict = [f"if(a.\"{name}\" is distinct from b.\"{name}\", '{name}', null)" for name in told]
    money, currency, instant = _FACTS[table.name]
    loose = [f"if(a.\"{name}\" is distinct from b.\"{name}\", '{name}', null)" for name in (money, currency)]
    days_only = "a.time_precision = 'day' or b.time_precision = 'day'" if "time_precision" in told else "false"
    loose.append(f"if(if({days_only}, abs(date_diff('day', a.moment, b.moment)) > 1, a.moment is distinct from b.moment), '{instant}', null)")
    return (
        "if(a.mapping = b.mapping and a.written = b.written and a.mirrored = b.mirrored, "
        f"concat_ws(', ', {', '.join(strict)}), concat_ws(', ', {', '.join(loose)}))"
    )


def _compare(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    """The verdicts on the staged legs, as `Verdicts.rows`."""
    event = table.name in keys.EVENTS
    same_key = " and ".join(f'a."{name}" = b."{name}"' for name in _key_names(table))
    key_list = ", ".join(f'"{name}"' for name in _key_names(table))
    against_stored = _differences(table, against_stored=True)
    connection.execute(
        "create or replace temp table known as "
        f"with first as (select * from legs where file_id is not null "
        f"qualify row_number() over (partition by {key_list} order by file_id desc) = 1) "
        f"select a.position, a.written, b.file_id, b.source_line as first_line, {against_stored} as differences "
        f"from legs a join first b on {same_key} where a.file_id is null"
    )
    if not event:  # a newer version is new, not known
        connection.execute("delete from known where differences <> ''")
    connection.execute(
        "create or replace temp table compared as select position, any_value(file_id) as file_id, "
        "any_value(first_line) as first_line, any_value(differences) as differences "
        "from known where differences <> '' group by position"
    )
    # Rows in conflict are taken out, and the others compared again: a row must not be the duplicate of one that is
    # not loaded. Each round takes out at least one row, and in practice one round finds them all.
    within = _differences(table, against_stored=False)
    unknown = "" if not event else (
        "and not exists (from known where known.position = legs.position and known.written = legs.written)"
    )  # fmt: skip
    while True:
        connection.execute(
            "create or replace temp table within as "
            "with mine as (select * from legs where file_id is null and position not in (select position from compared) "
            f"{unknown}), first as (select * from mine qualify row_number() over (partition by {key_list} "
            "order by position, written desc) = 1) "
            f"select a.position, a.written, b.source_line as first_line, {within} as differences "
            f"from mine a join first b on {same_key} where a.position > b.position"
        )
        before = _count(connection, "compared")
        connection.execute(
            "insert into compared select position, null, any_value(first_line), any_value(differences) "
            "from within where differences <> '' group by position"
        )
        if _count(connection, "compared") == before:
            break
    rows = connection.sql(
        "with known_legs as (select position, written from known where differences = '' "
        "union select position, written from within where differences = ''), "
        "mine as (select legs.position, legs.written, known_legs.position is not null as is_known "
        "from legs left join known_legs on known_legs.position = legs.position and known_legs.written = legs.written "
        "where legs.file_id is null and legs.position not in (select position from compared)), "
        "judged as (select position, count(*) as legs, sum(is_known::int) as known, "
        "bool_or(is_known and written) as written_known from mine group by position) "
        "select position, case when known = legs then 'duplicate' when written_known then 'mirror_only' "
        "else 'written_only' end as verdict from judged where known > 0"
    ).pl()
    conflicts = _conflicts(connection, table)
    plain = rows.select("position", "verdict", **{name: pl.lit(None, _NONE.schema[name]) for name in _NONE.columns[2:]})
    return pl.concat([plain, conflicts])


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(connection.execute(f"select count(*) from {name}").fetchall()[0][0])


def _conflicts(connection: duckdb.DuckDBPyConnection, table: Table) -> pl.DataFrame:
    """Rows in conflict with a message that names the row that came first."""
    key = "concat_ws(', ', " + ", ".join(f"'{name} ' || legs.\"{name}\"" for name in _key_names(table)) + ")"
    told = ", ".join(f'"{name}" := legs."{name}"' for name in [*_key_names(table), *_told_names(table)])
    return connection.sql(
        "select compared.position, 'conflict' as verdict, legs.source_line, "
        "split_part(compared.differences, ', ', 1) as \"column\", "
        f"{key} || if(compared.file_id is null, ' stands already in line ' || compared.first_line || ' of this file', "
        "' is loaded already from ' || files.name || ' line ' || compared.first_line) "
        "|| ' with another ' || compared.differences || '; correct one of the two' as message, "
        f"cast(to_json(struct_pack({told})) as varchar) as raw "
        "from compared join legs on legs.position = compared.position and legs.file_id is null and legs.written "
        "left join files on files.file_id = compared.file_id"
    ).pl()
