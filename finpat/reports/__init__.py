"""Drafts of reports for the authorities: never filed, never sent; a person completes and decides.

Nothing is written while something is missing: the pre-flight names each field instead.
"""

from finpat.reports.crosswalk import CROSSWALK, Crossing
from finpat.reports.fincen import Draft, fincen_draft
from finpat.reports.preflight import Fault

__all__ = ["CROSSWALK", "Crossing", "Draft", "Fault", "fincen_draft"]
