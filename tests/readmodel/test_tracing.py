"""Tracing over a published run: from any spelling of a value, masked, with rows behind every tie."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from finpat.errors import UsageError
from finpat.networks.identifiers import identifier_tables, identifier_uses
from finpat.networks.trace import HUB, Reach
from finpat.readmodel import Legs, Publication, ReadModel, publish
from finpat.readmodel.legs import published_part
from finpat.readmodel.masking import masked, shapes_of
from finpat.readmodel.publish import runs_row
from tests import factory
from tests.readmodel.published import flagged_row, manifest

START = datetime(2026, 3, 2, 12)
PHONE, MAIL, TEXT = "+32 470 12 34 56", "ann@example.org", "new in town, call me any day of the week"


def pay(giver, taker, day, amount=100_00, **more):
    return {"account_id": giver, "counterparty_id": taker, "direction": "debit", "mirrored": True,
            "booked_at": START + timedelta(days=day), "amount_minor": amount, **more}  # fmt: skip


PEOPLE = [
    {"account_id": "A", "holder_id": "H1", "holder_name": "Ann Example", "phone": "0470/12.34.56"},
    {"account_id": "B", "holder_id": "H2", "holder_name": "Zoë Sämple", "email": MAIL},
    {"account_id": "C", "holder_id": "H3"},
    *({"account_id": f"D{n:02}", "holder_id": f"HD{n}", "phone": "02 555 01 01"} for n in range(30)),
]
ROWS = [
    *(pay("A", "B", day) for day in range(4)),
    *(pay("C", "bc1qv9", day, channel="crypto", mirrored=False) for day in range(3)),
    *({"account_id": f"D{n:02}", "counterparty_id": None, "channel": "cash"} for n in range(30)),
    pay("B", "OUT", 1, 1_00, mirrored=False),
]
ADS = [
    {"ad_id": "ad1", "posted_at": START, "phone": PHONE, "text": TEXT},
    {"ad_id": "ad2", "posted_at": START + timedelta(days=1), "phone": None, "text": TEXT},
    {"ad_id": "ad3", "posted_at": START, "phone": None, "text": "bicycle, hardly used"},
]
PAID = [
    {"payment_id": "p1", "paid_at": START, "ad_id": "ad2", "account_id": "C", "payer_reference": "card-1"},
    {"payment_id": "p2", "paid_at": START, "ad_id": "ad3", "account_id": None, "payer_reference": "bc1qv9"},
]


def publish_run(folder, rows, people, ads, paid):
    names = {"holder_id", "holder_name", "phone", "email", "account_id"}
    accounts = pl.DataFrame(
        [dict.fromkeys(names) | {"country": "BE"} | row for row in people],
        schema_overrides=dict.fromkeys(names, pl.String),
    )
    data = factory.ledger(*rows, accounts=accounts)
    shown = pl.DataFrame(
        [{"platform": "Board", "country": "BE"} | row for row in ads], schema_overrides={"phone": pl.String}
    )
    payments = pl.DataFrame(
        [{"platform": "Board", "amount_minor": 500, "currency": "USD"} | row for row in paid],
        schema_overrides={"account_id": pl.String},
    )
    made = build_adverts(shown, payments, data, Settings())
    ids = pl.Series([f"t{n}" for n in range(len(rows))])
    tables = identifier_tables(identifier_uses(data, made, payments), data, made, ids)
    tables["identifiers"] = tables["identifiers"].with_columns(
        shapes_of(tables["identifiers"]["kind"], tables["identifier_values"]["value"])
    )
    held = data.accounts["account_id"].to_list()
    flagged = pl.DataFrame([flagged_row(rank, name) for rank, name in enumerate(held, start=1)],
                           schema_overrides={"network_id": pl.String, "holder_name": pl.String}).with_columns(
        pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))  # fmt: skip
    written = pl.DataFrame(
        {"file_id": [1] * len(rows), "transaction_id": ids, "source_line": range(2, len(rows) + 2),
         "direction": [row.get("direction", "credit") for row in rows]}
    )  # fmt: skip
    run = manifest()
    return publish(
        folder,
        Publication(
            "0001",
            run,
            {"accounts": data.accounts, "flagged_accounts": flagged, "ads": masked(shown),
             "runs": runs_row(run), **tables, **made.tables(data, ids)},
            Legs(published_part(data), written, {1: "s.csv"}),
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with ReadModel(publish_run(tmp_path_factory.mktemp("traced"), ROWS, PEOPLE, ADS, PAID)) as opened:
        yield opened


def reached(trace, kind=None):
    return [row["id"] for row in trace.things.to_dicts() if kind in (None, row["kind"])]


@pytest.mark.parametrize(
    "spelling", [PHONE, "0032470123456", "0470 12 34 56", " +32-470-123-456 ", "０４７０１２３４５６"]
)
def test_a_telephone_number_is_found_in_any_spelling(model, spelling):
    trace = model.trace(spelling)
    assert trace.starts.select("kind", "label", "shared_by").rows() == [("phone", "...56", 2)]
    assert sorted(reached(trace, "account")) == ["A", "B", "C"]
    assert reached(trace, "cluster") == ["ad1"]


def test_from_a_number_over_the_advert_to_who_paid_for_it_with_the_rows_of_every_step(model):
    path = model.trace(PHONE).path_to("account", "C")
    assert path.select("kind", "id", "how", "evidence").rows() == [
        ("cluster", "ad1", "stated", ["ad1"]),
        ("account", "C", "advert payment, stated", ["p1"]),
    ]


@pytest.mark.parametrize(
    ("value", "starts"),
    [
        ("A", [("account", "A")]),
        ("ann  EXAMPLE", [("account", "A")]),
        ("Zoe Sample", [("account", "B")]),
        ("ad1", [("cluster", "ad1")]),
        ("ad2", [("cluster", "ad1")]),
        ("ad3", [("advert", "ad3")]),
        ("OUT", [("counterparty", "OUT")]),
    ],
)
def test_accounts_names_adverts_and_counterparties_are_starts(model, value, starts):
    assert model.trace(value).starts.select("kind", "id").rows() == starts


@pytest.mark.parametrize(
    ("value", "kind"), [("H2", "holder"), ("mailto:ANN@example.org", "email"), ("bc1qv9", "wallet")]
)
def test_identifiers_are_starts_and_answer_to_their_own_name_too(model, value, kind):
    (start,) = model.trace(value).starts.to_dicts()
    assert start["kind"] == kind
    assert model.trace(start["id"]).things.equals(model.trace(value).things)


def test_a_wallet_ties_the_account_that_used_it_to_the_advert_paid_with_it(model):
    path = model.trace("ad3").path_to("account", "C")
    assert path.select("kind", "label", "how", "evidence").rows() == [
        ("wallet", "...v9", "payer", ["p2"]),
        ("account", "C", "payments", ["t4", "t5", "t6"]),
    ]


def test_payments_tie_by_the_share_of_what_either_side_moves(model):
    (tie,) = model.trace("A", Reach(hops=1)).things.filter(pl.col("kind") == "account").to_dicts()
    assert (tie["id"], tie["how"], tie["count"], tie["currency"]) == ("B", "payments to", 4, "USD")
    assert (tie["weight"], str(tie["amount"])) == (1.0, "400.00000000")
    back = model.trace("B", Reach(hops=1, least=0)).things.filter(pl.col("id") == "OUT").to_dicts()[0]
    assert (back["kind"], back["shared_by"]) == ("counterparty", 1)
    assert back["weight"] == pytest.approx(1 / 3), "one payment of three that would count in full"


def test_what_too_many_share_is_named_and_not_followed(model):
    trace = model.trace("D00")
    (hub,) = trace.things.filter(pl.col("stopped") == HUB).to_dicts()
    assert (hub["kind"], hub["label"], hub["shared_by"]) == ("phone", "...01", 30)
    assert reached(trace, "account") == []
    assert len(reached(model.trace("D00", Reach(shared_by=30)), "account")) == 29


def test_contacts_are_masked_and_shown_for_a_reason_only(model):
    assert "example.org" in str(model.trace("B").things["label"].to_list())
    assert MAIL not in str(model.trace("B").things.to_dicts())
    assert MAIL in model.trace("B", reveal="case 7").things["label"].to_list()
    with pytest.raises(UsageError, match="say why"):
        model.trace("B", reveal=" ")
    with pytest.raises(UsageError, match="for a reason only"):
        model.table("identifier_values")


def test_an_unknown_value_says_what_was_looked_for_and_names_the_nearest_spelling(model):
    with pytest.raises(UsageError, match=r"'D0'; looked for account, holder.*Did you mean 'D00'"):
        model.trace("D0")


def test_a_value_is_never_sql(model):
    with pytest.raises(UsageError, match="looked for"):
        model.trace("x' OR '1'='1")


def test_a_run_without_adverts_is_traced_all_the_same(tmp_path):
    data = factory.ledger(*ROWS[:4])
    ids = pl.Series(["t0", "t1", "t2", "t3"])
    tables = identifier_tables(identifier_uses(data, None, pl.DataFrame()), data, None, ids)
    run = manifest()
    written = pl.DataFrame({"file_id": 1, "transaction_id": ids, "source_line": 2, "direction": "debit"})
    legs = Legs(published_part(data), written, {1: "s.csv"})
    path = publish(
        tmp_path, Publication("0001", run, {"accounts": data.accounts, "runs": runs_row(run), **tables}, legs)
    )
    with ReadModel(path) as opened:
        assert reached(opened.trace("A")) == ["B"]
