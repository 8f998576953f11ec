"""Why an account stands where it stands: facts, numbers and interpretation, kept apart.

A fact is what a source's rows say, each with file and line. A number is computed from them and held against a
threshold or against peers. An interpretation is what finpat makes of both; it is never evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.readmodel.masking import name_shape as masked

if TYPE_CHECKING:
    from finpat.indicators import Indicator

FINDINGS_SHOWN = 3  # findings of one indicator printed as text; --json has all
EVIDENCE_SHOWN = 20  # rows of one finding printed as text; --json has all
CONTRIBUTIONS_SHOWN = 8  # features of one detector printed as text
_EVIDENCE = (
    "position", "transaction_id", "booked_at", "time_precision", "direction", "amount", "currency",
    "counterparty_id", "counterparty_name", "channel", "city", "description", "source_file", "source_line",
)  # fmt: skip
_HOLDER = ("holder_id", "holder_name", "holder_type", "opened_on", "closed_on", "country", "occupation")
_PERSONAL = ("holder_name", "phone", "email", "address")
_PERSONAL_OF_ROWS = ("counterparty_name", "description")
ADVICE = {
    "possible_victim": "Protect and refer. Do not close, freeze or contact by reflex: "
    "a controller may hold the phone.",
}
NO_VERDICT = "A score is a reason to look, not a finding of guilt; a person decides."


def explain_account(model: ReadModel, account_id: str, *, reveal: str | None = None) -> dict[str, Any]:
    """Everything the run knows about one account, as plain values.

    Names and free texts of bookings are masked, since most accounts that are looked at are innocent and some
    are those of victims. reveal: the reason for showing them, kept in the answer; None masks.

    Raises:
        UsageError: the run has no such account; names the nearest one.
    """
    account = model.account(account_id)
    if account is None:
        close = model.nearest_account(account_id)
        hint = f" Did you mean {close!r}?" if close else ""
        raise UsageError(f"no account {account_id!r} in run {model.run_id}.{hint}")
    manifest = model.manifest()
    findings = model.findings_for([account_id])
    found = findings.filter(pl.col("state") == "found")
    evidence = model.evidence_for(found["finding_id"].to_list())
    holder = {name: account[name] for name in _HOLDER if account.get(name) is not None}
    if reveal is None:
        holder |= {name: masked(str(holder[name])) for name in _PERSONAL if name in holder}
        evidence = evidence.with_columns(
            pl.col(name).map_elements(masked, pl.String, skip_nulls=True) for name in _PERSONAL_OF_ROWS
        )
    unjudged = findings.filter(pl.col("state") == "not_evaluable").select("indicator_id", "missing_field")
    return {
        "run_id": manifest["run_id"],
        "as_of": manifest["as_of"],
        "account_id": account_id,
        "personal_data": "masked" if reveal is None else "shown",
        "reason_for_showing": reveal,
        "place": {
            "rank": account["rank"],
            "of": model.account_count(),
            "score": account["score"],
            "band": account["band"],
            "anomaly_percentile": account["anomaly_percentile"],
        },
        "facts": {
            "holder": holder,
            "transactions": account["leg_count"],
            "amount_in": account["amount_in"],
            "amount_out": account["amount_out"],
            "currency": account["currency"],
            "first_seen": account["first_seen"],
            "last_seen": account["last_seen"],
            "findings": [_finding(row, evidence) for row in found.to_dicts()],
        },
        "numbers": {
            "anomaly": model.contributions_for(account_id).drop("account_id").to_dicts(),
            "peers": model.peers(account_id).to_dicts(),
        },
        "interpretation": {
            "reason": account["reason"],
            "possible_role": account["possible_role"],
            "role_arguments": model.role_arguments_of(account_id).drop("account_id").to_dicts(),
            "advice": ADVICE.get(account["possible_role"]),
            "note": NO_VERDICT,
        },
        "not_evaluable": {
            "this_account": unjudged.to_dicts(),
            "whole_data_set": model.not_evaluable().drop("typology").to_dicts(),
        },
    }


def _finding(row: Mapping[str, Any], evidence: pl.DataFrame) -> dict[str, Any]:
    rows = evidence.filter(pl.col("finding_id") == row["finding_id"]).select(_EVIDENCE).to_dicts()
    shown = {key: value for key, value in row.items() if key not in ("account_id", "state", "missing_field")}
    return shown | {"evidence": rows}


def as_text(explanation: Mapping[str, Any]) -> Iterator[str]:
    """The explanation as lines for a terminal."""
    place, facts, numbers = explanation["place"], explanation["facts"], explanation["numbers"]
    yield (
        f"{explanation['account_id']}: rank {place['rank']:,} of {place['of']:,}, "
        f"score {place['score']} ({place['band']})"
    )
    yield f"run {explanation['run_id']}, data up to {explanation['as_of']}Z"
    if explanation["personal_data"] == "masked":
        yield "names are masked; --reveal --reason TEXT shows them"
    else:
        yield f"names are shown, for this reason: {_printable(explanation['reason_for_showing'])}"
    yield ""
    yield "FACTS: what the files say"
    if facts["holder"]:
        yield "  " + ", ".join(f"{name}: {_printable(str(value))}" for name, value in facts["holder"].items())
    yield (
        f"  {_counted(facts['transactions'], 'transaction')} "
        f"from {facts['first_seen']} to {facts['last_seen']}; "
        f"in {facts['amount_in']:,.2f}, out {facts['amount_out']:,.2f} {facts['currency']}"
    )
    yield from _finding_lines(facts["findings"])
    yield ""
    yield "NUMBERS: computed, against the other accounts"
    yield f"  anomaly score higher than {place['anomaly_percentile']:.1f} % of accounts"
    yield from _contribution_lines(numbers["anomaly"])
    yield ""
    yield "INTERPRETATION: what finpat makes of it"
    inner = explanation["interpretation"]
    yield f"  {inner['reason']}"
    yield f"  possible role: {inner['possible_role'].replace('_', ' ')}"
    for argument in inner["role_arguments"]:
        yield from _argument_lines(argument)
    if inner["advice"]:
        yield f"  {inner['advice']}"
    yield f"  {inner['note']}"
    missing = explanation["not_evaluable"]
    if missing["this_account"] or missing["whole_data_set"]:
        yield ""
        yield "NOT EVALUABLE: what the data did not let us judge"
        for where, rows in (
            ("this account", missing["this_account"]),
            ("all data", missing["whole_data_set"]),
        ):
            for row in rows:
                yield f"  {row['indicator_id']}: {row['missing_field']} is missing ({where})"


def _argument_lines(argument: Mapping[str, Any]) -> Iterator[str]:
    """One role argued both ways."""
    yield f"  argued: {argument['possible_role'].replace('_', ' ')}"
    for side in ("for", "against"):
        for text in argument[f"speaks_{side}"] or ["no finding"]:
            yield f"    {side}: {_printable(text)}"
    weights = (f"{side} {argument[f'strength_{side}'] or 'none that counts'}" for side in ("for", "against"))
    yield f"    heaviest: {', '.join(weights)}"
    if argument["also_common_for"]:
        yield f"    the same is common for {'; '.join(argument['also_common_for'])}"
    yield f"    control gate: {'holds' if argument['control_gate'] else 'does not hold'}"
    yield f"    would settle it: {argument['settled_by']}"
    yield f"    {argument['verdict']}"


def _finding_lines(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The findings, indicator by indicator; of many alike the first ones and how many others there are."""
    told: dict[str, int] = {}
    for finding in findings:
        indicator = finding["indicator_id"]
        told[indicator] = told.get(indicator, 0) + 1
        if told[indicator] > FINDINGS_SHOWN:
            continue
        yield ""
        text = finding["sentence"] if told[indicator] == 1 else finding["fact"]
        yield f"  {indicator} [{finding['weight']}] {text}"
        for value in finding["values"]:
            yield "    " + value_in_words(value)
        yield from _evidence_lines(finding["evidence"])
    for indicator, count in told.items():
        if count > FINDINGS_SHOWN:
            yield f"  {indicator}: {count - FINDINGS_SHOWN:,} more findings of this kind; --json has all"


def value_in_words(value: Mapping[str, Any]) -> str:
    """One number of a finding, with its threshold where it has one."""
    shown = f"{value['name']} = {_number(value['value'])} {value['unit']}"
    if value["threshold"] is not None and value["operator"]:
        shown += f" (threshold: {value['operator']} {_number(value['threshold'])})"
    return shown


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return (
        f"{value:,.0f}"
        if float(value).is_integer()
        else f"{value:,.4g}"
        if abs(value) < 100
        else f"{value:,.2f}"
    )


def _evidence_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows[:EVIDENCE_SHOWN]:
        other = row["counterparty_name"] or row["counterparty_id"] or "unknown"
        sign = "from" if row["direction"] == "credit" else "to"
        when = row["booked_at"].date() if row["time_precision"] == "day" else f"{row['booked_at']}Z"
        yield (
            f"    {when}  {row['amount']:,.2f} {row['currency']} {sign} {_printable(other)} "
            f"by {row['channel']}  [{_printable(row['source_file'])}:{row['source_line']}]"
        )
    if len(rows) > EVIDENCE_SHOWN:
        yield f"    ... {len(rows) - EVIDENCE_SHOWN:,} more rows; --json has all"


def _counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def _printable(text: str) -> str:
    """Text from a source without control sequences."""
    return "".join(char if char.isprintable() else " " for char in text)


def _contribution_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    shown: dict[str, int] = {}
    for row in rows:
        shown[row["detector"]] = shown.get(row["detector"], 0) + 1
        if shown[row["detector"]] <= CONTRIBUTIONS_SHOWN:
            yield (
                f"  {row['detector']}: {row['feature']} = {_number(row['value'])}, {row['direction']} "
                f"against peers (median {_number(row['peer_median'])}, "
                f"spread {_number(row['peer_spread'])}), {100 * (row['share'] or 0):.0f} % of its score"
            )


def explain_indicator(indicator: Indicator) -> dict[str, Any]:
    """The card of an indicator: definition, parameters with their reasons, source, innocent explanations."""
    return {
        "id": indicator.id,
        "name": indicator.name,
        "typology": indicator.typology,
        "definition": indicator.definition,
        "argues_for": indicator.role_label,
        "weight": indicator.weight,
        "enabled": indicator.enabled,
        "needs": list(indicator.needs),
        "source": indicator.source,
        "also_common_for": indicator.caution,
        "measured_precision": indicator.measured,
        "parameters": {
            item.name: {"default": getattr(indicator.parameters, item.name), "why": item.metadata["why"]}
            for item in indicator.parameter_fields()
        },
    }


def card_as_text(card: Mapping[str, Any]) -> Iterator[str]:
    """An indicator's card as lines for a terminal."""
    yield f"{card['id']}: {card['name']} ({card['typology']})"
    for name in ("definition", "argues_for", "source", "also_common_for", "measured_precision"):
        yield f"  {name.replace('_', ' ')}: {card[name]}"
    yield f"  needs: {', '.join(card['needs']) or 'nothing beyond the required columns'}"
    yield f"  switched {'on' if card['enabled'] else 'off'} unless finpat.toml says otherwise"
    yield f"  parameters (finpat.toml: [indicators.{card['id']}])"
    for name, parameter in card["parameters"].items():
        yield f"    {name} = {parameter['default']}: {parameter['why']}"
