"""An account's network for other tools: STIX 2.1, and entities of FollowTheMoney (optional extra `ftm`).

Accounts and what ties them, without names of holders. Accounts of possible victims, and ties to them, are
left out: a file that is passed on cannot protect anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.reports.narrative import DRAFT
from finpat.reports.preflight import one_line

_NAMESPACE = UUID(
    "5c9f4b3e-1c52-5d0a-9a4e-6d6f1f3b7a10"
)  # of names of this module: ids repeat from run to run


@dataclass(frozen=True)
class Network:
    """Accounts (with place in the list) and ties that may be passed on, and how many accounts may not."""

    run_id: str
    accounts: tuple[Mapping[str, Any], ...]
    ties: tuple[Mapping[str, Any], ...]
    left_out: int


def network_of(model: ReadModel, account_id: str) -> Network:
    """The network of an account; the account alone where it has none.

    Raises:
        UsageError: the run has no such account, or it is that of a possible victim.
    """
    account = model.account(account_id)
    if account is None:
        raise UsageError(f"no account {account_id!r} in run {model.run_id}")
    if account["possible_role"] == "possible_victim":
        raise UsageError(
            f"{account_id} is the account of a possible victim: protect and refer, pass nothing on"
        )
    ids, ties = {account_id}, []
    if account["network_id"]:
        ties = model.edges_of(account["network_id"]).to_dicts()
        ids |= set(model.members_of(account["network_id"])["account_id"])
    ids |= {tie[end] for tie in ties for end in ("from_id", "to_id")}
    places = model.places_of(sorted(ids)).to_dicts()
    kept = {place["account_id"]: place for place in places if place["possible_role"] != "possible_victim"}
    inside = [tie for tie in ties if tie["from_id"] in kept and tie["to_id"] in kept]
    return Network(model.run_id, tuple(kept.values()), tuple(inside), len(places) - len(kept))


def as_stix(network: Network, made_at: datetime) -> str:
    """A STIX 2.1 bundle: accounts as observables, ties as relationships, one grouping that says `draft`."""
    import stix2

    accounts = {
        place["account_id"]: stix2.UserAccount(
            user_id=one_line(place["account_id"]), account_type="bank-account", allow_custom=False
        )
        for place in network.accounts
    }
    ties = [
        stix2.Relationship(
            id=f"relationship--{_name(network, tie)}",
            created=made_at,
            modified=made_at,
            relationship_type="related-to",
            source_ref=accounts[tie["from_id"]].id,
            target_ref=accounts[tie["to_id"]].id,
            description=_in_words(tie),
        )
        for tie in network.ties
    ]
    group = stix2.Grouping(
        id=f"grouping--{uuid5(_NAMESPACE, ' '.join([network.run_id, *accounts]))}",
        created=made_at,
        modified=made_at,
        name=f"Network of run {network.run_id}",
        description=f"{DRAFT} {network.left_out} accounts are left out to protect their holders.",
        context="suspicious-activity",
        object_refs=[item.id for item in (*accounts.values(), *ties)],
    )
    bundle = stix2.Bundle(
        id=f"bundle--{uuid5(_NAMESPACE, group.id)}", objects=[group, *accounts.values(), *ties]
    )
    return str(bundle.serialize(pretty=True)) + "\n"


def as_followthemoney(network: Network) -> str:
    """Entities of FollowTheMoney, one JSON object a line: bank accounts, payments, other links.

    Raises:
        UsageError: the optional extra is not installed.
    """
    try:
        from followthemoney import model
    except ImportError:
        raise UsageError("FollowTheMoney is not installed: pip install 'finpat[ftm]'") from None
    made = []
    for place in network.accounts:
        entity = model.make_entity("BankAccount")
        entity.id = _account(place["account_id"])
        entity.add("accountNumber", one_line(place["account_id"]))
        made.append(entity)
    for tie in network.ties:
        is_money = tie["amount"] is not None
        entity = model.make_entity("Payment" if is_money else "UnknownLink")
        entity.id = f"tie-{_name(network, tie)}"
        ends = ("payerAccount", "beneficiaryAccount") if is_money else ("subject", "object")
        entity.add(ends[0], _account(tie["from_id"]))
        entity.add(ends[1], _account(tie["to_id"]))
        if is_money:
            entity.add("amount", str(tie["amount"]))
            entity.add("currency", tie["currency"])
        entity.add("summary", _in_words(tie))
        made.append(entity)
    return "".join(json.dumps(entity.to_dict(), ensure_ascii=False, sort_keys=True) + "\n" for entity in made)


def _account(account_id: str) -> str:
    return f"account-{uuid5(_NAMESPACE, account_id)}"


def _name(network: Network, tie: Mapping[str, Any]) -> UUID:
    return uuid5(_NAMESPACE, "\x00".join([network.run_id, tie["from_id"], tie["to_id"], tie["kind"]]))


def _in_words(tie: Mapping[str, Any]) -> str:
    """What ties two accounts, in a few words."""
    moved = f", {tie['amount']:,.2f} {tie['currency']}" if tie["amount"] is not None else ""
    return one_line(f"{str(tie['kind']).replace('_', ' ')}: {tie['count']} rows{moved}")
