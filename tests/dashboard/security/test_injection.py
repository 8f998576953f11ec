"""Injection where people and exports write: the audit trail's filters and its CSV, addresses, file paths."""

from __future__ import annotations

import csv
import io

import pytest

from tests.dashboard.security.conftest import now
from tests.dashboard.security.test_gate import draw

SQL = ["' OR '1'='1", "'; DROP TABLE audit; --", '" OR ""="', "%", "_", "\\", "1; SELECT pg_sleep(9)"]


@pytest.mark.parametrize("text", SQL)
@pytest.mark.parametrize("field", ["by", "action", "of", "before", "since"])
def test_a_filter_of_the_trail_is_text_and_no_sql(home, text, field):
    client = home.signed_in("administrator")
    before = len(home.trail())
    answer = draw_with(client, "/audit", f"?{field}=" + text.replace("%", "%25").replace(";", "%3B"))
    assert answer.status_code == 200
    told = answer.get_data(as_text=True)
    assert "No entry is of this choice." in told or "This choice cannot be read" in told
    assert len(home.trail()) == before


def draw_with(client, path, search):
    body = {
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": [
            {"id": "_pages_content", "property": "children"},
            {"id": "_pages_store", "property": "data"},
        ],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": path},
            {"id": "_pages_location", "property": "search", "value": search},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    return client.ask(body)


@pytest.mark.parametrize("text", [*SQL, "../../casework", "../0001", "a/../../etc/passwd"])
def test_an_account_that_there_is_not_is_told_so_whatever_its_name(home, text):
    answer = draw(home.signed_in("analyst"), "/accounts/" + text.replace("/", "%2F").replace("%", "%25"))
    assert answer.status_code == 200
    assert "unforeseen" not in answer.get_data(as_text=True)


def test_what_a_spreadsheet_would_run_is_neutralised_in_the_exported_trail(fresh):
    formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\uff1d1+1", "=cmd|' /C calc'!A0"]
    with fresh.database.writing("root", now()) as change:
        for formula in formulas:
            change.record("alert.noted", "account", formula, {})
    client = fresh.signed_in("administrator")
    choice = {"by": "", "action": "alert", "of": "", "since": "", "until": ""}
    answer = client.ask(
        {
            "output": "audit-file.data",
            "outputs": {"id": "audit-file", "property": "data"},
            "inputs": [{"id": "audit-export", "property": "n_clicks", "value": 1}],
            "state": [{"id": "audit-choice", "property": "data", "value": choice}],
            "changedPropIds": ["audit-export.n_clicks"],
        }
    )
    content = answer.get_json()["response"]["audit-file"]["data"]["content"]
    rows = list(csv.DictReader(io.StringIO(content)))
    assert {row["object_id"] for row in rows} == {f"'{formula}" for formula in formulas}
    assert fresh.trail()[0].action == "audit.exported", "who took it out is in it"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/..%2fapp.py",
        "/assets/%2e%2e/security/gate.py",
        "/assets/....//app.py",
        "/assets//etc/passwd",
        "/assets/..\\app.py",
        "/_dash-component-suites/dash/../../../etc/passwd",
        "/_dash-component-suites/dashboard/app.py",
        "/_dash-component-suites/finpat/config.py",
    ],
)
def test_no_file_beside_those_that_are_served_can_be_read(home, path):
    answer = home.signed_in("lead").get(path)
    text = answer.get_data(as_text=True)
    assert "import" not in text or answer.status_code != 200
    assert "root:" not in text
