"""Compiled kernels: numba functions over fixed blocks of accounts, and what their first compilation says.

A kernel is a plain function over arrays that releases the GIL. Work is cut into blocks of accounts whose
number does
not depend on the threads, and each block is computed alone: results are the same for one thread and for many.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Lock, Thread
from typing import Any, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.core import event

BLOCKS = 64  # enough that one busy account does not leave the other threads idle
COMPILE_SECONDS = 40  # order of magnitude of a first compilation on two cores


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` on first use and keep the machine code on disk.

    The code is kept beside the module, else in the user's cache folder; where neither can be written it is
    compiled anew by each process.
    """
    try:
        return cast(Callable[..., Any], numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # numba: "no locator available": no folder to keep the code in
        return cast(Callable[..., Any], numba.njit(nogil=True)(function))


def frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array in one piece and read-only.

    A kernel is compiled for each combination of argument types, and whether an array may be written to is
    part of its type: inputs are frozen, so that what was compiled once fits every ledger.
    """
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


def account_blocks(offsets: npt.NDArray[np.int64], count: int = BLOCKS) -> list[tuple[int, int]]:
    """Cut the accounts into at most `count` half-open runs with about equally many legs.

    offsets: the legs of account i are [offsets[i], offsets[i + 1]).
    """
    accounts = offsets.size - 1
    cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], count + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], np.minimum(cuts, accounts), [accounts]])).tolist()
    return list(pairwise(edges))


def thread_count(setting: int) -> int:
    """Threads to use: the setting, or all cores for 0."""
    if setting:
        return setting
    if hasattr(os, "sched_getaffinity"):  # Linux: the cores this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_blocks(
    blocks: list[tuple[int, int]], threads: int, start: Callable[[], Callable[[int, int], object]]
) -> None:
    """Work off every block once, on `threads` threads.

    start: called once by each worker; returns the function of (first, last) that computes one block with
        scratch memory of its own.

    Raises:
        Exception: the first one that a block raised.
    """
    if threads <= 1 or len(blocks) <= 1:
        work = start()
        for first, last in blocks:
            work(first, last)
        return
    waiting = iter(blocks)
    taking = Lock()
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            work = start()
            while not failures:
                with taking:
                    block = next(waiting, None)
                if block is None:
                    return
                work(*block)
        except BaseException as failure:
            failures.append(failure)

    workers = [Thread(target=worker, name=f"blocks-{index}") for index in range(min(threads, len(blocks)))]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    if failures:
        raise failures[0]


class _FirstCompilation(event.Listener):
    """Says once that kernels are being compiled; loading compiled code from disk says nothing."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.tell = notify
        self.told = False

    def on_start(self, event: object) -> None:
        if not self.told:
            self.told = True
            self.tell(f"compiling window kernels, about {COMPILE_SECONDS} s, once after installation")

    def on_end(self, event: object) -> None:
        pass


@contextmanager
def announcing_compilation(notify: Callable[[str], None]) -> Iterator[None]:
    """While inside, the first kernel that has to be compiled calls `notify` with one line."""
    with event.install_listener("numba:compile", _FirstCompilation(notify)):
        yield
