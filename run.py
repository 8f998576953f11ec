"""Every command of this repository in one place; needs Python 3.11+ and nothing else.

python run.py demo              make a workspace from the sample data, run everything, print the top accounts
python run.py test [ARGS]       run the tests (ARGS go to pytest)
python run.py lint              ruff, mypy, import contracts, every query on empty tables
python run.py bench [ARGS]      the benchmark (bench/run_bench.py)
python run.py docs              write the generated documents anew
python run.py lock              renew requirements.lock from pyproject.toml (needs uv)
python run.py ANY FINPAT COMMAND

The first call installs the locked dependencies into .venv: with uv where there is one, else venv and pip.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ENV = Path(os.environ.get("FINPAT_VENV", ROOT / ".venv"))
LOCK = ROOT / "requirements.lock"
BIN = ENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")


def install() -> None:
    """Make .venv match requirements.lock; do nothing when it already does."""
    if sys.version_info < (3, 11):
        sys.exit(f"finpat needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    inputs = LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + sys.version.encode()
    wanted = hashlib.sha256(inputs).hexdigest()
    stamp = ENV / ".finpat-stamp"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    print("finpat: first run, installing into .venv (about 1.3 GB, a minute or two) ...", file=sys.stderr)
    if uv := shutil.which("uv"):
        subprocess.check_call([uv, "venv", "-q", "--allow-existing", "-p", sys.executable, str(ENV)])
        pip = [uv, "pip", "install", "-q", "-p", str(PYTHON)]
    else:
        venv.EnvBuilder(with_pip=True).create(ENV)
        pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "--require-hashes", "-r", str(LOCK)])
    subprocess.check_call([*pip, "--no-deps", "-e", str(ROOT)])
    stamp.write_text(wanted)


def lock() -> int:
    """Write requirements.lock: hashes for every platform, no registry addresses."""
    export = ["uv", "export", "-q", "--all-groups", "--no-emit-project", "--no-annotate", "--no-header"]
    return subprocess.call([*export, "-o", str(LOCK)], cwd=ROOT)


def lint() -> int:
    """Run every static check, even after one has failed."""
    checks = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports"],
        ["finpat", "query", "lint", "queries"],
    ]
    failed = 0
    for check in checks:
        print("$ " + " ".join(check), flush=True)
        failed |= subprocess.call([str(BIN / check[0]), *check[1:]], cwd=ROOT)
    return int(failed != 0)


def main() -> int:
    """Run the command that the arguments name."""
    command, *rest = sys.argv[1:] or ["demo"]
    if command == "lock":
        return lock()
    install()
    if command == "test":
        # Two workers pay from the second core on; more would mostly import the same libraries again.
        workers = [] if any(arg.startswith("-n") for arg in rest) else ["-n", "2"]
        return subprocess.call([str(PYTHON), "-m", "pytest", *workers, *rest], cwd=ROOT)
    if command == "lint":
        return lint()
    if command == "bench":
        return subprocess.call([str(PYTHON), str(ROOT / "bench" / "run_bench.py"), *rest])
    if command == "docs":
        return subprocess.call([str(PYTHON), str(ROOT / "docs" / "build.py")])
    return subprocess.call([str(BIN / "finpat"), command, *rest])


if __name__ == "__main__":
    sys.exit(main())
