"""Functions of arrays; what does not change is an argument, so that it is not folded away."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...job import Timed, derivatives, summary
from ...work import HVP, Elementwise, LogSumExp


def elementwise(row: Elementwise) -> Timed:
    x = jnp.asarray(row.data)

    @jax.jit
    @jax.value_and_grad
    def value_and_gradient(x: Any) -> Any:
        return (jnp.tanh(2 * x + 1) * jnp.exp(-(x**2))).sum()

    def step() -> Any:
        value, gradient = jax.block_until_ready(value_and_gradient(x))
        return value, [gradient]

    return derivatives(step)


def logsumexp(row: LogSumExp) -> Timed:
    x, labels = map(jnp.asarray, row.data)
    weight = jnp.asarray(row.weight)

    @jax.jit
    @jax.value_and_grad
    def value_and_gradient(weight: Any, x: Any, labels: Any) -> Any:
        z = x @ weight
        at_label = jnp.take_along_axis(z, labels[:, None], axis=1)[:, 0]
        return (jax.nn.logsumexp(z, axis=1) - at_label).mean()

    def step() -> Any:
        value, gradient = jax.block_until_ready(value_and_gradient(weight, x, labels))
        return value, [gradient]

    return derivatives(step)


def hvp(row: HVP) -> Timed:
    """Forward over reverse, as JAX's own guide advises."""
    x, labels = map(jnp.asarray, row.data)
    parameters = [tuple(map(jnp.asarray, layer)) for layer in row.weights]
    vector = [tuple(map(jnp.asarray, layer)) for layer in row.vector]

    @jax.jit
    def product(parameters: Any, vector: Any, x: Any, labels: Any) -> Any:
        def loss_of(parameters: Any) -> Any:
            (w1, b1), (w2, b2) = parameters
            log_p = jax.nn.log_softmax(jnp.tanh(x @ w1 + b1) @ w2 + b2)
            return -jnp.take_along_axis(log_p, labels[:, None], axis=1).mean()

        return jax.jvp(jax.grad(loss_of), (parameters,), (vector,))[1]

    def step() -> Any:
        return jax.block_until_ready(product(parameters, vector, x, labels))

    return Timed(step, lambda: summary(jax.tree.leaves(step())))
