"""The ensemble: its members with their settings and reasons, and the features that have a risk side.

Members were chosen by average precision over ten labelled sets together, with one configuration for all of
them; the figures and what was left out are in docs/evaluation.md.
"""

from __future__ import annotations

from functools import partial

from finpat.detection.base import Detector
from finpat.detection.models import NearestReferences, RiskSide, WhitenedDistance

_PEAKS = tuple(
    f"{name}_{window}_peak"
    for window in ("1h", "24h", "7d", "30d")
    for name in (
        "credit_count", "debit_count", "paid_in_minor", "paid_out_minor", "payer_count", "beneficiary_count",
    )
)  # fmt: skip
_JUST_BELOW = tuple(
    f"{name}_{window}_peak"
    for window in ("24h", "7d")
    for name in (
        "credit_just_below_count", "paid_in_just_below_minor", "debit_just_below_count",
        "paid_out_just_below_minor", "cash_credit_just_below_count", "cash_paid_in_just_below_minor",
    )
)  # fmt: skip

# Features whose high (1) or low (-1) end red flags of the catalogue speak of. What has no such end is not
# here.
RISK_SIDES: dict[str, int] = {
    **dict.fromkeys(_PEAKS, 1),  # VE-SPIKE-03, NW-FANIN-01, NW-FANOUT-02
    **dict.fromkeys(_JUST_BELOW, 1),  # ST-STRUCT-01, ST-STRUCT-03
    "paid_in_just_below_share": 1,
    "paid_out_just_below_share": 1,
    "payer_count": 1,  # HT-P2P-01
    "beneficiary_count": 1,
    "counterparty_count": 1,
    "new_counterparty_share_30d": 1,
    "rare_shared_counterparty_count": 1,  # NW-COPAY-10
    "rare_shared_counterparty_share": 1,
    "passed_on_share_2h": 1,  # VE-LAT-02
    "passed_on_share_24h": 1,
    "passed_on_share_48h": 1,  # VE-PASS-01
    "passed_on_share_7d": 1,
    "passed_on_largest_minor_24h": 1,
    "emptied_share_7d": 1,
    "paid_out_funded_share": 1,
    "passed_on_dwell_median_hours": -1,
    "passed_on_dwell_mean_hours": -1,
    "matched_pair_count": 1,  # VE-MIRROR-08
    "matched_minor_share": 1,
    "matched_delay_mean_hours": -1,
    "paid_in_round_100_share": 1,  # ST-ROUND-12
    "paid_in_round_1000_share": 1,
    "paid_out_round_100_share": 1,
    "paid_out_round_1000_share": 1,
    "paid_in_repeated_share": 1,  # HT-P2P-02: prices
    "paid_out_repeated_share": 1,
    "longest_gap_hours": 1,  # VE-DORM-05
    "busiest_14d_count": 1,
    "gap_before_busiest_14d_hours": 1,
    "recent_count_ratio_30d": 1,
    "recent_minor_ratio_30d": 1,
    "weekly_minor_robust_z_peak": 1,  # VE-AMT-04
    "channel_distance_30d": 1,  # VE-MIX-10
    "night_share": 1,  # HT-NIT-01
    "credit_night_share": 1,
    "debit_night_share": 1,
    "credit_burstiness": 1,  # VE-BURST-09
    "debit_burstiness": 1,
    "cash_in_share": 1,
    "cash_out_share": 1,
    "prepaid_share": 1,  # HT-SPD-04
    "crypto_share": 1,  # CR-ONRAMP-01
    "city_count": 1,  # HT-MOV-09, VE-FUNNEL-07
    "city_change_count": 1,
    "branch_count": 1,  # ST-STRUCT-04
    "branch_change_count": 1,
    "country_count": 1,
    "device_count": 1,
}

DETECTORS: tuple[Detector, ...] = (
    Detector(
        name="nearest_level",
        weight=1.0,
        fit=partial(NearestReferences.fit, view="level", subsets=20, size=32),
        restore=partial(NearestReferences.restore, view="level"),
        rationale="Accounts unlike any of a few random ones in size: the many payers, the large sums.",
    ),
    Detector(
        name="nearest_shape",
        weight=2.0,
        fit=partial(NearestReferences.fit, view="shape", subsets=20, size=32),
        restore=partial(NearestReferences.restore, view="shape"),
        rationale="The same by proportion, so that small accounts with an odd mix stand out too; the best "
        "single member, hence its weight.",
    ),
    Detector(
        name="whitened_shape",
        weight=1.0,
        fit=partial(WhitenedDistance.fit, view="shape"),
        restore=partial(WhitenedDistance.restore, view="shape"),
        rationale="Numbers that do not go together as they do elsewhere, though none is extreme by itself.",
    ),
    Detector(
        name="risk_side",
        weight=1.0,
        fit=partial(RiskSide.fit, sides=RISK_SIDES),
        restore=RiskSide.restore,
        rationale="Many red-flag quantities high at once; the other members cannot tell more from less.",
    ),
)
