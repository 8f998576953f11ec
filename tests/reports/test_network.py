"""An account's network for other tools, read back with those tools' own libraries."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
import stix2

from finpat.cli import run_command
from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.reports.network import Network, as_followthemoney, as_stix, network_of
from finpat.store.workspace import Workspace
from tests.readmodel.published import HOSTILE, publish_sample

NOW = datetime(2026, 4, 2, 8, tzinfo=UTC)
NASTY = '<a>&"\x07\r\n' + HOSTILE


def tie(from_id, to_id, **changes):
    return {"from_id": from_id, "to_id": to_id, "kind": "paid", "count": 3, "amount": Decimal("12.50"),
            "currency": "EUR"} | changes  # fmt: skip


NETWORK = Network(
    "0001",
    tuple({"account_id": name} for name in ("007", "Z", NASTY)),
    (tie("007", "Z"), tie("Z", NASTY, kind="shared_phone", amount=None, currency=None)),
    left_out=1,
)


def test_stix_is_read_back_by_its_own_library_and_equal(tmp_path):
    text = as_stix(NETWORK, NOW)
    read = stix2.parse(text)
    accounts = [item for item in read.objects if item.type == "user-account"]
    ties = [item for item in read.objects if item.type == "relationship"]
    assert [item.user_id for item in accounts] == ["007", "Z", '<a>&" ' + HOSTILE]
    assert [(item.source_ref, item.target_ref) for item in ties] == [
        (accounts[0].id, accounts[1].id), (accounts[1].id, accounts[2].id)
    ]  # fmt: skip
    assert [item.description for item in ties] == ["paid: 3 rows, 12.50 EUR", "shared phone: 3 rows"]
    (group,) = (item for item in read.objects if item.type == "grouping")
    assert "DRAFT" in group.description
    assert "1 accounts are left out" in group.description
    assert as_stix(NETWORK, NOW) == text, "the same network gives the same bytes"


def test_followthemoney_is_read_back_by_its_own_library_and_equal():
    ftm = pytest.importorskip("followthemoney", reason="the optional extra ftm is not installed")
    entities = [ftm.model.get_proxy(json.loads(line)) for line in as_followthemoney(NETWORK).splitlines()]
    assert [item.schema.name for item in entities] == ["BankAccount"] * 3 + ["Payment", "UnknownLink"]
    assert entities[2].get("accountNumber") == ['<a>&" ' + HOSTILE]
    assert entities[3].get("payerAccount") == [entities[0].id]
    assert entities[3].get("beneficiaryAccount") == [entities[1].id]
    assert (entities[3].get("amount"), entities[3].get("currency")) == (["12.50"], ["EUR"])
    assert (entities[4].get("subject"), entities[4].get("object")) == ([entities[1].id], [entities[2].id])


def test_without_the_optional_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "followthemoney", None)
    with pytest.raises(UsageError, match=r"pip install 'finpat\[ftm\]'"):
        as_followthemoney(NETWORK)


def test_accounts_of_possible_victims_and_ties_to_them_are_left_out(tmp_path, monkeypatch):
    with ReadModel(publish_sample(tmp_path)) as model:
        account = model.account("007") | {"network_id": "N1"}
        monkeypatch.setattr(model, "account", lambda _: account)
        monkeypatch.setattr(
            model, "edges_of", lambda _: pl.DataFrame([tie("007", "VICTIM"), tie("Z", "007")])
        )
        monkeypatch.setattr(model, "members_of", lambda _: pl.DataFrame({"account_id": ["007", "Z"]}))
        found = network_of(model, "007")
    assert [place["account_id"] for place in found.accounts] == ["007", "Z"]
    assert [(item["from_id"], item["to_id"]) for item in found.ties] == [("Z", "007")]
    assert found.left_out == 1
    assert "VICTIM" not in as_stix(found, NOW)


def test_nothing_is_passed_on_about_a_possible_victim_or_an_unknown_account(tmp_path):
    with ReadModel(publish_sample(tmp_path)) as model:
        with pytest.raises(UsageError, match="protect and refer"):
            network_of(model, "VICTIM")
        with pytest.raises(UsageError, match="no account"):
            network_of(model, "nobody")
        assert [place["account_id"] for place in network_of(model, "007").accounts] == ["007"]


@pytest.mark.parametrize("form", ["stix", "ftm"])
def test_the_command_writes_the_network_for_its_owner_alone_and_the_trail_tells(tmp_path, capsys, form):
    if form == "ftm":
        pytest.importorskip("followthemoney", reason="the optional extra ftm is not installed")
    folder = Workspace.create(tmp_path / "work").path
    publish_sample(folder)
    out = tmp_path / "network.json"
    words = ["draft", form, "007", "--out", str(out), "--user", "ana", "-w", str(folder)]
    assert run_command(words) == 0
    assert "007" in out.read_text("utf-8")
    assert out.stat().st_mode & 0o777 == 0o600
    assert run_command(words) == 2, "never overwritten without --force"
    assert run_command(["draft", form, "VICTIM", *words[3:], "--force"]) == 2
    capsys.readouterr()
    assert run_command(["audit", "list", "--json", "-w", str(folder)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["actor"], entry["object_id"], entry["details"]["network"]) == ("ana", "007", form)
