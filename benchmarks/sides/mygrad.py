"""MyGrad, with its own fused loss, and without memory guarding, as it advises for speed."""

# mypy: disable-error-code="attr-defined,no-untyped-call,assignment,operator,arg-type"
from __future__ import annotations

from typing import Any

import mygrad as mg
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from ..job import Job, training
from ..rows import MLP, Chain

version = mg.__version__
mg.turn_memory_guarding_off()


def mlp(row: MLP) -> Job:
    """Tensors that are updated in place."""
    x, y = row.data
    layers = [(mg.tensor(weight), mg.tensor(bias)) for weight, bias in row.weights]
    *hidden, (weight, bias) = layers
    parameters = [parameter for layer in layers for parameter in layer]

    def step() -> Any:
        out = x
        for hidden_weight, hidden_bias in hidden:
            out = relu(mg.matmul(out, hidden_weight) + hidden_bias)
        loss = softmax_crossentropy(mg.matmul(out, weight) + bias, y)
        loss.backward()
        for parameter in parameters:
            parameter.data -= row.lr * parameter.grad
        return loss

    return training(step)


def chain(row: Chain) -> Job:
    """Tensors without axes. MyGrad clears gradients itself when a tensor is used again."""
    x = mg.tensor(row.start)
    if not row.leaves:

        def step() -> Any:
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Job(step, lambda: [float(step()), float(x.grad)])

    factors = [mg.tensor(row.factor) for _ in range(row.pairs)]
    terms = [mg.tensor(row.term) for _ in range(row.pairs)]
    leaves = [x, *factors, *terms]

    def step_leaves() -> Any:
        y = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Job(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )
