"""Possible roles: what the findings argue for and against, never what somebody is.

The default is `unclear`. A role needs findings that speak of trafficking (HT-...), from two families at
least, not all weak, with three rows of evidence or more, and one that shows third-party control or many
people organised (the control gate): without it, adverts, travel and night cash select independent sex
workers. Structuring, velocity, networks and anomaly scores alone never give a role; where they argue, they
are told and count for nothing. A possible controller needs a fact of the controller's side, never mere
receipt of money; where facts speak for both sides the role stays unclear, for many who handle money for
others are exploited themselves (FinCEN FIN-2020-A008; FINTRAC FINTRAC-2021-OA001).

`hypotheses` decides, `possible_roles` is what it names, and `role_arguments` tells both sides of it.
"""

from __future__ import annotations

import polars as pl

from finpat.risk.arguments import ARGUMENTS
from finpat.risk.reasons import CAUTION

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
# In order: of several roles whose rules hold the first is named.
ROLES = {
    "PC": "possible_controller",
    "PV": "possible_victim",
    "BIZ": "possible_front_business",
    "MULE": "possible_mule",
}
MULE_INDICATORS = ("HT-P2P-03", "HT-P2P-04", "HT-CTL-08")  # money that is forwarded for somebody else
# What argues for forwarding besides, and counts for no role by itself.
FORWARDING = ("VE-PASS-01", "VE-MIRROR-08", "VE-DEPSEND-11", "NW-GS-03", "NW-SG-04", "NW-CHAIN-08")
# What a finding in one role speaks against, unless it speaks for it as well.
AGAINST = {"PC": ("PV", "MULE"), "PV": ("PC", "BIZ"), "MULE": ("PC",), "BIZ": ()}
SIDES = ("for", "against")

NAMED, CONTESTED, OUTRANKED, NOT_ENOUGH = "named", "contested", "outranked", "not_enough"
VERDICTS = {
    NAMED: "The rules for this role hold and the list names it: a hypothesis until a document settles it.",
    CONTESTED: "Facts speak for a possible controller and for a possible victim: both sides argue, so the "
    "role stays unclear.",
    OUTRANKED: "The rules for this role hold too; the list names the one that goes before it.",
}
NO_FACT = {
    "PC": "a fact of the controller's side (receiving money is none)",
    "PV": "a finding that somebody else has control over this account",
    "BIZ": "a finding that a business serves to control people",
    "MULE": "money that is forwarded for somebody else",
}
NO_WORDS = "the holder's own account of these bookings, given in private, with the papers behind them"
ARGUMENT_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "possible_role": pl.String,
    "standing": pl.String,
    "speaks_for": pl.List(pl.String),
    "speaks_against": pl.List(pl.String),
    "findings_for": pl.List(pl.String),
    "findings_against": pl.List(pl.String),
    "strength_for": pl.String,
    "strength_against": pl.String,
    "control_gate": pl.Boolean,
    "lacking": pl.List(pl.String),
    "also_common_for": pl.List(pl.String),
    "settled_by": pl.String,
    "verdict": pl.String,
}
STRENGTHS = {"S": "strong", "M": "medium", "W": "weak"}


def hypotheses(found: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """How every role stands for every account with HT findings.

    Columns: account_id, code (of ROLES), standing, control_gate, lacking.

    standing: `named` (one role of an account at most), `contested` (controller and possible victim both
    hold), `outranked`, `not_enough`. lacking: the rules that do not hold, in words.
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
            control_gate=gated.any(),
            PC=(role.list.contains("PC") & indicator.is_in(CONTROLLER_FACTS)).any(),
            PV=(role.list.contains("PV") & gated).any(),
            BIZ=(role.list.contains("BIZ") & gated).any(),
            MULE=(indicator.is_in(MULE_INDICATORS) & role.list.contains("NET")).any(),
        )
        .join(rows, on="account_id", how="left")
        .with_columns(both=pl.col("PC") & pl.col("PV"), rows=pl.col("rows").fill_null(0))
    )
    shared = ["account_id", "families", "heaviest", "control_gate", "rows", "both"]
    lacking = pl.concat_list(
        _unless(pl.col("has_fact"), pl.col("code").replace_strict(NO_FACT, return_dtype=pl.String)),
        _unless(
            pl.col("control_gate"),
            pl.lit("a finding of third-party control or of many people organised (the control gate)"),
        ),
        _unless(pl.col("families") >= MIN_FAMILIES, pl.lit(f"findings of {MIN_FAMILIES} families")),
        _unless(pl.col("heaviest") > 1, pl.lit("a finding that is not weak")),
        _unless(pl.col("rows") >= MIN_EVIDENCE_ROWS, pl.lit(f"{MIN_EVIDENCE_ROWS} rows of evidence")),
    ).list.drop_nulls()
    place = pl.col("code").replace_strict({code: n for n, code in enumerate(ROLES)}, return_dtype=pl.Int8)
    holds = pl.col("lacking").list.len() == 0
    return (
        facts.unpivot(list(ROLES), index=shared, variable_name="code", value_name="has_fact")
        .with_columns(lacking=lacking, place=place)
        .sort("account_id", "place")
        .with_columns(
            standing=pl.when(~holds)
            .then(pl.lit(NOT_ENOUGH))
            .when("both")
            .then(pl.lit(CONTESTED))
            .when(pl.col("place") == pl.col("place").filter(holds).min().over("account_id"))
            .then(pl.lit(NAMED))
            .otherwise(pl.lit(OUTRANKED))
        )
        .select("account_id", "code", "standing", "control_gate", "lacking")
    )


def _unless(holds: pl.Expr, words: pl.Expr) -> pl.Expr:
    return pl.when(~holds).then(words)


def possible_roles(found: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """account_id, possible_role for accounts with a role other than `unclear`.

    found: as composition.account_findings gives it. evidence: finding_id, row.
    """
    return (
        hypotheses(found, evidence)
        .filter(pl.col("standing") == NAMED)
        .select("account_id", possible_role=pl.col("code").replace_strict(ROLES, return_dtype=pl.String))
    )


def role_arguments(found: pl.DataFrame, evidence: pl.DataFrame) -> pl.DataFrame:
    """Both sides of every role that a finding argues for: the columns of ARGUMENT_SCHEMA.

    One row per account with HT findings and role; a role that nothing speaks for has no row. Findings of one
    indicator are one argument, told by the latest of them, the weightiest argument first. Strengths are those
    of the HT findings, null where there is none. settled_by is the document of the weightiest argument for
    the role, a controller's fact and one of the gate before others.

    found: as composition.account_findings gives it. evidence: finding_id, row.
    """
    standing = hypotheses(found, evidence)
    argued = _argued(found.join(standing.select("account_id").unique(), on="account_id", how="semi"))
    sides = [_side(argued, side) for side in SIDES]
    code = pl.col("code")
    told = (
        standing.join(sides[0], on=["account_id", "code"])
        .join(sides[1], on=["account_id", "code"], how="left")
        .with_columns(pl.col("speaks_against", "findings_against").fill_null([]))
        .with_columns(
            possible_role=code.replace_strict(ROLES, return_dtype=pl.String),
            verdict=pl.when(pl.col("standing") == NOT_ENOUGH)
            .then(pl.format("Not enough to name this role. Missing: {}.", pl.col("lacking").list.join("; ")))
            .otherwise(pl.col("standing").replace_strict(VERDICTS, default=None, return_dtype=pl.String)),
        )
    )
    return told.select(pl.col(name).cast(dtype) for name, dtype in ARGUMENT_SCHEMA.items()).sort(
        "account_id", "possible_role"
    )


def _argued(found: pl.DataFrame) -> pl.DataFrame:
    """One row per argument and role it concerns: account_id, code, side, words and what they rest on."""
    indicator = pl.col("indicator_id")
    roles = pl.col("role").str.split("/")
    forwards = indicator.is_in((*MULE_INDICATORS, *FORWARDING)) & roles.list.contains("NET")
    # NET says that the role is unknown; only where money is passed on does it argue for something.
    speaking = (
        found.with_columns(
            spoken=pl.concat_list(
                pl.when(forwards).then(pl.lit("MULE")) if code == "MULE"
                else pl.when(roles.list.contains(code)).then(pl.lit(code))
                for code in ROLES
            ).list.drop_nulls()
        )
        .filter(pl.col("spoken").list.len() > 0)
        .sort("account_id", "indicator_id", "role", "window_end", "finding_id")
        .group_by("account_id", "indicator_id", "role", maintain_order=True)
        .agg(
            pl.col("spoken").first(),
            pl.col("fact", "sentence", "points", "weight", "finding_id").last(),
            count=pl.len(),
        )
    )  # fmt: skip
    words = pl.DataFrame(
        [
            (indicator_id, "MULE" if code == "NET" else code, *argument)
            for (indicator_id, code), argument in ARGUMENTS.items()
        ],
        schema=dict.fromkeys(("indicator_id", "speaker", "words", "document"), pl.String),
        orient="row",
    )
    opposed = pl.DataFrame(
        [(code, code, "for") for code in ROLES]
        + [(code, other, "against") for code, others in AGAINST.items() for other in others],
        schema=dict.fromkeys(("speaker", "code", "side"), pl.String),
        orient="row",
    )
    several = pl.when(pl.col("count") > 1).then(pl.format(", {} findings", "count")).otherwise(pl.lit(""))
    gated = indicator.is_in(CONTROL_GATE) | indicator.str.starts_with("HT-CTL-")
    return (
        speaking.explode("spoken", keep_nulls=False, empty_as_null=False)
        .rename({"spoken": "speaker"})
        .join(speaking.select("account_id", "indicator_id", "role", all_spoken="spoken"),
              on=["account_id", "indicator_id", "role"])
        .join(words, on=["indicator_id", "speaker"], how="left")
        .join(opposed, on="speaker")
        .filter((pl.col("side") == "for") | ~pl.col("all_spoken").list.contains(pl.col("code")))
        .with_columns(
            words=pl.when(pl.col("words").is_null())
            .then(pl.format("{} ({}{})", "fact", "indicator_id", several))
            .otherwise(pl.format("{} ({}{}: {})", "words", "indicator_id", several, "fact")),
            counts=indicator.str.starts_with("HT-"),
            decisive=indicator.is_in(CONTROLLER_FACTS).cast(pl.Int8) + gated.cast(pl.Int8),
            caution=pl.col("sentence").str.extract(CAUTION),
        )
        .sort(
            "account_id", "code", "side", "counts", "decisive", "points", "indicator_id", "role", "speaker",
            descending=[False, False, False, True, True, True, False, False, False],
        )
        # One finding may speak against a role in two ways.
        .unique(["account_id", "code", "side", "indicator_id", "role"], keep="first", maintain_order=True)
    )  # fmt: skip


def _side(argued: pl.DataFrame, side: str) -> pl.DataFrame:
    """account_id, code and the arguments of one side, the weightiest first."""
    counted = pl.col("counts")
    heaviest = pl.col("weight").filter(counted).sort_by(pl.col("points").filter(counted)).last()
    extra = (
        {
            "also_common_for": pl.col("caution").drop_nulls().unique(maintain_order=True),
            "settled_by": pl.col("document").first().fill_null(NO_WORDS),
        }
        if side == "for"
        else {}
    )
    return (
        argued.filter(pl.col("side") == side)
        .group_by("account_id", "code", maintain_order=True)
        .agg(
            **{
                f"speaks_{side}": pl.col("words"),
                f"findings_{side}": pl.col("finding_id"),
                f"strength_{side}": heaviest.replace_strict(STRENGTHS, default=None, return_dtype=pl.String),
            },
            **extra,
        )
    )
