"""How well a ranked list finds known accounts: figures against labels that scoring never saw."""

from finpat.evaluation.figures import Evaluation, GroupFigures, evaluate
from finpat.evaluation.labels import read_labels

__all__ = ["Evaluation", "GroupFigures", "evaluate", "read_labels"]
