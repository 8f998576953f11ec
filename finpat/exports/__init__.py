"""Lists that leave finpat: files with a manifest beside them, safe to open, never overwritten by accident."""

from finpat.exports.flagged import FORMATS, PROFILES, Choice, Exported, export_flagged
from finpat.exports.shown import SHOWN_FORMATS, shown_list
from finpat.exports.verification import Verdict, read_manifest, verify_export

__all__ = [
    "FORMATS", "PROFILES", "SHOWN_FORMATS", "Choice", "Exported", "Verdict", "export_flagged",
    "read_manifest", "shown_list", "verify_export",
]  # fmt: skip
