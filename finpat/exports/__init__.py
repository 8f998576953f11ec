"""Lists that leave finpat: files with a manifest beside them, safe to open, never overwritten by accident."""

from finpat.exports.flagged import FORMATS, Choice, Exported, export_flagged

__all__ = ["FORMATS", "Choice", "Exported", "export_flagged"]
