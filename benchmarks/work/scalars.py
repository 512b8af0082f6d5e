"""Graphs of scalars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from .work import Layers, Work, dashed, random_layers, two_moons


@dataclass(frozen=True)
class Chain(Work):
    """1,000 scalar operations, y <- y a and y <- y + b in turn, forward and backward, in float64.

    The operands a and b are numbers or, with `leaves`, each a scalar of its own that gets a
    gradient. What gradients an earlier step left is cleared as part of the step.
    """

    kind: ClassVar[str] = "chain"
    leaves: bool
    length: int = 1000
    start: ClassVar[float] = 1.0
    factor: ClassVar[float] = 1.001
    term: ClassVar[float] = 0.001

    @property
    def name(self) -> str:
        return "chain-leaves" if self.leaves else "chain-numbers"

    @property
    def title(self) -> str:
        operands = "leaves with gradients" if self.leaves else "numbers"
        return f"{self.length:,} scalar operations in a chain, operands are {operands}"

    @property
    def pairs(self) -> int:
        """How many times a multiplication and an addition."""
        return self.length // 2


@dataclass(frozen=True)
class MoonsScalar(Work):
    """A training step of micrograd's moons model, with a scalar for every weight, in float64.

    Its own classes of neurons, layers and perceptrons on each side's scalars; forward on every
    point, mean max-margin loss, alpha times the sum of squared weights, backward, and an update.
    """

    kind: ClassVar[str] = "moons_scalar"
    points: int = 100
    sizes: tuple[int, ...] = (2, 16, 16, 1)
    alpha: float = 1e-4
    lr: float = 0.05

    @property
    def title(self) -> str:
        return f"scalar MLP {dashed(self.sizes)} on {self.points} points of two moons, one step"

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (points, 2) and signs (points,)."""
        return two_moons(self.points, np.float64)

    @cached_property
    def weights(self) -> Layers:
        """The starting weight (n_in, n_out) and bias (n_out,) of each layer."""
        return random_layers(self.sizes, np.float64)

    def numbers(self) -> list[float]:
        """The starting weights as micrograd lists them: of each neuron those, then its bias."""
        return [
            float(number)
            for weight, bias in self.weights
            for column, own in zip(weight.T, bias, strict=True)
            for number in (*column, own)
        ]


@dataclass(frozen=True)
class ScalarGraph(Work):
    """A recorded chain of y <- y x and y <- y + x from y = x, not yet differentiated.

    Derivatives need the y before each multiplication. The step returns what holds the graph.
    """

    kind: ClassVar[str] = "scalar_graph"
    length: int = 100_000
    start: ClassVar[float] = 0.5

    @property
    def title(self) -> str:
        return f"a recorded chain of {self.length:,} scalar operations"

    @property
    def pairs(self) -> int:
        """How many times a multiplication and an addition."""
        return self.length // 2
