"""Persons: the accounts of one holder taken together.

Two accounts are one person's where the accounts table gives them one holder_id, or where somebody judged them
to be the same one's. A shared telephone, device or address never makes one person of two: that is a finding
about them, not a merge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

JUDGED = "person_key"  # column of accounts: whose they are after `judged_persons`


def persons_of(accounts: pl.DataFrame) -> npt.NDArray[np.uint32]:
    """Account code -> person: the smallest code of the person's accounts; unknown holder: itself.

    accounts: one row per account in the order of its code; holder_id where it is known, and JUDGED where
    judgements were obeyed.
    """
    own = np.arange(accounts.height, dtype=np.uint32)
    key = JUDGED if JUDGED in accounts.columns else "holder_id"
    if key not in accounts.columns:
        return own
    codes = accounts.select(key, account=pl.Series(own)).select(
        pl.when(pl.col(key).is_not_null()).then(pl.col("account").min().over(key)).otherwise("account")
    )
    return codes.to_series().to_numpy().astype(np.uint32)


def judged_persons(accounts: pl.DataFrame, judgements: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Accounts with JUDGED, and which judgements could not be obeyed, in one line each.

    judgements: of `judgements.JUDGEMENT`; those of kind `account` count. `same` joins the persons of two
    accounts, `not_same` parts them even where the accounts table gives them one holder: nothing ever joins
    them, be it a third account that both are said to be the same as. The oldest judgement is obeyed first,
    the accounts table after all of them; accounts of one holder join in the order of their ids.
    """
    ids = accounts["account_id"].cast(pl.String)
    code = {name: at for at, name in enumerate(ids.to_list())}
    holder = (
        accounts["holder_id"].cast(pl.String).to_list()
        if "holder_id" in accounts.columns
        else [None] * accounts.height
    )
    told = judgements.filter(pl.col("kind") == "account").sort("judged_at", "left_id", "right_id")
    pairs = [
        (code[left], code[right], verdict)
        for left, right, verdict in told.select("left_id", "right_id", "verdict").rows()
        if left in code and right in code
    ]
    holders = {holder[at] for one, other, _ in pairs for at in (one, other)} - {None}
    group = {at: {at} for at, name in enumerate(holder) if name in holders}
    group |= {at: {at} for one, other, _ in pairs for at in (one, other) if at not in group}
    apart = {frozenset((one, other)) for one, other, verdict in pairs if verdict == "not_same"}
    refused = []

    def join(one: int, other: int) -> bool:
        mine, theirs = group[one], group[other]
        if mine is theirs:
            return True
        if any(frozenset((a, b)) in apart for a in mine for b in theirs):
            return False
        mine |= theirs
        for at in theirs:
            group[at] = mine
        return True

    for one, other, verdict in pairs:
        if verdict == "same" and not join(one, other):
            refused.append(
                f"accounts {ids[one]} and {ids[other]} are judged to be the same person's, and others of "
                "the same persons not to be: they stay apart"
            )
    for name in sorted(holders, key=str):
        own = [at for at in sorted(group) if holder[at] == name]
        for place, at in enumerate(own):
            for before in own[:place]:
                if join(before, at):
                    break
    keys = [None if name is None else f"holder {name}" for name in holder]
    for at, members in group.items():
        keys[at] = f"account {ids[min(members)]}"
    return accounts.with_columns(pl.Series(JUDGED, keys, dtype=pl.String)), refused
