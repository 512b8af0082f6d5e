"""PyTorch, eager, with its own modules and optimizer and its default number of threads."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ..job import Job, training
from ..rows import MLP, Chain

version = torch.__version__


def mlp(row: MLP) -> Job:
    """nn.Sequential, nn.functional.cross_entropy, optim.SGD."""
    x, y = map(torch.from_numpy, row.data)
    layers: list[nn.Module] = []
    for weight, bias in row.weights:
        linear = nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(model.parameters(), lr=row.lr)

    def step() -> Any:
        loss: Any = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return training(step)


def chain(row: Chain) -> Job:
    """Tensors without axes."""
    x: Any = torch.tensor(row.start, dtype=torch.float64, requires_grad=True)
    if not row.leaves:

        def step() -> Any:
            x.grad = None
            y: Any = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Job(step, lambda: [float(step()), float(x.grad)])

    factors: list[Any] = [
        torch.full_like(x, row.factor, requires_grad=True) for _ in range(row.pairs)
    ]
    terms: list[Any] = [torch.full_like(x, row.term, requires_grad=True) for _ in range(row.pairs)]
    leaves: list[Any] = [x, *factors, *terms]

    def step_leaves() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y: Any = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Job(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )
