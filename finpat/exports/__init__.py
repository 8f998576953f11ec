"""Lists that leave finpat: files with a manifest beside them, safe to open, never overwritten by accident."""

from finpat.exports.flagged import FORMATS, Choice, Exported, export_flagged
from finpat.exports.shown import SHOWN_FORMATS, shown_list

__all__ = ["FORMATS", "SHOWN_FORMATS", "Choice", "Exported", "export_flagged", "shown_list"]
