"""The kinds of work: what is computed, on which data, from which weights.

A kind is a dataclass here, and in every side that can do it a function named as its `kind`,
which takes the dataclass and returns what is timed. Data and weights are the same on all sides.
"""

from .first import FirstSteps
from .functions import HVP, Elementwise, LogSumExp
from .networks import MLP, RNN, DigitsEpoch, MoonsEpoch
from .processes import Import, PeakMemory, ScalarMemory
from .scalars import Chain, MoonsScalar, ScalarGraph
from .work import Work

__all__ = [
    "HVP",
    "MLP",
    "RNN",
    "Chain",
    "DigitsEpoch",
    "Elementwise",
    "FirstSteps",
    "Import",
    "LogSumExp",
    "MoonsEpoch",
    "MoonsScalar",
    "PeakMemory",
    "ScalarGraph",
    "ScalarMemory",
    "Work",
]
