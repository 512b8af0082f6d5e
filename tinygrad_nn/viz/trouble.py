"""What is wrong with items: values and gradients that are not finite, and where that began."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..value import Value
from .picture import Item

# What is not finite because an input, or the gradient of the output, was not.
PASSED_ON = ["NaN", "inf", "gradient NaN", "gradient inf"]


def find_trouble(items: Sequence[Item]) -> None:
    """Add to the problems of each item whether it holds NaN or inf; the first say where."""
    values = {item: found for item in items if (found := _not_finite(item.value))}
    for item, found in values.items():
        # NaN made of inf is new.
        inherited = any(values.get(parent) in (found, "NaN") for parent, _ in item.parents)
        first = f"first {found}, made at {item.place}"
        item.problems.append(first if item.place and not inherited else found)
    gradients = {item: found for item in items if (found := _not_finite(item.gradient))}
    takers: dict[Item, list[Item]] = {item: [] for item in gradients}
    for item in items if gradients else []:
        for parent in dict.fromkeys(parent for parent, _ in item.parents):
            if parent in takers:
                takers[parent].append(item)
    for item, found in gradients.items():
        if item in values:
            continue
        # Where nothing that takes the item had such a gradient, one of its rules made it.
        rules = " or ".join(f"{each.operation} at {each.place}" for each in takers[item][:2])
        passed_on = values or not rules or any(each in gradients for each in takers[item])
        item.problems.append(
            f"gradient {found}" if passed_on else f"first gradient {found}, from {rules}"
        )


def _not_finite(x: Any) -> str:
    """What there is that is not finite: "NaN", "inf", or nothing."""
    if x is None or (isinstance(x, float) and math.isfinite(x)):
        return ""
    array = np.asarray(x.data if isinstance(x, Value) else x)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    return "NaN" if np.isnan(array).any() else "inf"
