"""Guardrails of the catalogue: what no output may say, what nothing may look at, what nothing may do.

G1 words and role labels; G2 and G10 the least that a role needs; G3 possible victims are no subjects;
G4 and G5 protect and refer, nothing is sent and nothing done by itself; G6 no attribute of who somebody
is, corridors weigh least; G7 names and texts masked; G8 bounds and rows beside every finding; G11
protected payees; G15 nothing is fetched; G16 what is not looked for. tests/movement/test_hotspots.py holds
G12: few persons are withheld; tests/casework those of G3, G7 and G14 that casework has to keep: a possible
victim is no subject of a decision, who revealed a name is in the trail, texts are dropped in time.

Without a room yet, so that no test here can hold them: G9 (watchlists are not read yet, hence no states
of allegation and conviction), G13 (no figures by cohort for a compliance officer), G17 (no page that shows
the local hotline, no priority queue); of G7 the encryption of texts at rest, of G8 the log of who changed a
setting, of G11 the hiding from some readers and not others, of G15 the recorded legal basis of an import.
"""

import ast
import json
import re
from pathlib import Path

import click
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat import schemas
from finpat.cli import app, run_command
from finpat.detection import DETECTORS
from finpat.explain import ADVICE, explain_account
from finpat.exports import FORMATS, Choice, export_flagged
from finpat.exports.flagged import split_subjects
from finpat.features import FEATURES
from finpat.indicators import INDICATORS
from finpat.indicators.base import ROLES, in_words
from finpat.readmodel import ReadModel, schema
from finpat.risk import account_findings, role_arguments
from finpat.risk.arguments import ARGUMENTS
from finpat.risk.roles import CONTROL_GATE, CONTROLLER_FACTS
from finpat.scheduled import delivery
from finpat.scheduled.settings import ScheduleSettings
from finpat.store.workspace import Workspace
from finpat.vocabulary import KINDS, load_vocabulary
from tests.exports.test_flagged import NOW
from tests.factory import ledger
from tests.indicators.support import judge
from tests.indicators.test_receipts import got
from tests.readmodel.published import HOSTILE, publish_sample
from tests.risk.test_rank import finding, found, ranked

ROOT = Path(__file__).parents[1]
BANNED = re.compile(r"\btraffickers?\b|\bprostitut\w*|\bcriminals?\b", re.IGNORECASE)
UNQUALIFIED = re.compile(r"(?<!possible )(?<!possible_)\bvictims?\b(?! support|-safe)", re.IGNORECASE)
FORBIDDEN = {
    "sex", "gender", "birth", "birthday", "birthdate", "nationality", "citizenship", "ethnicity", "ethnic",
    "religion", "race", "surname", "title", "salutation",
}  # fmt: skip
# Of an account or advert it may be told how old it is; of a person nothing asks.
FORBIDDEN_OF_PERSONS = FORBIDDEN | {"age"}
SENDERS = {
    "smtplib", "email", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "socket", "ftplib",
    "telnetlib", "xmlrpc", "ssl", "scrapy", "selenium", "playwright",
}  # fmt: skip
# Notices of due runs: off by default, counts and names of files only.
MAY_SEND = {"delivery.py": {"smtplib", "email", "http", "ssl"}}
SOURCES = sorted((ROOT / "finpat").rglob("*.py"))


def judgements(text):
    """The words of a text that judge a person."""
    return BANNED.findall(text) + UNQUALIFIED.findall(text)


def said(path):
    """The texts in a module that may reach a reader: all but docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def helps(command, path=("finpat",)):
    """(command, its help) of every command."""
    context = click.Context(command, info_name=" ".join(path))
    yield " ".join(path), command.get_help(context)
    for name, inner in getattr(command, "commands", {}).items():
        yield from helps(inner, (*path, name))


@pytest.fixture
def workspace(tmp_path):
    folder = Workspace.create(tmp_path / "ws")
    publish_sample(folder.path)
    return folder.path


# G1: words


def test_the_words_that_are_looked_for_are_found():
    assert judgements("A trafficker, prostitution, Criminals") == ["trafficker", "prostitution", "Criminals"]
    assert judgements("the victim and two victims") == ["victim", "victims"]
    assert judgements("possible victims, possible_victim, victim support, trafficking") == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_no_page_uses_a_word_that_judges_a_person(page):
    assert judgements(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_that_the_software_can_say_judges_a_person(path):
    assert [text for text in said(path) if judgements(text)] == []


def test_no_help_of_a_command_judges_a_person():
    told = dict(helps(app))
    assert len(told) > 10
    assert {name: judgements(text) for name, text in told.items() if judgements(text)} == {}


def test_no_table_or_column_that_readers_see_judges_a_person():
    names = [table.name for table in schema.TABLES]
    names += [column.name for table in schema.TABLES for column in table.columns]
    names += [column.name for table in schemas.TABLES.values() for column in table.columns]
    names += [feature.name for feature in FEATURES]
    assert [name for name in names if judgements(name.replace("_", " ")) or "victim" in name] == []


def test_no_query_that_is_shipped_names_what_it_must_not():
    for path in (ROOT / "queries").rglob("*.sql"):
        text = path.read_text(encoding="utf-8")
        assert judgements(text) == [], path.name
        asked = text.replace("\ntitle:", "\n")  # of the query
        assert FORBIDDEN_OF_PERSONS & set(re.findall(r"[a-z]+", asked.lower())) == set(), path.name


def test_every_indicator_argues_for_declared_roles_only_in_words_that_stay_possible():
    assert {role for item in INDICATORS for role in item.role.split("/")} <= set(ROLES)
    for role in ROLES:
        assert judgements(in_words(role)) == []
    assert {role for _, role in ARGUMENTS} <= set(ROLES)


def test_the_kinds_of_payments_are_named_without_judging():
    assert [kind for kind, meaning in KINDS.items() if judgements(meaning)] == []


# G2 and G10: the least that a role needs

SHOWN = st.builds(
    finding,
    st.just("A"),
    st.sampled_from(
        ["HT-MOV-12", "HT-P2P-04", "HT-P2P-03", "HT-SPD-07", "HT-ADS-01", "HT-FRT-04", "VE-PASS-01"]
    ),
    st.sampled_from("SMW"),
    st.sampled_from(["PC", "PV", "NET", "BIZ", "PV/PC", "PV/NET"]),
    st.integers(0, 3),
)  # fmt: skip


@given(st.lists(SHOWN, max_size=6))
@settings(max_examples=120, deadline=None)
def test_no_role_rests_on_fewer_than_three_rows_one_family_weak_findings_or_none_of_control(shown):
    if ranked(*shown, A=50.0)["possible_role"][0] == "unclear":
        return
    trafficking = [one for one in shown if one["indicator_id"].startswith("HT-")]
    assert sum(one["rows"] for one in trafficking) >= 3
    assert len({one["indicator_id"][:6] for one in trafficking}) >= 2
    assert {one["weight"] for one in trafficking} != {"W"}
    assert any(one["indicator_id"] in CONTROL_GATE for one in trafficking)


@given(st.lists(SHOWN, max_size=6))
@settings(max_examples=120, deadline=None)
def test_a_possible_controller_has_a_fact_of_that_side_and_none_that_names_a_possible_victim(shown):
    if ranked(*shown, A=50.0)["possible_role"][0] != "possible_controller":
        return
    assert any(one["indicator_id"] in CONTROLLER_FACTS and "PC" in one["role"] for one in shown)
    assert not any(
        one["indicator_id"] in CONTROL_GATE and "PV" in one["role"]
        for one in shown
        if one["indicator_id"].startswith("HT-")
    )


def test_money_patterns_alone_never_name_a_role():
    shown = [finding("A", item.id, "S", item.role, 9) for item in INDICATORS if not item.id.startswith("HT-")]
    assert ranked(*shown, A=100.0)["possible_role"][0] == "unclear"


def test_every_indicator_tells_its_measured_precision_or_that_there_is_none():
    assert [item.id for item in INDICATORS if not item.measured] == []
    assert "not measured" in (ROOT / "docs" / "indicators.md").read_text(encoding="utf-8")


# G3: possible victims are no subjects


@pytest.mark.parametrize("format_", FORMATS)
def test_no_file_of_subjects_holds_a_possible_victim_in_any_format(workspace, tmp_path, format_):
    with ReadModel(workspace / "readmodel" / "0001.duckdb") as model:
        assert "VICTIM" in model.flagged()["account_id"].to_list()
        out = tmp_path / f"list.{format_}"
        done = export_flagged(model, out, format_, Choice(), made_at=NOW)
    assert (done.subjects, done.protected) == (2, 1)
    if format_ == "xlsx":
        import openpyxl

        book = openpyxl.load_workbook(out)
        for name in set(book.sheetnames) - {"protect"}:
            texts = [str(cell) for row in book[name].iter_rows(values_only=True) for cell in row]
            assert "VICTIM" not in texts, name
    elif format_ == "parquet":
        assert "VICTIM" not in pl.read_parquet(out)["account_id"].to_list()
    else:
        assert "VICTIM" not in out.read_text(encoding="utf-8")


def test_the_list_in_the_terminal_keeps_possible_victims_apart(workspace, capsys):
    assert run_command(["flagged", "-w", str(workspace)]) == 0
    out = capsys.readouterr().out
    assert out.index("protect and refer, no subjects") < out.index("VICTIM")
    assert run_command(["flagged", "--json", "-w", str(workspace)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "VICTIM" not in [row["account_id"] for row in answer["accounts"]]
    assert [row["account_id"] for row in answer["protect"]] == ["VICTIM"]


@given(st.lists(st.sampled_from(["possible_victim", "possible_controller", "unclear", None]), max_size=9))
def test_subjects_and_possible_victims_share_no_account_and_lose_none(roles):
    columns = {name: [None] * len(roles) for name in schema.LIST_COLUMNS}
    ids = [f"A{n}" for n in range(len(roles))]
    listed = pl.DataFrame(
        columns | {"account_id": ids, "possible_role": roles},
        schema=dict.fromkeys(schema.LIST_COLUMNS, pl.String),
    )
    subjects, protected = split_subjects(listed)
    assert set(protected["possible_role"]) <= {"possible_victim"}
    assert "possible_victim" not in subjects["possible_role"].to_list()
    assert subjects.height + protected.height == len(roles)


# G4, G5, G15: protect and refer; nothing is sent, fetched or done


def test_a_possible_victim_is_protected_and_referred_and_nobody_is_contacted_by_reflex(workspace):
    assert ADVICE["possible_victim"].startswith("Protect and refer.")
    assert "Do not close, freeze or contact" in ADVICE["possible_victim"]
    with ReadModel(workspace / "readmodel" / "0001.duckdb") as model:
        told = explain_account(model, "VICTIM")["interpretation"]
    assert told["advice"] == ADVICE["possible_victim"]
    assert "a person decides" in told["note"]


def test_no_command_closes_freezes_or_writes_to_anybody():
    # What `finpat case close` closes is an alert; its help says that nothing happens to the account.
    told = dict(helps(app))
    assert "Nothing happens to the account itself" in told.pop("finpat case close")
    names = {part for name in told for part in name.split()}
    assert names & {"close", "freeze", "block", "limit", "notify", "send", "mail", "report", "file"} == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_can_send_a_message_or_fetch_an_advert(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module)
    roots = {name.split(".")[0] for name in imported - {"urllib.parse"}}  # that one reads addresses, no pages
    assert (roots & SENDERS) - MAY_SEND.get(path.name, set()) == set()


def test_the_schedule_sends_nothing_unless_its_settings_name_where():
    assert delivery.channels(ScheduleSettings()) == []


def test_a_notice_holds_counts_and_names_of_files_and_no_value_of_a_row():
    names = ("slot", "state", "run_id", "rows", "rows_apart", "new_rows", "is_cut", "finished_at")
    run = dict.fromkeys(names) | {"query": "asked", "files": [], "parameters": {"account": "A-17"}}
    run["error"] = "grain: 2 rows are not unique (account_id = A-17)"
    assert "A-17" not in json.dumps(delivery.notice_of(run, "Accounts"))


# G6: nothing about who somebody is


def test_no_feature_no_detector_and_no_stored_column_is_an_attribute_of_who_somebody_is():
    names = [feature.name for feature in FEATURES]
    names += [column.name for table in schemas.TABLES.values() for column in table.columns]
    names += [column.name for table in schema.TABLES for column in table.columns]
    names = [name for name in names if name != "title"]  # an advert's headline
    assert DETECTORS
    # `age` begins a name where it is a person's; account_age is how long the account is known.
    assert [name for name in names if FORBIDDEN & set(name.split("_")) or name.split("_")[0] == "age"] == []


def test_no_indicator_needs_an_attribute_of_who_somebody_is():
    asked = {name for item in INDICATORS for name in item.needs}
    assert [name for name in asked if FORBIDDEN_OF_PERSONS & set(name.split("_"))] == []


@pytest.mark.parametrize("room", ["features", "indicators", "detection", "risk", "networks", "readmodel"])
def test_no_expression_or_query_names_a_forbidden_column(room):
    # `title` is an advert's headline, and a figure's.
    words = FORBIDDEN - {"title"}
    for path in (ROOT / "finpat" / room).rglob("*.py"):
        for text in said(path):
            if re.fullmatch(r"[a-z_]+", text):
                assert words & set(text.split("_")) == set(), f"{path.name}: {text}"
            elif "SELECT" in text:
                assert words & set(re.findall(r"[a-z]+", text.lower())) == set(), f"{path.name}: {text}"


def test_what_asks_for_a_corridor_or_a_country_weighs_least():
    by_id = {item.id: item for item in INDICATORS}
    for indicator_id in ("HT-LAB-10", "HT-ADS-08", "CX-CORR-02"):
        if indicator_id in by_id:
            assert by_id[indicator_id].weight == "W"
    places = re.compile("corridor|countries")
    listing = [
        item for item in INDICATORS if any(places.search(part.name) for part in item.parameter_fields())
    ]
    assert [item.id for item in listing if item.weight != "W"] == []


def test_a_corridor_alone_is_watched_by_nobody():
    assert ranked(finding("A", "HT-LAB-10", "W", "NET"), A=90.0)["band"][0] == "low"


# G7: names and texts


def test_names_and_texts_are_masked_unless_a_reason_is_given(workspace, capsys):
    for words in (["explain", "007"], ["explain", "VICTIM"], ["flagged"]):
        assert run_command([*words, "-w", str(workspace)]) == 0
        captured = capsys.readouterr()
        assert HOSTILE not in captured.out + captured.err
        assert "HYPERLINK" not in captured.out + captured.err


def test_what_sensitive_words_match_is_shown_by_no_finding_and_no_page():
    words = load_vocabulary().words
    pages = " ".join(path.read_text(encoding="utf-8").lower() for path in (ROOT / "docs").glob("*.md"))
    assert words["service_words"]
    assert [word for word in words["service_words"] if re.search(rf"\b{re.escape(word)}\b", pages)] == []


# G8: thresholds and rows


def test_every_finding_tells_numbers_of_parameters_that_a_reader_can_look_up():
    assert [item.id for item in INDICATORS if not item.values or not item.parameter_fields()] == []
    assert [item.id for item in INDICATORS if "{" not in item.fact] == []


def test_a_finding_has_its_rows_bounds_source_and_innocent_explanation():
    result = judge("HT-P2P-01", ledger(*[got(n, f"P{n:02}", 20, channel="p2p") for n in range(15)]))
    (row,) = result.findings.to_dicts()
    bounds = {value["name"]: value["threshold"] for value in row["values"]}
    assert (bounds["payer_count"], bounds["once_share"]) == (15, 0.7)
    assert result.evidence.height == 15
    for told in (
        "15 persons",
        "FINTRAC",
        "Also common for people who sell on marketplaces",
        "Role: role unknown",
    ):
        assert told in row["sentence"]


def test_every_parameter_says_why_it_is_what_it_is():
    lacking = [
        f"{item.id}.{part.name}"
        for item in INDICATORS
        for part in item.parameter_fields()
        if not part.metadata["why"]
    ]
    assert lacking == []


# G11: shelters, clinics, legal aid


def test_a_payment_to_or_from_a_protected_place_lowers_nothing_and_is_no_evidence():
    payers = [got(n, f"P{n:02}", 20, channel="p2p") for n in range(15)]
    given = got(16, "P99", 500, channel="p2p", counterparty_name="Women's shelter", description="shelter")
    before, after = (judge("HT-P2P-01", ledger(*rows)) for rows in (payers, [*payers, given]))
    assert before.findings["account_id"].to_list() == after.findings["account_id"].to_list() == ["A"]
    assert after.evidence.height == before.evidence.height == 15
    alone = [{**row, "counterparty_name": "Women's shelter"} for row in payers]
    assert judge("HT-P2P-01", ledger(*alone)).findings.filter(state="found").height == 0


# G16: what is not looked for


def test_calls_from_prison_are_not_judged_unless_somebody_switches_that_on():
    assert {item.id for item in INDICATORS if not item.enabled} >= {"HT-SPD-08"}


def test_the_front_page_says_that_work_migration_and_remitting_are_not_looked_for():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Consensual adult sex work, migration and sending money home are not what" in text


def test_adverts_travel_and_night_cash_without_control_name_no_role():
    shown = [
        finding("A", name, "S", "PC", 9) for name in ("HT-ADS-13", "HT-MOV-04", "HT-NIT-01", "HT-SPD-07")
    ]
    told = found(*shown)
    assert ranked(*shown, A=100.0)["possible_role"][0] == "unclear"
    table = role_arguments(account_findings(told.findings), told.evidence)
    assert set(table["standing"]) == {"not_enough"}
    assert "control gate" in table["verdict"][0]
