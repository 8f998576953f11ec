"""What a run knew of its indicators and features, as tables: readers need not load the stages for a name."""

from __future__ import annotations

import json

import polars as pl

from finpat.features import FEATURES
from finpat.indicators import INDICATORS
from finpat.indicators.base import WEIGHTS


def declared_indicators() -> pl.DataFrame:
    """The frame of rm.indicators."""
    return pl.DataFrame(
        [
            {
                "indicator_id": item.id,
                "name": item.name,
                "typology": item.typology,
                "definition": item.definition,
                "role": item.role_label,
                "weight": WEIGHTS[item.weight],
                "source": item.source,
                "also_common_for": item.caution,
                "measured_precision": item.measured,
                "level": item.level,
                "enabled": item.enabled,
                "parameters": json.dumps(
                    {
                        field.name: {
                            "default": getattr(item.parameters, field.name),
                            "why": field.metadata["why"],
                        }
                        for field in item.parameter_fields()
                    }
                ),
            }
            for item in INDICATORS
        ]
    )


def declared_features() -> pl.DataFrame:
    """The frame of rm.features."""
    return pl.DataFrame(
        [
            {
                "feature": item.name,
                "family": item.family,
                "doc": item.doc,
                "kind": item.kind,
                "unit": item.unit,
                "time_window": item.window,
                "null_rule": item.null_rule,
                "is_detector_input": item.role == "detector",
            }
            for item in FEATURES
        ]
    )
