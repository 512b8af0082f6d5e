"""Networks of tensors: training steps, epochs, and a recurrent cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from ..job import LeftOutError
from .work import SEED, Layers, Work, dashed, random_examples, random_layers, two_moons


@dataclass(frozen=True)
class MLP(Work):
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
        return f"mlp-{dashed(self.sizes)}"

    @property
    def title(self) -> str:
        return f"MLP {dashed(self.sizes)}, batch {self.batch}: one training step"

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (batch, sizes[0]) and labels (batch,)."""
        return random_examples(self.batch, self.sizes[0], self.sizes[-1])

    @cached_property
    def weights(self) -> Layers:
        """The starting weight (n_in, n_out) and bias (n_out,) of each layer."""
        return random_layers(self.sizes)


@dataclass(frozen=True)
class Epoch(Work):
    """One pass through a data set in a new random order, in float32: as many steps as batches.

    A step gives the mean of the batches' losses, each read as a number as soon as it is there,
    unless the epoch is compiled as a whole. What is left after the last full batch is dropped.
    """

    sizes: tuple[int, ...]
    batch: int
    lr: float

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (n, sizes[0]) and targets (n,)."""
        raise NotImplementedError

    @cached_property
    def weights(self) -> Layers:
        """The starting weight (n_in, n_out) and bias (n_out,) of each layer."""
        return random_layers(self.sizes)

    @property
    def batches(self) -> int:
        return len(self.data[0]) // self.batch

    def shuffling(self) -> Callable[[], np.ndarray]:
        """A function that draws the order of an epoch: places of examples (batches, batch)."""
        rng = np.random.default_rng(SEED)
        n = len(self.data[0])
        used = self.batches * self.batch
        return lambda: rng.permutation(n)[:used].reshape(-1, self.batch)


@dataclass(frozen=True)
class DigitsEpoch(Epoch):
    """An epoch of `examples/digits.py`: ReLU, cross-entropy, Nesterov momentum, weight decay.

    Without its dropout, whose random numbers differ between sides.
    """

    kind: ClassVar[str] = "digits_epoch"
    sizes: tuple[int, ...] = (64, 256, 10)
    batch: int = 32
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4

    @property
    def title(self) -> str:
        return f"an epoch of digits: MLP {dashed(self.sizes)}, batch {self.batch}, momentum"

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Four fifths of scikit-learn's pictures (n, 64), from 0 to 1, and their labels (n,)."""
        try:
            from sklearn.datasets import load_digits
        except ImportError as error:
            raise LeftOutError(f"not installed ({error})") from None
        pictures, labels = load_digits(return_X_y=True)
        order = np.random.default_rng(SEED).permutation(len(labels))[len(labels) // 5 :]
        return (pictures[order] / 16).astype(np.float32), labels[order]


@dataclass(frozen=True)
class MoonsEpoch(Epoch):
    """An epoch of two moons, by hinge loss max(0, 1 - sign score) and gradient descent."""

    kind: ClassVar[str] = "moons_epoch"
    sizes: tuple[int, ...] = (2, 16, 16, 1)
    batch: int = 10
    lr: float = 0.1
    points: int = 100

    @property
    def title(self) -> str:
        return (
            f"an epoch of two moons: {self.points} points, MLP {dashed(self.sizes)}, "
            f"batch {self.batch}, hinge loss"
        )

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        return two_moons(self.points, np.float32)


@dataclass(frozen=True)
class RNN(Work):
    """A tanh cell unrolled over a sequence; value and gradients by its weights, in float32.

    h <- tanh(x[t] W + h U + b) from h = 0 for each t, and the mean square of the last h less a
    target.
    """

    kind: ClassVar[str] = "rnn"
    steps: int = 50
    batch: int = 16
    features: int = 16
    hidden: int = 32

    @property
    def title(self) -> str:
        return (
            f"tanh RNN cell {self.features}-{self.hidden} unrolled over {self.steps} steps, "
            f"batch {self.batch}: value and gradients"
        )

    @cached_property
    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Inputs (steps, batch, features) and targets (batch, hidden)."""
        rng = np.random.default_rng(SEED)
        x = rng.standard_normal((self.steps, self.batch, self.features), np.float32)
        return x, rng.standard_normal((self.batch, self.hidden), np.float32)

    @cached_property
    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """W (features, hidden), U (hidden, hidden) and b (hidden,)."""
        (w, b), (u, _) = random_layers((self.features, self.hidden, self.hidden))
        return w, u, b
