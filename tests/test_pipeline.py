"""A run: complete or absent, rebuildable, dependent on files, settings and as-of alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from finpat import pipeline
from finpat.config import Settings
from finpat.errors import RunError
from finpat.indicators import INDICATORS
from finpat.networks.judgements import JUDGEMENT
from finpat.readmodel import ReadModel, current_path
from finpat.sources import load_mapping, open_source
from finpat.sources.convert import REJECTS, Batch
from finpat.store.catalogue import read_files
from finpat.store.load import Loading, Origin, load, replace
from finpat.store.workspace import Workspace

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 4, 1, 8)
START = datetime(2026, 1, 5, 10)
SETTINGS = Settings(threads=1)


def quiet(_stage):
    """Say nothing about stages."""


def rows(accounts=12, days=120):
    """Ordinary payments between accounts; and SMURF, who at last banks cash just under 10,000 USD daily."""
    paid = []
    for day in range(days):
        for account in range(accounts):
            other = (account * 7 + day) % accounts
            if other != account:
                paid.append((START + timedelta(days=day, minutes=account), f"A{account:02}", f"A{other:02}",
                             "debit", 20 + (account * 37 + day * 11) % 90, "transfer"))  # fmt: skip
    for day in range(days):
        amount, channel = (9_500 + day, "cash") if day >= days - 5 else (30 + day, "card")
        way = "credit" if channel == "cash" else "debit"
        paid.append((START + timedelta(days=day), "SMURF", channel.upper(), way, amount, channel))
    for week in range(days // 7 - 1):
        paid.append(
            (START + timedelta(days=7 * week, hours=1), "SMURF", "CASH", "credit", 200 + week, "cash")
        )
    return paid


def write_csv(path, payments):
    lines = ["transaction_id,booked_at,account_id,counterparty_id,direction,amount,currency,channel"]
    lines += [f"t{n},{at.isoformat()}Z,{who},{other},{way},{amount}.00,USD,{channel}"
              for n, (at, who, other, way, amount, channel) in enumerate(payments)]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


def ingest(workspace, path):
    return load(workspace, open_source(path), load_mapping("canonical"), settings=SETTINGS, now=NOW)


def make_run(workspace, as_of=None, settings=SETTINGS):
    return pipeline.run(workspace, settings, as_of, NOW, quiet)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with one run, to be read only."""
    folder = tmp_path_factory.mktemp("made")
    workspace = Workspace.create(folder / "ws")
    ingest(workspace, write_csv(folder / "export.csv", rows()))
    return workspace, make_run(workspace)


@pytest.fixture
def copied(made, tmp_path):
    """A copy of that workspace, to be changed: a workspace is one folder that can be copied."""
    shutil.copytree(made[0].path, tmp_path / "ws")
    return Workspace.open(tmp_path / "ws")


def test_a_run_is_a_numbered_folder_with_manifest_features_and_model(made):
    workspace, run = made
    assert run.run_id == "0001"
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "features.parquet",
        "manifest.json",
        "model.npz",
    ]
    assert json.loads((run.folder / "manifest.json").read_text()) == run.manifest
    assert current_path(workspace.readmodel) == run.readmodel
    assert list(workspace.runs.glob(".*")) == []


def test_the_manifest_names_everything_that_the_run_depends_on(made):
    _, run = made
    assert run.manifest["as_of"] == (START + timedelta(days=119, minutes=11)).isoformat(), "the newest row"
    assert [file["name"] for file in run.manifest["data"]["files"]] == ["export.csv"]
    assert run.manifest["settings"]["detection"]["seed"] == run.manifest["seed"] == 7
    assert set(run.manifest["results"]) == set(pipeline.COMPARED)
    assert {"finpat", "python", "polars", "pyod"} <= set(run.manifest["versions"])
    assert run.manifest["counts"]["accounts"] == 13


def test_every_account_is_in_the_list_once_with_a_score_and_its_own_rank(made):
    with ReadModel(made[1].readmodel) as model:
        listed = model.flagged()
    assert listed["rank"].to_list() == list(range(1, 14))
    assert listed["account_id"].n_unique() == 13
    assert listed["score"].is_between(0, 1000).all()


def test_the_account_that_banks_cash_under_the_threshold_comes_first_with_its_rows_as_evidence(made):
    with ReadModel(made[1].readmodel) as model:
        first = model.flagged(top=1).row(0, named=True)
        found = model.findings_for(["SMURF"]).filter(pl.col("state") == "found", indicator_id="ST-STRUCT-01")
        evidence = model.evidence_for(found["finding_id"].to_list())
    assert first["account_id"] == "SMURF"
    assert "ST-STRUCT-01" in first["indicators"].split(";")
    assert evidence["channel"].unique().to_list() == ["cash"]
    lines = evidence.select("transaction_id", "source_line").unique().rows()
    assert {int(name[1:]) + 2 for name, _ in lines} == {line for _, line in lines}, "the header is line 1"


def test_every_evidence_row_is_one_transaction_of_the_account_it_names(made):
    """Where an indicator joins the payments of several persons, all of them are evidence for each."""
    joining = [item.id for item in INDICATORS if item.across]
    with duckdb.connect(str(made[1].readmodel), read_only=True) as connection:
        count, joined = connection.execute(
            "SELECT (SELECT count(*) FROM rm.finding_evidence), count(*) FROM rm.finding_evidence e "
            "JOIN rm.transactions t USING (transaction_id, account_id, direction) "
            "JOIN rm.findings f USING (finding_id) WHERE f.account_id IS NULL OR f.account_id = e.account_id "
            "OR f.indicator_id IN (SELECT unnest($joining::VARCHAR[]))",
            {"joining": joining},
        ).fetchone()
    assert count == joined > 0


def test_the_same_files_settings_and_as_of_make_the_same_results(copied):
    first = pipeline.read_manifest(copied, "0001")
    second = make_run(copied)
    assert second.run_id == "0002"
    assert second.manifest["results"] | {"flagged_accounts": 0} == first["results"] | {"flagged_accounts": 0}
    with ReadModel(copied.readmodel / "0001.duckdb") as old, ReadModel(second.readmodel) as new:
        assert old.flagged().drop("run_id").equals(new.flagged().drop("run_id"))


def test_results_do_not_depend_on_threads_nor_on_the_order_of_files_and_rows(made, tmp_path):
    shuffled = rows()
    ids = {payment: f"t{n}" for n, payment in enumerate(shuffled)}
    workspace = Workspace.create(tmp_path / "ws")
    half = sorted(shuffled, key=lambda payment: (payment[4], payment[0]), reverse=True)
    for name, part in (("late.csv", half[:200]), ("early.csv", half[200:])):
        text = write_csv(tmp_path / name, part).read_text().splitlines()
        named = [
            f"{ids[payment]},{line.partition(',')[2]}" for payment, line in zip(part, text[1:], strict=True)
        ]
        (tmp_path / name).write_text("\n".join([text[0], *named]) + "\n")
        ingest(workspace, tmp_path / name)
    again = make_run(workspace, settings=Settings(threads=2))
    for table in ("flagged_accounts", "anomaly_contributions", "account_features"):
        assert again.manifest["results"][table] == made[1].manifest["results"][table], table
    with ReadModel(made[1].readmodel) as old, ReadModel(again.readmodel) as new:
        assert old.table("findings").equals(new.table("findings"))


def test_a_run_sees_nothing_booked_after_its_as_of(copied):
    as_of = START + timedelta(days=2)
    run = make_run(copied, as_of)
    with ReadModel(run.readmodel) as model:
        seen = model.table("transactions")["booked_at"]
    assert seen.max() == as_of, "the instant itself is seen"
    assert run.manifest["counts"]["transactions"] == len(seen)


def test_verify_rebuilds_a_run_and_finds_it_the_same(made):
    verdict = pipeline.verify(made[0], "0001", quiet)
    assert verdict.same, verdict.differences
    assert set(pipeline.COMPARED) < set(verdict.compared)


def test_verify_ignores_what_was_loaded_and_set_after_the_run(copied, tmp_path):
    ingest(copied, write_csv(tmp_path / "later.csv", [(START, "NEW", "A01", "debit", 5, "card")]))
    (copied.path / "finpat.toml").write_text("[detection]\nseed = 99\n")
    assert pipeline.verify(copied, "0001", quiet).same


def test_verify_names_the_file_whose_stored_rows_were_changed(copied):
    segment = next(copied.segments("transactions").glob("*.parquet"))
    segment.write_bytes(segment.read_bytes()[:-1] + b"x")
    verdict = pipeline.verify(copied, "0001", quiet)
    assert not verdict.same
    assert "export.csv: its stored rows were changed" in verdict.differences[0]


def test_verify_names_the_file_that_another_load_has_replaced(copied):
    (stored,) = read_files(copied, "transactions")
    origin = Origin("transactions", stored.name, stored.sha256, stored.bytes, "better", "name = 'better'")
    rows = pl.read_parquet(copied.path / stored.segment).drop("row_key")
    batch = Batch(rows, pl.DataFrame(schema=REJECTS), rows.height)
    replace(copied, [Loading(origin, [batch])], settings=SETTINGS, now=NOW)
    (told,) = pipeline.verify(copied, "0001", quiet).differences
    assert told.startswith(
        f"{stored.name}: the load that the run read (file {stored.file_id}, by the mapping canonical"
    )
    assert told.endswith("took its place on 2026-04-01")


def test_verify_names_the_table_that_was_changed_in_the_published_file(copied):
    with duckdb.connect(str(copied.readmodel / "0001.duckdb")) as connection:
        connection.execute("UPDATE rm.flagged_accounts SET score = 1000 WHERE rank = 5")
    verdict = pipeline.verify(copied, "0001", quiet)
    assert verdict.differences == ("flagged_accounts: the published file was changed after the run",)


def test_verify_says_where_results_part(copied, monkeypatch):
    before = pipeline.risk.rank
    monkeypatch.setattr(
        pipeline.risk, "rank", lambda *args: before(*args).with_columns(score=pl.col("score") // 2)
    )
    verdict = pipeline.verify(copied, "0001", quiet)
    assert [line.split(":")[0] for line in verdict.differences] == ["flagged_accounts"]
    assert "rows differ in score, first rank 1" in verdict.differences[0]


def test_a_run_that_fails_leaves_nothing_and_the_run_before_stays_current(copied, monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(pipeline.risk, "rank", fails)
    with pytest.raises(MemoryError):
        make_run(copied)
    assert [path.name for path in copied.runs.iterdir()] == ["0001"]
    assert sorted(path.name for path in copied.readmodel.iterdir()) == ["0001.duckdb", "CURRENT"]


@pytest.mark.slow
@pytest.mark.parametrize("renames", [0, 1, 2])
def test_a_run_killed_before_any_of_its_renames_is_absent_and_the_next_one_is_whole(copied, renames):
    code = f"""
import os
from datetime import datetime
from pathlib import Path
from finpat import pipeline
from finpat.config import Settings
from finpat.store.workspace import Workspace
real, done = os.replace, []
def dying(old, new):
    if {str(copied.path)!r} in str(new) and ("runs" in str(new) or "readmodel" in str(new)):
        if len(done) == {renames}:
            os.kill(os.getpid(), 9)
        done.append(new)
    return real(old, new)
os.replace = dying
workspace = Workspace.open(Path({str(copied.path)!r}))
pipeline.run(workspace, Settings(threads=1), None, datetime(2026, 4, 2), lambda _: None)
"""
    killed = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False
    )
    assert killed.returncode == -9
    assert current_path(copied.readmodel).name == "0001.duckdb", "readers keep the run before"
    with ReadModel(current_path(copied.readmodel)) as model:
        assert model.run_id == "0001"
    after = make_run(copied)
    assert current_path(copied.readmodel) == after.readmodel
    assert pipeline.verify(copied, after.run_id, quiet).same
    assert [path.name for path in copied.runs.iterdir() if path.name.startswith(".")] == []


def test_without_transactions_the_message_says_how_to_load_them(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    with pytest.raises(RunError, match="no transactions are loaded; use `finpat ingest"):
        make_run(workspace)
    assert list(workspace.runs.iterdir()) == []


def test_an_as_of_before_all_rows_is_refused_with_the_instant(copied):
    with pytest.raises(RunError, match="all rows are later than 2020-01-01"):
        make_run(copied, datetime(2020, 1, 1))


def test_a_single_account_is_scored_and_the_reader_is_told_that_it_has_no_peers(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    ingest(workspace, write_csv(tmp_path / "one.csv", [(START, "A", "SHOP", "debit", 5, "card")]))
    run = make_run(workspace)
    assert run.manifest["counts"]["accounts"] == 1
    assert "no peers" in run.manifest["warnings"][0]


def test_an_unknown_run_names_those_there_are(made):
    with pytest.raises(RunError, match="no run '0007'; there are 0001"):
        pipeline.verify(made[0], "0007", quiet)


def test_the_hash_of_a_table_sees_every_cell_and_tells_null_from_empty():
    frame = pl.DataFrame({"a": ["x", ""], "b": [[{"v": 1.0}], []]})
    same = frame.clone()
    assert pipeline.content_hash([frame]) == pipeline.content_hash([same])
    changed = [
        frame.with_columns(a=pl.Series(["x", None])),
        frame.with_columns(b=pl.Series([[{"v": 1.0000000000000002}], []])),
        frame.reverse(),
    ]
    assert len({pipeline.content_hash([each]) for each in (frame, *changed)}) == 4
    halves = [frame[:1], frame[1:]]
    assert pipeline.content_hash(halves) == pipeline.content_hash([frame]), "however it is cut"


def test_accounts_tied_by_repeated_payments_are_published_as_a_network_with_its_rows(tmp_path):
    workspace = Workspace.create(tmp_path / "workspace")
    tied = [
        (START + timedelta(days=10 * day, hours=2), who, other, way, 70, "transfer")
        for day in range(4)
        for who, other, way in (("LEFT", "RIGHT", "debit"), ("RIGHT", "LEFT", "credit"))
    ]
    ingest(workspace, write_csv(tmp_path / "tied.csv", rows(accounts=3, days=30) + tied))
    run = make_run(workspace)
    with ReadModel(run.readmodel) as model:
        listed = model.flagged().filter(pl.col("network_id").is_not_null())
        edges = model.table("network_edges").filter(pl.col("from_id") == "LEFT")
        (edge,) = edges.rows(named=True)
        assert {"LEFT", "RIGHT"} <= set(listed["account_id"])
        assert (edge["to_id"], edge["kind"], edge["count"], edge["amount"]) == ("RIGHT", "payment", 4, 280)
        assert len(edge["evidence"]) == 4
        network = model.network(edge["network_id"])
        assert network["member_count"] == model.members_of(edge["network_id"]).height
    assert pipeline.verify(workspace, run.run_id, quiet).same


def test_adverts_are_clustered_tied_to_payments_and_published_masked(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    ingest(workspace, write_csv(tmp_path / "export.csv", rows(accounts=4, days=30)))
    lines = ["payment_id,paid_at,platform,amount,currency,account_id,ad_id"]
    posts = ["ad_id,platform,posted_at,city,country,phone,text,price"]
    for number, (day, minute) in enumerate([(2, 11), (7, 305), (12, 777), (18, 1201)]):
        at = START + timedelta(days=day, minutes=minute)
        posts.append(f"x{number},board,{at.isoformat()}Z,Ghent,BE,02 555 01 01,new in town,9.50")
        lines.append(f"p{number},{(at - timedelta(minutes=2)).isoformat()}Z,board,9.50,USD,A01,")
    posts += [
        f"y{day},board,{(START + timedelta(days=day)).isoformat()}Z,Rome,IT,,sofa {day},1" for day in (0, 29)
    ]
    for table, content in (("ads", posts), ("ad_payments", lines)):
        path = tmp_path / f"{table}.csv"
        path.write_text("\n".join(content) + "\n")
        load(workspace, open_source(path), load_mapping(f"canonical_{table}"), settings=SETTINGS, now=NOW)
    run = make_run(workspace)
    with ReadModel(run.readmodel) as model:
        assert model.ad_clusters()["cluster_id"].to_list()[0] == "x0"
        assert model.ads_of("x0")["phone"].to_list() == ["...01"] * 4
        assert model.ads_of("x0")["source_file"].to_list() == ["ads.csv"] * 4
        assert model.ads_of("x0", reveal="case 7")["phone"].to_list() == ["02 555 01 01"] * 4
        assert model.ad_links_of("A01").select("cluster_id", "k", "rail").rows() == [("x0", 4, "platform")]
        assert model.ad_matches_of("A01").select("ad_id", "payment_id", "delay_s").rows() == [
            (f"x{n}", f"p{n}", 120.0) for n in range(4)
        ]
        assert model.table("ad_shared_contacts").select("contact_id", "shape", "ad_count").rows()[0] == (
            "phone-1", "...01", 4
        )  # fmt: skip
        assert model.table("ad_payments")["source_file"].unique().to_list() == ["ad_payments.csv"]
    assert pipeline.verify(workspace, run.run_id, quiet).same


def test_circuits_are_published_with_the_rows_and_adverts_that_say_so(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    lines = [
        "transaction_id,booked_at,account_id,direction,amount,currency,channel,city,country,merchant_category"
    ]
    for day, city in enumerate(["Ghent", "Ghent", "Rome"]):
        at = (START + timedelta(days=day)).isoformat()
        lines.append(f"c{day},{at}Z,A,debit,20.00,EUR,card,{city},{'IT' if city == 'Rome' else 'BE'},5812")
    lines.append(f"d0,{START.isoformat()}Z,A,credit,100.00,EUR,cash,Rome,IT,")
    export = tmp_path / "export.csv"
    export.write_text("\n".join(lines) + "\n")
    ingest(workspace, export)
    posts = ["ad_id,platform,posted_at,city,country,phone,text"]
    posts += [
        f"x{day},board,{(START + timedelta(days=day)).isoformat()}Z,{city},BE,02 555 01 01,new in town"
        for day, city in enumerate(["Ghent", "Bruges"])
    ]
    paid = ["payment_id,paid_at,platform,amount,currency,account_id,ad_id"]
    paid.append(f"p0,{START.isoformat()}Z,board,9.50,EUR,A,x0")
    for table, content in (("ads", posts), ("ad_payments", paid)):
        path = tmp_path / f"{table}.csv"
        path.write_text("\n".join(content) + "\n")
        load(workspace, open_source(path), load_mapping(f"canonical_{table}"), settings=SETTINGS, now=NOW)
    run = make_run(workspace)
    with ReadModel(run.readmodel) as model:
        days = model.movements_of("A").select("day", "city", "sources", "evidence").rows()
        assert [(day.day, *rest) for day, *rest in days] == [
            (5, "Ghent", ["advert", "card"], ["c0", "x0"]),
            (5, "Rome", ["cash_in"], ["d0"]),
            (6, "Ghent", ["card"], ["c1"]),
            (7, "Rome", ["card"], ["c2"]),
        ]
        assert model.stays_of("A").select("circuit", "city", "day_count").rows() == [
            ("spending", "Ghent", 2), ("spending", "Rome", 1), ("adverts", "Ghent", 1),
        ]  # fmt: skip
        circuit = model.circuit_of("x0").select("account_id", "city").rows()
        assert circuit == [
            (None, "Ghent"), (None, "Bruges"), ("A", "Ghent"), ("A", "Rome"), ("A", "Ghent"), ("A", "Rome"),
        ]  # fmt: skip
        assert model.stays_of_cluster("x0")["city"].to_list() == ["Ghent", "Bruges"]
        assert model.agreements_of("A").select("cluster_id", "advert_days", "agreeing_days").rows() == [
            (None, 1, 1), ("x0", 2, 1),
        ]  # fmt: skip
        pair = model.deposits_elsewhere_of("A").row(0, named=True)
        assert (pair["transaction_id"], pair["transaction_id_there"]) == ("d0", "c0")
        assert pair["km"] > 1000
        assert pair["hours"] == 0
    assert pipeline.verify(workspace, run.run_id, quiet).same


def test_a_run_obeys_judgements_keeps_them_and_is_rebuilt_with_them(copied, tmp_path):
    much = [(START + timedelta(days=day), "A00", "NEW", "debit", 90_000, "transfer") for day in (7, 8, 9)]
    received = [(at, two, one, "credit", amount, channel) for at, one, two, _, amount, channel in much]
    ingest(copied, write_csv(tmp_path / "more.csv", [*much, *received]))
    told = [("account", "A00", "A01", "same", NOW), ("ad_cluster", "x", "y", "same", NOW)]
    judgements = pl.DataFrame(told, schema=JUDGEMENT, orient="row")
    run = pipeline.run(copied, SETTINGS, None, NOW, quiet, judgements)
    assert run.manifest["judgements"]["count"] == 2
    assert "1 judgements of kind ad_cluster are kept and change no run" in run.manifest["warnings"]
    with ReadModel(run.readmodel) as model:
        persons = dict(model.table("network_members").select("account_id", "person_id").rows())
        edges = model.table("network_edges")
    kinds = edges.filter(pl.col("from_id") == "A00", pl.col("to_id") == "A01")["kind"]
    assert persons == {"A00": "A00", "A01": "A00", "NEW": "NEW"}
    assert kinds.to_list() == ["holder"]
    assert pipeline.verify(copied, "0002", quiet).same
    kept = run.folder / "judgements.parquet"
    judgements.head(1).write_parquet(kept)
    with pytest.raises(RunError, match=r"judgements\.parquet: was changed; the run cannot be rebuilt"):
        pipeline.verify(copied, "0002", quiet)
    kept.unlink()
    with pytest.raises(RunError, match="is gone"):
        pipeline.verify(copied, "0002", quiet)
