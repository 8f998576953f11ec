"""Personal data as a page shows it: masked, unless this reader gave a reason for this object.

A page passes each name, telephone, address or text through `shown` with the object it belongs to:

    shown("name", account["holder_name"], account_id)

and puts `reveal_button("account", account_id)` (components/reveal.py) where the reader may ask for it. Giving
a reason draws the page anew; from then on `shown` gives the value as it is, to that session, for the minutes
of `dashboard.reveal_minutes`. A read model that masks by itself (adverts) takes the reason of `reason_for`:

    read_model(run_id).ads_of(cluster_id, reveal=reason_for(cluster_id, "ad_cluster"))

What was revealed, of which object, by whom and why is in the audit trail.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Literal

import dash
from flask import g, has_request_context

from dashboard import access, ids, state
from dashboard.words import MISSING
from finpat.casework import reveals

Kind = Literal["name", "phone", "email", "url", "number", "text"]
_DOTS = "•••"


def shown(kind: Kind, value: str | None, object_id: str, object_kind: str = "account") -> str:
    """The value as this reader may see it; a dash where there is none."""
    if not value:
        return MISSING
    return value if is_revealed(object_id, object_kind) else masked(kind, value)


def masked(kind: Kind, value: str) -> str:
    """The shape of a value: first letters of a name, last digits of a number, the length of a text."""
    if kind == "name":
        return " ".join(f"{word[0]}{_DOTS}" for word in value.split())
    if kind in ("phone", "number"):
        last = "".join(re.findall(r"[^\W_]", value))[-2:]
        return f"{_DOTS} {last}" if len(value) > 4 else _DOTS
    if kind == "email":
        _, at, domain = value.rpartition("@")
        return f"{value[0]}{_DOTS}@{domain}" if at else _DOTS
    if kind == "url":
        host = re.match(r"(?:[A-Za-z]+://)?([^/?#]+)", value)
        return f"{host[1]}/{_DOTS}" if host else _DOTS
    return f"({len(value)} characters)"


def is_revealed(object_id: str, object_kind: str = "account") -> bool:
    """Whether this reader gave a reason for this object and its time is not over."""
    return (object_kind, object_id) in _revealed()


def reason_for(object_id: str, object_kind: str = "account") -> str | None:
    """What a read model that masks by itself takes for a reason; None where none was given."""
    return "given in the dashboard" if is_revealed(object_id, object_kind) else None


def revealed_until(object_id: str, object_kind: str = "account") -> datetime | None:
    """Until when it is shown to this reader (naive UTC); None where it is not."""
    return _revealed().get((object_kind, object_id))


@access.requires("reveal")
def give_reason(clicks: int | None, reason: str | None) -> Any:
    """The callback of `reveal_button`: keep the reason and draw the page anew, or say what is missing."""
    of = dash.ctx.triggered_id
    if not clicks or of is None:
        return dash.no_update
    if not (reason or "").strip():
        return "Say why it has to be seen."
    who, at = access.user(), state.now()
    with state.casework().writing(who.name, at) as change:
        until, request = reveals.reveal(
            change, who.session, of["kind"], of["object"], reason or "", state.settings()
        )
    if until is None:
        return f"Request {request} waits for somebody else's approval; once approved, press Show again."
    dash.set_props(ids.RELOAD, {"data": at.isoformat()})
    return "Shown."


def _revealed() -> dict[tuple[str, str], datetime]:
    """What this session may see; asked once a request."""
    who = access.user()
    if not has_request_context() or not who.session or not who.may("reveal"):
        return {}
    if "revealed" not in g:
        with state.casework().reading() as connection:
            g.revealed = reveals.shown_to(connection, who.session, state.now())
    found: dict[tuple[str, str], datetime] = g.revealed
    return found
