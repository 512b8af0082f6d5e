"""NumPy's functions on Values.

NumPy hands a call that meets a Value to `ufunc` or `function` (its protocols
`__array_ufunc__` and `__array_function__`), which look it up in a table: there is a function of
Values for it, or its result has no derivative and is computed on arrays, or it is an error.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import numpy as np

from .. import ops
from ..dispatch import fillable
from . import (  # noqa: F401 (they fill the table)
    _fft,
    _functions,
    _linalg,
    _products,
    _quantiles,
    _reductions,
    _selection,
    _shape,
    _ufuncs,
)
from ._table import differentiable, is_value, out_by_name, plain, plainly
from ._ufuncs import call

_MAKERS = {np.zeros_like, np.ones_like, np.empty_like}  # of arrays that one assigns to

__all__ = ["differentiable", "function", "plain", "ufunc"]


def ufunc(function: Any, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The answer to `__array_ufunc__`."""
    if function in differentiable:
        if method == "__call__" and not keywords:
            return differentiable[function](*inputs)
        return call(function, method, inputs, keywords)
    if function in plain or not _needs_gradient([*inputs, *keywords.values()]):
        if method == "at" and is_value(inputs[0]):
            raise TypeError(f"{name_of(function)}.at of a Value: use the Value's data")
        return plainly(getattr(function, method), inputs, keywords)
    raise _unsupported(function)


def function(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The answer to `__array_function__`."""
    if function in differentiable:
        try:
            return differentiable[function](*args, **keywords)
        except TypeError as error:
            if "unexpected keyword" in str(error) or "positional argument" in str(error):
                error.add_note(f"{name_of(function)} on Values takes fewer options than on arrays")
            raise
    if function in plain or not _needs_gradient([*args, *keywords.values()]):
        result = plainly(function, *out_by_name(function, args, keywords))
        return fillable(result) if function in _MAKERS else result
    raise _unsupported(function)


def _needs_gradient(arguments: Any) -> bool:
    for x in arguments:
        if is_value(x):
            if x.requires_grad:
                return True
        elif isinstance(x, (list, tuple)):
            if _needs_gradient(x):
                return True
        elif isinstance(x, dict) and _needs_gradient(x.values()):
            return True
    return False


def name_of(function: Any) -> str:
    """A function's name as one writes it: np.linalg.inv."""
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def _unsupported(function: Any) -> TypeError:
    if isinstance(function, np.ufunc) and not hasattr(np, function.__name__):
        name = function.__name__  # of another library, such as SciPy, which calls sigmoid so
        names = {own: f"tinygrad_nn.{own}" for own in ops.__all__} | {
            "expit": "tinygrad_nn.sigmoid"
        }
    else:
        name = name_of(function)
        names = {name_of(each): name_of(each) for each in differentiable}
    near = get_close_matches(name, sorted(names), 1, 0.8)
    hint = f" (there is {names[near[0]]})" if near else ""
    return TypeError(
        f"{name} has no derivative rules here{hint}: define one with tg.primitive, "
        "or compute on Value.data where no gradient is needed"
    )
