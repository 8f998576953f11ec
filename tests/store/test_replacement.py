"""A load in the place of an earlier one: nothing lost, nothing twice, and what relied on it is told."""

from __future__ import annotations

from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.config import Settings
from finpat.errors import SourceError, UsageError
from finpat.store import catalogue
from finpat.store.catalogue import orphans, read_files
from finpat.store.load import Loading, LoadReport, load_batches, replace
from finpat.store.payments import fingerprint, read_payments, read_table
from finpat.store.quarantine import list_quarantine
from finpat.store.replacement import read_retired
from finpat.store.workspace import Workspace
from tests.store.exports import NOW, batches, ingest, origin, reject, rejected, row

LATER = NOW + timedelta(days=1)


def loading(
    name: str, rows: list[dict[str, Any]], *, mapping: str = "bank", path: str | None = None, **other: Any
):
    made = origin(name, content=rows, mapping=mapping, **other)
    return Loading(changed(made, path=path), list(batches(rows)) if rows else [])


def put_in_place(workspace: Workspace, *files: Loading) -> list[LoadReport]:
    return replace(workspace, files, settings=Settings(), now=LATER)


def amounts(workspace: Workspace) -> list[int]:
    return sorted(read_payments(workspace)["amount_minor"].to_list())


def test_the_rows_of_a_replaced_load_are_gone_and_those_of_the_new_one_are_there(workspace: Workspace):
    rows = [row(transaction_id="T1"), row(transaction_id="T2")]
    ingest(workspace, "may.csv", rows)
    corrected = [row(transaction_id="T1", amount_minor=7), row(transaction_id="T3", amount_minor=9)]
    file = loading("may.csv", rows, mapping="better")
    (report,) = put_in_place(workspace, changed(file, batches=list(batches(corrected))))
    assert (report.file_id, report.replaced, report.loaded, report.duplicate) == (2, 1, 2, 0)
    assert amounts(workspace) == [7, 9]
    assert [file.file_id for file in read_files(workspace)] == [2]
    assert orphans(workspace, read_files(workspace)) == []
    old = read_retired(workspace)[1]
    assert (old.name, old.mapping_name, old.replaced_by, old.retired_at) == ("may.csv", "bank", 2, LATER)


def test_a_file_corrected_by_hand_takes_the_place_of_the_last_load_from_its_path(workspace: Workspace):
    for month in (1, 2):
        file = loading(
            "export.csv", [row(transaction_id=f"M{month}", amount_minor=month)], path="/in/export.csv"
        )
        load_batches(workspace, file.batches, file.origin, settings=Settings(), now=NOW)
    (report,) = put_in_place(
        workspace, loading("export.csv", [row(transaction_id="M2", amount_minor=20)], path="/in/export.csv")
    )
    assert report.replaced == 2
    assert amounts(workspace) == [1, 20]


def test_a_file_of_the_same_name_in_another_folder_is_not_replaced(workspace: Workspace):
    for folder in ("a", "b"):
        (report,) = put_in_place(
            workspace, loading("export.csv", [row(transaction_id=folder)], path=f"/{folder}/export.csv")
        )
        assert report.replaced is None
    assert len(amounts(workspace)) == 2


def test_a_load_that_loaded_nothing_makes_way_without_being_told_to(workspace: Workspace):
    bad = [rejected(reject(2), reject(3))]
    load_batches(workspace, bad, origin("may.csv"), settings=Settings(), now=NOW)
    assert list_quarantine(workspace).height == 2
    better = origin("may.csv", mapping="better")
    report = load_batches(
        workspace, batches([row(), row(transaction_id="T2")]), better, settings=Settings(), now=NOW
    )
    assert (report.replaced, report.loaded) == (1, 2)
    assert list_quarantine(workspace).is_empty()


def test_rows_of_another_file_that_count_as_known_by_the_replaced_one_are_never_lost(workspace: Workspace):
    january = [row(transaction_id=f"T{n}") for n in range(6)]
    february = [row(transaction_id=f"T{n}") for n in range(3, 9)]
    ingest(workspace, "january.csv", january)
    ingest(workspace, "february.csv", february)
    before = fingerprint(workspace)
    wrong_file = [row(transaction_id="X")]
    with pytest.raises(
        SourceError,
        match=r"january.csv: 3 rows of february.csv \(loaded 2026-04-01\) count as known, .* would be lost "
        r"without it. Replace them together: finpat ingest --replace january.csv february.csv. Nothing was",
    ):
        put_in_place(
            workspace, changed(loading("january.csv", january, mapping="b"), batches=batches(wrong_file))
        )
    assert fingerprint(workspace) == before
    reports = put_in_place(
        workspace,
        loading("february.csv", february),
        changed(loading("january.csv", january, mapping="b"), batches=batches(wrong_file)),
    )
    assert [(report.file, report.loaded, report.duplicate) for report in reports] == [
        ("february.csv", 6, 0),
        ("january.csv", 1, 0),
    ]
    assert len(amounts(workspace)) == 7


def test_a_file_that_only_overlaps_an_earlier_one_can_be_replaced_alone(workspace: Workspace):
    february = [row(transaction_id="T1"), row(transaction_id="T2")]
    ingest(workspace, "january.csv", [row(transaction_id="T1")])
    ingest(workspace, "february.csv", february)
    (report,) = put_in_place(workspace, loading("february.csv", february))
    assert (report.loaded, report.duplicate) == (1, 1)
    assert len(amounts(workspace)) == 2


def test_who_relies_on_those_who_rely_on_it_is_named_too(workspace: Workspace):
    for number in range(3):
        ingest(
            workspace,
            f"{number}.csv",
            [row(transaction_id=f"T{number}"), row(transaction_id=f"T{number + 1}")],
        )
    with pytest.raises(SourceError, match=r"--replace 0.csv 1.csv 2.csv\."):
        put_in_place(
            workspace, loading("0.csv", [row(transaction_id="T0"), row(transaction_id="T1")], mapping="b")
        )


def test_a_row_that_contradicted_the_replaced_file_is_judged_anew_with_it(workspace: Workspace):
    may = [row(amount_minor=1)]
    june = [row(amount_minor=2)]
    ingest(workspace, "may.csv", may)
    assert ingest(workspace, "june.csv", june).reasons == {"duplicate_key": 1}
    with pytest.raises(SourceError, match=r"1 row of june.csv"):
        put_in_place(workspace, loading("may.csv", may, mapping="b"))
    fixed = changed(loading("may.csv", may, mapping="b"), batches=batches(june))
    put_in_place(workspace, fixed, loading("june.csv", june))
    assert amounts(workspace) == [2]
    assert list_quarantine(workspace).is_empty()


def test_a_missing_leg_that_another_file_brought_is_not_left_without_its_other_leg(workspace: Workspace):
    statement = [row(account_id="A", counterparty_id="B")]
    ledger = [row(account_id="A", counterparty_id="B", mirrored=True)]
    ingest(workspace, "statement.csv", statement, mapping="statement")
    ingest(workspace, "ledger.csv", ledger)  # brings B's leg alone
    with pytest.raises(SourceError, match=r"1 row of ledger.csv"):
        put_in_place(
            workspace,
            changed(loading("statement.csv", statement, mapping="b"), batches=[rejected(reject(2))]),
        )


def test_all_replacements_of_one_call_are_kept_or_none(workspace: Workspace):
    ingest(workspace, "a.csv", [row(transaction_id="A")])
    ingest(workspace, "b.csv", [row(transaction_id="B")])
    before = fingerprint(workspace)
    empty = changed(loading("b.csv", [row(transaction_id="B")], mapping="x"), batches=[])
    with pytest.raises(SourceError, match=r"b.csv: has no rows"):
        put_in_place(workspace, loading("a.csv", [row(transaction_id="A")], mapping="x"), empty)
    assert fingerprint(workspace) == before
    assert len(amounts(workspace)) == 2


def test_the_same_load_cannot_be_replaced_twice_in_one_call(workspace: Workspace):
    rows = [row()]
    ingest(workspace, "a.csv", rows)
    with pytest.raises(UsageError, match=r"a.csv and a.csv would both replace the load of a.csv"):
        put_in_place(workspace, loading("a.csv", rows), loading("a.csv", rows))


def test_a_replaced_list_of_accounts_keeps_its_place_before_newer_ones(workspace: Workspace):
    def account(occupation: str) -> list[dict[str, Any]]:
        return [{"account_id": "A", "occupation": occupation}]

    ingest(workspace, "january.csv", account("baker"), table="accounts")
    ingest(workspace, "june.csv", account("driver"), table="accounts")
    fixed = changed(
        loading("january.csv", account("baker"), table="accounts", mapping="b"),
        batches=batches(account("bakery")),
    )
    (report,) = put_in_place(workspace, fixed)
    assert report.loaded == 1
    assert [file.name for file in read_files(workspace)] == ["january.csv", "june.csv"]
    assert read_table(workspace, "accounts")["occupation"].to_list() == ["driver"]


def test_numbers_of_retired_loads_are_never_given_again(workspace: Workspace):
    rows = [row()]
    ingest(workspace, "a.csv", rows)
    numbers = [put_in_place(workspace, loading("a.csv", rows))[0].file_id for _ in range(3)]
    assert numbers == [2, 3, 4]
    assert sorted(path.name for path in workspace.segments("transactions").iterdir()) == ["4.parquet"]


IDS = st.lists(st.integers(0, 7), max_size=6)


@settings(max_examples=12, deadline=None)
@given(st.lists(IDS.filter(bool), min_size=2, max_size=3), st.integers(0, 2), st.booleans())
def test_replacing_a_file_by_itself_changes_no_payment(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int]], chosen: int, everything: bool
):
    workspace = Workspace.create(tmp_path_factory.mktemp("case") / "w")
    made = [[row(transaction_id=f"T{n}", amount_minor=n + 1) for n in ids] for ids in files]
    for number, rows in enumerate(made):
        ingest(workspace, f"{number}.csv", rows)
    before = amounts(workspace)
    assert before == sorted({n + 1 for ids in files for n in ids})
    again = range(len(made)) if everything else [chosen % len(made)]
    try:
        put_in_place(workspace, *[loading(f"{number}.csv", made[number], mapping="b") for number in again])
    except SourceError:
        assert not everything
    assert amounts(workspace) == before


def test_a_workspace_of_the_first_catalogue_is_read_as_it_is_and_brought_up_to_date_when_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    first = catalogue.migrations()[:1]
    with duckdb.connect(str(workspace.catalogue)) as connection:
        connection.execute("create table migrations (number integer primary key)")
        connection.execute(first[0][1])
        connection.execute("insert into migrations values (1)")
        for number in (1, 2):
            connection.execute(
                "insert into files values (?, 'transactions', ?, ?, 1, 'bank', '', 'm', [], ',', 1, 1, 0, 0, "
                "'2026-01-01', '2026-01-31', '2026-02-01', null, null, [])",
                [number, f"{number}.csv", str(number)],
            )
    assert [file.place for file in read_files(workspace)] == [1, 2]
    ingest(workspace, "3.csv", [row()])
    assert [file.name for file in read_files(workspace)] == ["1.csv", "2.csv", "3.csv"]
    old = changed(loading("1.csv", [row()]), origin=changed(origin("1.csv"), sha256="1"))
    with pytest.raises(SourceError, match=r"1.csv: some rows of 2.csv .* may count as known"):
        put_in_place(workspace, old)


def test_rows_corrected_after_a_replacement_close_the_entries_of_the_file_in_its_place(workspace: Workspace):
    pieces = [rejected(reject(2)), *batches([row()])]
    load_batches(workspace, pieces, origin("may.csv"), settings=Settings(), now=NOW)
    again = Loading(origin("may.csv"), pieces)
    put_in_place(workspace, again)
    marks = {"finpat_file_id": "1", "finpat_line": "2"}
    ingest(workspace, "corrected.csv", [row(transaction_id="T2", extra=marks)])
    entries = list_quarantine(workspace, with_corrected=True)
    assert entries.select("file_id", "source_line", "corrected_by").rows() == [(2, 2, 3)]
    with pytest.raises(SourceError, match=r"1 row of corrected.csv"):
        put_in_place(workspace, again)


def test_a_path_is_kept_to_know_the_file_again(workspace: Workspace, tmp_path: Path):
    file = loading("a.csv", [row()], path=str(tmp_path / "a.csv"))
    load_batches(workspace, file.batches, file.origin, settings=Settings(), now=NOW)
    assert [stored.path for stored in read_files(workspace)] == [str(tmp_path / "a.csv")]
