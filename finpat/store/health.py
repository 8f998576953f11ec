"""Where data is and what could not be loaded, counted: what readers of a run may know of the store."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from finpat.store.catalogue import open_for_reading
from finpat.store.workspace import Workspace


def read_health(workspace: Workspace, file_ids: Collection[int]) -> dict[str, pl.DataFrame]:
    """The read model's `coverage` and `quarantined`, of these files.

    coverage: rows of each file of transactions on each day; quarantined: rows set aside and not corrected
    since, by file, column and reason, with the first and last line. No content of a row.

    Raises:
        StoreError: a process is writing to the catalogue.
    """
    ids = list(file_ids)
    with open_for_reading(workspace) as connection:
        coverage: pl.DataFrame = connection.sql(
            "select file_id::varchar as source_id, day, row_count, credit_count from days "
            "where file_id in (select unnest($ids::integer[])) order by file_id, day",
            params={"ids": ids},
        ).pl()
        quarantined: pl.DataFrame = connection.sql(
            'select file_id::varchar as source_id, "column" as column_name, reason, count(*) as row_count, '
            "min(source_line) as first_line, max(source_line) as last_line from quarantine "
            "where corrected_by is null and file_id in (select unnest($ids::integer[])) "
            "group by all order by all",
            params={"ids": ids},
        ).pl()
    return {"coverage": coverage, "quarantined": quarantined}
