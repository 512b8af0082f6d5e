"""Search by trial: nothing is known of the error but its values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..random import generator
from ._subjects import Subject
from .fit import Method, Run, counted


class BruteForce(Method):
    """Try all combinations of `values`, and keep the one of the smallest error.

    `values` are those that every weight may have, or a list with those of each weight. The
    number of combinations grows exponentially with that of the weights: where there are more than
    `limit`, it raises ValueError, and says how many. A round ends where a smaller error was found,
    and the last one at the end.

    >>> import numpy as np
    >>> from tinygrad_nn import learning
    >>> error = lambda w: (w[0] - 1) ** 2 + (w[1] + 2) ** 2
    >>> learning.fit(error, method=learning.BruteForce(np.arange(-2, 3.0)), start=[0.0, 0.0])
    History: error 5 -> 0 in 4 rounds, 26 evaluations; converged: all 25 combinations were tried
    """

    rounds = None

    def __init__(self, values: Iterable[Any], limit: int = 1_000_000) -> None:
        self.values = list(values)
        if not all(np.size(axis) for axis in self.values) or not self.values:
            raise ValueError("brute force needs values to try for every weight")
        self.limit = limit

    def run(self, subject: Subject) -> Run:
        """Try one after the other."""
        best = subject.weights
        axes = self._axes(len(best))
        count = math.prod(len(axis) for axis in axes)
        if count > self.limit:
            raise ValueError(
                f"brute force would try {count:,} combinations of {len(best)} weights, which is "
                f"more than limit={self.limit:,}"
            )
        least = subject.first_error()
        yield least
        try:
            for trial in itertools.product(*axes):
                error = subject.error(np.array(trial))
                if error < least:
                    best, least = subject.weights, error
                    yield least
        finally:
            subject.weights = best
        yield least
        return f"all {counted(count, 'combination')} were tried"

    def _axes(self, n: int) -> list[Any]:
        """The values that each of `n` weights may have."""
        if all(np.ndim(axis) == 0 for axis in self.values):
            return [np.asarray(self.values, np.float64)] * n
        if len(self.values) != n:
            raise ValueError(f"brute force has values of {len(self.values)} weights, not of {n}")
        return [np.asarray(axis, np.float64).ravel() for axis in self.values]


class HillClimbing(Method):
    """Try each weight `step` higher and lower, one after the other; keep what lowers the error.

    It ends in a round in which nothing did.
    """

    def __init__(self, step: float = 0.1) -> None:
        self.step = _positive("step", step)

    def run(self, subject: Subject) -> Run:
        """Go through all weights in each round."""
        best, least = subject.weights, subject.first_error()
        yield least
        try:
            improved = True
            while improved:
                improved = False
                for at, step in itertools.product(range(len(best)), (self.step, -self.step)):
                    trial = best.copy()
                    trial[at] += step
                    error = subject.error(trial)
                    if error < least:
                        best, least, improved = subject.weights, error, True
                subject.weights = best
                yield least
        finally:
            subject.weights = best
        return f"no step of {self.step:g} lowers the error"


class RandomHillClimbing(Method):
    """Change all weights at random, and keep what lowers the error.

    The changes are drawn from the normal distribution of standard deviation `scale`, one in each
    round, by `rng` or, without one, the package's generator.
    """

    def __init__(self, scale: float = 0.1, *, rng: np.random.Generator | None = None) -> None:
        self.scale = _positive("scale", scale)
        generator(rng)  # refuses what is none
        self.rng = rng

    def run(self, subject: Subject) -> Run:
        """One trial in each round."""
        best, least = subject.weights, subject.first_error()
        yield least
        try:
            while True:
                change = generator(self.rng).normal(0, self.scale, best.shape)
                error = subject.error(best + change)
                if error < least:
                    best, least = subject.weights, error
                subject.weights = best
                yield least
        finally:
            subject.weights = best


def _positive(what: str, x: float) -> float:
    if not 0 < x < math.inf:
        raise ValueError(f"{what} must be a positive number, not {x!r}")
    return x
