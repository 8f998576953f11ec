"""A process of its own that loads one file: python -m tests.store.loader WORKSPACE ROWS [MEGABYTES | hold].

Prints `ready` before the load begins and `loaded` when it is done. MEGABYTES: no file may grow beyond.
hold: waits in the middle of the load for ever.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finpat.config import Settings
from finpat.errors import FinpatError
from finpat.sources import Batch
from finpat.store.load import Loading, load_batches, replace
from finpat.store.workspace import Workspace
from tests.store.exports import NOW, batches, origin, reject, rejected, row


def rows_of(count: int) -> list[dict[str, Any]]:
    return [row(transaction_id=f"T{n}", amount_minor=n + 1) for n in range(count)]


def pieces(count: int, *, hold: bool = False) -> Iterator[Batch]:
    yield rejected(reject(count + 2))
    for number, piece in enumerate(batches(rows_of(count), size=500)):
        if hold and number == 1:
            print("holding", flush=True)
            time.sleep(600)
        yield piece


def main(folder: str, count: int, how: str = "") -> None:
    if how.isdigit():
        limit = int(how) << 20
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    workspace = Workspace.create(Path(folder))
    made = list(pieces(count)) if how != "hold" else pieces(count, hold=True)
    print("ready", flush=True)
    try:
        load_batches(workspace, made, origin("big.csv"), settings=Settings(), now=NOW)
    except FinpatError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    print("loaded", flush=True)


def load_when_told(folder: str, count: int, ready: Any) -> None:
    """Load in this process, after telling by the event `ready` that it begins; exit status 0 once loaded."""
    workspace = Workspace.open(Path(folder))
    made = list(pieces(count))
    ready.set()
    load_batches(workspace, made, origin("big.csv"), settings=Settings(), now=NOW)


def replace_when_told(folder: str, count: int, ready: Any) -> None:
    """Replace the load of big.csv by one of another mapping and amounts; as `load_when_told`."""
    workspace = Workspace.open(Path(folder))
    rows = [{**line, "amount_minor": line["amount_minor"] + 1} for line in rows_of(count)]
    made = Loading(origin("big.csv", mapping="better"), list(batches(rows, size=500)))
    ready.set()
    replace(workspace, [made], settings=Settings(), now=NOW)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
