"""What is known of NumPy's functions: how each is computed on Values, or that it has no derivative.

`implements` adds a function to the table; the other files of this package do so, written in
NumPy's functions themselves where these have a derivative already.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

differentiable: dict[Any, Callable[..., Any]] = {}
"""Functions and ufuncs on Values, by NumPy's."""

plain: set[Any] = set()
"""Those whose results are constant but for jumps, or about shapes alone: computed on arrays."""

no_value = getattr(np, "_NoValue", inspect.Parameter.empty)


def implements(*functions: Any) -> Callable[[F], F]:
    """A decorator: the function is what each of `functions` does with Values.

    It has their parameters, but need not have those that are rare: with these, calls raise
    TypeError. `out=` is added where NumPy has it.
    """

    def decorate(implementation: F) -> F:
        for function in functions:
            differentiable[function] = _with_out(function, implementation)
        return implementation

    return decorate


def without_derivative(*functions: Any) -> None:
    """Note functions whose results have no derivative to pass on."""
    plain.update(functions)


def is_value(x: Any) -> bool:
    """Whether x is a Value."""
    return hasattr(type(x), "requires_grad")


def array_of(x: Any) -> Any:
    """`x`, or the array of a Value."""
    return x.data if is_value(x) else x


def dtype_of(x: Any) -> Any:
    """The dtype of a Value, array, number or list."""
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def arrays_of(tree: Any) -> Any:
    """A nest of containers with arrays in the place of Values."""
    if is_value(tree):
        return tree.data
    if type(tree) in (tuple, list):
        return type(tree)([arrays_of(part) for part in tree])
    if type(tree) is dict:
        return {key: arrays_of(part) for key, part in tree.items()}
    return tree


def write(out: Any, result: Any, name: str) -> Any:
    """Put a result into `out`, which NumPy's functions return then.

    TypeError if that would lose a gradient, or is a cast that ufuncs refuse: float to integer.
    """
    if isinstance(out, tuple):
        (out,) = out
    if not is_value(out) and is_value(result) and result.requires_grad:
        raise TypeError(
            f"np.{name}: a Value cannot be written into an array, which would lose the gradient; "
            "leave out= out, or give a Value: out = tg.Value(np.zeros(...), requires_grad=False). "
            "(For a += v on an array a, write a = a + v.)"
        )
    given, wanted = dtype_of(result), dtype_of(out)
    if not np.can_cast(given, wanted, "same_kind"):
        raise TypeError(
            f"np.{name}: cannot cast the result from {given} to out= of {wanted} with casting rule "
            f"'same_kind'; give an out= of {given}"
        )
    out[...] = result if is_value(out) else array_of(result)
    return out


def _with_out(function: Any, implementation: Callable[..., Any]) -> Callable[..., Any]:
    """`implementation`, with `out=` if `function` has it."""
    if "out" not in _parameters(function) or "out" in _parameters(implementation):
        return implementation

    @functools.wraps(implementation)
    def with_out(*args: Any, out: Any = None, **keywords: Any) -> Any:
        result = implementation(*args, **keywords)
        return result if out is None else write(out, result, function.__name__)

    return with_out


def _parameters(function: Any) -> Iterable[str]:
    with contextlib.suppress(TypeError, ValueError):
        return inspect.signature(function).parameters
    return ()
