"""Which rows of a new file are stored already.

A row's `row_key` is a hash; rows whose key occurs once, in the file and in the store, are new without a
further look. Only the others are compared, by their values and leg by leg, so a chance collision of hashes
loses nothing.

What counts as the same (`judge`):

* A leg is named by (transaction_id, account_id, direction). A row stands for one leg, a mirrored row for two.
* A row all of whose legs are known with the same content is a duplicate. A mirrored row of which one leg is
  known brings the other: it is loaded as a one-sided row of the missing leg. So a two-sided export and a
  later statement of one account, or the other way round, never double a leg, provided that both carry the
  source's own ids.
* A leg that is known with other content is in conflict and its row goes to quarantine, where the message
  names the file and line of the row that came first.
* Content: rows read by the same mapping and seen from the same side must agree in every canonical column.
  Other layouts tell the same payment in other words: amount, currency and time must agree (the day, give or
  take one for zones, where one of them has only dates).
* Tables other than events (accounts, ads, watchlist): a row that differs from the stored one is a newer
  version and is loaded; two versions within one file are in conflict.
* Rows without an id of their own have their content as id, and the n-th equal row within one file is the n-th
  repeat: repeats stay, and an overlapping file adds only what no file before had as often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.schemas import Table
from finpat.store import comparison, keys, segment
from finpat.store.catalogue import MEMORY_LIMIT, SPILL, StoredFile

if TYPE_CHECKING:
    from finpat.store.load import Origin

Change = Callable[[pl.DataFrame, int], pl.DataFrame]
Keys = npt.NDArray[np.uint64]

PART_ROWS = 1 << 22  # keys compared at a time, about: 32 MB of them, however long the file
_MARK_BITS = 25  # a table of 2^25 flags sorts out nearly all stored keys that cannot match


def part_bits(path: Path) -> int:
    """Into how many parts the key space is cut for a draft, as a power of two."""
    return max(0, -(-segment.row_count(path) // PART_ROWS) - 1).bit_length()


def _in_part(found: Keys, part: int, bits: int) -> Keys:
    """Those of the keys whose first `bits` bits are `part`."""
    return found[found >> np.uint64(64 - bits) == part] if bits else found


def _keys(path: Path) -> Iterator[Keys]:
    """A segment's row keys, in its order."""
    for frame in segment.read_frames(path, ["row_key"]):
        yield frame["row_key"].to_numpy()


def _sorted_part(draft: Path, part: int, bits: int) -> Keys:
    """The draft's keys in a part, sorted; gathered in one array, so that nothing is held twice."""
    usual = segment.row_count(draft) >> bits
    found, count = np.empty(usual + usual // 16 + 4096, np.uint64), 0
    for piece in _keys(draft):
        chosen = _in_part(piece, part, bits)
        if count + len(chosen) > len(found):  # a key that many rows share
            found = np.resize(found, 2 * (count + len(chosen)))
        found[count : count + len(chosen)] = chosen
        count += len(chosen)
    found = found[:count]
    found.sort()
    return found


def _repeated(found: Keys) -> Keys:
    """Keys that stand more than once in the sorted array."""
    repeated: Keys = found[1:][found[1:] == found[:-1]]
    return repeated


def shared_keys(draft: Path, stored: list[Path]) -> tuple[Keys, list[Path]]:
    """Sorted keys that two rows share, at least one of them new; and the stored segments that have them."""
    bits = part_bits(draft)
    shared: list[Keys] = []
    matching: dict[Path, None] = {}
    for part in range(1 << bits):
        mine = _sorted_part(draft, part, bits)
        if not len(mine):
            continue
        shared.append(np.unique(_repeated(mine)))
        if not stored:
            continue
        marks = np.zeros(1 << _MARK_BITS, np.bool_)
        marks[_mark_of(mine)] = True
        for path in stored:
            for piece in _keys(path):
                theirs = _in_part(piece, part, bits)
                possible = theirs[marks[_mark_of(theirs)]]
                place = np.minimum(np.searchsorted(mine, possible), len(mine) - 1)
                same = possible[mine[place] == possible]
                if len(same):
                    matching[path] = None
                    shared.append(same)
    return np.unique(np.concatenate(shared)) if shared else np.empty(0, np.uint64), list(matching)


def _mark_of(found: Keys) -> Keys:
    """Where each key stands in the table of flags; by its last bits, the first ones are those of the part."""
    place: Keys = found & np.uint64((1 << _MARK_BITS) - 1)
    return place


def numbering(draft: Path, made: npt.NDArray[np.bool_], table: Table) -> Change | None:
    """How to number the repeats among rows whose id is made from their content; None if there are none.

    made: per row of the draft, whether finpat made its id (always with occurrence 1 so far).
    """
    bits = part_bits(draft)
    repeats = [_repeated(_sorted_part(draft, part, bits)) for part in range(1 << bits)]
    again = np.unique(np.concatenate(repeats))
    if not len(again):
        return None
    positions, hashes, start = [], [], 0
    for found in _keys(draft):
        place = np.minimum(np.searchsorted(again, found), len(again) - 1)
        chosen = (again[place] == found) & made[start : start + len(found)]
        positions.append(np.flatnonzero(chosen) + start)
        hashes.append(found[chosen])
        start += len(found)
    rows = pl.DataFrame({"position": np.concatenate(positions), "row_key": np.concatenate(hashes)})
    rows = rows.with_columns(occurrence=pl.int_range(1, pl.len() + 1).over("row_key")).filter(
        pl.col("occurrence") > 1
    )
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
            pl.col(name).str.strip_suffix("-1"),
            pl.lit("-"),
            pl.Series("occurrence", occurrence).cast(pl.String),
        )
        return frame.with_columns(
            pl.when(pl.Series(occurrence > 1)).then(numbered).otherwise(name).alias(name)
        ).with_columns(row_key=keys.row_key(table))

    return change


@dataclass(frozen=True)
class Verdicts:
    """What the compared rows are. Columns of `rows`: position, verdict, source_line, column, message, raw.

    verdict: `duplicate`, `conflict`, `written_only` (load as one-sided), `mirror_only` (load the mirror as
    one-sided). Rows that are not listed are new. by_file: of how many rows a stored file's rows decided.
    """

    rows: pl.DataFrame
    table: Table
    by_file: dict[int, int] = field(default_factory=dict)

    def height_of(self, verdict: str) -> int:
        """Number of rows with the verdict."""
        return self.rows.filter(pl.col("verdict") == verdict).height

    def conflicts(self) -> pl.DataFrame:
        """The rows for quarantine, in the file's order."""
        found = self.rows.filter(pl.col("verdict") == "conflict").sort("position")
        return found.select(
            "source_line", "column", reason=pl.lit("duplicate_key"), message="message", raw="raw"
        )

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
                .join(
                    marked.with_columns(pl.col("index").cast(pl.Int64)),
                    on="index",
                    how="left",
                    maintain_order="left",
                )
                .filter(~pl.col("verdict").is_in(["duplicate", "conflict"]).fill_null(False))
            )
            return _one_sided(frame).drop("index", "verdict")

        return change


def _one_sided(frame: pl.DataFrame) -> pl.DataFrame:
    """Turn rows marked written_only and mirror_only into the one leg that is missing."""
    if not {"mirrored", "counterparty_id"} <= set(frame.columns):  # no row of the file has two legs
        return frame
    turned = (pl.col("verdict") == "mirror_only").fill_null(False)
    single = pl.col("verdict").is_in(["mirror_only", "written_only"]).fill_null(False)
    # The other side's name and the balance were told from the written side; the mirror does not know its own.
    untold = [name for name in ("counterparty_name", "balance_after_minor") if name in frame.columns]
    return frame.with_columns(
        account_id=pl.when(turned).then("counterparty_id").otherwise("account_id"),
        counterparty_id=pl.when(turned).then("account_id").otherwise("counterparty_id"),
        direction=pl.when(turned)
        .then(pl.col("direction").replace_strict({"credit": "debit", "debit": "credit"}, default=None))
        .otherwise("direction"),
        mirrored=pl.col("mirrored") & ~single,
        **{name: pl.when(~turned).then(name) for name in untold},
    )


def judge(draft: Path, root: Path, before: list[StoredFile], origin: Origin, table: Table) -> Verdicts:
    """Compare the draft's rows with one another and with what is stored; see the module's rules.

    root: the workspace's folder. before: the table's stored files.
    """
    paths = {root / file.segment: file for file in before if file.segment}
    shared, matching = shared_keys(draft, list(paths))
    if not len(shared):
        return Verdicts(pl.DataFrame(schema=comparison.VERDICTS), table)
    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute(f"set temp_directory = '{str(root / SPILL).replace(chr(39), chr(39) * 2)}'")
        connection.register("shared_keys", pl.DataFrame({"row_key": shared}).to_arrow())
        stored = [paths[path] for path in matching]
        sources = [comparison.Legs(draft, None, origin.mapping_sha256)]
        sources += [
            comparison.Legs(path, paths[path].file_id, paths[path].mapping_sha256, paths[path].place)
            for path in matching
        ]
        names = pl.DataFrame(
            [(file.file_id, file.name) for file in stored],
            {"file_id": pl.Int64, "name": pl.String},
            orient="row",
        )
        connection.register("files", names.to_arrow())
        comparison.stage(connection, table, sources)
        rows, by_file = comparison.verdicts(connection, table)
        return Verdicts(rows, table, by_file)
    finally:
        connection.close()
