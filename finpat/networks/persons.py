"""Persons: the accounts of one holder taken together.

Two accounts are one person's where the accounts table gives them one holder_id. A shared telephone, device or
address never makes one person of two: that is a finding about them, not a merge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl


def persons_of(accounts: pl.DataFrame) -> npt.NDArray[np.uint32]:
    """Account code -> person: the smallest code of the holder's accounts; unknown holder: itself.

    accounts: one row per account in the order of its code; holder_id where it is known.
    """
    own = np.arange(accounts.height, dtype=np.uint32)
    if "holder_id" not in accounts.columns:
        return own
    codes = accounts.select("holder_id", account=pl.Series(own)).select(
        pl.when(pl.col("holder_id").is_not_null())
        .then(pl.col("account").min().over("holder_id"))
        .otherwise("account")
    )
    return codes.to_series().to_numpy().astype(np.uint32)
