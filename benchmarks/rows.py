"""The rows of the benchmark: what is computed, on which data, and which ratios are aimed at.

To add a row of a kind that exists, add a line to `ROWS`. For a new kind of work, write a
dataclass here with a `kind`, and in every module of `sides` that can do it a function of that
name, which takes the dataclass and returns a `Job`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

SEED = 0


@dataclass(frozen=True)
class MLP:
    """One training step of a multi-layer perceptron, in float32.

    Forward with ReLU on the hidden layers, mean cross-entropy of integer labels, backward, and
    an update by gradient descent.
    """

    kind: ClassVar[str] = "mlp"
    sizes: tuple[int, ...]
    batch: int
    lr: float = 0.1

    @property
    def name(self) -> str:
        return "mlp-" + "-".join(map(str, self.sizes))

    @property
    def title(self) -> str:
        return f"MLP {'-'.join(map(str, self.sizes))}, batch {self.batch}: one training step"

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (batch, sizes[0]) and labels (batch,)."""
        rng = np.random.default_rng(SEED)
        x = rng.standard_normal((self.batch, self.sizes[0]), np.float32)
        return x, rng.integers(0, self.sizes[-1], self.batch)

    @cached_property
    def weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The starting weight (n_in, n_out) and bias (n_out,) of each layer."""
        rng = np.random.default_rng(SEED + 1)
        layers = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False):
            bound = 1 / math.sqrt(n_in)
            weight = rng.uniform(-bound, bound, (n_in, n_out)).astype(np.float32)
            bias = rng.uniform(-bound, bound, n_out).astype(np.float32)
            layers.append((weight, bias))
        return layers


@dataclass(frozen=True)
class Chain:
    """1,000 scalar operations, y <- y a and y <- y + b in turn, forward and backward, in float64.

    The operands a and b are numbers or, with `leaves`, each a scalar of its own that gets a
    gradient. What gradients an earlier step left is cleared as part of the step.
    """

    kind: ClassVar[str] = "chain"
    leaves: bool
    length: ClassVar[int] = 1000
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
class Row:
    """Work to be timed, and by peer the ratio of our time to its that is aimed at."""

    work: Any
    targets: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.work.name)

    @property
    def title(self) -> str:
        return str(self.work.title)


ROWS = [
    Row(MLP((2, 16, 16, 2), batch=100), {"torch": 0.85, "numpy": 2.0}),
    Row(MLP((64, 128, 10), batch=64), {"torch": 0.85, "numpy": 2.0}),
    Row(MLP((784, 256, 128, 10), batch=128), {"torch": 1.0, "numpy": 2.0}),
    Row(MLP((1024, 2048, 2048, 10), batch=512), {"torch": 1.0, "numpy": 2.0}),
    Row(Chain(leaves=False), {"micrograd": 1.0}),
    Row(Chain(leaves=True), {"micrograd": 1.0}),
]


def row_named(name: str) -> Row:
    """The row of that name."""
    return next(row for row in ROWS if row.name == name)
