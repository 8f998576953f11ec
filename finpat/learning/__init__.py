"""Learning from decided cases: a second order of the accounts, beside the list and never in its place.

read model of a run + labels -> a probability for every account (scikit-learn), honest figures, a model card.
"""

from finpat.learning.card import card_as_text
from finpat.learning.inputs import Inputs, read_inputs
from finpat.learning.model import Learned, learn
from finpat.learning.store import LearnedRun, latest_learned, save_learned

__all__ = [
    "Inputs",
    "Learned",
    "LearnedRun",
    "card_as_text",
    "latest_learned",
    "learn",
    "read_inputs",
    "save_learned",
]
