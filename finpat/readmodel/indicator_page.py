"""What the pages of indicators ask: the catalogue as the run knew it, with what came of each."""

from __future__ import annotations

from typing import Any

import polars as pl

from finpat.readmodel.api import ReadModel


def catalogue(model: ReadModel) -> pl.DataFrame:
    """Every indicator with what came of it: the columns of rm.indicators, and counts.

    found: accounts; findings; first_hundred: accounts of it that are among the first hundred of the list;
    unjudged: accounts that could not be judged for want of a field; missing_field: what all the data lacks.
    """
    return model.ask(
        "WITH told AS (SELECT indicator_id, "
        "count(DISTINCT f.account_id) FILTER (state = 'found') AS found, "
        "count(*) FILTER (state = 'found') AS findings, "
        "count(DISTINCT f.account_id) FILTER (state = 'found' AND l.rank <= 100) AS first_hundred, "
        "count(DISTINCT f.account_id) FILTER (state = 'not_evaluable') AS unjudged, "
        "max(missing_field) FILTER (state = 'not_evaluable' AND f.account_id IS NULL) AS missing_field "
        "FROM rm.findings f LEFT JOIN rm.flagged_accounts l USING (account_id) GROUP BY indicator_id) "
        "SELECT i.*, coalesce(found, 0) AS found, coalesce(findings, 0) AS findings, "
        "coalesce(first_hundred, 0) AS first_hundred, coalesce(unjudged, 0) AS unjudged, missing_field "
        "FROM rm.indicators i LEFT JOIN told USING (indicator_id) ORDER BY indicator_id"
    )


def indicator(model: ReadModel, indicator_id: str) -> dict[str, Any] | None:
    """One indicator of the catalogue, with its counts; None where there is none of that id."""
    rows = catalogue(model).filter(pl.col("indicator_id") == indicator_id)
    return rows.row(0, named=True) if rows.height else None


def found_by(
    model: ReadModel, indicator_id: str, start: int = 0, limit: int = 50
) -> tuple[pl.DataFrame, int]:
    """One page of an indicator's findings by the accounts' places in the list, and how many there are.

    Columns: account_id, rank, score, band, possible_role, fact, window_start, window_end, finding_id.
    """
    rows = model.ask(
        "SELECT f.account_id, l.rank, l.score, l.band, l.possible_role, f.fact, f.window_start, "
        "f.window_end, f.finding_id, count(*) OVER () AS total FROM rm.findings f "
        "LEFT JOIN rm.flagged_accounts l USING (account_id) "
        "WHERE f.indicator_id = $indicator_id AND f.state = 'found' "
        "ORDER BY l.rank NULLS FIRST, f.window_start, f.finding_id LIMIT $limit OFFSET $start",
        indicator_id=indicator_id,
        start=start,
        limit=limit,
    )
    total = int(rows["total"][0]) if rows.height else 0
    return rows.drop("total"), total


def missing_fields(model: ReadModel, indicator_id: str) -> pl.DataFrame:
    """Why accounts could not be judged: missing_field, accounts (null account: all the data lacks it)."""
    return model.ask(
        "SELECT missing_field, count(account_id) AS accounts, bool_or(account_id IS NULL) AS everybody "
        "FROM rm.findings WHERE indicator_id = $indicator_id AND state = 'not_evaluable' "
        "GROUP BY missing_field ORDER BY missing_field",
        indicator_id=indicator_id,
    )


def accounts_in_list(model: ReadModel, account_ids: list[str], limit: int = 20) -> pl.DataFrame:
    """These accounts of the list, best first: rank, account_id, score, band, possible_role, reason."""
    return model.ask(
        "SELECT rank, account_id, score, band, possible_role, reason FROM rm.flagged_accounts "
        "WHERE account_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY rank LIMIT $limit",
        ids=account_ids,
        limit=limit,
    )
