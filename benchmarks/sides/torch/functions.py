"""Functions of tensors; `compiled` is applied to them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ...job import Compile, Timed, as_it_is, derivatives, summary
from ...work import HVP, Elementwise, LogSumExp


def elementwise(row: Elementwise, compiled: Compile = as_it_is) -> Timed:
    x = torch.from_numpy(row.data).requires_grad_()

    @compiled
    def f(x: Any) -> Any:
        return (torch.tanh(2 * x + 1) * torch.exp(-x * x)).sum()

    def step() -> Any:
        value = f(x)
        return value, torch.autograd.grad(value, x)

    return derivatives(step)


def logsumexp(row: LogSumExp, compiled: Compile = as_it_is) -> Timed:
    x, labels = map(torch.from_numpy, row.data)
    weight = torch.from_numpy(row.weight).requires_grad_()
    places = labels[:, None]

    @compiled
    def loss_of(weight: Any) -> Any:
        z = x @ weight
        return (z.logsumexp(dim=1) - z.gather(1, places).squeeze(1)).mean()

    def step() -> Any:
        loss = loss_of(weight)
        return loss, torch.autograd.grad(loss, weight)

    return derivatives(step)


def hvp(row: HVP) -> Timed:
    """The gradient's graph differentiated again, reverse over reverse."""
    x, labels = map(torch.from_numpy, row.data)
    parameters: Any = [torch.from_numpy(p).requires_grad_() for wb in row.weights for p in wb]
    vector = [torch.from_numpy(p) for layer in row.vector for p in layer]

    def loss_of(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        h = torch.tanh(torch.addmm(b1, x, w1))
        return nn.functional.cross_entropy(torch.addmm(b2, h, w2), labels)

    def product() -> Any:
        loss = loss_of(*parameters)
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        return torch.autograd.grad(gradients, parameters, vector)

    return Timed(product, lambda: summary(product()))
