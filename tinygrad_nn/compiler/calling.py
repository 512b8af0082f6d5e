"""The function that a compiled function is for one kind of arguments.

It compares what it is given, and what it finds in the slots, with what the program was made for,
runs the program, and puts the results where they belong. Written out, as here, this takes a few
microseconds; a loop over slots would take many times as long.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence, Sized
from typing import Any

import numpy as np

from ..modes import mode
from ..value import Value
from .state import Slot

MISS = object()
"""What the function returns where the program is for something else."""


_MISS = "return MISS"


class Caller:
    """Puts the source together."""

    def __init__(self, arguments: int) -> None:
        self.given: dict[str, Any] = {"MISS": MISS, "mode": mode, "ndarray": np.ndarray}
        self.lines = [f"if len(args) != {arguments}: {_MISS}"]
        if arguments:
            self.lines.append(f"{''.join(f'a{at}, ' for at in range(arguments))[:-1]} = args")
        self.miss_if(f"mode.level != {mode.level}")
        self.inputs: list[str] = []  # variables
        self.tests = 0  # lines that find out for whom the function is
        self.variables: dict[tuple[int, Any], str] = {}  # by the place of a slot

    def give(self, x: Any, prefix: str) -> str:
        """A name for an object."""
        name = f"{prefix}{len(self.given)}"
        self.given[name] = x
        return name

    def miss_if(self, *conditions: str) -> None:
        """Miss if one of the conditions holds."""
        self.lines.append(f"if {' or '.join(conditions)}: {_MISS}")

    def varying(self, name: str, x: Any) -> None:
        """Take a variable as an input, if it is of the kind of x."""
        if isinstance(x, np.ndarray):
            dtype = self.give(x.dtype, "d")
            conditions = [f"type({name}) is not ndarray", f"{name}.shape != {x.shape}"]
            conditions.append(f"({name}.dtype is not {dtype} and {name}.dtype != {dtype})")
            if x.ndim > 1:
                conditions.append(f"{name}.strides != {x.strides}")
            self.miss_if(*conditions)
        else:
            self.miss_if(f"type({name}) is not {self.give(type(x), 't')}")
        self.inputs.append(name)

    def memory(self, name: str) -> None:
        """Take a variable as an input whose memory alone is of use; or None."""
        self.lines.append(f"if type({name}) is not ndarray: {name} = None")
        self.inputs.append(name)

    def constant(self, name: str, x: Any) -> None:
        """Miss unless a variable is x, or equal to it where it is a number or text."""
        if x is None or isinstance(x, bool):
            self.miss_if(f"{name} is not {x}")
        elif isinstance(x, (int, float, complex, str, bytes, np.generic)):
            kind, value = self.give(type(x), "t"), self.give(x, "c")
            # As text, 0 and -0 differ, and NaN is equal to itself.
            same = f"type({name}) is {kind} and repr({name}) == {repr(x)!r}"
            self.miss_if(f"{name} is not {value} and not ({same})")
        else:
            self.miss_if(f"{name} is not {self.give(x, 'o')}")

    def value(self, name: str, x: Value, others: dict[str, Value]) -> None:
        """Miss unless an argument is a Value as x, and the same one as another, or not, as x is."""
        self.miss_if(f"type({name}) is not {self.give(Value, 't')}")
        for other, y in others.items():
            self.miss_if(f"{name} is {'not ' if x is y else ''}{other}")
        others[name] = x
        if x._node is None:
            self.miss_if(f"{name}._node is not None")
        else:
            edges = "not" if x._node.edges else ""
            self.miss_if(f"{name}._node is None", f"{edges} {name}._node.edges")

    def apart(self, name: str, other: str) -> None:
        """Miss if two arrays overlap in memory."""
        self.miss_if(f"{self.give(np.may_share_memory, 'f')}({name}, {other})")

    def contents(self, container: Any) -> None:
        """Miss unless a set holds what it does, and a dict has its keys, in their order."""
        kind = "set" if isinstance(container, set) else "list"
        now = self.give(set(container) if kind == "set" else list(container), "c")
        self.miss_if(f"{kind}({self.give(container, 'l')}) != {now}")

    def length(self, container: Sized) -> None:
        """Miss unless a container is as long as it is."""
        self.miss_if(f"len({self.give(container, 'l')}) != {len(container)}")

    def read(self, slot: Slot) -> str:
        """A variable for what a slot holds."""
        name = self.variables[slot.place] = f"x{len(self.variables)}"
        self.lines.append(f"{name} = {self.place(slot)}")
        return name

    def whole(self, slot: Slot) -> str:
        """The Value whose data the slot is, as an expression."""
        return self.place(slot).removesuffix("._data")

    def node(self, slot: Slot) -> str:
        """The node of the Value whose data the slot is, as an expression."""
        return f"{self.whole(slot)}._node"

    def binding(self, slot: Slot, x: Any) -> None:
        """Miss unless a name means what it did."""
        self.constant(self.place(slot), x)

    def place(self, slot: Slot) -> str:
        """A slot as an expression."""
        if slot.expression:
            return slot.expression
        holder = self.give(slot.holder, "h")
        if slot.attribute:
            return f"{holder}.{slot.key}"
        key = repr(slot.key) if isinstance(slot.key, (str, int)) else self.give(slot.key, "k")
        return f"{holder}[{key}]"

    def gather(self) -> None:
        """Put the inputs into a list: one alone, by whose references memory is passed on."""
        self.lines.append(f"inputs = [{', '.join(self.inputs)}]")

    def check(self, guard: Callable[[list[Any]], bool]) -> None:
        """Miss unless the guard holds of the inputs."""
        self.miss_if(f"not {self.give(guard, 'g')}(inputs)")

    def run(self, run: Callable[[list[Any]], list[Any]], quiet: bool) -> None:
        """Run the program: one thread at a time, since all share its memory.

        Where it is `quiet`, it tells of no floating-point errors.
        """
        self.tests = len(self.lines)
        lock, program = self.give(threading.Lock(), "l"), self.give(run, "r")
        ignoring = f", {self.give(np.errstate, 'e')}(all='ignore')" if quiet else ""
        self.lines.append(f"with {lock}{ignoring}: results = {program}(inputs)")

    def write(self, slot: Slot, at: int, in_place: bool) -> None:
        """Put a result into a slot, or into the array that is there."""
        if in_place:
            name = self.variables[slot.place]
            copyto = self.give(np.copyto, "f")
            self.lines.append(f"if results[{at}] is not {name}: {copyto}({name}, results[{at}])")
        else:
            self.lines.append(f"{self.place(slot)} = results[{at}]")

    def change(self, argument: int, at: int) -> None:
        """Put a result into the array that is an argument."""
        self.lines.append(f"{self.give(np.copyto, 'f')}(a{argument}, results[{at}])")

    def function(self, result: str, tested: bool) -> Callable[[Sequence[Any]], Any]:
        """The function, which returns `result`; or MISS, if it is `tested` for whom it is."""
        tests, rest = self.lines[: self.tests], self.lines[self.tests :]
        tests = [line for line in tests if tested or not line.endswith(_MISS)]
        # What is read may be there no longer.
        lines = ["try:", *(f"    {line}" for line in tests)]
        lines.append(f"except (AttributeError, LookupError, ValueError): {_MISS}")
        body = "\n        ".join([*lines, *rest, f"return {result}"])
        source = (
            f"def make({', '.join(self.given)}):\n"
            f"    def call(args):\n        {body}\n    return call\n"
        )
        made: dict[str, Any] = {}
        exec(compile(source, "<compiled>", "exec"), made)
        call: Callable[[Sequence[Any]], Any] = made.pop("make")(**self.given)  # leaves no cycle
        return call
