"""Rows in and rows out: queries/operations and protection."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl

from finpat.scheduled.sandbox import declared_columns
from tests.queries.case import answer, days_before, finding, flagged, published, rows, value


def beside(schema, **tables):
    """Frames of further tables, each row stating what matters."""
    made = {}
    for table, given in tables.items():
        names = [column.name for column in declared_columns(schema, table)]
        filled = [{name: row.get(name) for name in names if any(name in r for r in given)} for row in given]
        made[schema, table] = pl.DataFrame(filled, infer_schema_length=None)
    return made


def alert(number, queue="subjects", days=10.0, **changes):
    return {"number": number, "account_id": f"A{number}", "queue": queue, "state": "new", "band": "high",
            "opened_at": days_before(days), "assignee": None, "disposition": None, **changes}  # fmt: skip


def test_new_since_the_last_run_is_who_entered_or_rose_and_not_who_stayed_or_fell(tmp_path):
    before = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "FELL", band="critical"), flagged(2, "SAME", band="high"),
                          flagged(3, "ROSE", band="medium", score=300), flagged(4, "ENTERED", band="low")],
    )  # fmt: skip
    model = published(
        tmp_path / "ws", run_id="0002",
        flagged_accounts=[flagged(1, "ROSE", band="critical", score=900), flagged(2, "FELL", band="high"),
                          flagged(3, "SAME", band="high"), flagged(4, "ENTERED", band="medium", score=400),
                          flagged(5, "NEW", band="medium", score=350), flagged(6, "CALM", band="low")],
    )  # fmt: skip
    result = answer("new_since_last_run", model, before)
    assert rows(result, "account_id", "change", "previous_band", "previous_score") == [
        ("ROSE", "rose", "medium", 300), ("ENTERED", "entered", "low", 996), ("NEW", "entered", None, None)
    ]  # fmt: skip
    assert answer("new_since_last_run", model).count == 5, "without a run before all watched are new"


def test_movements_between_bands_count_every_account_of_both_runs(tmp_path):
    before = published(
        tmp_path / "ws", flagged_accounts=[flagged(1, "A", band="high"), flagged(2, "GONE", band="low")]
    )
    model = published(
        tmp_path / "ws", run_id="0002",
        flagged_accounts=[flagged(1, "A", band="low"), flagged(2, "B", band="low")],
    )  # fmt: skip
    assert sorted(rows(answer("band_movements", model, before))) == [
        ("high", "low", 1), ("low", "not there", 1), ("not there", "low", 1)
    ]  # fmt: skip


def test_an_indicator_that_lost_its_field_shows_in_the_drift(tmp_path):
    before = published(tmp_path / "ws", findings=[finding("F1", "A", "X"), finding("F2", "B", "X")])
    model = published(
        tmp_path / "ws", run_id="0002",
        findings=[finding("F1", None, "X", state="not_evaluable"), finding("F3", "A", "Y")],
    )  # fmt: skip
    assert rows(answer("indicator_drift", model, before)) == [("X", 0, 2, -2, 1, 0), ("Y", 1, 0, 1, 0, 0)]


def test_sensitivity_counts_what_a_stricter_bound_would_leave_in_both_directions(tmp_path):
    def measured(number, name, amount, bound, operator):
        return finding(number, "A", "X", values=[value(name, amount, bound, operator)])

    model = published(
        tmp_path / "ws",
        findings=[
            measured("F1", "n", 10, 10, ">="), measured("F2", "n", 11, 10, ">="),
            measured("F3", "n", 12, 10, ">="),
            measured("F4", "gap", 9, 10, "<="), measured("F5", "gap", 5, 10, "<="),
            measured("F6", "told", 5, None, ""),
        ],
    )  # fmt: skip
    result = answer("threshold_sensitivity", model)
    names = ("value_name", "operator", "found", "left_at_one_step", "left_at_two_steps")
    assert rows(result, *names) == [("gap", "<=", 2, 2, 1), ("n", ">=", 3, 2, 1)]


def test_alerts_are_counted_by_queue_state_and_band_with_those_that_are_late(tmp_path):
    alerts = [
        alert(1, days=31), alert(2, days=30, assignee="ana"), alert(3, "protect", days=1),
        alert(4, days=90, state="closed"),
    ]  # fmt: skip
    result = answer("alert_ageing", published(tmp_path / "ws"), beside=beside("casework", alerts=alerts))
    names = ("queue", "alert_count", "unassigned", "oldest_days", "late_count")
    assert rows(result, *names) == [("subjects", 2, 1, 31, 1), ("protect", 1, 1, 1, 0)]


def test_the_protection_queue_stands_apart_whole_the_longest_waiting_first(tmp_path):
    alerts = [
        alert(1, "protect", days=3), alert(2, "protect", days=2, assignee="ana"), alert(3, days=50),
        alert(4, "protect", days=9, state="closed"),
    ]  # fmt: skip
    # Casework protects both; the newest run names neither as a possible victim any more.
    model = published(tmp_path / "ws", flagged_accounts=[flagged(1, "A1"), flagged(2, "A2")])
    result = answer("protection_queue_ageing", model, beside=beside("casework", alerts=alerts))
    assert result.rows.is_empty()
    names = ("alert_number", "account_id", "days_waiting", "is_late", "is_unassigned")
    assert result.protect.select(names).rows() == [(1, "A1", 3, True, True), (2, "A2", 2, False, False)]


def test_a_network_with_persons_to_protect_and_a_controller_is_told_without_accounts(tmp_path):
    def members(network, **roles):
        return [{"network_id": network, "account_id": f"{network}{n}"} for n in range(len(roles))]

    roles = {
        "N0": "possible_victim",
        "N1": "possible_victim",
        "N2": "possible_controller",
        "M0": "possible_victim",
    }
    model = published(
        tmp_path / "ws",
        networks=[{"network_id": "N", "kind": "phone"}, {"network_id": "M", "kind": "phone"}],
        network_members=[{"network_id": name[0], "account_id": name} for name in roles],
        flagged_accounts=[
            flagged(n, name, possible_role=role) for n, (name, role) in enumerate(roles.items(), start=1)
        ],
    )
    result = answer("networks_with_persons_to_protect", model)
    assert rows(result, "network_id", "to_be_protected", "possible_controllers", "member_count") == [
        ("N", 2, 1, 3)
    ]
    assert not [name for name in result.rows.columns if "account" in name]


def test_productivity_is_a_share_of_decided_alerts_and_null_where_none_is(tmp_path):
    alerts = [
        alert(1, state="closed", disposition="reported"),
        alert(2, state="closed", disposition="not_suspicious"),
        alert(3), alert(4, days=400, state="closed", disposition="reported"),
    ]  # fmt: skip
    took_part = [{"alert": n, "indicator_id": "ST-STRUCT-01", "run_id": "0001"} for n in (1, 2, 3, 4)]
    took_part.append({"alert": 3, "indicator_id": "VE-PASS-01", "run_id": "0001"})
    result = answer(
        "indicator_productivity", published(tmp_path / "ws"),
        beside=beside("casework", alerts=alerts, alert_indicators=took_part),
    )  # fmt: skip
    names = ("indicator_id", "alert_count", "open_count", "productive_count", "productive_share")
    assert rows(result, *names) == [("ST-STRUCT-01", 3, 1, 1, 0.5), ("VE-PASS-01", 1, 1, 0, None)]
    assert result.rows["name"][0] == "Repeated just below the threshold"


def test_yield_counts_accounts_and_those_with_nothing_else(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A", band="high"), flagged(2, "B", band="low")],
        findings=[finding("F1", "A", "ST-STRUCT-01"), finding("F2", "A", "VE-PASS-01"),
                  finding("F3", "B", "VE-PASS-01"), finding("F4", "B", "VE-PASS-01")],
    )  # fmt: skip
    result = answer("indicator_yield", model)
    names = ("indicator_id", "accounts", "accounts_in_upper_bands", "accounts_with_nothing_else")
    assert result.rows.select(names).rows()[:2] == [("VE-PASS-01", 2, 1, 1), ("ST-STRUCT-01", 1, 1, 0)]
    assert result.rows.height > 100, "indicators that found nothing are listed too"


def test_missing_fields_are_ordered_by_the_indicators_that_wait_for_them(tmp_path):
    def lacks(number, indicator, field, account=None):
        return finding(number, account, indicator, state="not_evaluable", missing_field=field)

    model = published(
        tmp_path / "ws",
        findings=[lacks("F1", "X", "city"), lacks("F2", "Y", "city"), lacks("F3", "Z", "balance_after", "A")],
    )
    assert rows(answer("fields_that_are_missing", model)) == [
        ("city", 2, "X;Y", 0, True), ("balance_after", 1, "Z", 1, False)
    ]  # fmt: skip


def test_a_gap_is_the_days_between_two_loaded_days_of_a_table(tmp_path):
    days = [
        {
            "file_id": 1,
            "table_name": "transactions",
            "day": date(2026, 3, day),
            "row_count": 5,
            "credit_count": 1,
        }
        for day in (1, 2, 6, 9)
    ]
    result = answer("coverage_gaps", published(tmp_path / "ws"), beside=beside("store", days=days))
    assert rows(result) == [("transactions", date(2026, 3, 3), date(2026, 3, 5), 3)]
    shorter = answer(
        "coverage_gaps", published(tmp_path / "ws"), beside=beside("store", days=days), least_days=2
    )
    assert rows(shorter, "missing_days") == [(3,), (2,)]


def loaded(file_id, table_name, last_days, loaded_days=0.5):
    return {"file_id": file_id, "file": f"f{file_id}.csv", "table_name": table_name, "loaded": 10,
            "last_at": days_before(last_days), "loaded_at": days_before(loaded_days)}  # fmt: skip


def test_a_table_is_late_by_its_newest_row(tmp_path):
    files = [loaded(1, "transactions", 9), loaded(2, "transactions", 3), loaded(3, "ads", 1)]
    result = answer("sources_that_are_late", published(tmp_path / "ws"), beside=beside("store", files=files))
    assert rows(result, "table_name", "file_count", "loaded_rows", "days_behind") == [
        ("transactions", 2, 20, 3)
    ]


def test_open_quarantine_rows_are_counted_by_file_and_reason_and_corrected_ones_are_not(tmp_path):
    def bad(line, state="open", column="amount"):
        return {
            "file_id": 1,
            "source_line": line,
            "column_name": column,
            "reason": "not_a_number",
            "state": state,
        }

    tables = beside(
        "store", files=[loaded(1, "transactions", 9, loaded_days=6)],
        quarantine=[bad(4), bad(3), bad(9, "corrected"), bad(7, column=None)],
    )  # fmt: skip
    result = answer("quarantine_ageing", published(tmp_path / "ws"), beside=tables)
    assert rows(result, "column_name", "open_rows", "first_line", "days_open", "is_late") == [
        ("amount", 2, 3, 6, True), ("", 1, 7, 6, True)
    ]  # fmt: skip


def test_unusual_accounts_that_match_something_are_not_listed(tmp_path):
    def made(account, feature, share):
        return {"account_id": account, "detector": "iforest", "feature": feature, "share": share}

    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "ODD"), flagged(2, "FOUND"),
                          flagged(3, "USUAL", anomaly_percentile=98.9)],
        findings=[finding("F1", "FOUND", "X"), finding("F2", "ODD", "X", state="not_evaluable")],
        anomaly_contributions=[made("ODD", "b", 0.2), made("ODD", "a", 0.6), made("ODD", "c", 0.1),
                               made("FOUND", "a", 0.9), made("USUAL", "a", 0.9)],
    )  # fmt: skip
    result = answer("unusual_without_findings", model)
    assert rows(result, "account_id", "features") == [("ODD", "a;b")]
    assert answer("unusual_without_findings", model, least_share=Decimal("0.5")).rows["features"][0] == "a"


def test_the_declared_tables_of_casework_are_those_that_it_gives_out():
    from finpat.casework.questions import exported_columns
    from finpat.scheduled.tables import BESIDE

    kinds = {"BIGINT": "whole", "VARCHAR": "text", "TIMESTAMP": "instant", "DATE": "date"}
    for table, declared in BESIDE["casework"].items():
        given = exported_columns(table)
        for column in declared.columns:
            assert given.get(column.name) == kinds[column.type], f"{table}.{column.name}"


def test_casework_is_read_where_it_has_been_begun_and_empty_where_not(tmp_path):
    from finpat.casework.database import Database
    from finpat.scheduled.reach import reach_of
    from finpat.store.workspace import Workspace

    model = published(tmp_path / "ws")
    workspace = Workspace(tmp_path / "ws")
    asked = {("casework", "alerts")}
    assert reach_of(workspace, model, None, asked).beside == {}
    assert not (workspace.casework / "casework.sqlite").exists(), "asking makes nothing"
    with Database.open(workspace.casework) as database:
        assert database is not None
    assert reach_of(workspace, model, None, asked).beside == {}
    assert datetime(2026, 4, 1) > days_before(1)
