"""Numerical derivatives, and the check of reverse-mode gradients against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value

# The primitives of the package, without those that tests define.
PRIMITIVES = [p for p in tg.primitives.values() if p.module.startswith("tinygrad_nn.")]


def numerical_gradient(
    f: Callable[..., float], inputs: Sequence[np.ndarray], at: int, step: float = 1e-2
) -> np.ndarray:
    """The gradient of the number f(*inputs) by inputs[at], elementwise.

    Central differences with steps h, h/2, h/4, extrapolated twice (Richardson): what is left is
    of order h^6.
    """
    x = np.array(inputs[at], dtype=np.float64)
    gradient = np.empty(x.shape)

    def moved(place: tuple[int, ...], distance: float) -> float:
        there = x.copy()
        there[place] += distance
        return float(f(*inputs[:at], there[()], *inputs[at + 1 :]))

    for place in np.ndindex(x.shape):
        slopes = [
            (moved(place, h) - moved(place, -h)) / (2 * h) for h in (step, step / 2, step / 4)
        ]
        once = [(4 * slopes[1] - slopes[0]) / 3, (4 * slopes[2] - slopes[1]) / 3]
        gradient[place] = (16 * once[1] - once[0]) / 15
    return gradient


def _is_float(x: Any) -> bool:
    return np.asarray(x).dtype.kind == "f"


def _total(weights: Any, result: Any) -> float:
    return float(np.sum(weights * result))


def _gradients(
    f: Callable[..., Any], inputs: Sequence[Any], cotangent: Any, create_graph: bool = False
) -> tuple[list[Value], list[Any]]:
    """Fresh Values of the float inputs, and the gradient by each of sum(cotangent * f(*inputs))."""
    arguments = [Value(x) if _is_float(x) else x for x in inputs]
    variables = [x for x in arguments if isinstance(x, Value)]
    f(*arguments).backward(cotangent, create_graph=create_graph)
    return variables, [np.zeros(v.shape) if v.grad is None else v.grad for v in variables]


def check_gradients(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    rtol: float = 1e-6,
    atol: float = 1e-7,
    step: float = 1e-2,
) -> None:
    """Assert that reverse-mode derivatives of f by every floating-point input are right.

    f is sampled in random directions of its output. With order 2, a random projection of the
    gradient is differentiated again: by the inputs, and by the direction the gradient is of.
    """
    rng = np.random.default_rng(1)
    inputs = tuple(np.float64(x) if isinstance(x, float) else x for x in inputs)
    places = [at for at, x in enumerate(inputs) if _is_float(x)]
    plain = [np.asarray(x)[()] for x in inputs]
    with tg.no_grad():
        result = f(*[Value(x) if _is_float(x) else x for x in inputs])
    cotangent = rng.normal(size=result.shape)[()] if result.shape else rng.normal()

    def forward(*arrays: Any) -> float:
        with tg.no_grad():
            values = [Value(x) if _is_float(x) else x for x in arrays]
            return _total(cotangent, f(*values).data)

    variables, gradients = _gradients(f, inputs, cotangent)
    for at, variable, gradient in zip(places, variables, gradients, strict=True):
        assert np.shape(gradient) == variable.shape, f"shape of the gradient of input {at}"
        assert gradient.dtype == variable.dtype, f"dtype of the gradient of input {at}"
        np.testing.assert_allclose(
            gradient,
            numerical_gradient(forward, plain, at, step),
            rtol,
            atol,
            err_msg=f"gradient by input {at}",
        )
    if order < 2:
        return

    directions = [rng.normal(size=variable.shape) for variable in variables]

    def projected(*arrays: Any) -> float:
        *arrays, weights = arrays
        _, gradients = _gradients(f, arrays, weights)
        return sum(_total(u, g) for u, g in zip(directions, gradients, strict=True))

    weights = Value(cotangent)
    variables, gradients = _gradients(f, inputs, weights, create_graph=True)
    projection = sum((g * u).sum() for u, g in zip(directions, gradients, strict=True))
    for variable in variables:
        variable.zero_grad()
    if isinstance(projection, Value) and projection.requires_grad:
        projection.backward()
    for at, variable in zip([*places, len(plain)], [*variables, weights], strict=True):
        np.testing.assert_allclose(
            np.zeros(variable.shape) if variable.grad is None else variable.grad,
            numerical_gradient(projected, [*plain, np.asarray(cotangent)[()]], at, step),
            rtol,
            atol,
            err_msg=f"second derivative by input {at}",
        )
        variable.zero_grad()
