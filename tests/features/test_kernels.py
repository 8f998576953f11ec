"""Kernels are compiled once, say so, and give the same answer however the work is cut."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import finpat.features as features
from finpat import ordering
from finpat.compiled import account_blocks, in_blocks
from finpat.config import Settings
from finpat.features import (
    amounts,
    change,
    channels,
    movement,
    peers,
    places,
    relays,
    rhythm,
    structuring,
    velocity,
)
from finpat.ledger import build_ledger
from finpat.networks import motifs_edges, motifs_kernels
from tests import factory
from tests.features.oracle import random_payments

MODULES = (
    ordering,
    amounts,
    change,
    channels,
    motifs_edges,
    motifs_kernels,
    movement,
    peers,
    places,
    relays,
    rhythm,
    structuring,
    velocity,
)


@settings(max_examples=40, deadline=None)
@given(
    payments=random_payments(), threads=st.integers(2, 9), seed=st.integers(0, 99), pieces=st.integers(1, 5)
)
def test_row_order_pieces_and_threads_do_not_change_a_bit(payments, threads, seed, pieces):
    shuffled = payments.sample(fraction=1, shuffle=True, seed=seed)
    size = -(-shuffled.height // pieces)
    cut = pl.concat(list(shuffled.iter_slices(size)), rechunk=False)
    straight = features.build_features(build_ledger(payments), Settings(threads=1))
    other = features.build_features(build_ledger(cut), Settings(threads=threads))
    assert_frame_equal(straight, other, check_exact=True)


def signatures_of_kernels():
    """What every kernel has been compiled for so far."""
    return {
        (module.__name__, name): list(value.signatures)
        for module in MODULES
        for name, value in vars(module).items()
        if hasattr(value, "signatures") and value.py_func.__module__ == module.__name__
    }


def test_what_was_compiled_once_fits_every_ledger():
    frames = [
        factory.payments({}, {"has_time": False}),
        factory.payments(
            {"currency": "EUR"}, {"currency": "SEK", "city": "Varna", "local_zone": "Europe/Sofia"}
        ),
        factory.payments({}, {"mirrored": True}).with_columns(
            pl.col("account_id", "counterparty_id", "currency", "channel", "city").cast(pl.Categorical)
        ),
    ]
    features.build_features(build_ledger(frames[0]), Settings(threads=1))
    compiled = signatures_of_kernels()  # other tests of this process may have compiled more
    for frame in frames[1:]:
        features.build_features(build_ledger(frame), Settings(threads=1))
    assert compiled
    assert signatures_of_kernels() == compiled


def test_a_cold_cache_is_announced_once_and_a_warm_one_not(tmp_path):
    script = (
        "import numpy as np; from finpat import ordering\n"
        "from finpat.compiled import announcing_compilation\n"
        "with announcing_compilation(lambda line: print('SAID', line)):\n"
        "    ordering.account_of_legs(np.array([0, 1]))"
        "\n    ordering.commonest_code(np.array([0, 1]), np.array([0]), 1)"
    )
    spoken = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env={"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(Path(features.__file__).parents[2])},
        )  # fmt: skip
        spoken.append(done.stdout.count("SAID"))
    assert spoken == [1, 0]


def test_kernels_run_where_no_folder_can_hold_compiled_code(tmp_path):
    package = tmp_path / "finpat"
    package.mkdir()
    for name in ("__init__.py", "compiled.py"):
        (package / name).write_bytes((Path(features.__file__).parents[1] / name).read_bytes())
    (package / "__pycache__").write_text("a file where the cache folder would be")
    (tmp_path / "home").write_text("no folder either")
    script = "import numpy as n; from finpat.sums import total as t; print(t(n.ones(6)), t.stats.cache_path)"
    (package / "sums.py").write_text(
        "from finpat.compiled import kernel\n\n\n@kernel\ndef total(values):\n    return values.sum()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=True,
        env={"PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout.split() == ["6.0", "None"]


def test_blocks_cover_every_account_once_whatever_their_sizes():
    for legs in ([0], [5], [0, 0, 0], [1000, 1, 1, 1], [1] * 500, [0, 7, 0, 900, 0]):
        offsets = np.concatenate([[0], np.cumsum(legs)]).astype(np.int64)
        covered = [account for first, last in account_blocks(offsets) for account in range(first, last)]
        assert covered == list(range(len(legs)))


def test_a_failing_block_is_not_lost():
    def start():
        def work(first, last):
            if first == 3:
                raise ValueError("block 3")

        return work

    for threads in (1, 4):
        with pytest.raises(ValueError, match="block 3"):
            in_blocks([(i, i + 1) for i in range(8)], threads, start)
