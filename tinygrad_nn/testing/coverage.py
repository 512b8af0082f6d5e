"""Which derivative rules a gradcheck has verified: the derivative coverage of this process.

Where a check passes, `gradcheck` checks each rule on its path alone, at the inputs it had, and
marks those proven right; the pytest plugin prints the `Report` after a run. A run that is spread
over several processes sends each one's `snapshot` to the one that reports, which merges it with
what it knows itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..primitive import Primitive, primitives

ORDERS = (1, 2)

watching = False  # whether checks are to mark rules; the plugin sets it
_verified: set[tuple[str, str, int]] = set()
_meant: dict[str, Primitive] = {}  # whose rules are verified: a name may be defined anew
_elsewhere: dict[str, tuple[str, tuple[str, ...]]] = {}  # primitives of merged processes


def mark(operation: Primitive, input: str, order: int) -> None:
    """Note that the rule of a primitive for `input` is verified to `order`."""
    if _meant.get(operation.name) is not operation:
        _verified.difference_update({rule for rule in _verified if rule[0] == operation.name})
        _meant[operation.name] = operation
    _verified.add((operation.name, input, order))


def is_verified(operation: Primitive, order: int) -> bool:
    """Whether all rules of a primitive are verified to `order`."""
    return _meant.get(operation.name) is operation and all(
        (operation.name, input, order) in _verified for input in operation.inputs
    )


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
    _verified.update((operation, input, order) for operation, input, order in snapshot["verified"])
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
        name: (primitive.module, primitive.inputs) for name, primitive in primitives.items()
    }


def _missing(name: str, inputs: tuple[str, ...], order: int) -> tuple[str, ...]:
    if name in _meant and _meant[name] is not primitives.get(name):
        return inputs
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

    @property
    def counted(self) -> Report:
        """What the percentage is of: the user's own primitives, if there are any."""
        own = tuple(row for row in self.rows if row.custom)
        return Report(own) if own else self

    def __str__(self) -> str:
        table = [["primitive", *(f"order {order}" for order in ORDERS)]]
        table += [row.cells() for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        return "\n".join([*lines, "", self.counted.total()])

    def total(self) -> str:
        """The last line: how many rules are verified to each order, and the percentage."""
        counts = ", ".join(f"{self.verified(order)} to order {order}" for order in ORDERS)
        return f"{percentage(self.percent)} verified: of {self.rules} derivative rules, {counts}"


def percentage(percent: float) -> str:
    """`percent` to one digit, rounded down: what is called 100% is complete."""
    return f"{int(10 * percent) / 10:g}%"
