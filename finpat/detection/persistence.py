"""Save and load a fitted model: one file of plain arrays, no code in it.

PyOD's own persistence pickles; a pickle runs whatever its author put into it. This file holds arrays and one
text of JSON, and is read with pickling refused.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from finpat.detection.base import Column, View
from finpat.detection.detectors import DETECTORS
from finpat.detection.inputs import Preparation
from finpat.detection.scoring import FittedModel, Reference
from finpat.errors import RunError

FORMAT = 3  # of the file; changed whenever arrays change their meaning
VIEWS: tuple[View, View] = ("level", "shape")


def save(model: FittedModel, path: Path) -> None:
    """Write the model; equal models make equal files, byte by byte."""
    preparation = model.preparation
    about = {
        "format": FORMAT,
        "accounts": model.accounts,
        "seed": model.seed,
        "columns": [[column.name, column.kind, column.family] for column in preparation.columns],
        "scales": preparation.scales,
        "detectors": [detector.name for detector in DETECTORS],
        "references": list(model.references),
    }
    arrays: dict[str, Any] = {"about": np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)}
    for view in VIEWS:
        arrays[f"centre.{view}"] = preparation.centre[view]
        arrays[f"spread.{view}"] = preparation.spread[view]
    arrays |= {"median": preparation.median, "deviation": preparation.deviation}
    for name, member in model.members.items():
        arrays |= {f"member.{name}.{key}": array for key, array in member.arrays().items()}
    for name, reference in model.references.items():
        arrays |= {f"reference.{name}.scores": reference.scores, f"reference.{name}.shares": reference.shares}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    path.write_bytes(buffer.getvalue())


def load(path: Path) -> FittedModel:
    """Read a model.

    Raises:
        RunError: the file is missing, is no model, or was written by another version of the ensemble.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        about = json.loads(arrays["about"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(
            f"{path}: cannot be read as a fitted model ({type(error).__name__}). Make a new run."
        ) from None
    expected = [detector.name for detector in DETECTORS]
    if about.get("format") != FORMAT or about.get("detectors") != expected:
        raise RunError(
            f"{path}: model of format {about.get('format')} with detectors {about.get('detectors')}; this "
            f"version reads format {FORMAT} with {expected}. Make a new run."
        )
    columns = tuple(Column(*column) for column in about["columns"])
    preparation = Preparation(
        columns=columns,
        scales=about["scales"],
        centre={view: arrays[f"centre.{view}"] for view in VIEWS},
        spread={view: arrays[f"spread.{view}"] for view in VIEWS},
        median=arrays["median"],
        deviation=arrays["deviation"],
    )
    members = {}
    for detector in DETECTORS:
        prefix = f"member.{detector.name}."
        saved = {
            name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)
        }
        seen = tuple(columns[index] for index in detector.positions(columns))
        members[detector.name] = detector.restore(seen, saved)
    references = {
        name: Reference(arrays[f"reference.{name}.scores"], arrays[f"reference.{name}.shares"])
        for name in about["references"]
    }
    return FittedModel(preparation, members, references, about["accounts"], about["seed"])
