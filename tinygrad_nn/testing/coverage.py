"""Which derivative rules a gradcheck has verified: the derivative coverage of this process.

`gradcheck` marks each rule on the path of a check that passed; the pytest plugin prints the
`Report` after a run. A test run that is spread over several processes sends each one's
`snapshot` to the one that reports, which merges it with what it knows itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..primitive import primitives

ORDERS = (1, 2)

_verified: set[tuple[str, str, int]] = set()
_elsewhere: dict[str, tuple[str, tuple[str, ...]]] = {}  # primitives of merged processes


def mark(operation: str, input: str, order: int) -> None:
    """Note that the rule of the primitive `operation` for `input` is verified to `order`."""
    _verified.add((operation, input, order))


def snapshot() -> dict[str, Any]:
    """What this process knows, in lists and strings: the marks, and the registered primitives."""
    return {
        "verified": [list(rule) for rule in sorted(_verified)],
        "primitives": [
            [name, module, list(inputs)] for name, (module, inputs) in sorted(_known().items())
        ],
    }


def merge(snapshot: dict[str, Any]) -> None:
    """Add what another process knows."""
    for operation, input, order in snapshot["verified"]:
        mark(operation, input, order)
    for name, module, inputs in snapshot["primitives"]:
        _elsewhere[name] = (module, tuple(inputs))


def report(of: Collection[str] = ()) -> Report:
    """The coverage of every known primitive, or of those that the modules or packages `of` define.

    A user's own come before those of tinygrad_nn.
    """
    rows = [
        Row(name, module, inputs, tuple(_missing(name, inputs, order) for order in ORDERS))
        for name, (module, inputs) in _known().items()
        if not of or any(f"{module}.".startswith(f"{package}.") for package in of)
    ]
    return Report(tuple(sorted(rows, key=Row.place)))


def _known() -> dict[str, tuple[str, tuple[str, ...]]]:
    """The module and the inputs of every primitive, by name."""
    return _elsewhere | {
        name: (primitive.forward.__module__, primitive.inputs)
        for name, primitive in primitives.items()
    }


def _missing(name: str, inputs: tuple[str, ...], order: int) -> tuple[str, ...]:
    return tuple(input for input in inputs if (name, input, order) not in _verified)


@dataclass(frozen=True)
class Row:
    """A primitive, and for each order the inputs whose rules are not verified to it."""

    name: str
    module: str
    inputs: tuple[str, ...]
    missing: tuple[tuple[str, ...], ...]

    @property
    def custom(self) -> bool:
        """Whether the primitive is not one of the package's."""
        return not self.module.startswith("tinygrad_nn.")

    def place(self) -> tuple[bool, str, str]:
        """What rows are sorted by."""
        return (False, self.module, self.name) if self.custom else (True, "", self.name)

    def verified(self, order: int) -> int:
        """The number of inputs whose rules are verified to `order`."""
        return len(self.inputs) - len(self.missing[ORDERS.index(order)])

    def cells(self) -> list[str]:
        """The row as text: the primitive, then yes, partly or no for each order."""
        return [
            f"{self.name} ({self.module})" if self.custom else self.name,
            *(_extent(self.inputs, missing) for missing in self.missing),
        ]


def _extent(inputs: tuple[str, ...], missing: tuple[str, ...]) -> str:
    if not missing:
        return "yes"
    return "no" if missing == inputs else f"partly (not {', '.join(missing)})"


@dataclass(frozen=True)
class Report:
    """The derivative coverage of some primitives; `str()` is a table for a terminal."""

    rows: tuple[Row, ...]

    @property
    def rules(self) -> int:
        """The number of derivative rules: the primitives' inputs."""
        return sum(len(row.inputs) for row in self.rows)

    def verified(self, order: int) -> int:
        """The number of rules verified to `order`."""
        return sum(row.verified(order) for row in self.rows)

    @property
    def percent(self) -> float:
        """The verified pairs (rule, order) in percent of all; 0 where there is no primitive."""
        return 100 * sum(map(self.verified, ORDERS)) / max(1, len(ORDERS) * self.rules)

    def __str__(self) -> str:
        table = [["primitive", *(f"order {order}" for order in ORDERS)]]
        table += [row.cells() for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        return "\n".join([*lines, "", self.total()])

    def total(self) -> str:
        """The last line: how many rules are verified to each order, and the percentage."""
        counts = ", ".join(f"{self.verified(order)} to order {order}" for order in ORDERS)
        return f"{percentage(self.percent)} verified: of {self.rules} derivative rules, {counts}"


def percentage(percent: float) -> str:
    """`percent` to one digit, rounded down: what is called 100% is complete."""
    return f"{int(10 * percent) / 10:g}%"
