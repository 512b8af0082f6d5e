"""Functions of arrays."""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad
from autograd.differential_operators import make_hvp
from autograd.scipy.special import logsumexp as log_sum_exp

from ...job import Timed, derivatives, summary
from ...work import HVP, Elementwise, LogSumExp
from ..numpy.layers import flat


def elementwise(row: Elementwise) -> Timed:
    x = row.data

    def f(x: Any) -> Any:
        return anp.sum(anp.tanh(2 * x + 1) * anp.exp(-(x**2)))

    value_and_gradient = value_and_grad(f)

    def step() -> Any:
        value, gradient = value_and_gradient(x)
        return value, [gradient]

    return derivatives(step)


def logsumexp(row: LogSumExp) -> Timed:
    """What an example has at its label, by one-hot rows, which cost less than indexing."""
    x, labels = row.data
    weight = row.weight
    one_hot = np.eye(row.classes, dtype=np.float32)[labels]

    def loss_of(weight: Any) -> Any:
        z = anp.dot(x, weight)
        return (anp.sum(log_sum_exp(z, axis=1)) - anp.sum(z * one_hot)) / row.examples

    value_and_gradient = value_and_grad(loss_of)

    def step() -> Any:
        value, gradient = value_and_gradient(weight)
        return value, [gradient]

    return derivatives(step)


def hvp(row: HVP) -> Timed:
    """Reverse over reverse, by autograd's own make_hvp."""
    x, labels = row.data
    one_hot = np.eye(row.sizes[-1], dtype=np.float32)[labels]

    def loss_of(layers: Any) -> Any:
        (w1, b1), (w2, b2) = layers
        z = anp.dot(anp.tanh(anp.dot(x, w1) + b1), w2) + b2
        return (anp.sum(log_sum_exp(z, axis=1)) - anp.sum(z * one_hot)) / row.batch

    hvp_at = make_hvp(loss_of)

    def product() -> Any:
        return hvp_at(row.weights)[0](row.vector)

    return Timed(product, lambda: summary(flat(product())))
