"""Ways to find weights, from trying them all to backpropagation, behind one `fit`."""

from .descent import Backpropagation, NumericalGradient
from .fit import History, Method, fit
from .rules import DeltaRule, PerceptronRule
from .search import BruteForce, HillClimbing, RandomHillClimbing

__all__ = [
    "Backpropagation",
    "BruteForce",
    "DeltaRule",
    "HillClimbing",
    "History",
    "Method",
    "NumericalGradient",
    "PerceptronRule",
    "RandomHillClimbing",
    "fit",
]
