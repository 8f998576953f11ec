"""Addresses of the pages, as templates and as links to one thing."""

from __future__ import annotations

from urllib.parse import quote, urlencode

OVERVIEW = "/"
QUEUE = "/queue"
PROTECT = "/protect"
ACCOUNT = "/accounts/<account_id>"
NETWORKS = "/networks"
NETWORK = "/networks/<network_id>"
TRACE = "/trace"
ADVERTS = "/adverts"
AD_CLUSTER = "/adverts/<cluster_id>"
HOTSPOTS = "/hotspots"
INDICATORS = "/indicators"
INDICATOR = "/indicators/<indicator_id>"
RUNS = "/runs"
QUERIES = "/queries"
QUERY = "/queries/<query>"
DATA = "/data"
AUDIT = "/audit"
USERS = "/users"


def to(template: str, **values: str) -> str:
    """The address that a template has with these values; those it does not name become the query.

    Example: `to(ACCOUNT, account_id="A/1", tab="network")` is `/accounts/A%2F1?tab=network`.
    """
    query = {name: value for name, value in values.items() if f"<{name}>" not in template}
    for name, value in values.items():
        template = template.replace(f"<{name}>", quote(value, safe=""))
    return f"{template}?{urlencode(query)}" if query else template
