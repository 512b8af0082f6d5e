"""Gradients of functions that return one number."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..traced import as_array
from ..value import Value
from ._calls import Argnums, Call, is_numeric


def grad(
    f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the gradient of `f`, which returns one number.

    `argnums` says by which arguments, by position or by name: the gradient of one has its shape
    and dtype, several come as a tuple. Arguments may be nested in tuples, lists, dicts and
    dataclasses; the gradient is too, with None for what is no number. A list of numbers is an
    array, to `f` as well. Python's integers become floating point; those of NumPy stay, as
    np.int64(3), and have the gradient None. With `has_aux`, `f` returns a pair of the number and
    anything else, and so does the gradient.

    `f` takes arrays, numbers or Values, sees those arguments as Values, and any others as they
    are. The result is an array, and a Value only where it can itself be differentiated: when an
    argument is a Value that requires a gradient, or `f` uses one from outside, such as a model's
    parameter. Of what `f` does not depend on, the gradient is 0.

    Raises TypeError for an integer array (it has no derivative), ShapeError if `f` returns more
    than one number.

    >>> import tinygrad_nn as tg
    >>> cube = lambda x: x ** 3
    >>> float(tg.grad(cube)(2.0)), float(tg.grad(tg.grad(cube))(2.0))
    (12.0, 12.0)
    >>> tg.grad(lambda x, y: (x * y).sum(), argnums=(0, "y"))([1.0, 2.0], [3.0, 4.0])
    (array([3., 4.]), array([1., 2.]))
    >>> tg.grad(lambda p: p["w"] * p["b"])({"w": 2.0, "b": 3.0})
    {'w': np.float64(3.0), 'b': np.float64(2.0)}
    """
    return gradient_of("grad", f, argnums, has_aux)


def value_and_grad(
    f: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False
) -> Callable[..., Any]:
    """As `grad`, but the function returns the pair (value of `f`, gradient).

    >>> import tinygrad_nn as tg
    >>> value, gradient = tg.value_and_grad(lambda x: x * x)(3.0)
    >>> float(value), float(gradient)
    (9.0, 6.0)
    """
    return _value_and_gradient_of("value_and_grad", f, argnums, has_aux)


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The derivative of an elementwise function, at each element: the gradient of its sum.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.elementwise_grad(np.square)(np.array([1.0, 2.0, 3.0]))
    array([2., 4., 6.])
    """

    @functools.wraps(f)
    def total(*args: Any, **keywords: Any) -> Any:
        return np.sum(f(*args, **keywords))

    return gradient_of("elementwise_grad", total, argnums)


def gradient_of(
    what: str, f: Callable[..., Any], argnums: Argnums, has_aux: bool = False
) -> Callable[..., Any]:
    """As `grad`, for the transform `what`, which errors name."""
    both = _value_and_gradient_of(what, f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **keywords: Any) -> Any:
        value, gradient = both(*args, **keywords)
        return (gradient, value[1]) if has_aux else gradient

    return gradient


def _value_and_gradient_of(
    what: str, f: Callable[..., Any], argnums: Argnums, has_aux: bool
) -> Callable[..., Any]:
    if not callable(f):
        raise TypeError(f"{what} takes a function, not {type(f).__name__}")

    @functools.wraps(f)
    def value_and_gradient(*args: Any, **keywords: Any) -> tuple[Any, Any]:
        call = Call(what, f, argnums, args, keywords, has_aux)
        value = call.build(call.outputs)
        check_number(what, value)
        found = call.pull([ONE])
        value = call.plain(value)
        return (value, call.plain(call.aux)) if has_aux else value, call.like_arguments(found)

    return value_and_gradient


ONE = np.float64(1)


def check_number(what: str, value: Any) -> None:
    if not is_numeric(value) or isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what}: the function returned {type(value).__name__}, not a number")
    x = value if isinstance(value, Value) else as_array(value)
    if x.dtype.kind == "c":
        raise TypeError(f"{what}: the function returned a complex number; return a real one")
    if x.shape:
        raise ShapeError(f"{what}: the function returned shape {x.shape}, not one number")
