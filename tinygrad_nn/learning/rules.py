"""Rules for one layer: the perceptron rule and the delta rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError
from ..nn.layers import Layer, Linear
from ..nn.neurons import Neuron, Perceptron
from ..value import Value
from ._subjects import ModelOnData, Subject
from .fit import Method, Run


class PerceptronRule(Method):
    """On a mistake, w <- w + lr x where the target is 1, and w <- w - lr x where it is not.

    The bias is the weight of a constant input 1. A round is a pass through the examples in their
    order, and it ends in one without a mistake. That comes if a line (a plane, ...) separates the
    two classes (A. Novikoff, 1962); if none does, as with XOR, it never comes, and the history
    says that it did not converge. For `nn.Perceptron`, with its outputs as targets.

    >>> import numpy as np
    >>> from tinygrad_nn import learning, nn
    >>> x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> learning.fit(nn.Perceptron(2, (0, 1)), (x, [0, 0, 0, 1]), learning.PerceptronRule())
    History: error 0.75 -> 0 in 6 rounds, 6 evaluations; converged: a round without mistakes
    """

    def __init__(self, lr: float = 1.0) -> None:
        self.lr = check_learning_rate(lr)

    def run(self, subject: Subject) -> Run:
        """A pass through the examples in each round."""
        model, inputs, targets = _examples(subject, [Perceptron], "the perceptron rule")
        low, high = model.outputs
        if targets.shape != inputs.shape[:-1]:
            raise ShapeError(f"{inputs.shape[:-1]} examples, but targets of shape {targets.shape}")
        if not np.isin(targets, (low, high)).all():
            raise ValueError(f"the targets of the perceptron rule are {low} or {high}")
        rows, steps = inputs.reshape(-1, inputs.shape[-1]), np.where(targets == high, 1, -1).ravel()
        yield subject.measured()
        while True:
            subject.evaluations += 1
            w, b = model.weight.data.copy(), 0.0 if model.bias is None else model.bias.data
            mistakes = False
            for x, step in zip(rows, self.lr * steps, strict=True):
                if (x @ w + b >= 0) != (step > 0):
                    mistakes = True
                    w += step * x
                    b = b if model.bias is None else b + step
            if not mistakes:
                # Of all examples at once, sums may round otherwise; then these are mistakes.
                wrong = np.ravel(model(inputs).data != targets)
                if not wrong.any():
                    yield subject.measured()
                    return "a round without mistakes"
                w += self.lr * steps[wrong] @ rows[wrong]
                b = b if model.bias is None else b + self.lr * steps[wrong].sum()
            _assign(model, w, b)
            yield subject.measured()

    def remark(self, subject: Subject) -> str:
        """How many examples are wrong still."""
        model, inputs, targets = _examples(subject, [Perceptron], "")
        wrong = int(np.sum(model(inputs).data != targets))
        return f", with {wrong} of {targets.size} examples wrong; perhaps no line separates them"


class DeltaRule(Method):
    """w <- w - lr delta x, where delta = prediction - target (B. Widrow, M. Hoff, 1960).

    Online, after each example, in their order; with `batch=True` once in each round, by the sum
    over all examples. The bias is the weight of a constant input 1. It is gradient descent on half
    the squared error, of linear neurons: `nn.Neuron(n, "linear")` or `nn.Linear`.

    >>> import numpy as np
    >>> from tinygrad_nn import learning, nn
    >>> neuron = nn.Neuron(1, "linear", bias=False, dtype=np.float64)
    >>> neuron.weight.data = [0.2]
    >>> history = learning.fit(neuron, ([[0.4]], [0.7]), learning.DeltaRule(lr=1.0), rounds=20)
    >>> history.errors[:3].tolist()
    [0.38439999999999985, 0.2712326399999999, 0.19138175078399997]
    """

    def __init__(self, lr: float = 0.1, *, batch: bool = False) -> None:
        self.lr = check_learning_rate(lr)
        self.batch = batch

    def run(self, subject: Subject) -> Run:
        """A pass through the examples in each round."""
        model, inputs, targets = _examples(subject, [Neuron, Linear, Layer], "the delta rule")
        if getattr(model, "activation", None) is not None:
            raise TypeError("the delta rule is for linear neurons; others need Backpropagation")
        rows = inputs.reshape(-1, inputs.shape[-1])
        expected = (*inputs.shape[:-1], *model.weight.shape[:-1])
        if targets.shape != expected:
            raise ShapeError(f"the predictions are {expected}, the targets {targets.shape}")
        aims = targets.reshape(len(rows), -1)
        size = len(rows) if self.batch else 1
        yield subject.measured()
        while True:
            subject.evaluations += 1
            w, b = np.atleast_2d(model.weight.data).copy(), model.bias
            b = np.zeros(len(w)) if b is None else np.array(b.data, ndmin=1)
            for at in range(0, len(rows), size):
                x = rows[at : at + size]
                delta = x @ w.T + b - aims[at : at + size]
                w -= (self.lr * delta).T @ x
                if model.bias is not None:
                    b -= self.lr * delta.sum(axis=0)
            _assign(model, w, b)
            yield subject.measured()


def _examples(subject: Subject, kinds: list[type], what: str) -> tuple[Any, Any, Any]:
    """The model, if it computes what one of `kinds` does, with inputs (..., n_in) and targets."""
    model = subject.model if isinstance(subject, ModelOnData) else None
    if model is None or type(model).forward not in [kind.forward for kind in kinds]:  # type: ignore[attr-defined]
        names = " or nn.".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{what} is for nn.{names}; others need a method such as Backpropagation")
    if any(not p.requires_grad for p in model.parameters()):
        raise ValueError(f"{what} changes all parameters, but some are frozen")
    inputs, targets = subject.data
    n_in = model.weight.shape[-1]  # type: ignore[attr-defined]
    if inputs.shape[-1:] != (n_in,):
        raise ShapeError(
            f"inputs for {n_in} weights must be (examples, {n_in}), not of shape {inputs.shape}"
        )
    return model, inputs, targets


def _assign(model: Any, weight: Any, bias: Any) -> None:
    for parameter, new in ((model.weight, weight), (model.bias, bias)):
        if isinstance(parameter, Value):
            parameter.data = np.reshape(new, parameter.shape)


def check_learning_rate(lr: float) -> float:
    """`lr`, or a ValueError."""
    if not 0 < lr < np.inf:
        raise ValueError(f"lr must be a positive number, not {lr!r}")
    return lr
