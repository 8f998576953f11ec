"""Files attached to notes: kept under the SHA-256 of what is in them, given out for downloading only.

They lie in the workspace's `casework/attachments`; where several machines share casework, that folder has to
be shared too. A file is in its place, whole, before the note that names it is committed.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from finpat.casework.texts import TURNING
from finpat.errors import CaseworkError, UsageError

FOLDER = "attachments"
LONGEST_NAME = 120
_PIECE = 1 << 20
BINARY = "application/octet-stream"
# First bytes -> content type; what could run in a browser (HTML, SVG) is not among them and stays bytes.
_SIGNATURES = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),  # also what offices write
)
_MARKUP = re.compile(rb"<\s*[!?a-z/]", re.IGNORECASE)
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


@dataclass(frozen=True)
class Stored:
    """A file in its place: its cleaned name, and what is known of its content."""

    name: str
    sha256: str
    bytes: int
    content_type: str


def store(folder: Path, name: str, content: BinaryIO, limit_mb: int) -> Stored:
    """Put a file into `folder` (the workspace's `casework`).

    Raises:
        UsageError: it is empty or larger than the limit.
        CaseworkError: it cannot be written.
    """
    kept = clean_name(name)
    place = folder / FOLDER
    try:
        place.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".part-", dir=place)
        try:
            with os.fdopen(handle, "wb") as file:
                sha256, size, head = _copied(kept, content, file, limit_mb)
                file.flush()
                os.fsync(file.fileno())
            final = place / sha256[:2] / sha256
            final.parent.mkdir(exist_ok=True)
            os.replace(part, final)
        finally:
            Path(part).unlink(missing_ok=True)
    except OSError as error:
        raise CaseworkError(f"{place}: {kept} cannot be kept ({error.strerror})") from None
    return Stored(kept, sha256, size, content_type(head))


def _copied(name: str, content: BinaryIO, file: BinaryIO, limit_mb: int) -> tuple[str, int, bytes]:
    digest, size, head = hashlib.sha256(), 0, b""
    while piece := content.read(_PIECE):
        size += len(piece)
        if size > limit_mb << 20:
            raise UsageError(f"{name}: is larger than {limit_mb} MB (casework.attachment_mb)")
        head = head or piece[:4096]
        digest.update(piece)
        file.write(piece)
    if not size:
        raise UsageError(f"{name}: is empty")
    return digest.hexdigest(), size, head


def content_type(head: bytes) -> str:
    """What the first bytes say a file is, whatever its name; what may be markup is just bytes."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if _MARKUP.search(head) or any(byte < 9 or 13 < byte < 32 for byte in head):
        return BINARY
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else the last letter goes on beyond what was read
            return BINARY
    return "text/plain"


def clean_name(name: str) -> str:
    """The name of a file without folders and without what some system or terminal would stumble over."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    shown = "".join(
        "_" if char in '<>:"|?*' else char
        for char in last
        if unicodedata.category(char) not in ("Cc", "Cs") and char not in TURNING
    )
    stem, point, ending = shown.strip(" .").rpartition(".")
    if not point:
        stem, ending = ending, ""
    if stem.lower() in _RESERVED:
        stem = f"_{stem}"
    ending = ending[:16]
    stem = stem[: LONGEST_NAME - len(ending) - len(point)].rstrip(" .")
    return f"{stem}{point}{ending}" if stem else f"attachment{point}{ending}"


def read(folder: Path, sha256: str) -> Path:
    """Where the file with this content lies, after checking that it still holds it.

    Raises:
        CaseworkError: it is not there, or what is in it has changed.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise CaseworkError("no attachment has such a name")
    path = folder / FOLDER / sha256[:2] / sha256
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CaseworkError(f"{path}: the attached file cannot be read ({error.strerror})") from None
    if found != sha256:
        raise CaseworkError(f"{path}: the attached file was changed after it was attached")
    return path


def headers(name: str) -> dict[str, str]:
    """HTTP headers under which an attachment may be given out: saved to disk, never shown inside a page."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    return {
        "Content-Type": BINARY,
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "no-store",
    }
