"""Adverts of one poster come together by text and by contact; boilerplate and hubs tie nobody."""

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.adverts.cluster import Clustering, cluster_adverts, cluster_table
from finpat.adverts.normalise import contacts_of

START = datetime(2026, 3, 2)
LONG = {
    "English": "new in town ask for anna sweet and kind private flat near the central station open late",
    "Russian": "новая девушка в городе спросите анну уютная квартира рядом с вокзалом работаю до ночи",
    "Arabic": "جديدة في المدينة اسأل عن آنا شقة خاصة بالقرب من المحطة المركزية مفتوح حتى وقت متأخر من الليل",
    "Chinese": "新到本市請找安娜溫柔善良的私人公寓位於中央車站附近營業至深夜歡迎預約前來",
    "Thai": "มาใหม่ในเมืองถามหาแอนนาห้องส่วนตัวใกล้สถานีกลางเปิดจนดึกทุกวันยินดีต้อนรับ",
    "Japanese": "この街に新しく来ましたアンナを指名してください中央駅の近くの個室で夜遅くまで営業しています",
}


def adverts(*rows):
    frame = pl.DataFrame(
        [
            {"ad_id": f"a{n:03}", "posted_at": START + timedelta(hours=n), "text": None, "phone": None, **row}
            for n, row in enumerate(rows)
        ],
        schema_overrides={"text": pl.String, "phone": pl.String},
    )
    return frame.with_columns(country=pl.lit("US"))


def clusters(frame, **rules):
    found = cluster_adverts(frame, contacts_of(frame), Clustering(**rules))
    return dict(zip(frame["ad_id"][found.members["ad"]], found.members["cluster"], strict=True))


def test_nearly_the_same_text_is_one_cluster_named_after_its_oldest_advert():
    text = LONG["English"]
    ads = adverts({"text": text}, {"text": text.replace("anna", "bella") + " 555"}, {"text": "used bicycle"})
    assert clusters(ads) == {"a000": "a000", "a001": "a000", "a002": None}


@pytest.mark.parametrize("language", LONG)
def test_texts_of_every_script_cluster_and_do_not_mix(language):
    text = LONG[language]
    changed = f"{text} 081-555"
    others = [{"text": other} for name, other in LONG.items() if name != language]
    found = clusters(adverts({"text": text}, {"text": f"☎ {changed} !!"}, *others))
    assert found["a001"] == found["a000"] == "a000"
    assert {found[f"a{n:03}"] for n in range(2, 2 + len(others))} == {None}


def test_texts_at_the_least_likeness_are_one_and_below_are_two():
    words = [f"w{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(60)]
    base = " ".join(words[:18])  # 16 shingles
    four_more = " ".join(words[:22])  # 16 of 20 are shared
    assert clusters(adverts({"text": base}, {"text": four_more}), likeness=0.8)["a001"] == "a000"
    assert clusters(adverts({"text": base}, {"text": four_more}), likeness=0.81)["a001"] is None


def test_boilerplate_does_not_chain_different_adverts():
    words = [f"x{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(676)]
    opening = "call now for the best time in town real pictures no rush discreet and clean open every day"
    ads = adverts(*({"text": f"{opening} {' '.join(words[4 * n : 4 * n + 4])}"} for n in range(60)))
    assert set(clusters(ads, boilerplate_texts=20).values()) == {None}
    assert set(clusters(ads, boilerplate_texts=100).values()) == {"a000"}


def test_a_cluster_that_chained_too_far_is_split_again():
    words = [f"y{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(400)]
    sliding = adverts(*({"text": " ".join(words[6 * n : 6 * n + 30])} for n in range(40)))
    assert set(clusters(sliding, largest=100).values()) == {"a000"}
    assert set(clusters(sliding, largest=10).values()) == {None}


def test_a_short_text_ties_its_equals_unless_everybody_writes_it():
    ads = adverts(*({"text": "call anna"} for _ in range(3)), {"text": "call bella"})
    assert list(clusters(ads).values()) == ["a000", "a000", "a000", None]
    assert set(clusters(ads, short_adverts=2).values()) == {None}


def test_a_shared_number_is_a_tie_of_its_own_kind():
    ads = adverts(
        {"text": LONG["English"], "phone": "212-555-0123"},
        {"text": LONG["Russian"], "phone": "(212) 555 0123"},
        {"text": LONG["English"] + " tonight"},
        {"text": LONG["Thai"]},
    )
    found = cluster_adverts(ads, contacts_of(ads))
    assert found.members["text_cluster"].to_list() == ["a000", None, "a000", None]
    assert found.members["cluster"].to_list() == ["a000", "a000", "a000", None]
    assert found.members["reason"].to_list() == ["text;phone", "phone", "text", None]
    assert found.edges.rows() == [("phone", "+12125550123", 2, 2, 1.0, True)]
    (row,) = cluster_table(ads, found).rows(named=True)
    assert (row["cluster_id"], row["ad_count"], row["reason"]) == ("a000", 3, "text;phone")


def test_a_number_that_many_texts_share_ties_nobody():
    words = [f"z{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(676)]
    ads = adverts(*({"text": " ".join(words[8 * n : 8 * n + 8]), "phone": "2125550123"} for n in range(80)))
    found = cluster_adverts(ads, contacts_of(ads), Clustering(rarity=0.2))
    assert found.edges.select("cluster_count", "ties").rows() == [(80, False)]
    assert found.members["cluster"].null_count() == 80


def test_a_chosen_contact_has_to_be_rarer_than_a_number_that_is_given_out():
    words = [f"z{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(676)]

    def ties(count, **contact):
        texts = (" ".join(words[8 * n : 8 * n + 8]) for n in range(count))
        ads = adverts(*({"text": text, **contact} for text in texts))
        return cluster_adverts(ads, contacts_of(ads)).edges["ties"].to_list()

    assert ties(4, email="sara@example.com") == [True]
    assert ties(5, email="sara@example.com") == [False]
    assert ties(5, url="https://t.me/sara") == [False, False]
    assert ties(80, phone="2125550123") == [True]


def test_a_text_that_its_poster_reworks_again_and_again_is_no_boilerplate():
    own = [f"word{chr(97 + n)}" for n in range(20)]
    others = [f"z{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(676)]

    def reworked(n):
        # Every version puts a word of its own somewhere: two of them have little more than half in common.
        text = list(own)
        text.insert(1 + n * 7 % 19, others[-n - 1])
        return " ".join(text)

    told = [{"text": reworked(n), "phone": "2125550123"} for n in range(60)]
    told += [{"text": " ".join(others[8 * n : 8 * n + 8]), "phone": None} for n in range(40)]
    ads = adverts(*told)
    rules = {"boilerplate": 0.05, "boilerplate_texts": 5}
    found = cluster_adverts(ads, contacts_of(ads), Clustering(**rules)).members["text_cluster"]
    assert found.head(60).n_unique() == 1
    assert found.tail(40).null_count() == 40
    unknown = ads.with_columns(phone=pl.lit(None, pl.String))
    alone = cluster_adverts(unknown, contacts_of(unknown), Clustering(**rules)).members["text_cluster"]
    assert alone.head(60).null_count() > 0, "without the number nothing tells whose words they are"


ROWS = st.lists(
    st.tuples(
        st.sampled_from(list(LONG)), st.integers(0, 3), st.sampled_from([None, "2125550123", "2125550177"])
    ),
    min_size=1,
    max_size=25,
)


def drawn(rows):
    return adverts(*({"text": f"{LONG[name]} {'tonight ' * n}", "phone": phone} for name, n, phone in rows))


@settings(max_examples=40, deadline=None)
@given(ROWS, st.integers(0, 25), st.randoms(use_true_random=False))
def test_later_adverts_leave_the_names_of_clusters_as_they_are(rows, seen, random):
    ads = drawn(rows)
    before, after = clusters(ads.head(seen)), clusters(ads)
    for ad_id, name in before.items():
        if name is not None:
            # The name stays, unless an advert ties two clusters: then that of the older one is both's.
            assert after[ad_id] == after[name] <= name
            if after[name] != name:
                assert any(after[later] == after[name] for later in after.keys() - before.keys())
    shuffled = list(range(ads.height))
    random.shuffle(shuffled)
    assert clusters(ads[shuffled]) == after


def test_no_adverts_make_no_clusters():
    empty = adverts({}).clear()
    found = cluster_adverts(empty, contacts_of(empty))
    assert found.members.is_empty()
    assert cluster_table(empty, found).is_empty()
