"""A real PostgreSQL server for tests: Debian's, in a folder of its own, on a Unix socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REQUIRED = "FINPAT_REQUIRE_SERVERS"  # set where a missing server is a failure, not a reason to skip


def programs() -> Path | None:
    """Folder with `initdb` and `postgres`, of the newest version installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def unprivileged() -> dict[str, object]:
    """Who the server runs as: it refuses root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {}


@contextmanager
def server() -> Iterator[Path]:
    """A running server; the folder of its socket."""
    where = programs()
    if where is None:
        reason = "PostgreSQL is not installed (Debian: apt-get install postgresql)"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    user = unprivileged()
    # Under /tmp itself: a socket's path has room for 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="finpat-pg-", dir="/tmp"))
    try:
        if user:
            os.chown(folder, int(str(user["user"])), int(str(user["group"])))
        data = folder / "data"
        common = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/", **user}
        subprocess.run(
            [where / "initdb", "-D", data, "-U", "finpat", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
            check=True,
            **common,
        )
        options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
        control = [where / "pg_ctl", "-D", data, "-w"]
        subprocess.run([*control, "-o", options, "-l", folder / "log", "start"], check=True, **common)
        try:
            yield folder
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, **common)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
