"""What is wrong with items: values and gradients that are not finite, and where that began."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..value import Value
from .picture import Item

# What is not finite because an input, or the gradient of the output, was not.
PASSED_ON = {"NaN", "inf", "gradient NaN", "gradient inf"}


def find_trouble(items: Iterable[Item]) -> None:
    """Add to the problems of each item whether it holds NaN or inf; the first say where."""
    values = {item: _not_finite(item.value) for item in items}
    for item, trouble in values.items():
        if trouble:
            passed_on = any(values[parent] for parent, _ in item.parents)
            made_here = item.place and not passed_on
            item.problems.append(f"first {trouble}, made at {item.place}" if made_here else trouble)
        elif trouble := _not_finite(item.gradient):
            item.problems.append(f"gradient {trouble}")


def _not_finite(x: Any) -> str:
    """What there is that is not finite: "NaN", "inf", or nothing."""
    if x is None or (isinstance(x, float) and math.isfinite(x)):
        return ""
    array = np.asarray(x.data if isinstance(x, Value) else x)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    return "NaN" if np.isnan(array).any() else "inf"
