"""The published read model: one immutable DuckDB file per run, and the named questions its readers ask."""

from finpat.readmodel.api import ReadModel, current_path, follow
from finpat.readmodel.legs import Legs
from finpat.readmodel.publish import Publication, make_current, publish

__all__ = ["Legs", "Publication", "ReadModel", "current_path", "follow", "make_current", "publish"]
