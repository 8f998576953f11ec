import polars as pl

from finpat.networks.persons import persons_of


def test_accounts_of_one_holder_are_one_person_named_by_its_first_account():
    accounts = pl.DataFrame({"account_id": ["A", "B", "C", "D"], "holder_id": ["h", None, "h", None]})
    assert persons_of(accounts).tolist() == [0, 1, 0, 3]


def test_a_shared_telephone_makes_no_person():
    accounts = pl.DataFrame({"account_id": ["A", "B"], "phone": ["+421", "+421"]})
    assert persons_of(accounts).tolist() == [0, 1]
