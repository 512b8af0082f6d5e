"""Functions of arrays and their derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from .work import SEED, Layers, Work, dashed, random_examples, random_layers


@dataclass(frozen=True)
class Elementwise(Work):
    """sum(tanh(2 x + 1) exp(-x^2)) and its gradient, for n numbers x in float32."""

    kind: ClassVar[str] = "elementwise"
    n: int

    @property
    def name(self) -> str:
        return f"elementwise-{self.n}"

    @property
    def title(self) -> str:
        return f"sum(tanh(2x+1) exp(-x^2)), n = {self.n:,}: value and gradient"

    @cached_property
    def data(self) -> np.ndarray:
        """x, of shape (n,)."""
        return np.random.default_rng(SEED).standard_normal(self.n, np.float32)


@dataclass(frozen=True)
class LogSumExp(Work):
    """Softmax regression: the mean of logsumexp(x W) - (x W)[label], and its gradient by W.

    In float32, and written with logsumexp rather than with a fused loss.
    """

    kind: ClassVar[str] = "logsumexp"
    examples: int = 1000
    features: int = 64
    classes: int = 10

    @property
    def title(self) -> str:
        return (
            f"log-sum-exp regression, {self.examples:,} x {self.features} in {self.classes} "
            "classes: value and gradient"
        )

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (examples, features) and labels (examples,)."""
        return random_examples(self.examples, self.features, self.classes)

    @cached_property
    def weight(self) -> np.ndarray:
        """W (features, classes)."""
        return random_layers((self.features, self.classes))[0][0]


@dataclass(frozen=True)
class HVP(Work):
    """The product of a loss's Hessian with a vector, in float32.

    The loss is the mean cross-entropy of a network with one hidden layer of tanh; the vector has
    an array like each of its weights. Nothing is kept from one product to the next.
    """

    kind: ClassVar[str] = "hvp"
    sizes: tuple[int, int, int] = (64, 128, 10)
    batch: int = 64

    @property
    def title(self) -> str:
        return f"Hessian-vector product, tanh MLP {dashed(self.sizes)}, batch {self.batch}"

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (batch, sizes[0]) and labels (batch,)."""
        return random_examples(self.batch, self.sizes[0], self.sizes[-1])

    @cached_property
    def weights(self) -> Layers:
        """Where the Hessian is taken: a weight (n_in, n_out) and a bias (n_out,) of each layer."""
        return random_layers(self.sizes)

    @cached_property
    def vector(self) -> Layers:
        """What the Hessian is multiplied with, in arrays like the weights."""
        rng = np.random.default_rng(SEED + 2)
        return [
            (rng.standard_normal(w.shape, np.float32), rng.standard_normal(b.shape, np.float32))
            for w, b in self.weights
        ]
