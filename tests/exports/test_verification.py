"""An exported list held against its manifest and its run."""

from __future__ import annotations

import hashlib
import json

import openpyxl
import polars as pl
import pytest

from finpat.cli import run_command
from finpat.errors import UsageError
from finpat.exports import FORMATS, Choice, read_manifest, verify_export
from finpat.exports.flagged import contents
from finpat.readmodel import ReadModel
from finpat.store.workspace import Workspace
from tests.exports.test_flagged import export, rows_of
from tests.readmodel.published import HOSTILE, flagged_row, publish_sample

NASTY = [HOSTILE, "a\x07b\x1fc", "two\nlines\r\nthree", '<b>&amp;"quoted"</b>', " lead", "", "é\u202eم,;\t"]


def hostile_list():
    """A list whose texts hold what may upset a file, a possible victim among them."""
    rows = [
        flagged_row(at, f"=A{at}", holder_name=text, reason=text or "x", amount_in="9007199254740993.12",
                    possible_role="possible_victim" if at == 2 else "unclear", anomaly_percentile=1e-7)
        for at, text in enumerate(NASTY, start=1)
    ]  # fmt: skip
    return pl.DataFrame(
        rows, schema_overrides={"network_id": pl.String, "holder_name": pl.String}
    ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))


def check(path, out):
    return verify_export(out, read_manifest(out), lambda _: ReadModel(path))


@pytest.fixture
def path(tmp_path):
    return publish_sample(tmp_path)


@pytest.mark.parametrize("profile", [{}, {"profile": "full", "reason": "asked by the court"}])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_list_is_read_back_equal_to_its_run(tmp_path, path, format_, profile):
    out = tmp_path / f"list.{format_}"
    with ReadModel(path) as model:
        export(model, out, format_, made_by="ana", **profile)
    verdict = check(path, out)
    assert verdict.differences == ()
    assert verdict.run_id == "0001"
    assert out.name in verdict.compared


@pytest.mark.parametrize("format_", FORMATS)
def test_hostile_texts_are_read_back_equal_to_their_run(tmp_path, format_):
    path = publish_sample(tmp_path, flagged_accounts=hostile_list())
    out = tmp_path / f"list.{format_}"
    with ReadModel(path) as model:
        export(model, out, format_)
    assert check(path, out).differences == ()


@pytest.mark.parametrize("format_", FORMATS)
def test_an_empty_list_is_read_back_equal(tmp_path, path, format_):
    out = tmp_path / f"list.{format_}"
    with ReadModel(path) as model:
        export(model, out, format_, Choice(min_score=1000))
    assert check(path, out).differences == ()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_changed_byte_is_found(tmp_path, path, format_):
    out = tmp_path / f"list.{format_}"
    with ReadModel(path) as model:
        export(model, out, format_)
    content = bytearray(out.read_bytes())
    content[len(content) // 2] ^= 1
    out.write_bytes(content)
    assert any(f"{out.name}: was changed" in told for told in check(path, out).differences)


def test_a_list_changed_together_with_its_manifest_is_found_by_the_run(tmp_path, path):
    out = tmp_path / "list.csv"
    with ReadModel(path) as model:
        done = export(model, out, "csv")
    out.write_text(out.read_text().replace("1234.50", "1234.51"))
    told = json.loads(done.manifest.read_text())
    told["files"][0]["sha256"] = hashlib.sha256(out.read_bytes()).hexdigest()
    done.manifest.write_text(json.dumps(told))
    assert check(path, out).differences == ("list.csv: row 1, amount_in is '1234.51', the run has '1234.50'",)


def test_a_missing_file_of_possible_victims_is_found(tmp_path, path):
    with ReadModel(path) as model:
        done = export(model, tmp_path / "list.json", "json")
    done.files[1].unlink()
    assert check(path, tmp_path / "list.json").differences == ("list-protect.json: is missing",)


def test_a_list_of_another_run_s_data_is_found(tmp_path, path):
    with ReadModel(path) as model:
        done = export(model, tmp_path / "list.json", "json")
    told = json.loads(done.manifest.read_text()) | {"data_fingerprint": "f0", "subjects": 7}
    done.manifest.write_text(json.dumps(told))
    assert check(path, tmp_path / "list.json").differences == (
        "manifest: data_fingerprint is f0, the run has f1",
        "manifest: subjects is 7, the run has 2",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing; a list is checked against the manifest"),
        ("{", "cannot be read"),
        ("[]", "is no manifest"),
        ('{"run_id": "0001"}', "choice, profile"),
    ],
)
def test_a_manifest_that_is_missing_or_none_is_one_clear_line(tmp_path, path, text, words):
    out = tmp_path / "list.csv"
    with ReadModel(path) as model:
        done = export(model, out, "csv")
    done.manifest.unlink()
    if text is not None:
        done.manifest.write_text(text)
    with pytest.raises(UsageError, match=words) as error:
        read_manifest(out)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../list.csv", "/etc/passwd", "", None, 7])
def test_a_manifest_leads_to_no_file_elsewhere(tmp_path, path, name):
    out = tmp_path / "list.csv"
    with ReadModel(path) as model:
        done = export(model, out, "csv")
    told = json.loads(done.manifest.read_text())
    told["files"].append({"file": name, "sha256": "0"})
    done.manifest.write_text(json.dumps(told))
    with pytest.raises(UsageError, match=r"does not belong to list\.csv"):
        read_manifest(out)


@pytest.mark.parametrize("format_", FORMATS)
def test_possible_victims_are_named_in_the_full_profile_only_and_apart_in_both(tmp_path, format_):
    path = publish_sample(
        tmp_path, flagged_accounts=hostile_list().with_columns(holder_name=pl.lit("Ann Lee"))
    )
    shown = {}
    with ReadModel(path) as model:
        for profile, reason in (("victim-safe", None), ("full", "referral to support")):
            out = tmp_path / f"{profile}.{format_}"
            done = export(model, out, format_, profile=profile, reason=reason)
            if format_ == "xlsx":
                header, row = openpyxl.load_workbook(out)["protect"].iter_rows(values_only=True)
                shown[profile] = dict(zip(header, row, strict=True))
            else:
                (shown[profile],) = rows_of(done.files[1], format_)
            told = json.loads(done.manifest.read_text())
            assert (told["profile"], told["reason"]) == (profile, reason)
    assert shown["victim-safe"]["holder_name"] == "A... L..."
    assert shown["full"]["holder_name"] == "Ann Lee"
    assert shown["full"]["possible_role"] == shown["victim-safe"]["possible_role"] == "possible_victim"


def test_what_bookings_say_of_a_possible_victim_is_masked_in_the_evidence(tmp_path):
    path = publish_sample(tmp_path)
    with ReadModel(path) as model:
        listed, found, evidence = (
            model.table(name) for name in ("flagged_accounts", "findings", "finding_evidence")
        )
    swapped = {"VICTIM": "unclear", "Z": "possible_victim"}
    path = publish_sample(
        tmp_path,
        "0002",
        flagged_accounts=listed.with_columns(pl.col("account_id").replace_strict(swapped, default="unclear")
                                             .alias("possible_role")),
        findings=found.with_columns(account_id=pl.lit("VICTIM")),
        finding_evidence=evidence.head(1).with_columns(
            transaction_id=pl.lit("S1-5"), account_id=pl.lit("VICTIM"), direction=pl.lit("debit")
        ),
    )  # fmt: skip
    with ReadModel(path) as model:
        shown = {
            profile: contents(model, Choice(), profile, with_evidence=True).evidence.to_dicts()
            for profile in ("victim-safe", "full")
        }
    assert [(row["counterparty_id"], row["description"]) for row in shown["full"]] == [("Z", HOSTILE)]
    assert [(row["counterparty_id"], row["description"]) for row in shown["victim-safe"]] == [("Z", "=...")]


@pytest.mark.parametrize(
    ("profile", "reason", "words"),
    [("full", None, "say why"),
     ("full", " ", "say why"), ("victim-safe", "x", "goes with"), ("ful", None, "'full'")],
)  # fmt: skip
def test_a_profile_and_its_reason_go_together(tmp_path, path, profile, reason, words):
    with ReadModel(path) as model, pytest.raises(UsageError, match=words):
        export(model, tmp_path / "list.csv", "csv", profile=profile, reason=reason)
    assert not (tmp_path / "list.csv").exists()


def test_the_dictionary_sheet_says_what_every_column_of_every_sheet_means(tmp_path, path):
    with ReadModel(path) as model:
        export(model, tmp_path / "list.xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    told = [row[:2] for row in book["dictionary"].iter_rows(min_row=2, values_only=True)]
    there = [(name, cell.value) for name in ("flagged", "protect", "evidence") for cell in book[name][1]]
    assert told == there
    assert all(row[3] for row in book["dictionary"].iter_rows(min_row=2, values_only=True))


def test_the_command_says_same_or_what_differs_and_ends_with_1(tmp_path, capsys):
    workspace = Workspace.create(tmp_path / "work")
    publish_sample(workspace.path)
    out = tmp_path / "list.csv"
    where = ["-w", str(workspace.path)]
    assert run_command(["flagged", "--out", str(out), "--user", "ana", *where]) == 0
    assert json.loads((tmp_path / "list.csv.manifest.json").read_text())["made_by"] == "ana"
    assert run_command(["verify-export", str(out), *where]) == 0
    assert "run 0001: everything is the same" in capsys.readouterr().out
    out.write_text(out.read_text() + "x\n")
    assert run_command(["verify-export", str(out), *where]) == 1
    assert "differs: list.csv: was changed" in capsys.readouterr().out
    (tmp_path / "list.csv.manifest.json").unlink()
    assert run_command(["verify-export", str(out), *where]) == 2
    assert "list.csv.manifest.json: is missing" in capsys.readouterr().err
