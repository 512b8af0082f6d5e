"""Parameters as trees of arrays, whose memory each step gives to the next."""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ...job import Timed, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from ...work.networks import Epoch


def mlp(row: MLP) -> Timed:
    x, y = map(jnp.asarray, row.data)
    parameters = _parameters(row)

    @functools.partial(jax.jit, donate_argnums=0)
    def update(parameters: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(_cross_entropy)(parameters, x, y)
        return loss, _descended(parameters, gradients, row.lr)

    def step() -> Any:
        nonlocal parameters
        loss, parameters = update(parameters, x, y)
        return loss.block_until_ready()

    return training(step)


def digits_epoch(row: DigitsEpoch) -> Timed:
    """The state is the parameters and their velocities."""

    def update(state: Any, x: Any, y: Any) -> Any:
        parameters, velocities = state
        loss, gradients = jax.value_and_grad(_cross_entropy)(parameters, x, y)
        gradients = jax.tree.map(lambda g, p: g + row.weight_decay * p, gradients, parameters)
        velocities = jax.tree.map(lambda v, g: row.momentum * v + g, velocities, gradients)
        changes = jax.tree.map(lambda g, v: g + row.momentum * v, gradients, velocities)
        return (_descended(parameters, changes, row.lr), velocities), loss

    parameters = _parameters(row)
    return _epoch(row, update, (parameters, jax.tree.map(jnp.zeros_like, parameters)))


def moons_epoch(row: MoonsEpoch) -> Timed:
    def hinge(parameters: Any, x: Any, signs: Any) -> Any:
        return jax.nn.relu(1 - signs * _outputs(parameters, x)[:, 0]).mean()

    def update(parameters: Any, x: Any, signs: Any) -> Any:
        loss, gradients = jax.value_and_grad(hinge)(parameters, x, signs)
        return _descended(parameters, gradients, row.lr), loss

    return _epoch(row, update, _parameters(row))


def rnn(row: RNN) -> Timed:
    """The cell in a scan, which compiles it once."""
    x, target = map(jnp.asarray, row.data)
    parameters = tuple(map(jnp.asarray, row.weights))

    @jax.jit
    @jax.value_and_grad
    def value_and_gradients(parameters: Any, x: Any, target: Any) -> Any:
        w, u, b = parameters

        def cell(h: Any, x_t: Any) -> Any:
            return jnp.tanh(x_t @ w + h @ u + b), None

        h, _ = jax.lax.scan(cell, jnp.zeros_like(target), x)
        return ((h - target) ** 2).mean()

    return derivatives(lambda: jax.block_until_ready(value_and_gradients(parameters, x, target)))


def _parameters(row: MLP | Epoch) -> Any:
    return [(jnp.array(weight), jnp.array(bias)) for weight, bias in row.weights]


def _outputs(parameters: Any, x: Any) -> Any:
    *hidden, (weight, bias) = parameters
    for hidden_weight, hidden_bias in hidden:
        x = jax.nn.relu(x @ hidden_weight + hidden_bias)
    return x @ weight + bias


def _cross_entropy(parameters: Any, x: Any, y: Any) -> Any:
    log_p = jax.nn.log_softmax(_outputs(parameters, x))
    return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()


def _descended(parameters: Any, gradients: Any, lr: float) -> Any:
    return jax.tree.map(lambda p, g: p - lr * g, parameters, gradients)


def _epoch(row: Epoch, update: Callable[..., Any], state: Any) -> Timed:
    """The whole epoch compiled, as a scan over its batches."""
    x, y = map(jnp.asarray, row.data)
    shuffled = row.shuffling()

    @functools.partial(jax.jit, donate_argnums=0)
    def epoch(state: Any, x: Any, y: Any, order: Any) -> Any:
        state, losses = jax.lax.scan(lambda s, batch: update(s, x[batch], y[batch]), state, order)
        return state, losses.mean()

    def step() -> float:
        nonlocal state
        state, loss = epoch(state, x, y, shuffled())
        return float(loss)

    return training(step)
