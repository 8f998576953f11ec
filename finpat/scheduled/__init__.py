"""SQL queries over the published read model: read, checked, run within limits, on time, and delivered."""

from finpat.scheduled.catalogue import Catalogue, Query, read_catalogue

__all__ = ["Catalogue", "Query", "read_catalogue"]
