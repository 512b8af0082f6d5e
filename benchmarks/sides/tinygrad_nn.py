"""This package, as its users write it."""

from __future__ import annotations

from typing import Any

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim

from ..job import Job, training
from ..rows import MLP, Chain

version = tg.__version__


def mlp(row: MLP) -> Job:
    """An eager training step."""
    x, y = row.data
    model = nn.MLP(row.sizes[0], row.sizes[1:])
    state: dict[str, Any] = {}
    for at, (weight, bias) in enumerate(row.weights):
        state |= {f"layers.{at}.weight": weight.T, f"layers.{at}.bias": bias}
    model.load_state_dict(state)
    optimizer = optim.SGD(model.parameters(), lr=row.lr)

    def step() -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return training(step)


def chain(row: Chain) -> Job:
    """Scalar Values."""
    x = Value(row.start)
    if not row.leaves:

        def step() -> Any:
            x.zero_grad()
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Job(step, lambda: [float(step()), float(x.grad)])

    factors = [Value(row.factor) for _ in range(row.pairs)]
    terms = [Value(row.term) for _ in range(row.pairs)]
    leaves = [x, *factors, *terms]

    def step_leaves() -> Any:
        for leaf in leaves:
            leaf.zero_grad()
        y = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Job(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )
