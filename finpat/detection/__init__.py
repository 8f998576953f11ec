"""Anomaly scores of accounts: an ensemble of detectors, each score with the features that made it."""

from finpat.detection.base import Detector, Scores
from finpat.detection.detectors import DETECTORS
from finpat.detection.persistence import load, save
from finpat.detection.scoring import FittedModel, explain, fit, score, warm

__all__ = [
    "DETECTORS",
    "Detector",
    "FittedModel",
    "Scores",
    "explain",
    "fit",
    "load",
    "save",
    "score",
    "warm",
]
