"""What the queues ask."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from finpat.errors import UsageError
from finpat.exports import shown_list
from finpat.readmodel import ReadModel
from finpat.readmodel.queue import Filters, counts, queue, whole_queue
from finpat.readmodel.rows import Wanted
from tests.exports.test_flagged import NOW
from tests.readmodel.published import publish_sample


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with ReadModel(publish_sample(tmp_path_factory.mktemp("queue"))) as opened:
        yield opened


def accounts(model, which="subjects", wanted=None, **filters):
    rows = queue(model, which, Filters(**filters), wanted or Wanted())
    return rows.frame["account_id"].to_list()


def test_a_possible_victim_is_in_the_queue_of_their_own_and_in_no_other(model):
    assert accounts(model) == ["007", "Z"]
    assert accounts(model, "protect") == ["VICTIM"]
    assert whole_queue(model, "subjects", Filters(), Wanted())["account_id"].to_list() == ["007", "Z"]
    with pytest.raises(UsageError, match="queue"):
        queue(model, "everybody", Filters(), Wanted())


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"search": "peers"}, ["007"]),
        ({"search": "st-struct-01"}, ["007"]),
        ({"search": "nothing of the kind"}, []),
        ({"bands": ("low",)}, ["Z"]),
        ({"roles": ("unclear",)}, ["007", "Z"]),
        ({"typologies": ("structuring",)}, ["007"]),
        ({"indicators": ("ST-STRUCT-0",)}, []),
        ({"indicators": ("ST-STRUCT-01", "other")}, ["007"]),
        ({"least_score": 10}, ["007", "Z"]),
        ({"least_score": 11}, ["007"]),
        ({"seen_since": date(2026, 3, 9)}, ["007", "Z"]),
        ({"seen_since": date(2026, 3, 10)}, []),
        ({"accounts": ["Z", "VICTIM"]}, ["Z"]),
        ({"accounts": []}, []),
        ({"not_accounts": ["007"]}, ["Z"]),
        ({"bands": ("high",), "search": "Z"}, []),
    ],
    ids=str,
)
def test_filters_keep_the_accounts_that_meet_them_all(model, filters, found):
    assert accounts(model, **filters) == found


def test_the_order_is_by_rank_unless_another_is_asked_for(model):
    assert accounts(model, wanted=Wanted(order=(("score", False),))) == ["Z", "007"]
    found = queue(model, "subjects", Filters(), Wanted()).frame["indicator_count"].to_list()
    assert found == [1, 0]


def test_what_can_be_filtered_by_comes_with_how_many_accounts_it_keeps(model):
    told = counts(model, "subjects")
    assert told["band"].rows() == [("high", 1), ("low", 1)]
    assert told["indicator"].rows() == [("ST-STRUCT-01", 1)]
    assert counts(model, "protect")["possible_role"].rows() == [("possible_victim", 1)]


class TestShownList:
    def test_a_file_has_the_accounts_of_the_choice_in_its_order_and_no_names(self, model):
        listed = whole_queue(model, "subjects", Filters(), Wanted(order=(("score", False),)))
        text = shown_list(model, listed, "csv", {}, NOW).decode()
        lines = text.splitlines()
        assert [line.split(",")[1] for line in lines] == ["account_id", '"Z"', '"007"']
        assert "holder_name" not in lines[0]
        assert "HYPERLINK" not in text

    def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(self, model):
        listed = whole_queue(model, "subjects", Filters(), Wanted())
        assert '"\'+1 more than peers"' in shown_list(model, listed, "csv", {}, NOW).decode()

    def test_a_workbook_says_what_was_filtered(self, model, tmp_path):
        listed = whole_queue(model, "protect", Filters(), Wanted())
        path = tmp_path / "list.xlsx"
        path.write_bytes(shown_list(model, listed, "xlsx", {"filters": "band=high"}, NOW))
        told = pl.read_excel(path, sheet_name="provenance", engine="openpyxl") if _has_openpyxl() else None
        names = _sheet_names(path)
        assert names == ["protect", "provenance"]
        assert told is None or ("filters", "band=high") in told.rows()

    def test_subjects_and_possible_victims_are_never_in_one_list(self, model):
        with pytest.raises(UsageError, match="never both"):
            shown_list(model, model.flagged(), "csv", {}, NOW)
        with pytest.raises(UsageError, match="format"):
            shown_list(model, model.flagged().head(1), "pdf", {}, NOW)


def _has_openpyxl():
    from importlib.util import find_spec

    return find_spec("openpyxl") is not None


def _sheet_names(path):
    import re
    from zipfile import ZipFile

    with ZipFile(path) as book:
        return re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
