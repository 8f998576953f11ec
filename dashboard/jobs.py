"""Work that takes longer than a page may wait: started by one callback, asked after by another.

Threads, never processes: Polars hangs in a forked child (2.1). One job at a time, since each takes a core.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import uuid4

KEPT = 50  # outcomes; the oldest goes first
_POOL = ThreadPoolExecutor(1, thread_name_prefix="job")
_LOCK = threading.Lock()
_JOBS: OrderedDict[str, Future[Any]] = OrderedDict()


def submit(work: Callable[..., Any], *arguments: Any) -> str:
    """Begin `work(*arguments)` when the jobs before it are done; gives the name to ask after it by."""
    job = uuid4().hex
    with _LOCK:
        _JOBS[job] = _POOL.submit(work, *arguments)
        while len(_JOBS) > KEPT:
            _JOBS.popitem(last=False)[1].cancel()
    return job


def outcome(job: str | None) -> Future[Any] | None:
    """The job of that name; None where it is no longer kept."""
    with _LOCK:
        return _JOBS.get(job or "")
