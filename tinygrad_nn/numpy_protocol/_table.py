"""What is known of NumPy's functions: how each is computed on Values, or that it has no derivative.

`implements` adds a function to the table; the other files of this package do so, written in
NumPy's functions themselves where these have a derivative already.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Mapping
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


def requires_grad(x: Any) -> bool:
    """Whether x is a Value that requires a gradient."""
    return is_value(x) and x.requires_grad


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


def write(out: Any, result: Any, name: str, casting: Any = "same_kind", where: Any = ...) -> Any:
    """Put a result into `out`, at the index `where`; NumPy's functions return it then.

    TypeError if that would lose a gradient, or is a cast that `casting` does not allow.
    """
    if isinstance(out, tuple):
        (out,) = out
    if not is_value(out) and requires_grad(result):
        raise TypeError(
            f"np.{name}: a Value cannot be written into an array, which would lose the gradient; "
            "leave out= out, or give a Value: out = tg.Value(np.zeros(...), requires_grad=False). "
            "(For a += v on an array a, write a = a + v.)"
        )
    given, wanted = dtype_of(result), dtype_of(out)
    if not np.can_cast(given, wanted, casting):
        raise TypeError(
            f"np.{name}: cannot cast the result from {given} to out= of {wanted} with casting rule "
            f"{casting!r}; give an out= of {given}"
        )
    out[where] = result if is_value(out) else array_of(result)
    return out


def plainly(function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
    """`function` on the data of Values; those that are given as `out` take what is written."""
    args, arrays = arrays_of(args), arrays_of(keywords)
    out = keywords.get("out")
    targets = out if isinstance(out, tuple) else (out,)
    if out is None or not any(map(is_value, targets)):
        return function(*args, **arrays)
    # NumPy writes into copies, since a Value shares its data.
    copies = tuple([np.array(x.data) if is_value(x) else x for x in targets])
    arrays["out"] = copies if isinstance(out, tuple) else copies[0]
    result = function(*args, **arrays)
    results = list(result) if isinstance(result, tuple) else [result]
    for at, target in enumerate(targets):
        if is_value(target):
            target[...] = copies[at]
            results[at] = target
    return tuple(results) if isinstance(result, tuple) else results[0]


def _with_out(function: Any, implementation: Callable[..., Any]) -> Callable[..., Any]:
    """`implementation`, with `out=` if `function` has it."""
    if "out" not in _parameters(function) or "out" in _parameters(implementation):
        return implementation

    @functools.wraps(implementation)
    def with_out(*args: Any, **keywords: Any) -> Any:
        args, keywords = out_by_name(function, args, keywords)
        out = keywords.pop("out", None)
        result = implementation(*args, **keywords)
        if out is None:
            return result
        return write(out, result, function.__name__, keywords.get("casting", "same_kind"))

    return with_out


def out_by_name(
    function: Any, args: tuple[Any, ...], keywords: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with `out`, and what comes behind it, by name."""
    names = _positional(function)
    if "out" not in names[: len(args)]:
        return args, keywords
    before = names.index("out")
    return args[:before], {**keywords, **dict(zip(names[before:], args[before:], strict=False))}


@functools.cache
def _positional(function: Any) -> list[str]:
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in _parameters(function).values() if p.kind in kinds]


def _parameters(function: Any) -> Mapping[str, inspect.Parameter]:
    with contextlib.suppress(TypeError, ValueError):
        return inspect.signature(function).parameters
    return {}
