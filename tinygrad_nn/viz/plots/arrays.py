"""What users give to plots, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import ShapeError
from ...value import Value

LARGEST = 1e100  # size of what is drawn: well beyond it, the arithmetic of matplotlib overflows


def numbers(x: Any, what: str) -> Any:
    """`x`, a Value or array or a list of numbers or Values, as a real array that is not empty."""
    array = _array(x, what)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{what} must be real numbers, not {_content(array)}")
    if not array.size:
        raise ValueError(f"{what}: empty, of shape {array.shape}")
    return array


def points(x: Any, what: str) -> Any:
    """`x` as an array (n, 2) of finite numbers."""
    array = numbers(x, what)
    if array.ndim != 2 or array.shape[1] != 2:
        raise ShapeError(f"{what} must be of shape (n, 2), not {array.shape}")
    wrong = array[~drawable(array)]
    if wrong.size:
        raise ValueError(
            f"{what} must be finite and at most {LARGEST:g} in size, but {wrong[0]} is in it"
        )
    return array


def drawable(array: Any) -> Any:
    """Where the numbers are finite, and not too large for a plot."""
    with np.errstate(over="ignore"):  # of a longer type
        return np.abs(np.asarray(array, np.float64)) <= LARGEST


def labels(x: Any, what: str) -> Any:
    """`x` as an array (n,) of integers, booleans or strings; (n, 1) and whole floats will do."""
    array = _array(x, what)
    if array.dtype.kind == "O" and all(isinstance(label, str) for label in array.flat):
        array = array.astype(str)
    if array.dtype.kind not in "biufU":
        raise TypeError(f"{what} must be integers or strings, not {_content(array)}")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise ShapeError(f"{what} must be of shape (n,), one for each example, not {array.shape}")
    if not array.size:
        raise ValueError(f"{what}: empty")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array != np.round(array)).any():
            raise ValueError(f"{what} must be integers or strings, but some are fractions or NaN")
        return array.astype(np.int64)
    return array


def check_same_kind(one: Any, other: Any, what: str) -> None:
    """Refuse strings on one side and numbers on the other."""
    if (one.dtype.kind == "U") != (other.dtype.kind == "U"):
        raise TypeError(f"{what} must both be strings or both be numbers")


def whole_number(n: Any, least: int, what: str) -> int:
    """`n` as an integer of at least `least`."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < least:
        raise ValueError(f"{what} must be an integer of at least {least}, not {n!r}")
    return int(n)


def span(values: Any, margin: float) -> tuple[float, float]:
    """From the smallest to the largest value, and `margin` of the way beyond.

    Values that are equal, but for rounding, get 1 or, if they are large, what numbers resolve.
    """
    low, high = float(values.min()), float(values.max())
    resolved = max(1 / LARGEST, 100 * float(np.spacing(max(abs(low), abs(high)))))
    beyond = margin * (high - low) if high - low > resolved else max(0.5, resolved)
    return low - beyond, high + beyond


def _array(x: Any, what: str) -> Any:
    try:
        return np.asarray(_plain(x))
    except ValueError as error:
        raise ShapeError(f"{what} must have parts of equal shape") from error


def _plain(x: Any) -> Any:
    """`x` without Values, which do not become arrays by themselves."""
    if isinstance(x, Value):
        return x.data
    return [_plain(part) for part in x] if isinstance(x, (list, tuple)) else x


def _content(array: Any) -> str:
    """What is in an array of an unfit type."""
    if array.dtype.kind != "O":
        return str(array.dtype)
    wrong = [part for part in array.flat if not isinstance(part, (int, float))]
    return type(wrong[0]).__name__ if wrong else "object"
