"""Possible roles: what the findings argue for, never what somebody is.

The default is `unclear`. A role needs findings that speak of trafficking (HT-...), from two families at
least, not all weak, with three rows of evidence or more, and one that shows third-party control or many
people organised (the control gate): without it, adverts, travel and night cash select independent sex
workers. Structuring, velocity, networks and anomaly scores alone never give a role. A possible controller
needs a fact of the controller's side, never mere receipt of money; where facts speak for both sides the role
stays unclear, for many who handle money for others are exploited themselves (FinCEN FIN-2020-A008; FINTRAC
FINTRAC-2021-OA001).
"""

from __future__ import annotations

import polars as pl

UNCLEAR = "unclear"
MIN_EVIDENCE_ROWS = 3
MIN_FAMILIES = 2

CONTROL_GATE = (
    "HT-ADS-03", "HT-ADS-04", "HT-ADS-10", "HT-ADS-16", "HT-ADS-17", "HT-MOV-12", "HT-SPD-05", "HT-P2P-03",
    "HT-P2P-04", "HT-LAB-01", "HT-LAB-02", "HT-LAB-03", "HT-LAB-04", "HT-LAB-05", "HT-LAB-06", "HT-FRT-04",
    "HT-RES-03",
)  # fmt: skip
# A controller-side fact: receives the sweeps of several others, pays for others' adverts or rooms, spends
# third-party money lavishly, takes several people's wages.
CONTROLLER_FACTS = (
    "HT-ADS-03", "HT-ADS-10", "HT-ADS-16", "HT-MOV-12", "HT-CTL-04", "HT-CTL-05", "HT-CTL-10", "HT-SPD-07",
    "HT-LAB-01", "HT-LAB-03", "HT-LAB-05",
)  # fmt: skip
ROLES = {
    "PC": "possible_controller",
    "PV": "possible_victim",
    "MULE": "possible_mule",
    "BIZ": "possible_front_business",
}
MULE_INDICATORS = ("HT-P2P-03", "HT-P2P-04", "HT-CTL-08")  # money that is forwarded for somebody else


def possible_roles(found: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """account_id, possible_role for accounts with a role other than `unclear`.

    found: as composition.account_findings gives it. evidence: finding_id, row.
    """
    indicator = pl.col("indicator_id")
    trafficking = found.filter(indicator.str.starts_with("HT-"))
    rows = (
        trafficking.select("account_id", "finding_id")
        .join(evidence.select("finding_id", "row"), on="finding_id")
        .group_by("account_id")
        .agg(rows=pl.col("row").n_unique())
    )
    gated = indicator.is_in(CONTROL_GATE) | indicator.str.starts_with("HT-CTL-")
    role = pl.col("role").str.split("/")
    facts = (
        trafficking.group_by("account_id")
        .agg(
            families=pl.col("family").n_unique(),
            heaviest=pl.col("points").max(),
            gate=gated.any(),
            controller=(role.list.contains("PC") & indicator.is_in(CONTROLLER_FACTS)).any(),
            victim=(role.list.contains("PV") & gated).any(),
            mule=(indicator.is_in(MULE_INDICATORS) & role.list.contains("NET")).any(),
            business=(role.list.contains("BIZ") & gated).any(),
        )
        .join(rows, on="account_id", how="left")
        .filter(
            pl.col("gate"),
            pl.col("families") >= MIN_FAMILIES,
            pl.col("heaviest") > 1,
            pl.col("rows").fill_null(0) >= MIN_EVIDENCE_ROWS,
        )
    )
    chosen = (
        pl.when(pl.col("controller") & pl.col("victim"))
        .then(pl.lit(UNCLEAR))
        .when("controller")
        .then(pl.lit(ROLES["PC"]))
        .when("victim")
        .then(pl.lit(ROLES["PV"]))
        .when("business")
        .then(pl.lit(ROLES["BIZ"]))
        .when("mule")
        .then(pl.lit(ROLES["MULE"]))
        .otherwise(pl.lit(UNCLEAR))
    )
    return facts.select("account_id", possible_role=chosen).filter(pl.col("possible_role") != UNCLEAR)
