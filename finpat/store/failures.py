"""What can go wrong with a disk, said in one line.

Polars and DuckDB report an operating system's error inside the text of their own; this is the one place that
reads it.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from finpat.errors import StoreError

# EFBIG is what a process meets that may not write larger files: for the user the same as a full disk.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
DENIED = {errno.EROFS, errno.EACCES, errno.EPERM}
_WORDS = {
    errno.ENOSPC: "no space left on device",
    errno.EDQUOT: "disk quota exceeded",
    errno.EFBIG: "file too large",
    errno.EROFS: "read-only file system",
    errno.EACCES: "permission denied",
    errno.EPERM: "operation not permitted",
}
_HELD = re.compile(r"Conflicting lock is held in (?P<program>.*?) \(PID (?P<pid>\d+)\)")


def cause_of(error: BaseException) -> int | None:
    """The operating system's error number behind `error`, or None where there is none."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    text = str(error)
    if match := re.search(r"os error (\d+)", text):
        return int(match[1])
    lower = text.lower()
    return next((number for number, words in _WORDS.items() if words in lower), None)


@contextmanager
def told_in_one_line(path: Path, doing: str) -> Iterator[None]:
    """Turn a failure of the disk, or of a lock, into one StoreError; `doing` completes "while ...".

    Raises:
        StoreError: the disk is full, the folder is read-only, or another process holds the catalogue.
    """
    try:
        yield
    except (OSError, pl.exceptions.ComputeError, duckdb.Error) as error:
        if held := _HELD.search(str(error)):
            raise StoreError(
                f"{path}: process {held['pid']} is using the catalogue, while {doing}. "
                "Wait until it has finished."
            ) from error
        number = cause_of(error)
        if number in FULL:
            raise StoreError(
                f"{path}: the disk is full, while {doing}. Nothing of it was kept; "
                "free some space and repeat."
            ) from error
        if number in DENIED:
            raise StoreError(
                f"{path}: cannot be written ({_WORDS[number]}), while {doing}. Nothing was changed; "
                "use a workspace in a folder that you may write to."
            ) from error
        raise
