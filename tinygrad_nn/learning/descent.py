"""Gradient descent: by numerical gradients, and by backpropagation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..nn._weights import check_count
from ..optim import SGD, Optimizer
from ..random import generator
from ..value import Value
from ._subjects import PASSES, Subject
from .fit import Method, Run
from .rules import check_learning_rate


class NumericalGradient(Method):
    """w <- w - lr dE/dw, each slope from the error a little to the left and to the right.

    Takes 2 n + 1 evaluations for a step of n weights (`testing.numerical_gradient`).

    >>> from tinygrad_nn import learning
    >>> error = lambda w: (w[0] - 1) ** 2 + (w[1] + 2) ** 2
    >>> method = learning.NumericalGradient(lr=0.5)
    >>> history = learning.fit(error, method=method, start=[0.0, 0.0], goal=1e-9)
    >>> history.converged, len(history), int(history.evaluations[-1])
    (True, 2, 6)
    """

    def __init__(self, lr: float = 0.1) -> None:
        self.lr = check_learning_rate(lr)

    def run(self, subject: Subject) -> Run:
        """One step in each round."""
        from ..testing.numerical import numerical_gradient  # not loaded by those who do without

        weights = subject.weights
        yield subject.first_error()
        while True:
            try:
                gradient = numerical_gradient(subject.error, weights)
            finally:
                subject.weights = weights
            weights = weights - self.lr * gradient
            subject.weights = weights
            yield subject.measured()


class Backpropagation(Method):
    """Gradient descent with the gradient by all weights at once, from one backward pass.

    `optimizer` is made of the parameters, `lr` and `settings`, as `optim.SGD(parameters, lr)`. With
    a `batch_size` it takes a step for each batch, in a random order in each round, that is drawn
    from `rng` or the package's generator; without, one step for all examples. (P. Werbos, 1974;
    D. Rumelhart, G. Hinton, R. Williams, Nature 323 (1986) 533.)

    >>> from tinygrad_nn import learning
    >>> error = lambda w: (w[0] - 1) ** 2 + (w[1] + 2) ** 2
    >>> learning.fit(error, method=learning.Backpropagation(lr=0.5), start=[0.0, 0.0], goal=1e-9)
    History: error 5 -> 0 in 1 round, 6 evaluations; converged: the error is no larger than 1e-09
    """

    def __init__(
        self,
        lr: float = 0.1,
        optimizer: Callable[..., Optimizer] = SGD,
        *,
        batch_size: int | None = None,
        rng: np.random.Generator | None = None,
        **settings: Any,
    ) -> None:
        if not callable(optimizer):
            raise TypeError(f"optimizer must be a class such as optim.Adam, not {optimizer!r}")
        if batch_size is not None:
            check_count("examples in a batch", batch_size)
        generator(rng)  # refuses what is none
        self.optimizer = optimizer
        self.batch_size = batch_size
        self.rng = rng
        self.settings = {"lr": check_learning_rate(lr), **settings}
        optimizer([Value(0.0)], **self.settings)  # refuses unknown settings

    def run(self, subject: Subject) -> Run:
        """One step, or a pass through all batches, in each round."""
        optimizer = self.optimizer(subject.parameters, **self.settings)
        if self.batch_size is None:
            while True:
                subject.evaluations += PASSES
                yield subject.backward()
                optimizer.step()
        lengths = {len(part) if part.ndim else 0 for part in subject.data}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"batch_size= needs data of equal lengths, not {sorted(lengths)}")
        yield subject.measured()
        while True:
            subject.evaluations += PASSES
            for rows in self._batches(len(subject.data[0]), self.batch_size):
                subject.backward(rows)
                optimizer.step()
            yield subject.measured()

    def _batches(self, n: int, size: int) -> list[Any]:
        order = generator(self.rng).permutation(n)
        return [order[start : start + size] for start in range(0, n, size)]
