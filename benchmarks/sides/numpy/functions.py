"""Functions of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...job import Timed, derivatives, summary
from ...work import HVP, Elementwise, LogSumExp
from .layers import Array, cross_entropy


def elementwise(row: Elementwise) -> Timed:
    """With t = tanh(2x + 1) and e = exp(-x^2), the gradient is 2 e (1 - t (t + x))."""
    x = row.data

    def value_and_gradient() -> tuple[Any, list[Array]]:
        t = 2 * x
        t += 1
        np.tanh(t, out=t)
        e = x * x
        np.negative(e, out=e)
        np.exp(e, out=e)
        value = t @ e
        g = t + x
        g *= t
        np.subtract(1, g, out=g)
        e *= 2
        g *= e
        return value, [g]

    return derivatives(value_and_gradient)


def logsumexp(row: LogSumExp) -> Timed:
    x, labels = row.data
    weight = row.weight
    examples = np.arange(row.examples)

    def value_and_gradient() -> tuple[Any, list[Array]]:
        value, g = cross_entropy(x @ weight, labels, examples)
        return value, [x.T @ g]

    return derivatives(value_and_gradient)


def hvp(row: HVP) -> Timed:
    """The gradient's derivative along the vector, each line after the one it is of.

    B. Pearlmutter, Fast exact multiplication by the Hessian, 1994.
    """
    x, labels = row.data
    (w1, b1), (w2, b2) = row.weights
    (r_w1, r_b1), (r_w2, r_b2) = row.vector
    examples = np.arange(row.batch)

    def product() -> list[Array]:
        h = x @ w1
        h += b1
        np.tanh(h, out=h)
        slope = h * h
        np.subtract(1, slope, out=slope)
        r_h = x @ r_w1
        r_h += r_b1
        r_h *= slope

        p = h @ w2
        p += b2
        r_p = r_h @ w2
        r_p += h @ r_w2
        r_p += r_b2
        p -= p.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(axis=1, keepdims=True)
        r_p -= np.vecdot(p, r_p)[:, None]
        r_p *= p

        g = p
        g[examples, labels] -= 1
        g /= row.batch
        r_g = r_p
        r_g /= row.batch
        r_g_w2 = r_h.T @ g
        r_g_w2 += h.T @ r_g

        r_g_h = r_g @ w2.T
        r_g_h += g @ r_w2.T
        g_h = g @ w2.T
        g_h *= h
        g_h *= r_h
        g_h *= 2
        r_g_h *= slope
        r_g_h -= g_h
        return [x.T @ r_g_h, r_g_h.sum(axis=0), r_g_w2, r_g.sum(axis=0)]

    return Timed(product, lambda: summary(product()))
