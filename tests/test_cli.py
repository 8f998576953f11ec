"""The command line as a user meets it: what it prints where, exit codes, and what it does not load."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from finpat.cli import app, run_command
from finpat.store.payments import read_columns
from finpat.store.workspace import Workspace
from tests.readmodel.published import publish_sample

ROOT = Path(__file__).parents[1]
HEAVY = ("polars", "duckdb", "numpy", "sklearn", "pyod", "numba", "pydantic", "dash", "rich", "pyarrow")


def python(code, *, cwd, **environment):
    """Run Python in a process of its own, with finpat importable and no workspace set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FINPAT")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def finpat(*words, cwd, **environment):
    """Run one finpat command in a process of its own."""
    return python(
        f"import sys; sys.argv[1:] = {list(words)!r}; from finpat.cli import main; main()",
        cwd=cwd,
        **environment,
    )


@pytest.fixture
def workspace(tmp_path):
    """A workspace with one published run."""
    from finpat.store.workspace import Workspace

    folder = Workspace.create(tmp_path / "ws")
    publish_sample(folder.path)
    for leftover in folder.path.glob("store/*.parquet"):
        leftover.unlink()
    return folder.path


def every_command(group=app, path=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("--version",),
        (),
        ("flagged", "--help"),
        ("bogus",),
        ("flagged", "--top", "many"),
        ("ingest",),
        ("ingest", "--nope"),
        ("quarantine", "lst"),
        ("path", "foo"),
    ],
)
def test_help_and_usage_errors_load_nothing_heavy(tmp_path, words):
    code = (
        f"import sys; from finpat.cli import run_command; run_command({list(words)!r}); "
        f"sys.stderr.write('loaded: ' + ','.join(m for m in {HEAVY!r} if m in sys.modules))"
    )
    done = python(code, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "loaded: "


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["flaged"], "unknown command 'flaged'. Did you mean 'flagged'?"),
        (["flagged", "--top", "many"], "--top"),
        (["ingest"], "FILE"),
        (["run", "--as-of", "yesterday"], "--as-of 'yesterday': expected an instant such as 2026-03-31"),
        (["path", "readmodle"], "unknown place 'readmodle'. Did you mean 'readmodel'?"),
        (["flagged", "--format", "xls"], "unknown format 'xls'. Did you mean 'xlsx'?"),
        (["flagged", "--out", "list.doc"], "the format is not clear from the name"),
        (["flagged", "-w", "nowhere"], "nowhere: there is no workspace"),
        (["explain", "A", "-w", "nowhere"], "nowhere: there is no workspace"),
        (["ingest", "gone.csv", "--as", "transactions"], "gone.csv"),
        (["ingest", "gone.csv", "--as", "transaction"], "unknown table 'transaction'. Did you mean"),
        (["ingest", "gone.csv"], "--as transactions|accounts"),
        (["ingest", "gone.csv", "--as", "accounts", "--set", "zone"], "expected KEY=VALUE"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_clear_line_and_exit_code_2(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert run_command(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1, err


def test_a_wrong_word_leaves_no_workspace_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_command(["ingest", "gone.csv", "--as", "transaction"])
    run_command(["ingest", "gone.csv", "--as", "transactions"])
    assert list(tmp_path.iterdir()) == []


def test_an_unexpected_error_is_one_line_and_exit_code_1_with_the_traceback_only_on_demand(
    tmp_path, monkeypatch, capsys
):
    def broken(*_):
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr("finpat.commands.analysis.open_workspace", broken)
    assert run_command(["flagged"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: first second" in err
    assert "--debug" in err
    assert err.count("\n") == 1
    assert run_command(["flagged", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_every_command_says_what_it_does_and_gives_an_example(tmp_path):
    for path, command in every_command():
        assert command.help, path
        assert command.epilog.startswith("Example: "), path
        assert f"finpat {' '.join(path)}" in command.epilog, path


def test_every_command_takes_a_workspace():
    for path, command in every_command():
        if path not in (("inspect",), ("simulate",)):
            assert "--workspace" in [option for parameter in command.params for option in parameter.opts], (
                path
            )


def test_the_workspace_can_come_from_the_environment(tmp_path, workspace):
    done = finpat("path", "workspace", cwd=tmp_path, FINPAT_WORKSPACE=str(workspace))
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(workspace), "")


def test_version_and_help_exit_0(tmp_path, capsys):
    assert run_command(["--version"]) == 0
    assert run_command(["--help"]) == 0
    assert run_command([]) == 0
    assert "finpat" in capsys.readouterr().out


def test_flagged_prints_the_list_with_possible_victims_apart(workspace, capsys):
    assert run_command(["flagged", "-w", str(workspace)]) == 0
    out, err = capsys.readouterr()
    listed, _, apart = out.partition("Possible victims: protect and refer")
    assert "007" in listed
    assert "VICTIM" not in listed
    assert "VICTIM" in apart
    assert err == ""


def test_a_cut_list_says_so(workspace, capsys):
    assert run_command(["flagged", "--top", "1", "-w", str(workspace)]) == 0
    assert "1 of 3 accounts of run 0001; --top 0 lists all" in capsys.readouterr().err


def test_flagged_json_is_json_alone_on_stdout(workspace, capsys):
    assert run_command(["flagged", "--json", "--top", "0", "-w", str(workspace)]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert [row["account_id"] for row in answer["accounts"]] == ["007", "Z"]
    assert [row["account_id"] for row in answer["protect"]] == ["VICTIM"]
    assert answer["accounts"][0]["amount_in"] == 1234.5
    assert err == ""


def test_flagged_writes_where_it_is_told_and_never_twice_without_force(tmp_path, workspace, capsys):
    words = ["flagged", "--out", str(tmp_path / "list.xlsx"), "-w", str(workspace)]
    assert run_command(words) == 0
    assert capsys.readouterr().out.splitlines()[0] == str(tmp_path / "list.xlsx")
    assert run_command(words) == 2
    assert "--force" in capsys.readouterr().err
    assert run_command([*words, "--force"]) == 0


def test_a_format_without_a_file_goes_into_the_exports_folder(workspace):
    assert run_command(["flagged", "--format", "csv", "-w", str(workspace)]) == 0
    assert (workspace / "exports" / "flagged-0001.csv").exists()


def test_an_unknown_run_names_those_there_are(workspace, capsys):
    assert run_command(["flagged", "--run", "9", "-w", str(workspace)]) == 2
    assert "no run '9'; there are 0001" in capsys.readouterr().err


def test_explain_keeps_facts_numbers_and_interpretation_apart(workspace, capsys):
    assert run_command(["explain", "007", "-w", str(workspace)]) == 0
    out = capsys.readouterr().out
    parts = [out.index(part) for part in ("FACTS", "NUMBERS", "INTERPRETATION", "NOT EVALUABLE")]
    assert parts == sorted(parts)
    assert "total = 29,997 EUR (threshold: > 10,000)" in out
    assert "[s1.csv:3]" in out
    assert "cash_in_count_7d = 3, high against peers (median 0, spread 0.5), 80 % of its score" in out
    assert "ST-STRUCT-05: branch_id is missing (all data)" in out


def test_explain_masks_names_and_texts_unless_a_reason_is_given(workspace, capsys):
    for account in ("007", "VICTIM"):
        for form in ([], ["--json"]):
            assert run_command(["explain", account, *form, "-w", str(workspace)]) == 0
            assert "HYPERLINK" not in capsys.readouterr().out
    shown = ["explain", "007", "--reveal", "--reason", "case 12, request of the authority"]
    assert run_command([*shown, "-w", str(workspace)]) == 0
    out = capsys.readouterr().out
    assert "HYPERLINK" in out
    assert "names are shown, for this reason: case 12, request of the authority" in out


@pytest.mark.parametrize("options", [["--reveal"], ["--reveal", "--reason", " "], ["--reason", "curious"]])
def test_explain_shows_personal_data_only_with_a_reason_and_a_reason_only_with_it(workspace, capsys, options):
    assert run_command(["explain", "007", *options, "-w", str(workspace)]) == 2
    err = capsys.readouterr().err
    assert "--reason" in err
    assert "HYPERLINK" not in err


def test_explain_json_has_the_evidence_rows_with_file_and_line(workspace, capsys):
    assert run_command(["explain", "007", "--json", "-w", str(workspace)]) == 0
    answer = json.loads(capsys.readouterr().out)
    rows = answer["facts"]["findings"][0]["evidence"]
    assert [(row["source_file"], row["source_line"]) for row in rows] == [
        ("s1.csv", 3),
        ("s1.csv", 4),
        ("s1.csv", 2),
    ]


def test_explain_tells_how_to_treat_a_possible_victim(workspace, capsys):
    assert run_command(["explain", "VICTIM", "-w", str(workspace)]) == 0
    assert "Protect and refer" in capsys.readouterr().out


def test_explain_argues_roles_both_ways_as_interpretation(workspace, capsys):
    told = {"account_id": "007", "possible_role": "possible_controller", "standing": "contested",
            "speaks_for": ["pays rooms (F1)"], "speaks_against": ["loses the own wage (F2)"],
            "findings_for": ["F1"], "findings_against": ["F2"], "strength_for": "strong",
            "strength_against": None, "control_gate": True, "lacking": [], "also_common_for": ["parents"],
            "settled_by": "the booking", "verdict": "Both sides argue."}  # fmt: skip
    publish_sample(workspace, role_arguments=pl.DataFrame([told]))
    assert run_command(["explain", "007", "-w", str(workspace)]) == 0
    out = capsys.readouterr().out
    part = out[out.index("INTERPRETATION") : out.index("NOT EVALUABLE")]
    said = [line.strip() for line in part.splitlines()]
    lines = [
        "argued: possible controller", "for: pays rooms (F1)", "against: loses the own wage (F2)",
        "heaviest: for strong, against none that counts", "the same is common for parents",
        "control gate: holds", "would settle it: the booking", "Both sides argue.",
    ]  # fmt: skip
    assert [line for line in said if line in lines] == lines
    assert "pays rooms" not in out[: out.index("INTERPRETATION")]
    assert run_command(["explain", "007", "--json", "-w", str(workspace)]) == 0
    (row,) = json.loads(capsys.readouterr().out)["interpretation"]["role_arguments"]
    del told["account_id"]
    assert row == told


def test_explain_names_the_nearest_account(workspace, capsys):
    assert run_command(["explain", "VICTM", "-w", str(workspace)]) == 2
    assert "no account 'VICTM' in run 0001. Did you mean 'VICTIM'?" in capsys.readouterr().err


def test_explain_prints_the_card_of_an_indicator_without_any_workspace(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(["explain", "st-struct-01"]) == 0
    out = capsys.readouterr().out
    for part in ("ST-STRUCT-01", "definition: ", "source: ", "also common for: ", "min_count = "):
        assert part in out
    assert run_command(["explain", "ST-STRUCT-01", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "ST-STRUCT-01"


def write_statement(path, day="03/15/2026"):
    """A small bank statement in a layout of its own."""
    path.write_text(
        f"Account,Date,Amount,Currency,Text\nX1,{day},-12.50,EUR,coffee\nX1,{day},1000.00,EUR,wage\n"
    )
    return path


def test_inspect_shows_columns_and_proposes_a_mapping_that_ingest_takes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_statement(tmp_path / "statement.csv")
    assert run_command(["inspect", "statement.csv", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    settle = [word for question in answer["questions"] for word in ("--set", f"{question['option']}=UTC")]
    assert run_command(["inspect", "statement.csv", *settle, "--write"]) == 0
    out = capsys.readouterr().out
    assert "mapping written to statement.csv.toml" in out
    assert run_command(["inspect", "statement.csv", *settle, "--write"]) == 2, "not overwritten"
    capsys.readouterr()
    assert run_command(["ingest", "statement.csv", "--mapping", "statement.csv.toml", "--json"]) == 0
    loaded = json.loads(capsys.readouterr().out)["files"][0]
    assert (loaded["file"], loaded["rows"], loaded["loaded"]) == ("statement.csv", 2, 2)


def test_ingest_asks_where_day_and_month_stay_open_and_takes_the_answer(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_statement(tmp_path / "statement.csv", day="03/04/2026")
    assert run_command(["inspect", "statement.csv", "--json"]) == 0
    questions = json.loads(capsys.readouterr().out)["questions"]
    dates = next(question for question in questions if question["option"] == "time.formats")
    assert run_command(["ingest", "statement.csv", "--as", "transactions"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    answers = [word for question in questions if question is not dates
               for word in ("--set", f"{question['option']}=UTC")]  # fmt: skip
    words = ["ingest", "statement.csv", "--as", "transactions", "--json", *answers]
    assert run_command([*words, "--set", f"time.formats={dates['choices'][0]}"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["loaded"] == 2


def test_a_file_read_by_a_wrong_zone_is_replaced_when_told_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_statement(tmp_path / "statement.csv", day="2026-02-03 12:00:00")
    words = ["ingest", "statement.csv", "--as", "transactions", "--json", "--set"]
    assert run_command([*words, "time.zone=UTC"]) == 0
    capsys.readouterr()
    assert run_command([*words, "time.zone=Europe/Berlin"]) == 2
    assert "--replace puts this reading in the place of that one" in capsys.readouterr().err
    assert run_command([*words, "time.zone=Europe/Berlin", "--replace"]) == 0
    (loaded,) = json.loads(capsys.readouterr().out)["files"]
    assert (loaded["loaded"], loaded["duplicate"], loaded["replaced"]) == (2, 0, 1)
    assert run_command([*words[:-2], "--set", "time.zone=Europe/Berlin", "--replace"]) == 0
    assert "in the place of its earlier load (file 2, now retired)" in capsys.readouterr().out


def test_one_bad_file_does_not_keep_the_others_out_and_the_exit_code_tells(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(write_canonical(tmp_path / "good.csv"), tmp_path / "better.csv")
    (tmp_path / "bad.csv").write_bytes(b"\x7fELF" + bytes(100))
    words = ["ingest", "good.csv", "bad.csv", "better.csv", "--as", "transactions", "--json"]
    assert run_command(words) == 2
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert [(file["file"], file["loaded"], file["duplicate"]) for file in answer["files"]] == [
        ("good.csv", 2, 0),
        ("better.csv", 0, 2),
    ]
    assert [file["file"] for file in answer["failed"]] == ["bad.csv"]
    assert err.count("\n") == 1


def write_canonical(path):
    """An export whose columns are the canonical ones."""
    path.write_text(
        "transaction_id,booked_at,account_id,direction,amount,currency,channel\n"
        "1,2026-03-01T10:00:00Z,A,debit,5.00,EUR,card\n2,2026-03-02T10:00:00Z,A,credit,7.00,EUR,transfer\n"
    )
    return path


@pytest.mark.parametrize("how", [["--as", "transactions"], ["--mapping", "canonical"]])
def test_an_answer_is_honoured_where_a_ready_mapping_fits_or_is_named(tmp_path, monkeypatch, capsys, how):
    monkeypatch.chdir(tmp_path)
    write_canonical(tmp_path / "export.csv")
    words = ["ingest", "export.csv", *how, "--set", "values.channel.card=prepaid", "--set", "time.zon=UTC"]
    assert run_command(words) == 2
    assert "time.zon" in capsys.readouterr().err, "a wrong key is told, not ignored"
    assert run_command([*words[:-1], "columns.city=Ghent"]) == 0
    capsys.readouterr()
    stored = read_columns(Workspace.open(tmp_path / "finpat-workspace"), ["channel", "city"])
    assert stored.select("channel", "city").rows() == [("prepaid", "Ghent"), ("transfer", "Ghent")]


def test_ingest_tells_how_the_rows_of_a_file_ended(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = write_canonical(tmp_path / "export.csv").read_text()
    (tmp_path / "export.csv").write_text(text + "3,2026-13-01T10:00:00Z,A,debit,5.00,EUR,card\n")
    assert run_command(["ingest", "export.csv", "--as", "transactions"]) == 0
    assert "export.csv: 3 rows: 2 loaded, 0 duplicate, 1 quarantined" in capsys.readouterr().out


def test_a_bad_row_is_listed_exported_corrected_and_loaded(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = write_canonical(tmp_path / "export.csv").read_text()
    (tmp_path / "export.csv").write_text(text + "3,2026-13-01T10:00:00Z,A,debit,5.00,EUR,card\n")
    assert run_command(["ingest", "export.csv", "--as", "transactions"]) == 0
    capsys.readouterr()
    assert run_command(["quarantine", "list", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["total"] == 1
    assert (answer["rows"][0]["file"], answer["rows"][0]["source_line"]) == ("export.csv", 4)
    assert run_command(["quarantine", "export", "--out", "bad"]) == 0
    written = Path(capsys.readouterr().out.strip())
    written.write_text(written.read_text().replace("2026-13-01", "2026-12-01"))
    assert run_command(["ingest", str(written), "--mapping", "canonical", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["loaded"] == 1
    assert run_command(["quarantine", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 0


def test_doctor_tells_a_whole_workspace_from_a_damaged_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_canonical(tmp_path / "export.csv")
    assert run_command(["ingest", "export.csv", "--as", "transactions"]) == 0
    assert run_command(["doctor"]) == 0
    capsys.readouterr()
    next(Path("finpat-workspace/store/transactions").glob("*.parquet")).unlink()
    assert run_command(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert "export.csv" in next(check["sentence"] for check in checks if check["severity"] == "error")


def test_ingest_loads_no_learning_library(tmp_path):
    write_canonical(tmp_path / "export.csv")
    code = (
        "import sys; from finpat.cli import run_command; "
        "assert run_command(['ingest', 'export.csv', '--as', 'transactions']) == 0; "
        "print([name for name in ('sklearn', 'pyod', 'numba', 'dash') if name in sys.modules])"
    )
    done = python(code, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_control_sequences_of_a_source_do_not_reach_the_terminal(capsys):
    from finpat.commands.terminal import table

    table(["name"], [["\x1b[2Jgone\nline"]])
    assert capsys.readouterr().out == "name\n [2Jgone line\n"


def test_path_prints_where_things_are(workspace, capsys):
    assert run_command(["path", "readmodel", "-w", str(workspace)]) == 0
    assert capsys.readouterr().out.strip() == str(workspace / "readmodel" / "0001.duckdb")


def test_before_the_first_run_the_message_says_what_to_do(tmp_path, capsys):
    from finpat.store.workspace import Workspace

    Workspace.create(tmp_path / "ws")
    for words in (["flagged"], ["path", "readmodel"], ["explain", "A"]):
        assert run_command([*words, "-w", str(tmp_path / "ws")]) == 2
        assert "no run yet" in capsys.readouterr().err


def test_a_closed_pipe_is_no_error(tmp_path, workspace):
    code = (
        "import sys; sys.argv[1:] = ['flagged', '-w', 'ws']; from finpat.cli import main; "
        "import os; os.close(1); r, w = os.pipe(); os.close(r); os.dup2(w, 1); main()"
    )
    done = python(code, cwd=tmp_path)
    assert done.stderr == ""


def test_ctrl_c_ends_at_once_with_130_and_one_line(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c",
         "import finpat.cli as c, click, time\n"
         "@c.app.command('sleep')\n"
         "def sleep():\n    click.echo('ready'); time.sleep(60)\n"
         "import sys; sys.argv[1:] = ['sleep']; c.main()"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err.strip().startswith("finpat: interrupted")
    assert "Traceback" not in err


def test_trace_says_what_it_followed_and_keeps_possible_victims_apart(workspace, capsys):
    assert run_command(["trace", "Z", "-w", str(workspace)]) == 0
    told = capsys.readouterr().out
    assert "run 0001: from account Z" in told
    assert "4 hops at most; what more than 25 share is not followed" in told
    assert "contacts are masked" in told
    before, after = told.split("Possible victims reached: protect and refer, no subjects of a report (1)")
    assert "VICTIM" not in before
    assert "VICTIM: weight 0.33, 1 tie away, rank 2" in after
    assert "> account VICTIM: payments from; 1 row; 100.00 EUR; 2026-03-02 to 2026-03-02; S1-5" in after


def test_trace_json_has_the_path_of_everything_with_its_evidence(workspace, capsys):
    assert run_command(["trace", "VICTIM", "-w", str(workspace), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["limits"] == {"hops": 4, "shared_by": 25, "least_weight": 0.05, "things": 500}
    assert told["personal_data"] == "masked"
    (thing,) = told["things"]
    assert (thing["kind"], thing["id"], thing["place"]["rank"]) == ("account", "Z", 3)
    assert [(step["how"], step["count"], step["evidence"]) for step in thing["path"]] == [
        ("payments to", 1, ["S1-5"])
    ]


def test_trace_of_an_unknown_value_is_one_line_with_what_was_looked_for(workspace, capsys):
    assert run_command(["trace", "VICTIN", "-w", str(workspace)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "looked for account, holder" in line
    assert "Did you mean 'VICTIM'?" in line


@pytest.mark.parametrize("options", [["--reveal"], ["--reason", "case 7"], ["--reveal", "--reason", " "]])
def test_trace_shows_contacts_only_with_a_reason_and_a_reason_only_with_it(workspace, capsys, options):
    assert run_command(["trace", "Z", "-w", str(workspace), *options]) == 2
    assert "--reason" in capsys.readouterr().err
