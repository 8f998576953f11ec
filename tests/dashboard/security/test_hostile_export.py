"""An export whose every text is an attack: ingested, scored, and looked at page by page in Chromium."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from urllib.parse import quote

import dash
import pytest

from dashboard import paths
from dashboard.app import create_app
from dashboard.security import protect, tokens
from dashboard.state import ReadModels
from finpat.casework import sessions, users
from finpat.casework.database import Database
from finpat.cli import run_command
from finpat.config import Settings
from finpat.readmodel import ReadModel, current_path
from finpat.schemas import ACCOUNTS, ADS, TRANSACTIONS
from tests.dashboard.security.conftest import now

ATTACKS = (
    "<img src=x onerror=window.pwned='{0}'>",
    "<script>window.pwned='{0}'</script>",
    "\"><svg onload=window.pwned='{0}'>",
    "[{0}](javascript:window.pwned='{0}')",
    "'; DROP TABLE rm.accounts; --{0}",
    "=HYPERLINK(\"javascript:window.pwned='{0}'\")",
    "{{{{constructor.constructor('window.pwned=1')()}}}}{0}",
    "../../../../etc/passwd%00{0}",
)
ACCOUNTS_HELD = [ATTACKS[number % len(ATTACKS)].format(f"account{number}") for number in range(8)]
# What has to be of a form, or the row would stay outside.
STRICT = {
    "transactions": {"currency": "EUR", "country": "DE", "merchant_category": "7011"},
    "accounts": {"country": "DE"},
    "ads": {"country": "DE"},
}


def hostile(table, number, **given):
    """One row of a table: an attack in every text column, another one in each row."""
    row = {}
    for at, column in enumerate(table.columns):
        if column.kind == "text":
            row[column.name] = ATTACKS[(at + number) % len(ATTACKS)].format(f"{column.name}{number}")
    return {**row, **STRICT[table.name], **given}


def transactions():
    start = datetime(2026, 1, 5, 22, 30)
    for number in range(240):
        held, other = number % 8, f"CP{number % 9}" + ATTACKS[0].format("cp")
        yield hostile(
            TRANSACTIONS,
            number,
            transaction_id=f"T{number}" + ATTACKS[number % 3].format("id"),
            account_id=ACCOUNTS_HELD[held],
            counterparty_id=ACCOUNTS_HELD[(held + 1) % 8] if number % 2 else other,
            booked_at=(start + timedelta(hours=6 * number)).isoformat(),
            amount="950.00",
            direction="credit" if number % 3 else "debit",
            channel="cash" if number % 3 else "transfer",
            currency="<script>window.pwned='currency'</script>" if number == 7 else "EUR",
        )


def accounts():
    for number, account in enumerate(ACCOUNTS_HELD):
        yield hostile(ACCOUNTS, number, account_id=account, holder_type="person", opened_on="2025-12-01")


def adverts():
    for number in range(12):
        yield hostile(ADS, number, posted_at=datetime(2026, 1, 6 + number).isoformat())


def written(folder, name, rows):
    rows = list(rows)
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, sorted({key for row in rows for key in row}))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    place = ["-w", str(folder / "ws")]
    files = (("transactions", transactions()), ("accounts", accounts()), ("ads", adverts()))
    for kind, rows in files:
        path = written(folder, f"<img src=x onerror=alert(1)> {kind}.csv".replace("/", ""), rows)
        assert run_command(["ingest", path, "--as", kind, *place]) == 0
    assert run_command(["run", *place]) == 0
    return folder / "ws"


@pytest.fixture
def signed_in(workspace, tmp_path, serve, visit):
    """A lead's browser at the dashboard over that workspace, and the application."""
    settings = Settings()
    with Database.open(tmp_path / "casework") as database:
        with database.writing("root", now()) as change:
            users.add(change, "lead", "lead")
            change.execute(users.users.update().values(one_time_until=None))
            token = tokens.fresh()
            sessions.begin(change, "lead", token, "127.0.0.1", settings.dashboard)
            for attack in ATTACKS:
                change.record("alert.noted", "account", attack, {"text": attack})
        app = create_app(ReadModels(workspace / "readmodel"), database, settings)
        protect(app, settings.dashboard, database)
        base = serve(app)
        page = visit(base + "/sign-in")
        page.context.add_cookies([{"name": tokens.cookie_name(False), "value": token, "url": base}])
        yield page, base, app


def addresses(workspace):
    """Every page there is, and those of one thing for each thing."""
    found = [page["path"] for page in dash.page_registry.values() if not page["path_template"]]
    with ReadModel(current_path(workspace / "readmodel")) as model:
        for account in model.account_ids()[:3]:
            found.append(paths.to(paths.ACCOUNT, account_id=account))
        tabs = ("time", "others", "places", "adverts", "model", "ties", "rows", "record", "file")
        found += [paths.to(paths.ACCOUNT, account_id=model.account_ids()[0], tab=tab) for tab in tabs]
        for network in model.networks(top=2).iter_rows(named=True):
            found.append(paths.to(paths.NETWORK, network_id=network["network_id"]))
        for cluster in model.ad_clusters().head(2).iter_rows(named=True):
            found.append(paths.to(paths.AD_CLUSTER, cluster_id=cluster["cluster_id"]))
    found += [f"/{quote(attack, safe='')}" for attack in ATTACKS[:3]]
    found += [f"/queue?text={quote(attack)}" for attack in ATTACKS[:3]]
    return found


@pytest.mark.slow
def test_no_text_of_an_export_runs_on_any_page(workspace, signed_in, watch):
    page, base, _ = signed_in
    seen = ""
    for address in addresses(workspace):
        page.goto(base + address)
        page.locator("main h1").first.wait_for()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.pwned === undefined"), address
        assert page.locator("main img[src='x'], main script, main svg[onload]").count() == 0, address
        seen += page.inner_text("main")
        assert watch.faults == [], address
    assert "onerror=window.pwned" in seen, "the attacks are there, as the text that they are"
    assert "<script>window.pwned" in seen
