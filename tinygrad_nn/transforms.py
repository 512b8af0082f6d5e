"""Derivatives of functions."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import engine, ops
from .engine import Node
from .errors import ShapeError
from .value import Value, make_value


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that computes the gradient of `f`, which returns one number.

    `argnums` says by which positional arguments: the gradient of one has its shape and dtype,
    several come as a tuple. `f` takes arrays, numbers or Values, sees those arguments as Values,
    and any others as they are. The result is an array, and a Value only where it can itself be
    differentiated: when an argument is a Value that requires a gradient, or `f` uses one from
    outside, such as a model's parameter. Of what `f` does not depend on, the gradient is 0.

    Raises TypeError for an integer array (it has no derivative), ShapeError if `f` returns more
    than one number.

    >>> import tinygrad_nn as tg
    >>> cube = lambda x: x ** 3
    >>> float(tg.grad(cube)(2.0)), float(tg.grad(tg.grad(cube))(2.0))
    (12.0, 12.0)
    >>> tg.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))([1.0, 2.0], [3.0, 4.0])
    (array([3., 4.]), array([1., 2.]))
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, **keywords: Any) -> Any:
        return both(*args, **keywords)[1]

    return gradient


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """As `grad`, but the function returns the pair (value of `f`, gradient).

    >>> import tinygrad_nn as tg
    >>> value, gradient = tg.value_and_grad(lambda x: x * x)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """
    if not callable(f):
        raise TypeError(f"grad takes a function, not {type(f).__name__}")
    one = not isinstance(argnums, Sequence)
    positions = tuple(argnums) if isinstance(argnums, Sequence) else (operator.index(argnums),)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        if any(not -len(args) <= at < len(args) for at in positions):
            raise TypeError(f"grad: argnums {argnums}, but {len(args)} positional arguments")
        if len({at % len(args) for at in positions}) < len(positions):
            raise TypeError(f"grad: argnums {argnums} name an argument twice")
        inner = list(args)
        variables = []
        traceable = engine.is_grad_enabled()
        with engine.enable_grad(), engine.tracing():
            for at in positions:
                inner[at] = _variable(args[at], at)
                variables.append(inner[at]._node)
            value = f(*inner, **keywords)
        _check_number(value)
        nested = traceable and any(node.edges for node in variables)
        if not isinstance(value, Value) or value._node is None:
            gradients = [_zeros(node) for node in variables]
        else:
            nested = nested or (traceable and _uses_others(value._node, variables))
            seed: Any = value.dtype.type(1)
            found = engine.backpropagate(
                [value._node],
                [make_value(seed, None) if nested else seed],
                onto=variables,
                wrap=make_value if nested else None,
            )
            gradients = engine.unshared(
                [found[node] if node in found else _zeros(node) for node in variables]
            )
        if isinstance(value, Value) and not nested:
            value = value.data
        return value, gradients[0] if one else tuple(gradients)

    return value_and_gradient


def _variable(x: Any, at: int) -> Value:
    """`x` as a Value of its own, so that uses of `x` elsewhere are not counted."""
    if isinstance(x, Value):
        if x._node is not None:
            return ops.positive(x)  # type: ignore[no-any-return]
        x = x.data
    variable = Value(x)
    if variable._node is None:
        raise TypeError(
            f"grad: argument {at} is {variable.dtype}, which has no derivative; pass floats"
        )
    variable._node.keeps_grad = False  # it belongs to this call alone
    return variable


def _zeros(node: Node) -> Any:
    return np.zeros(*node.describe())[()]


def _check_number(value: Any) -> None:
    if not isinstance(value, (Value, int, float, np.generic, np.ndarray)):
        raise TypeError(f"grad: the function returned {type(value).__name__}, not a number")
    if getattr(value, "dtype", np.dtype(float)).kind == "c":
        raise TypeError("grad: the function returned a complex number; return a real one")
    if np.shape(value):
        raise ShapeError(f"grad: the function returned shape {np.shape(value)}, not one number")


def _uses_others(root: Node, variables: Sequence[Node]) -> bool:
    """Whether anything but `variables` that requires a gradient went into `root`."""
    seen = set(variables)
    oldest = min(node.number for node in variables)
    stack = [root]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        if node.number < oldest:
            return True
        seen.add(node)
        stack.extend(edge[0] for edge in node.edges)
    return False
