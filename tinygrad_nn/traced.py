"""What the rest of the package has to know of arrays that are traced (compiler/traced_arrays.py).

They compute as arrays do, and isinstance takes them for what they stand for; but their type is
another, and they do not become plain arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Literal, TypeVar

import numpy as np

from .modes import mode

Function = TypeVar("Function", bound=Callable[..., Any])


def is_traced(x: Any) -> bool:
    """Whether x stands for an array in a program that is being made."""
    return hasattr(type(x), "_traced")


def one_call(function: Function) -> Function:
    """`function` as one call of a program, where what it does within cannot be traced."""

    @functools.wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if mode.tape is None or not mode.tape.is_of(args):
            return function(*args, **keywords)
        return mode.tape.call(function, args, keywords)

    return call  # type: ignore[return-value]


def as_array(x: Any) -> Any:
    """x as an array, or as it is if it stands for one."""
    return x if is_traced(x) else np.asarray(x)


def kind_of(x: Any) -> type:
    """The type of x or, if it stands for an array or number, of that."""
    if not is_traced(x):
        return type(x)
    return np.ndarray if x.ndim else x.dtype.type


def order_of(x: Any) -> Literal["C", "F"]:
    """The order of x in memory: "F" if its first axis is the innermost, "C" otherwise."""
    return "F" if (x.value if is_traced(x) else x).flags.fnc else "C"


def in_order(x: Any, order: Literal["C", "F"]) -> Any:
    """x, or a copy of it where its order in memory is another."""
    flags = (x.value if is_traced(x) else x).flags
    return x if (flags.c_contiguous if order == "C" else flags.f_contiguous) else x.copy(order)


def number(x: Any) -> Any:
    """x as a Python number, which leaves the dtype to what it is combined with."""
    if not is_traced(x):
        return float(x)
    return x if type(x.value) in (int, float) else mode.tape.call(float, (x,), {})
