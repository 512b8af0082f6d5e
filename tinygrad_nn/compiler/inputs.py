"""What goes into a program: the arguments of a call, and what the function finds by name."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import Node
from ..errors import CaptureError
from ..value import Value
from .arguments import Arguments
from .calling import Caller
from .effects import Outside, not_again
from .passes import without_dead_code
from .places import current_line
from .program import Ref, refs
from .state import Scope, Slot
from .traced_arrays import Traced
from .tracing import Tape

_NUMBERS = (np.generic, float, complex)


class GradientUsedError(Exception):
    """A gradient that there was none of before the call is asked for in it."""


class Inputs:
    """Traced values in the place of what varies; of all else the caller expects that it stays.

    Numbers among the arguments vary unless `constants`; others do if their place is in `varying`.

    Most steps forget the gradients of the step before, so whether there are any makes no
    difference. To find out, zeros are taken for gradients that there are none of, unless
    `gradients_matter`.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        given: Arguments,
        varying: set[Any],
        *,
        constants: bool,
        gradients_matter: bool,
    ) -> None:
        self.f = f
        self.function = getattr(f, "__name__", type(f).__name__)
        self.given = given
        self.names = given.names(f)
        self.varying = varying
        self.constants = constants
        self.gradients_matter = gradients_matter
        self.tape = Tape()
        self.caller = Caller(len(given.leaves))
        self.scope = Scope()
        self.originals: list[tuple[Slot, Any]] = []  # what slots hold
        self.in_slots: dict[Any, Traced] = {}  # by the place of the slot
        self.first: dict[int, Ref] = {}  # by id of what is traced, what it was at first
        self.variables: dict[int, str] = {}  # by id of what is traced, of arrays
        self.numbers: dict[Any, Any] = {}  # by place, those that are constants
        self.has_numbers = False  # whether others vary
        self._arrays: dict[int, tuple[Traced, str, Any]] = {}  # by id, with variable and array
        self._gradients: list[tuple[Slot, Any, Traced]] = []  # that there were before the call
        self._outside: dict[Any, Outside] = {}  # by the place of the slot
        self._values: dict[str, Value] = {}  # among the arguments, by variable

    def arguments(self) -> list[Any]:
        """The arguments as the function gets them: what varies is traced."""
        found: list[Any] = []
        for at, (leaf, name) in enumerate(zip(self.given.leaves, self.names, strict=True)):
            variable = f"a{at}"
            number = isinstance(leaf, _NUMBERS) or (type(leaf) is int and name in self.varying)
            if type(leaf) is np.ndarray or (number and not self.constants):
                self.has_numbers |= type(leaf) is not np.ndarray
                found.append(self._input(variable, leaf, name, is_argument=True))
                continue
            if isinstance(leaf, np.random.Generator):
                found.append(self.tape.generator(leaf))
                self.caller.constant(variable, leaf)
                continue
            found.append(leaf)
            if isinstance(leaf, Value):
                self.caller.value(variable, leaf, self._values)
            elif hasattr(type(leaf), "__array__") and not isinstance(leaf, np.generic):
                raise _no_array(f"the argument {name}", leaf)
            else:
                self.caller.constant(variable, leaf)
                if type(leaf) is int:
                    self.numbers[name] = leaf
            self.scope.look(leaf, name, variable)
        return found

    def look(self) -> None:
        """Find what the function uses by name, and expect it in each call."""
        self.scope.look(self.f, self.function)
        self.scope.look_at_parts()
        for container in self.scope.lengths:
            self.caller.length(container)
        for container in self.scope.contents:
            self.caller.contents(container)
        slots = {slot.place: slot for slot in self.scope.slots}
        for slot, x in self.scope.bindings:
            if slot.place in self.varying and type(x) in (int, float) and not self.constants:
                slots[slot.place] = slot
                self.has_numbers = True
            elif slot.place not in slots:
                self.caller.binding(slot, x)
                if type(x) in (int, float):
                    self.numbers[slot.place] = x
        for slot in slots.values():
            x = slot.read()
            if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
                raise _no_array(slot.name, x)
            self.originals.append((slot, x))
            if isinstance(slot.holder, Node) and not self.gradients_matter:
                self._gradient(slot, x)
                continue
            variable = self.caller.read(slot)
            if isinstance(x, (np.ndarray, *_NUMBERS)) or type(x) is int:
                self.in_slots[slot.place] = self._input(variable, x, slot.name)
            else:
                self.caller.constant(variable, x)

    def put_in_place(self) -> None:
        """Let the slots hold what is traced, and no object that does something outside."""
        for slot, _, what in self.scope.outside:
            self._outside[slot.place] = Outside(functools.partial(self._refusal, what))
            slot.write(self._outside[slot.place])
        for slot, _ in self.originals:
            if slot.place in self.in_slots:
                slot.write(self.in_slots[slot.place])
        for slot, x in self.scope.tuples:
            slot.write(self._with_traced(x))

    def take_back(self) -> None:
        """Let the slots hold what they did."""
        outside = [(slot, x) for slot, x, _ in self.scope.outside]
        for slot, x in [*self.originals, *outside, *self.scope.tuples]:
            slot.write(x)

    def is_changed(self, x: Any) -> bool:
        """Whether an input is another now, having been changed in place."""
        return type(x) is Traced and self.first.get(id(x), x.ref) != x.ref

    def settle_gradients(self, results: list[Any], cotangents: int) -> None:
        """Expect gradients where they are used; elsewhere their memory is all that is of use.

        Inputs are the cotangents last, and before them the gradients.
        """
        program = self.tape.program
        wanted = [*program.outputs, *results, *[ref for ref, _ in self.tape.guards]]
        live = without_dead_code(replace(program, outputs=wanted))
        used = (
            {ref for call in live.calls for ref in call.inputs} | set(refs(wanted)) | self.tape.read
        )
        inputs = {x.ref: x for x in program.inputs}
        gradients = []
        for slot, x, traced in self._gradients:
            given = inputs.pop(self.first[id(traced)])
            if given.ref not in used:
                if not given.shape:
                    continue
                self.caller.memory(self.caller.read(slot))
            elif x is None:
                raise GradientUsedError
            else:
                self.caller.varying(self.caller.read(slot), x)
            gradients.append(given)
        rest = list(inputs.values())
        at = len(rest) - cotangents
        program.inputs = [*rest[:at], *gradients, *rest[at:]]

    def keep_apart(self) -> None:
        """Expect of arrays that are changed in place that they may be, and overlap no others."""
        for traced, name, x in self._arrays.values():
            if not self.is_changed(traced):
                continue
            self.caller.miss_if(f"not {name}.flags.writeable")
            for other, its_name, y in self._arrays.values():
                if other is traced:
                    continue
                if np.may_share_memory(x, y):
                    raise CaptureError(
                        f"compile: {self.function} changes {traced.place}, which overlaps "
                        f"{other.place} in memory: give it a copy"
                    )
                self.caller.apart(name, its_name)

    def names_of_refs(self) -> dict[Ref, str]:
        """The variables that hold the inputs, but for the gradients of results."""
        inputs = self.tape.program.inputs
        return {x.ref: name for x, name in zip(inputs, self.caller.inputs, strict=False)}

    def _input(self, variable: str, x: Any, name: str, is_argument: bool = False) -> Traced:
        """A varying value as an input; an array that is found twice is one."""
        if isinstance(x, np.ndarray) and id(x) in self._arrays:
            traced, other, _ = self._arrays[id(x)]
            self.caller.miss_if(f"{variable} is not {other}")
            return traced
        self.caller.varying(variable, x)
        traced = self.tape.input(x, name, is_argument)
        self.first[id(traced)] = traced.ref
        if isinstance(x, np.ndarray):
            self._arrays[id(x)] = traced, variable, x
            self.variables[id(traced)] = variable
        return traced

    def _gradient(self, slot: Slot, x: Any) -> None:
        """A gradient from before the call, or zeros in the place of one."""
        x = x._data if isinstance(x, Value) else x
        stand_in = np.zeros(*slot.holder.describe())[()] if x is None else x
        traced = self.in_slots[slot.place] = self.tape.input(stand_in, slot.name)
        self.first[id(traced)] = traced.ref
        self._gradients.append((slot, x, traced))

    def _refusal(self, what: str) -> CaptureError:
        return self.tape.refuse(not_again(f"{current_line()} {what}"))

    def _with_traced(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        """A tuple with what is traced in the place of its arrays; itself if it has none."""
        parts = [
            self._with_traced(part) if isinstance(part, tuple) else self._stand_in(x, at)
            for at, part in enumerate(x)
        ]
        same = all(new is old for new, old in zip(parts, x, strict=True))
        return x if same else tuple.__new__(type(x), parts)

    def _stand_in(self, x: tuple[Any, ...], at: int) -> Any:
        place = id(x), at
        return self.in_slots.get(place, self._outside.get(place, x[at]))


def _no_array(name: str, x: Any) -> TypeError:
    return TypeError(f"compile: {name} is a {type(x).__name__}: make it an array, np.asarray(x)")
