"""The command `trace`: from any identifier to everything tied to it, with the path."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.analysis import open_run, open_workspace
from finpat.commands.casework import approval_option, keep_record, user_option
from finpat.commands.terminal import json_option, note, one_line, say, say_json, workspace_option
from finpat.errors import UsageError

if TYPE_CHECKING:
    from finpat.networks.trace import Trace

SHOWN = 25  # accounts printed as text; --json has all
ENDS_SHOWN = 3  # things of one kind at the end of a branch
EVIDENCE_SHOWN = 2  # rows of one tie
_NAMES = {"cluster": "adverts of one poster", "advert": "advert", "url": "web address"}
_HOW = {
    "stated": "stated", "payments": "used by its payments", "payer": "given by who paid for an advert",
    "authorised": "may use the account", "access": "tried to reach the account",
}  # fmt: skip


@click.command(epilog="Example: finpat trace '+32 470 00 00 00' --hops 3")
@click.argument("value", metavar="VALUE")
@click.option("--hops", type=click.IntRange(1, 8), default=4, show_default=True, help="Ties from the start.")
@click.option(
    "--shared-by",
    type=click.IntRange(2),
    default=25,
    show_default=True,
    help="A value that more persons and posters share is named and not followed.",
)
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@click.option("--reveal", is_flag=True, help="Show contacts, which are masked otherwise.")
@click.option("--reason", metavar="TEXT", help="Why they must be shown; --reveal asks for it.")
@approval_option
@user_option
@workspace_option
@json_option
def trace(
    value: str,
    hops: int,
    shared_by: int,
    run_id: str | None,
    reveal: bool,
    reason: str | None,
    approval: int | None,
    user: str,
    workspace: Path,
    as_json: bool,
) -> None:
    """Follow an account, phone, e-mail, wallet, device, address, advert or URL to everything tied to it.

    Every step of a path says what ties, by which rows or adverts, and how many share the value: the more
    share it, the less it weighs.
    """
    if reveal and not (reason or "").strip():
        raise UsageError("--reveal shows personal data: say why with --reason TEXT")
    if reason is not None and not reveal:
        raise UsageError("--reason goes with --reveal, which shows personal data")
    from finpat.networks.trace import Reach

    with open_run(open_workspace(workspace), run_id) as model:
        if reveal:
            # The trail must not become a list of telephone numbers: it keeps a digest of what was traced.
            what = hashlib.sha256(value.encode()).hexdigest()[:16]
            keep_record(workspace, user, "reveal", ("trace", what), approval, {"reason": reason})
        found = model.trace(value, Reach(hops=hops, shared_by=shared_by), reveal=reason)
        accounts = [row["id"] for row in found.things.to_dicts() if row["kind"] == "account"]
        places = {row["account_id"]: row for row in model.places_of(accounts).to_dicts()}
        run = model.run_id
    if as_json:
        say_json({"run_id": run, "value": value if reveal else None} | as_values(found, places, reason))
        return
    for line in as_text(found, places, run, reason):
        say(line)
    if found.too_weak or found.left_out:
        note(
            f"left out: {found.too_weak:,} things whose path weighs less than {found.reach.least}, "
            f"{found.left_out:,} beyond the {found.reach.things:,} that are listed at most"
        )


def as_values(found: Trace, places: Mapping[str, Mapping[str, Any]], reason: str | None) -> dict[str, Any]:
    """A trace as plain values; each thing with its path from the start."""
    rows = {(row["kind"], row["id"]): row for row in found.things.to_dicts()}
    return {
        "personal_data": "masked" if reason is None else "shown",
        "reason_for_showing": reason,
        "limits": {
            "hops": found.reach.hops,
            "shared_by": found.reach.shared_by,
            "least_weight": found.reach.least,
            "things": found.reach.things,
        },
        "starts": found.starts.to_dicts(),
        "things": [
            {
                **{name: row[name] for name in ("kind", "id", "label", "shared_by", "hops", "weight")},
                "not_followed": row["stopped"],
                "place": places.get(row["id"]) if row["kind"] == "account" else None,
                "path": [_step(step) for step in _path(rows, row)],
            }
            for row in rows.values()
        ],
        "too_weak": found.too_weak,
        "left_out": found.left_out,
    }


def _path(rows: Mapping[tuple[str, str], dict[str, Any]], row: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps from the start to a thing."""
    path: list[dict[str, Any]] = []
    here: dict[str, Any] | None = row
    while here is not None:
        path.insert(0, here)
        here = rows.get((here["from_kind"], here["from_id"]))
    return path


def _step(row: Mapping[str, Any]) -> dict[str, Any]:
    told = ("how", "tie_weight", "count", "first_at", "last_at", "amount", "currency", "evidence")
    ends = {"from_kind": row["from_kind"], "from_id": row["from_id"], "to_kind": row["kind"]}
    return ends | {"to_id": row["id"], "shared_by": row["shared_by"]} | {name: row[name] for name in told}


def as_text(
    found: Trace, places: Mapping[str, Mapping[str, Any]], run_id: str, reason: str | None
) -> Iterator[str]:
    """The trace as lines for a terminal: the accounts, possible victims apart, then the ties as a tree."""
    starts, things = found.starts.to_dicts(), found.things.to_dicts()
    yield f"run {run_id}: from {', '.join(_shared(row) for row in starts)}"
    yield (
        f"{found.reach.hops} hops at most; what more than {found.reach.shared_by} share is not followed; "
        f"a path weighs {found.reach.least} or more"
    )
    if reason is None:
        yield "contacts are masked; --reveal --reason TEXT shows them"
    else:
        yield f"contacts are shown, for this reason: {one_line(reason)}"
    accounts = [row for row in things if row["kind"] == "account"]
    protected = [row for row in accounts if _role(places, row) == "possible_victim"]
    others = [row for row in accounts if _role(places, row) != "possible_victim"]
    for title, group in (
        ("Accounts reached", others),
        ("Possible victims reached: protect and refer, no subjects of a report", protected),
    ):
        if group:
            yield ""
            yield f"{title} ({len(group):,})"
            for row in sorted(group, key=lambda row: (-row["weight"], row["id"]))[:SHOWN]:
                yield f"  {one_line(row['id'])}: weight {row['weight']:.2f}{_place(places, row)}"
            if len(group) > SHOWN:
                yield f"  {len(group) - SHOWN:,} more; --json has all"
    yield ""
    yield "Ties" if things else "Nothing else is tied to it."
    children: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in things:
        children.setdefault((row["from_kind"], row["from_id"]), []).append(row)
    if things:
        for row in starts:
            yield f"  {_shared(row)}"
            yield from _branches((row["kind"], row["id"]), children, "    ")


def _branches(
    at: tuple[str, str], children: Mapping[tuple[str, str], list[dict[str, Any]]], indent: str
) -> Iterator[str]:
    """What is tied to one thing, each with what is tied to it; of many ends of one kind the first few."""
    ends: dict[str, int] = {}
    for row in children.get(at, []):
        here = (row["kind"], row["id"])
        if here not in children:
            ends[row["kind"]] = ends.get(row["kind"], 0) + 1
            if ends[row["kind"]] > ENDS_SHOWN:
                continue
        yield f"{indent}> {_shared(row)}: {_tie_in_words(row)}"
        yield from _branches(here, children, indent + "    ")
    for kind, count in ends.items():
        if count > ENDS_SHOWN:
            yield f"{indent}> {count - ENDS_SHOWN:,} more ({_NAMES.get(kind, kind)}); --json has all"


def _role(places: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any]) -> str | None:
    place = places.get(row["id"])
    return None if place is None else place["possible_role"]


def _place(places: Mapping[str, Mapping[str, Any]], row: Mapping[str, Any]) -> str:
    place = places.get(row["id"])
    told = f", {row['hops']} {'tie' if row['hops'] == 1 else 'ties'} away"
    if place is None:
        return told
    role = place["possible_role"].replace("_", " ")
    return f"{told}, rank {place['rank']:,}, score {place['score']} ({place['band']}), role: {role}"


def _shared(row: Mapping[str, Any]) -> str:
    """A thing by kind and label, with the name that `finpat trace` takes, and how many share it."""
    label = one_line(str(row["label"]))
    name = f" [{row['id']}]" if label != row["id"] else ""
    shared = f", shared by {row['shared_by']:,}" if row["shared_by"] is not None else ""
    return f"{_NAMES.get(row['kind'], row['kind'])} {label}{name}{shared}"


def _tie_in_words(row: Mapping[str, Any]) -> str:
    """The last tie of the path to a thing: its kind, the rows behind it, what the path weighs."""
    from finpat.networks.trace import HUB

    told = [_HOW.get(row["how"], row["how"])]
    if row["how"] != "stated" and row["count"]:
        told.append(f"{row['count']:,} {'row' if row['count'] == 1 else 'rows'}")
    if row["amount"] is not None:
        told.append(f"{row['amount']:,.2f} {row['currency']}")
    if row["first_at"] is not None:
        told.append(f"{row['first_at']:%Y-%m-%d} to {row['last_at']:%Y-%m-%d}")
    if row["evidence"]:
        rows = row["evidence"]
        more = ", ..." if len(rows) > EVIDENCE_SHOWN else ""
        told.append(one_line(", ".join(rows[:EVIDENCE_SHOWN])) + more)
    told.append(f"weight {row['weight']:.2f}")
    if row["stopped"] == HUB:
        told.append("not followed")
    return "; ".join(told)
