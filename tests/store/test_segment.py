"""Segments are written and read as a stream: what is held does not grow with the rows."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from finpat.sources.source import open_source
from finpat.sources.structured import read_parquet
from finpat.store import segment

PIECE = 20_000  # rows; eight bytes each that do not compress


def _frames(count):
    keys = np.random.default_rng(7)
    for _ in range(count):
        yield pl.DataFrame({"row_key": keys.integers(0, 1 << 63, PIECE)})


def _held_at_most(pieces):
    """Bytes that Arrow holds at most while the pieces are looked at one by one."""
    before = pa.total_allocated_bytes()
    return max(pa.total_allocated_bytes() - before for _ in pieces)


@pytest.fixture
def segments(tmp_path, monkeypatch):
    """Two segments, of 4 and of 16 row groups."""
    monkeypatch.setattr(segment, "GROUP_ROWS", PIECE)
    paths = [tmp_path / f"{count}.parquet" for count in (4, 16)]
    for path, count in zip(paths, (4, 16), strict=True):
        assert segment.write_frames(path, _frames(count)) == count * PIECE
    return paths


def test_a_segment_is_read_in_its_order(segments):
    found = pl.concat(segment.read_frames(segments[0]))
    assert found.equals(pl.concat(_frames(4)))


def test_reading_a_segment_holds_as_much_for_many_rows_as_for_few(segments):
    few, many = (_held_at_most(segment.read_frames(path)) for path in segments)
    assert many < few + 2 * 8 * PIECE


def test_reading_a_parquet_export_holds_as_much_for_many_rows_as_for_few(segments):
    few, many = (_held_at_most(read_parquet(open_source(path))) for path in segments)
    assert many < few + 2 * 8 * PIECE
