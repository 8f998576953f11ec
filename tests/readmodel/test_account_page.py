"""What the page of an account asks: rows in, answers out."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pytest

from finpat.readmodel import ReadModel
from finpat.readmodel import account_page as page
from finpat.readmodel.publish import publish, runs_row
from finpat.readmodel.rows import Condition, Wanted
from tests.readmodel.published import export, flagged_row, legs_of, manifest, publication, publish_sample

AT = datetime(2026, 3, 2, 12)  # a Monday


def model_of(tmp_path, *rows, settings=None, **tables):
    """A run with these rows of account A (unless a row says otherwise)."""
    made = publication(**tables)
    settings = {"settings": settings or {}}
    with_rows = type(made)(
        run_id=made.run_id,
        manifest=made.manifest,
        tables=dict(made.tables)
        | {
            "flagged_accounts": pl.DataFrame(
                [flagged_row(1, "A", indicators="X"), flagged_row(2, "HELD", band="critical", score=900)],
                schema_overrides={"network_id": pl.String, "holder_name": pl.String},
            ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8))),
            "accounts": pl.DataFrame(
                {
                    "account_id": ["A", "HELD"],
                    "currency": ["EUR", "EUR"],
                    "opened_on": [date(2025, 1, 1), None],
                    "closed_on": [None, None],
                    "first_seen": [AT, AT],
                    "last_seen": [AT, AT],
                },
                schema_overrides={"closed_on": pl.Date},
            ),
            "runs": _runs(made, settings),
            **tables,
        },
        legs=legs_of(export(rows=[{"booked_at": AT, **row} for row in rows])),
    )
    return ReadModel(publish(tmp_path / "readmodel", with_rows))


def _runs(made, settings):
    return runs_row(manifest(made.run_id) | settings)


def cash_in(day, amount_minor=100_00, **more):
    return {"booked_at": day, "direction": "credit", "channel": "cash", "amount_minor": amount_minor, **more}


class TestTimeline:
    def test_a_day_has_what_came_in_and_what_went_out_and_cash_apart(self, tmp_path):
        with model_of(
            tmp_path,
            cash_in(AT, 500_00),
            {"direction": "credit", "channel": "transfer", "amount_minor": 20_00},
            {"direction": "debit", "channel": "card", "amount_minor": 5_50},
        ) as model:
            told = page.timeline(model, "A")
        row = told.frame.row(0, named=True)
        assert (row["amount_in"], row["cash_in"], row["amount_out"], row["cash_out"]) == (
            520.0,
            500.0,
            5.5,
            0.0,
        )
        assert (row["count_in"], row["count_out"]) == (2, 1)
        assert (told.step, told.first, told.last, told.currency) == ("day", AT.date(), AT.date(), "EUR")

    def test_rows_of_other_currencies_and_without_effect_are_counted_not_added(self, tmp_path):
        with model_of(
            tmp_path,
            cash_in(AT, 100_00),
            cash_in(AT, 70_00),
            cash_in(AT, 999_00, currency="USD"),
            cash_in(AT, 888_00, status="declined"),
        ) as model:
            told = page.timeline(model, "A")
        assert told.frame["amount_in"].to_list() == [170.0]
        assert (told.elsewhere, told.not_effective) == (1, 1)

    @pytest.mark.parametrize(
        ("days", "step"), [(150, "day"), (151, "week"), (3 * 365, "week"), (3 * 365 + 1, "month")]
    )
    def test_what_a_screen_cannot_show_by_days_is_summed_by_weeks_and_months(self, days, step):
        assert page.step_for(date(2020, 1, 1), date.fromordinal(date(2020, 1, 1).toordinal() + days)) == step

    def test_a_range_has_both_its_ends(self, tmp_path):
        days = [datetime(2026, 3, day, 12) for day in (1, 2, 3, 4)]
        with model_of(tmp_path, *[cash_in(day) for day in days]) as model:
            told = page.timeline(model, "A", date(2026, 3, 2), date(2026, 3, 3))
        assert told.frame["period"].to_list() == [date(2026, 3, 2), date(2026, 3, 3)]

    def test_a_day_begins_when_it_begins_in_the_reporting_zone(self, tmp_path):
        late = cash_in(datetime(2026, 3, 2, 23, 30))
        with model_of(tmp_path, late, settings={"reporting_zone": "Europe/Berlin"}) as model:
            assert page.timeline(model, "A").first == date(2026, 3, 3)

    def test_the_balance_is_the_last_one_told(self, tmp_path):
        rows = [
            cash_in(AT.replace(hour=hour), balance_after_minor=balance)
            for hour, balance in ((9, 10_00), (15, 40_00), (12, 30_00))
        ]
        with model_of(tmp_path, *rows) as model:
            assert page.timeline(model, "A").frame["balance"].to_list() == [40.0]

    def test_an_account_without_rows_has_none(self, tmp_path):
        with model_of(tmp_path, cash_in(AT)) as model:
            assert page.timeline(model, "nobody") is None


def test_lodging_and_adverts_are_marked_by_category_and_words(tmp_path):
    with model_of(
        tmp_path,
        {"channel": "card", "merchant_category": "7011", "description": "THE WAYSIDE", "amount_minor": 80_00},
        {"channel": "card", "merchant_category": "5411", "description": "food", "amount_minor": 9_00},
        {"channel": "card", "direction": "credit", "merchant_category": "7011", "amount_minor": 80_00},
    ) as model:
        marks = page.marked_days(model, "A")
    assert marks.rows() == [(AT.date(), "lodging", 1, 80.0, "EUR")]


class TestHours:
    def test_each_row_is_on_the_clock_of_its_place(self, tmp_path):
        noon = {"channel": "card", "city": "Phoenix", "country": "US"}
        berlin = {"channel": "card", "city": "Berlin", "country": "DE"}
        with model_of(tmp_path, noon, berlin) as model:
            told = page.hours(model, "A")
        # Noon UTC of a Monday in March: 05 in Phoenix, 13 in Berlin.
        assert told.frame.select("weekday", "hour", "count_out").rows() == [(1, 5, 1), (1, 13, 1)]

    def test_rows_without_a_place_or_a_time_are_counted_not_drawn(self, tmp_path):
        with model_of(tmp_path, {}, {"has_time": False}) as model:
            told = page.hours(model, "A")
            assert (told.frame.height, told.placed, told.unplaced, told.dateless) == (0, 0, 1, 1)
            reported = page.hours(model, "A", at_the_place=False)
        assert (reported.frame.select("weekday", "hour").rows(), reported.zone) == ([(1, 12)], "UTC")


class TestCounterparties:
    def test_each_has_both_directions_first_and_last(self, tmp_path):
        with model_of(
            tmp_path,
            {"direction": "credit", "counterparty_id": "P", "amount_minor": 10_00},
            {"direction": "debit", "counterparty_id": "P", "amount_minor": 3_00,
             "booked_at": datetime(2026, 3, 20)},
            {"direction": "credit", "counterparty_id": "Q", "amount_minor": 99_00},
        ) as model:  # fmt: skip
            frame, total = page.counterparties(model, "A", Wanted())
        assert total == 2
        assert frame["counterparty"].to_list() == ["Q", "P"]  # most paid in first
        row = frame.row(1, named=True)
        assert (row["amount_in"], row["amount_out"], row["count_in"], row["count_out"]) == (
            Decimal(10), Decimal(3), 1, 1,
        )  # fmt: skip
        assert (row["first_at"], row["last_at"]) == (AT, datetime(2026, 3, 20))

    def test_new_is_who_was_first_met_in_the_last_thirty_days(self, tmp_path):
        # The run sees rows up to 1 April; 30 days before is 2 March, 00:00.
        old = {"counterparty_id": "old", "booked_at": datetime(2026, 3, 2)}
        new = {"counterparty_id": "new", "booked_at": datetime(2026, 3, 2, 0, 0, 1)}
        with model_of(tmp_path, old, new) as model:
            frame = page.counterparties(model, "A", Wanted()).frame
        assert dict(frame.select("counterparty", "news").rows()) == {"old": None, "new": "new"}

    def test_an_account_of_the_institution_shows_its_band(self, tmp_path):
        with model_of(tmp_path, {"counterparty_id": "HELD"}, {"counterparty_id": "else"}) as model:
            chosen = Wanted(conditions=(Condition("band", "equals", ("critical",)),))
            frame = page.counterparties(model, "A", chosen).frame
        assert frame.select("counterparty", "held", "score").rows() == [("HELD", "HELD", 900)]

    def test_whom_a_shelter_helps_is_not_shown(self, tmp_path):
        shelter = {"counterparty_id": "S-1", "counterparty_name": "Frauenhaus Nord e.V."}
        with model_of(tmp_path, shelter) as model:
            other = page.counterparties(model, "A", Wanted()).frame.row(0, named=True)
            row = page.transactions(model, "A", Wanted()).frame.row(0, named=True)
        assert other["counterparty"] == other["counterparty_name"] == page.PROTECTED
        assert row["counterparty_id"] == row["counterparty_name"] == row["description"] == page.PROTECTED
        assert row["amount"] == Decimal(100)


def test_transactions_are_newest_first_and_also_those_without_effect(tmp_path):
    rows = [cash_in(datetime(2026, 3, day), status=status) for day, status in ((1, "booked"), (2, "failed"))]
    with model_of(tmp_path, *rows) as model:
        frame, total = page.transactions(model, "A", Wanted(limit=1))
        assert (frame["status"].to_list(), total) == (["failed"], 2)
        chosen = Wanted(conditions=(Condition("status", "equals", ("booked",)),))
        assert page.transactions(model, "A", chosen).total == 1


def test_the_rows_of_a_finding_may_be_adverts_whose_contacts_stay_behind(tmp_path):
    ads = pl.DataFrame(
        {"ad_id": ["AD-1"], "platform": ["board"], "posted_at": [AT], "city": ["Bremen"], "phone": ["...00"]}
    )
    evidence = pl.DataFrame(
        {
            "finding_id": ["F9", "F9"],
            "position": [1, 2],
            "transaction_id": [None, "S1-2"],
            "account_id": [None, "A"],
            "direction": [None, "debit"],
            "ad_id": ["AD-1", None],
            "source_file": ["ads.csv", "s1.csv"],
            "source_line": [7, 2],
        }
    )
    with model_of(tmp_path, {}, ads=ads, finding_evidence=evidence) as model:
        frame = page.evidence_of_finding(model, "F9")
    assert frame.select("channel", "city", "counterparty_id", "booked_at").rows() == [
        ("advert", "Bremen", "board", AT),
        ("transfer", None, "B", AT),
    ]
    assert "phone" not in frame.columns


def found_row(finding_id, account_id, indicator_id, weight, value, end=AT, state="found"):
    measured = [{"name": "n", "value": value, "unit": "count", "threshold": 3.0, "operator": ">="}]
    return {
        "finding_id": finding_id, "account_id": account_id, "indicator_id": indicator_id, "typology": "t",
        "state": state, "missing_field": None if state == "found" else "city", "window_start": AT,
        "window_end": end, "values": measured, "fact": "f", "sentence": "s", "weight": weight,
        "role": "unclear",
    }  # fmt: skip


def test_findings_come_strongest_first_and_the_latest_window_of_each_first(tmp_path):
    later = datetime(2026, 3, 9)
    findings = pl.DataFrame(
        [
            found_row("1", "A", "ST-A-01", "weak", 1.0),
            found_row("2", "A", "ST-B-02", "strong", 1.0),
            found_row("3", "A", "HT-C-03", "strong", 1.0),
            found_row("4", "A", "ST-B-02", "strong", 1.0, later),
            found_row("5", "A", "ST-D-04", "weak", 1.0, state="not_evaluable"),
        ]
    )
    with model_of(tmp_path, {}, findings=findings) as model:
        told = page.findings(model, "A")
        assert told["finding_id"].to_list() == ["3", "4", "2", "1"]
        assert told.select("place", "of").rows() == [(1, 1), (1, 2), (2, 2), (1, 1)]
        assert page.unjudged(model, "A").select("indicator_id", "missing_field", "whole").rows() == [
            ("ST-D-04", "city", False)
        ]
        titles = [title for title, _, _ in page.lanes(model, "A")]
    assert titles == ["Account open", "Account seen", "HT-C-03", "ST-B-02", "ST-B-02", "ST-A-01"]


def test_a_number_of_an_indicator_is_compared_with_all_accounts_it_was_found_on(tmp_path):
    findings = pl.DataFrame(
        [
            found_row("1", "A", "X-1", "weak", 4.0),
            found_row("2", "A", "X-1", "weak", 9.0),
            found_row("3", "B", "X-1", "weak", 5.0),
            found_row("4", "C", "X-2", "weak", 7.0),
        ]
    )
    with model_of(tmp_path, {}, findings=findings) as model:
        assert page.others_with(model, "X-1", "n").rows() == [("A", 9.0), ("B", 5.0)]
        assert page.others_with(model, "X-1", "m").height == 0


FEATURES = pl.DataFrame(
    {
        "feature": ["payers", "paid_minor"],
        "doc": ["Distinct payers.", "Most money."],
        "kind": ["count", "money"],
    }
)


class TestPeers:
    def test_the_histogram_holds_everybody_and_says_who_is_beyond(self, tmp_path):
        values = [1] * 500 + [2] * 498 + [1000, 2000]
        ids = ["A", *[f"P{number}" for number in range(999)]]
        features = pl.DataFrame({"account_id": ids, "payers": values[::-1]})
        with model_of(tmp_path, {}, account_features=features, features=FEATURES) as model:
            told = page.peers_of(model, "A", "payers")
        assert told.histogram["count"].sum() + told.beyond == told.known == 1000
        assert (told.value, told.median, told.share_below, told.beyond) == (2000.0, 1.5, 0.999, 2)

    def test_money_is_told_in_whole_units(self, tmp_path):
        features = pl.DataFrame({"account_id": ["A", "HELD"], "paid_minor": [12345, None]})
        with model_of(tmp_path, {}, account_features=features, features=FEATURES) as model:
            told = page.peers_of(model, "A", "paid_minor")
            assert (told.value, told.known) == (123.45, 1)
            assert page.peers_of(model, "HELD", "paid_minor").value is None
            assert page.peers_of(model, "A", "nothing of the kind") is None

    def test_contributions_say_what_their_feature_is(self, tmp_path):
        contributions = pl.DataFrame(
            {
                "account_id": ["A", "A"], "detector": ["d", "d"], "feature": ["payers", "paid_minor"],
                "value": [3.0, 5000.0], "peer_median": [1.0, 100.0], "peer_spread": [1.0, 1.0],
                "direction": ["high", "high"], "share": [0.2, 0.7],
            }
        )  # fmt: skip
        with model_of(tmp_path, {}, anomaly_contributions=contributions, features=FEATURES) as model:
            told = page.contributions(model, "A")
        assert told.select("feature", "doc", "value", "peer_median", "place").rows() == [
            ("paid_minor", "Most money.", 50.0, 1.0, 1),
            ("payers", "Distinct payers.", 3.0, 1.0, 2),
        ]


def test_a_city_is_where_a_card_or_cash_was_used_never_where_a_payer_is(tmp_path):
    there = {"city": "Berlin", "country": "DE"}
    with model_of(
        tmp_path,
        {"channel": "card", "direction": "debit", **there},
        {"channel": "atm", "direction": "debit", **there, "booked_at": datetime(2026, 3, 2, 23, 30)},
        {"channel": "p2p", "direction": "credit", "city": "Paris", "country": "FR"},
        {"channel": "card", "direction": "debit", "city": "Nowhere-upon-Air", "country": "DE",
         "booked_at": datetime(2026, 3, 5)},
    ) as model:  # fmt: skip
        cells = page.days_in_cities(model, "A")
    told = cells.select("day", "city", "count", "channels").rows()
    # Half past eleven at night UTC is the next day in Berlin.
    assert told == [
        (date(2026, 3, 2), "Berlin", 1, "card"),
        (date(2026, 3, 3), "Berlin", 1, "atm"),
        (date(2026, 3, 5), "Nowhere-upon-Air", 1, "card"),
    ]
    assert cells["latitude"].is_null().to_list() == [False, False, True]
    assert page.cities(cells).select("city", "days").rows() == [("Berlin", 2), ("Nowhere-upon-Air", 1)]


def test_further_columns_tell_how_full_they_are_and_what_is_common(tmp_path):
    extras = ['{"fee": "1", "odd \\"key\\"": "x"}', '{"fee": "1"}', '{"fee": "2"}', '{"fee": null}', None]
    with model_of(tmp_path, *[{"extra": text} for text in extras]) as model:
        told = page.further_columns(model, "A")
    assert told.select("name", "rows", "distinct_values").rows() == [("fee", 3, 2), ('odd "key"', 1, 1)]
    assert told["commonest"].to_list()[0] == [{"value": "1", "count": 2}, {"value": "2", "count": 1}]


def test_earlier_runs_tell_the_place_of_the_account_where_they_know_it(tmp_path):
    first = ReadModel(publish_sample(tmp_path, "0001"))
    second = ReadModel(publish_sample(tmp_path, "0002"))
    with first, second:
        told = page.places_in([second, first], "007")
        assert told.select("run_id", "rank", "of").rows() == [("0002", 1, 3), ("0001", 1, 3)]
        assert page.places_in([second, first], "nobody").height == 0
