"""Whether an array may be changed in place, because nothing else refers to it.

CPython counts the references to an object. How many of them a few calls make of their own differs
between its versions, so it is measured here, once, for each way in which the package asks.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_references = getattr(sys, "getrefcount", lambda x: sys.maxsize)  # PyPy counts none


def is_sole(array: Any, references: int) -> bool:
    """Whether `array` is one that has no other references, nor has what it may be a view of."""
    return (
        type(array) is np.ndarray
        and array.flags.writeable
        and _references(array) == references
        and (array.base is None or is_view_of_sole(array))
    )


def is_view_of_sole(array: Any) -> bool:
    """Whether `array` is a view, such as a transpose, of all of one with no other references."""
    return is_sole(array.base, ATTRIBUTE) and bool(array.base.size == array.size)


def _count(array: Any, references: int) -> int:
    return _references(array)


class _Holder:
    __slots__ = ("array",)
    array: Any


def _count_attribute(holder: _Holder) -> int:
    return _count(holder.array, 0)


def _count_argument(array: Any) -> int:
    return _count(array, 0)


def _measure_attribute() -> int:
    holder = _Holder()
    holder.array = np.zeros(1)
    return _count_attribute(holder)


def _measure_passed_on() -> int:
    g = np.zeros(1)
    return _count_argument(g)


def _measure_in_table() -> int:
    table = {0: np.zeros(1)}
    before = table.get(0)
    return _count_argument(before)


ATTRIBUTE = _measure_attribute()  # `is_sole(x.array, ATTRIBUTE)`, and nothing but x has it
PASSED_ON = _measure_passed_on()  # in a function, of an argument that is a variable of its caller
IN_TABLE = _measure_in_table()  # as PASSED_ON, where the caller has taken it out of a dict
