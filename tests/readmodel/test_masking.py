"""Contacts and texts of adverts are shown for a reason only."""

from datetime import datetime

import polars as pl
import pytest

from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.readmodel.masking import masked
from tests.readmodel.published import publish_sample

ADS = pl.DataFrame(
    {
        "ad_id": ["a1"],
        "platform": ["P"],
        "posted_at": [datetime(2026, 3, 1)],
        "phone": ["+3225550101"],
        "email": ["anna@example.org"],
        "url": ["https://example.org/anna"],
        "text": ["come by"],
    }
)
TABLES = {
    "ads": masked(ADS),
    "ad_contents": ADS,
    "ad_cluster_members": pl.DataFrame({"cluster_id": ["C1"], "ad_id": ["a1"]}),
}
CONTACTS = ("phone", "email", "url", "text")


@pytest.fixture
def model(tmp_path):
    with ReadModel(publish_sample(tmp_path, **TABLES)) as opened:
        yield opened


def test_adverts_are_masked_unless_a_reason_is_given(model):
    assert model.ads_of("C1").select(CONTACTS).rows() == [
        ("...01", "a...@example.org", "example.org/...", "(7 characters)")
    ]
    assert model.ads_of("C1", reveal="case 7").select(CONTACTS).rows() == ADS.select(CONTACTS).rows()


def test_the_table_of_contents_is_read_for_a_reason_only(model):
    with pytest.raises(UsageError, match="for a reason only"):
        model.table("ad_contents")
    assert model.table("ad_contents", reveal="case 7")["phone"].to_list() == ["+3225550101"]
    assert model.table("ads")["phone"].to_list() == ["...01"]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_empty_reason_is_none(model, reason):
    with pytest.raises(UsageError, match="say why"):
        model.ads_of("C1", reveal=reason)


def test_what_is_absent_stays_absent():
    assert masked(
        pl.DataFrame({"phone": [None], "ip": [None]}, schema={"phone": pl.String, "ip": pl.String})
    ).rows() == [(None, None)]
