"""The function that a compiled function is for one kind of arguments.

It compares what it is given, and what it finds in the slots, with what the program was made for,
runs the program, and puts the results where they belong. Written out, as here, this takes a few
microseconds; a loop over slots would take many times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..modes import mode
from ..nn.module import Module
from .state import Slot

MISS = object()
"""What the function returns where the program is for something else."""


class Caller:
    """Puts the source together."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {"MISS": MISS, "mode": mode, "ndarray": np.ndarray}
        self.tests: list[str] = [f"mode.level != {mode.level}"]
        self.reads: list[str] = []
        self.inputs: list[str] = []

    def give(self, x: Any, prefix: str) -> str:
        """A name for an object."""
        name = f"{prefix}{len(self.given)}"
        self.given[name] = x
        return name

    def expect(self, name: str, x: Any) -> None:
        """Miss unless the variable is of the kind of x; an input if it may be another."""
        if isinstance(x, np.ndarray):
            dtype = self.give(x.dtype, "d")
            self.tests += [
                f"type({name}) is not ndarray",
                f"{name}.shape != {x.shape}",
                f"{name}.dtype != {dtype}",
            ]
            self.inputs.append(name)
        elif isinstance(x, (float, np.floating)):
            self.tests.append(f"type({name}) is not {self.give(type(x), 't')}")
            self.inputs.append(name)
        else:
            self.constant(name, x)

    def constant(self, name: str, x: Any) -> None:
        """Miss unless the variable is x."""
        if x is None or isinstance(x, bool):
            self.tests.append(f"{name} is not {x}")
        else:
            kind, value = self.give(type(x), "t"), self.give(x, "c")
            self.tests.append(f"type({name}) is not {kind} or {name} != {value}")

    def slot(self, slot: Slot, x: Any, varies: bool) -> None:
        """Read a slot, and expect what it held."""
        name = f"x{len(self.reads)}"
        self.reads.append(f"{name} = {self.place(slot)}")
        if varies and type(x) is int:
            self.tests.append(f"type({name}) is not {self.give(int, 't')}")
            self.inputs.append(name)
        elif varies:
            self.expect(name, x)
        else:
            self.constant(name, x)

    def place(self, slot: Slot) -> str:
        """A slot as an expression."""
        holder = self.give(slot.holder, "h")
        return f"{holder}.{slot.key}" if slot.attribute else f"{holder}[{slot.key!r}]"

    def binding(self, slot: Slot, x: Any) -> None:
        """Miss unless a name means the object that it meant."""
        place = self.place(slot)
        if isinstance(x, (int, float, str)):
            self.tests.append(f"{place} != {self.give(x, 'c')}")
        else:
            self.tests.append(f"{place} is not {self.give(x, 'o')}")

    def module(self, module: Module) -> None:
        """Expect a module in the mode it is in."""
        self.tests.append(f"{self.give(module, 'm')}.training is not {module.training}")

    def function(
        self,
        count: int,
        guard: Callable[[Sequence[Any]], bool] | None,
        run: Callable[[list[Any]], list[Any]],
        writes: list[Slot],
        build: Callable[[list[Any]], Any],
    ) -> Callable[[Sequence[Any]], Any]:
        """The function, of `count` arguments."""
        arguments = "".join(f"a{at}, " for at in range(count))
        inputs = f"[{', '.join(self.inputs)}]"
        lines = [f"if len(args) != {count}: return MISS"]
        lines += [f"{arguments[:-1]} = args"] if count else []
        lines += self.reads
        lines.append(f"if {' or '.join(self.tests)}: return MISS")
        if guard is not None:
            lines.append(f"if not {self.give(guard, 'g')}({inputs}): return MISS")
        lines.append(f"results = {self.give(run, 'r')}({inputs})")
        lines += [f"{self.place(slot)} = results[{at}]" for at, slot in enumerate(writes)]
        lines.append(f"return {self.give(build, 'b')}(results[{len(writes)}:])")
        body = "\n        ".join(lines)
        source = f"def make({', '.join(self.given)}):\n    def call(args):\n        {body}\n    return call\n"
        made: dict[str, Any] = {}
        exec(compile(source, "<compiled>", "exec"), made)
        call: Callable[[Sequence[Any]], Any] = made["make"](**self.given)
        return call
