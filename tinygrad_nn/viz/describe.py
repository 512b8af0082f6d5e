"""What is written on a node: names, shapes, numbers, and what is wrong with it."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from ..value import Value
from .fold import Group, Shown
from .picture import NO_GRADIENT, Box, Item
from .trouble import PASSED_ON

_LISTED = 4  # numbers of a vector that are written out

SYMBOLS = {
    "add": "+",
    "subtract": "−",
    "multiply": "×",
    "divide": "÷",
    "negative": "−",
    "positive": "+",
    "power": "^",
    "square": "□²",
    "sqrt": "√",
    "log": "ln",
    "abs": "|□|",
    "sum": "Σ",
    "prod": "Π",
    "mean": "mean",
    "matmul": "@",
    "transpose": "□ᵀ",
    "getitem": "□[i]",
    "setitem": "□[i] ←",
    "sigmoid": "σ",
    "broadcast_to": "broadcast",
    "astype": "cast",
}


def title(item: Item) -> str:
    """What the item is, in one word or symbol."""
    if item.operation:
        return SYMBOLS.get(item.operation, item.operation)
    if item.role == "constant" and not item.name:
        return number(item.value) if item.shape == () else "constant"
    return local_name(item) or item.role


def box_title(box: Box, times: int = 1) -> str:
    """The path of a module within the one around it, its class, and parameters of each."""
    around = box.outer.path if box.outer else ""
    name = box.path.removeprefix(f"{around}.") if around else box.path
    label = f"{name}: {box.kind}" if name else box.kind
    if times > 1:
        label = f"{label} × {times}"
    each = " each" if times > 1 else ""
    return f"{label}, {parameters(box.parameters)}{each}" if box.parameters else label


def parameters(count: int) -> str:
    """How many parameters there are, in words."""
    return f"{count:,} parameter{'s' if count != 1 else ''}"


def local_name(item: Item) -> str:
    """The name of the item within its box."""
    around = item.box.path if item.box else ""
    return item.name.removeprefix(f"{around}.") if around else item.name


def kind(item: Item) -> str:
    """The shape and dtype, or nothing for a number of the usual type."""
    if item.shape == ():
        usual = item.dtype == np.float64 or is_plain_constant(item)
        return "" if usual else str(item.dtype)
    return f"{' × '.join(map(str, item.shape))} {item.dtype}"


def facts(shown: Shown) -> list[tuple[str, str]]:
    """The value and the gradient: a few numbers, or statistics of many, each with what it is."""
    if isinstance(shown, Group):
        return [] if shown.closed else _of_group(shown)
    found = []
    if shown.value is not None and shown.dtype.kind in "fiub" and not is_plain_constant(shown):
        found += _of_value(np.asarray(shown.value))
    if shown.gradient is not None:
        g = plain(shown.gradient)
        found.append(("grad", number(g)) if g.size == 1 else ("‖grad‖", number(norm(g))))
    return found


def _of_group(group: Group) -> list[tuple[str, str]]:
    found = []
    values = [np.ravel(item.value) for item in group.items if item.value is not None]
    gradients = [norm(item.gradient) for item in group.items if item.gradient is not None]
    if values:
        found += _of_value(np.concatenate(values).astype(np.float64))
    if gradients:
        found.append(("‖grad‖", number(norm(gradients))))
    return found


def result(group: Group) -> str:
    """What the last operation of a closed box gives."""
    operations = [item for item in group.items if item.operation]
    if not operations:
        return ""
    last = operations[-1]
    is_number = last.shape == () and last.value is not None
    value = number(last.value) if is_number else ""
    return f"→ {' '.join(filter(None, [value, kind(last)])) or 'a number'}"


def plain(x: Any) -> Any:
    """The array of a gradient, which may be a Value."""
    return np.asarray(x.data if isinstance(x, Value) else x)


def is_plain_constant(item: Item) -> bool:
    """Whether the title says all there is."""
    return item.role == "constant" and item.shape == () and not item.name


def _of_value(x: Any) -> list[tuple[str, str]]:
    if x.size == 1:
        return [("data", number(x.reshape(-1)[0]))]
    if x.size == 0:
        return [("data", "none")]
    if x.ndim == 1 and x.size <= _LISTED and np.isfinite(x).all():
        return [("data", ", ".join(map(number, x)))]
    if x.dtype.kind != "f":
        return [("from", f"{x.min()} to {x.max()}")]
    finite = x[np.isfinite(x)].astype(np.float64)
    counted = [("finite", f"{finite.size:,} of {x.size:,}")] if finite.size < x.size else []
    if not finite.size:
        return counted
    low, high = finite.min(), finite.max()
    with np.errstate(over="ignore"):
        mean, deviation = finite.mean(), finite.std()
    return [
        *counted,
        ("mean", f"{number(mean)} ± {number(deviation)}"),
        ("from", f"{number(low)} to {number(high)}"),
    ]


def number(x: Any) -> str:
    """Four significant digits."""
    x = np.asarray(x).reshape(-1)[0].item()
    if isinstance(x, float):
        return f"{x:.4g}".replace("-", "−").replace("e+0", "e").replace("e−0", "e−")
    return str(x).replace("-", "−")


def norm(g: Any) -> float:
    """The Euclidean norm, in double precision and without overflow."""
    if isinstance(g, float):
        return abs(float(g))
    g = np.abs(plain(g).astype(np.float64))
    largest = float(np.max(g, initial=0))
    if not largest or not math.isfinite(largest):
        return largest
    return largest * float(np.sqrt(np.sum((g / largest) ** 2)))


def group_title(group: Group) -> str:
    """What a group stands for."""
    if group.closed is not None:
        return box_title(group.closed, group.times)
    kinds = {item.operation or f"{item.role}s" for item in group.items}
    what = kinds.pop() if len(kinds) == 1 else "operations"
    return f"{what} × {len(group.items):,}"


def shown_title(shown: Shown) -> str:
    """The title of anything that is drawn as a node."""
    return group_title(shown) if isinstance(shown, Group) else title(shown)


def tooltip(shown: Shown) -> str:
    """All of it in one line: what a node does not have room for."""
    if isinstance(shown, Group):
        return f"{group_title(shown)}: {len(shown.items):,} nodes"
    parts = [item_name(shown), kind(shown), shown.place]
    return " · ".join(part for part in parts if part)


def item_name(item: Item) -> str:
    """The primitive or role, with the name of the variable."""
    return f"{item.operation or item.role} {item.name}".strip()


def problems(shown: Shown) -> list[str]:
    """What is wrong with a node, or with the items that it stands for."""
    if isinstance(shown, Item):
        return shown.problems
    counts = Counter(problem for item in shown.items for problem in item.problems)
    own = [problem for problem in counts if problem not in PASSED_ON]
    if NO_GRADIENT in counts:
        among = sum(item.role == "parameter" for item in shown.items)
        own[own.index(NO_GRADIENT)] = f"no gradient reaches {counts[NO_GRADIENT]:,} of {among:,}"
    return own or sorted(counts, key=PASSED_ON.index)[:1]


def is_culprit(shown: Shown) -> bool:
    """Whether something is wrong with a node that did not come from another one."""
    return any(problem not in PASSED_ON for problem in problems(shown))
