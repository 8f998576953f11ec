"""Running: what a query may not do, what it may take, and what its result has to be."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import polars as pl
import pytest

from finpat.errors import QueryError, RunError
from finpat.scheduled.lint import check_query
from finpat.scheduled.runner import run_query
from finpat.scheduled.sandbox import Reach, open_locked
from finpat.scheduled.statement import Statement, parse_statement
from tests.queries.case import flagged, leg, published
from tests.readmodel.published import HOSTILE, publish_sample
from tests.scheduled.case import line_of, query_of, write_query

LIST = "select account_id, score from rm.flagged_accounts order by account_id"


@pytest.fixture
def model(tmp_path):
    return publish_sample(tmp_path)


def answered(tmp_path, model, sql, given=None, **front):
    return run_query(query_of(tmp_path, sql, **front), Reach(model), given)


def refused(tmp_path, sql, **front):
    path = write_query(tmp_path, sql, **front)
    with pytest.raises(QueryError) as caught:
        check_query(query_of(tmp_path, sql, **front))
    return path, str(caught.value)


@pytest.mark.parametrize(
    ("sql", "marked", "words"),
    [
        (
            "select 1 as account_id;\ndrop table rm.accounts",
            "drop",
            "expected one SELECT, found 2 statements",
        ),
        ("insert into rm.accounts values (1)", "insert", "expected one SELECT, found INSERT"),
        ("copy (select 1) to 'x.csv'", "copy", "expected one SELECT, found COPY"),
        ("attach 'x.duckdb'", "attach", "expected one SELECT, found ATTACH"),
        ("set memory_limit = '9GB'", "set", "expected one SELECT"),
        ("install httpfs", "install", "expected one SELECT"),
        ("pragma database_list", "pragma", "expected one SELECT"),
        ("show tables", "show", "no SELECT"),
        (
            "select account_id\nfrom read_csv('/etc/passwd')\norder by account_id",
            "read_csv",
            "read_csv() is not allowed",
        ),
        ("select account_id\nfrom glob('*')\norder by account_id", "glob", "glob() is not allowed"),
        (
            "select account_id\nfrom duckdb_settings()\norder by account_id",
            "duckdb_settings",
            "is not allowed",
        ),
        (
            "select account_id\nfrom query('select 1 as account_id')\norder by all",
            "query('",
            "query() is not allowed",
        ),
        (
            "select account_id\nfrom '/etc/passwd'\norder by account_id",
            "passwd",
            "there is no table '/etc/passwd'",
        ),
        (
            "select account_id\nfrom rm_file.rm.accounts\norder by account_id",
            "rm_file",
            "there is no table 'rm_file.rm.accounts'",
        ),
        (
            "select account_id\nfrom information_schema.tables\norder by account_id",
            "information",
            "there is no table",
        ),
        ("select account_id\nfrom rm.acounts\norder by account_id", "acounts", "Did you mean 'rm.accounts'?"),
        (
            "select ad_id as account_id\nfrom rm.ad_contents\norder by all",
            "ad_contents",
            "read for a stated reason only",
        ),
        (
            "select account_id,\n now() as t from rm.accounts\norder by account_id",
            " now",
            "now() gives another answer later",
        ),
        (
            "select account_id,\n current_date as t from rm.accounts\norder by account_id",
            " current_date",
            "current_date gives another answer later",
        ),
        (
            "select account_id,\n 'now'::timestamp as t from rm.accounts\norder by account_id",
            "'now'",
            "'now' gives another answer later",
        ),
        (
            "select account_id,\n random() as t from rm.accounts\norder by account_id",
            " random",
            "random() gives another answer each time",
        ),
        (
            "select account_id,\n current_setting('threads') as t from rm.accounts\norder by account_id",
            " current_setting",
            "is not allowed",
        ),
        (
            "select account_id\nfrom rm.accounts tablesample 10%\norder by account_id",
            "tablesample",
            "a sample differs from run to run",
        ),
        (
            "select account_id,\n holder_name from rm.accounts\norder by account_id",
            " holder_name",
            "reveals: [accounts.holder_name]",
        ),
        (
            "select account_id from rm.accounts\nwhere phone = '1'\norder by account_id",
            "where phone",
            "phone is personal data",
        ),
        (
            "select account_id from rm.accounts\nwhere score > $least\norder by account_id",
            "$least",
            "$least is not among the params",
        ),
        ("select account_id\nfrom rm.accounts", "from rm.accounts", "order by has to end in the grain"),
        ("select account_id from rm.accounts\norder by country", "order by country", "account_id is missing"),
        ("selekt account_id from rm.accounts", "selekt", "syntax error"),
        ("select account_id, nosuch\nfrom rm.accounts order by account_id", "nosuch", "nosuch"),
        (
            "select currency from rm.accounts\norder by currency, account_id",
            "grain:",
            "the result has no 'account_id'",
        ),
        (
            "select account_id,\n sum(leg_count) as legs from rm.accounts group by all\norder by account_id",
            "sum(leg_count)",
            "legs is HUGEINT: cast the sum",
        ),
        (
            "select account_id,\n amount_in from rm.flagged_accounts\norder by account_id",
            "amount_in",
            "the result needs `currency`",
        ),
        (
            "select account_id, currency,\n sum(declared_monthly_income) as x\n"
            "from rm.accounts group by all order by all",
            "sum(declared",
            "cast it to decimal(28, 8)",
        ),
        (
            "select account_id,\n first_seen::timestamptz as seen from rm.accounts\norder by account_id",
            "timestamptz",
            "expected TIMESTAMP (UTC)",
        ),
        (
            "select account_id, account_id\nfrom rm.accounts order by all",
            "/* ---",
            "two columns 'account_id'",
        ),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused_with_the_line(tmp_path, sql, marked, words):
    path, message = refused(tmp_path, sql)
    assert words in message
    assert f"line {line_of(path, marked)}: " in message


def test_a_declared_parameter_that_is_never_used_is_told(tmp_path):
    _, message = refused(tmp_path, LIST, params={"lookback_days": {"type": "int", "default": 9}})
    assert "parameter lookback_days is declared, and never used" in message


@pytest.mark.parametrize(
    "sql",
    [
        "select content as account_id from read_text('/etc/hostname')",
        "copy (select 1) to '{folder}/out.csv'",
        "attach '{folder}/other.duckdb' as other",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '64GB'",
        "insert into rm_file.rm.runs (run_id) values ('9')",
        "update rm_file.rm.flagged_accounts set score = 0",
        "export database '{folder}/all'",
    ],
)
def test_the_connection_itself_cannot_write_reach_files_or_load_extensions(tmp_path, model, sql):
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    known = set(tmp_path.rglob("*"))
    query = query_of(tmp_path, LIST)
    known |= {query.path, query.path.parent}
    with open_locked(Reach(model), query, Statement(frozenset({("rm", "flagged_accounts")}))) as connection:
        with pytest.raises(Exception, match=r"Permission|disabled|locked|read-only|attached"):
            connection.execute(sql.format(folder=tmp_path)).fetchall()
    assert hashlib.sha256(model.read_bytes()).hexdigest() == before
    assert set(tmp_path.rglob("*")) == known


def test_a_name_of_a_table_never_finds_a_variable_of_the_program(tmp_path, model):
    secret = pl.DataFrame({"account_id": ["inside"]})
    query = query_of(tmp_path, LIST)
    with open_locked(Reach(model), query, parse_statement(query)) as connection:
        with pytest.raises(Exception, match="secret"):
            connection.execute("select * from secret").fetchall()
    assert secret.height == 1


def test_the_result_is_a_typed_frame_in_the_querys_order_with_where_it_comes_from(tmp_path, model):
    result = answered(tmp_path, model, "select account_id, score, amount_in, currency, first_seen from "
                      "rm.flagged_accounts order by score, account_id")  # fmt: skip
    assert result.rows["account_id"].to_list() == ["Z", "007"]
    assert result.rows.schema["amount_in"] == pl.Decimal(28, 8)
    assert result.rows["amount_in"][0] == Decimal("1234.5")
    assert result.rows.schema["first_seen"] == pl.Datetime("us")
    assert (result.run_id, result.data_fingerprint, result.cut) == ("0001", "f1", False)


def test_rows_that_name_a_possible_victims_account_stand_apart(tmp_path, model):
    result = answered(tmp_path, model, LIST)
    assert result.rows["account_id"].to_list() == ["007", "Z"]
    assert result.protect["account_id"].to_list() == ["VICTIM"]
    other = answered(
        tmp_path, model,
        "select account_id as payer_account_id, score from rm.flagged_accounts order by payer_account_id",
        grain=["payer_account_id"],
    )  # fmt: skip
    assert other.protect["payer_account_id"].to_list() == ["VICTIM"]


def test_personal_data_is_masked_whatever_way_it_is_selected(tmp_path, model):
    result = answered(tmp_path, model, "select * from rm.flagged_accounts order by account_id")
    assert HOSTILE not in str(result.rows.rows())
    assert result.rows.filter(account_id="007")["holder_name"].to_list() == ["(masked)"]
    assert result.rows.filter(account_id="Z")["holder_name"].to_list() == [None]


def test_personal_data_that_a_query_reveals_is_read_for_a_stated_reason(tmp_path, model):
    sql = "select account_id, holder_name from rm.accounts order by account_id"
    result = answered(
        tmp_path, model, sql, reveals=["accounts.holder_name"], reveal_reason="names go to the case file"
    )
    assert result.rows.filter(account_id="007")["holder_name"].to_list() == [HOSTILE]


def test_a_row_limit_that_bites_is_said_and_one_that_just_fits_is_not(tmp_path, model):
    cut = answered(tmp_path, model, LIST, max_rows=2)
    assert (cut.count, cut.cut) == (2, True)
    whole = answered(tmp_path, model, LIST, max_rows=3)
    assert (whole.count, whole.cut) == (3, False)


def test_a_grain_that_is_not_unique_is_told_with_the_first_row(tmp_path, model):
    sql = "select account_id, direction from rm.transactions order by account_id"
    with pytest.raises(QueryError, match=r"line \d+: grain: 3 rows are not unique \(account_id = 007\)"):
        answered(tmp_path, model, sql)


def test_a_grain_that_is_null_names_no_row(tmp_path, model):
    sql = "select network_id, count(*) as accounts from rm.flagged_accounts group by all order by network_id"
    with pytest.raises(QueryError, match="grain: network_id is null in 1 rows"):
        answered(tmp_path, model, sql, grain=["network_id"])


SLOW = """
with recursive n(i) as (select 0::bigint union all select i + 1 from n where i < 1000000000)
select max(i)::bigint as account_id from n order by account_id
"""


def test_a_statement_that_takes_too_long_is_stopped(tmp_path, model):
    with pytest.raises(QueryError, match=r"asked: stopped after 1 s, its time limit"):
        answered(tmp_path, model, SLOW, timeout_s=1)


def test_a_statement_that_takes_too_much_memory_is_stopped(tmp_path, model):
    sql = "select list(repeat('x', 99) || i)::varchar as account_id from range(20000000) as r(i) order by all"
    with pytest.raises(QueryError, match=r"asked: needs more than its 64 MB of memory"):
        answered(tmp_path, model, sql, memory_mb=64)


def test_an_error_in_the_data_is_told_with_the_querys_line_and_not_as_a_defect(tmp_path, model):
    with pytest.raises(QueryError, match=r"asked\.sql"):
        answered(tmp_path, model, "select account_id::integer as account_id from rm.accounts order by all")


def test_previous_shows_the_run_before_and_is_empty_where_there_is_none(tmp_path):
    sql = """
    select f.account_id, f.score - p.score as gained
    from rm.flagged_accounts as f left join previous.flagged_accounts as p using (account_id)
    order by account_id
    """
    first = published(tmp_path / "ws", flagged_accounts=[flagged(1, "A", score=100)])
    second = published(tmp_path / "ws", run_id="0002", flagged_accounts=[flagged(1, "A", score=150)])
    query = query_of(tmp_path, sql)
    assert run_query(query, Reach(second, first)).rows.rows() == [("A", 50)]
    assert run_query(query, Reach(second)).rows.rows() == [("A", None)]


def test_a_run_that_another_version_published_is_told_and_not_read_as_empty(tmp_path):
    import duckdb

    path = published(tmp_path / "ws", flagged_accounts=[flagged(1, "A")])
    with duckdb.connect(str(path)) as connection:
        connection.execute("drop table rm.networks")
    sql = "select network_id, kind from rm.networks order by network_id"
    with pytest.raises(RunError, match="was published by another version of finpat"):
        run_query(query_of(tmp_path, sql, grain=["network_id"]), Reach(path))


def test_parameters_are_bound_and_never_pasted_into_the_text(tmp_path, model):
    sql = "select account_id, score from rm.flagged_accounts where account_id = $account order by account_id"
    result = answered(
        tmp_path, model, sql, {"account": "' or 1 = 1 --"}, params={"account": {"type": "text"}}
    )
    assert result.count == 0


def test_the_answer_does_not_depend_on_the_number_of_threads(tmp_path, monkeypatch):
    rows = [leg(f"t{n}", f"A{n % 37}", "debit", n + 1) for n in range(3000)]
    path = published(tmp_path / "ws", rows)
    sql = """
    select account_id, currency, sum(amount)::decimal(28, 8) as total, count(*) as n
    from rm.transactions group by all order by total desc, account_id, currency
    """
    query = query_of(tmp_path, sql, grain=["account_id", "currency"])
    one = run_query(query, Reach(path)).rows
    monkeypatch.setattr("finpat.scheduled.sandbox.THREADS", 1)
    assert run_query(query, Reach(path)).rows.equals(one)


def test_every_column_of_the_read_model_that_holds_personal_data_is_masked_or_sealed():
    from finpat.readmodel import masking, schema
    from finpat.scheduled.tables import PERSONAL

    masked_when_published = {"ads", "ad_payments"}
    sealed = {table.name for table in schema.SENSITIVE}
    lacking = [
        f"{table.name}.{column.name}"
        for table in schema.TABLES
        for column in table.columns
        if ("personal data" in column.doc or "sensitive" in column.doc or column.name in PERSONAL)
        and table.name not in PERSONAL.get(column.name, ())
        and table.name not in sealed
        and not (table.name in masked_when_published and column.name in masking.SENSITIVE)
    ]
    assert lacking == []
