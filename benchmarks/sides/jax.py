"""JAX, the whole step compiled by jit as one program, and waited for."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from ..job import Job, training
from ..rows import MLP, Chain

version = jax.__version__


def mlp(row: MLP) -> Job:
    """Parameters as a list of pairs, whose memory each step gives to the next."""
    x, y = map(jnp.asarray, row.data)
    parameters = [(jnp.array(weight), jnp.array(bias)) for weight, bias in row.weights]

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        *hidden, (weight, bias) = parameters
        for hidden_weight, hidden_bias in hidden:
            x = jax.nn.relu(x @ hidden_weight + hidden_bias)
        log_p = jax.nn.log_softmax(x @ weight + bias)
        return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

    @functools.partial(jax.jit, donate_argnums=0)
    def update(parameters: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, x, y)
        return loss, jax.tree.map(lambda p, g: p - row.lr * g, parameters, gradients)

    def step() -> Any:
        nonlocal parameters
        loss, parameters = update(parameters, x, y)
        return loss.block_until_ready()

    return training(step)


def chain(row: Chain) -> Job:
    """The chain as one straight program or, over operands with gradients, a scan."""
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    x = jnp.asarray(row.start)
    factors = jnp.full(row.pairs, row.factor)
    terms = jnp.full(row.pairs, row.term)

    def number_chain(x: Any) -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * row.factor
            y = y + row.term
        return y

    def leaf_chain(x: Any, factors: Any, terms: Any) -> Any:
        return jax.lax.scan(lambda y, ab: (y * ab[0] + ab[1], None), x, (factors, terms))[0]

    if not row.leaves:
        numbers = jax.jit(jax.value_and_grad(number_chain))
        return Job(
            lambda: numbers(x)[0].block_until_ready(), lambda: [float(v) for v in numbers(x)]
        )

    leaves = jax.jit(jax.value_and_grad(leaf_chain, argnums=(0, 1, 2)))

    def check() -> list[float]:
        y, (g, g_factors, g_terms) = leaves(x, factors, terms)
        return [float(y), float(g), float(g), *g_factors.tolist(), *g_terms.tolist()]

    return Job(lambda: leaves(x, factors, terms)[0].block_until_ready(), check)
