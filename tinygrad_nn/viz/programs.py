"""The programs of a compiled function as pictures: as it was captured, and as it is run."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..compiler import Compiled
from ..compiler.functions import Fused, body
from ..compiler.program import Call, Program, Ref, function_name, refs
from .picture import Box, Item, Picture, printable, short


def picture_of_programs(compiled: Compiled) -> Picture:
    """The program that was used last, before and after its optimisation, each in a box."""
    picture = Picture([], [], [])
    for title, program in compiled.programs().items():
        box = _box(title, program, None)
        picture.boxes.append(box)
        _Drawing(picture, box).add(program)
    for item in picture.items:
        if item.box is not None:
            item.box.items.append(item)
    return picture


class _Drawing:
    """A program as items in a box."""

    def __init__(self, picture: Picture, box: Box) -> None:
        self.picture = picture
        self.box = box
        self.items: dict[Ref, Item] = {}
        self.several: dict[Ref, list[Item]] = {}  # the results of fused calls that have several

    def add(self, program: Program) -> None:
        used = {ref for call in program.calls for ref in call.inputs} | set(refs(program.outputs))
        for given in program.inputs:
            if given.ref in used:
                role: Any = "input" if given.is_argument else "parameter"
                name, dtype = printable(given.name), _dtype(given.dtype)
                self.items[given.ref] = self._placed(
                    Item(role, "", name, given.shape, dtype), self.box
                )
        for call in program.calls:
            if isinstance(call.function, Fused):
                self._add_fused(call)
            elif call.function is operator.getitem and call.args[0] in self.several:
                self.items[call.result] = self.several[call.args[0]][call.args[1]]
            else:
                self._add_call(call, self.box)
        names = [*program.targets, *[""] * (len(program.outputs) - len(program.targets))]
        for output, name in zip(program.outputs, names, strict=True):
            if isinstance(output, Ref) and self.items[output].operation:
                item = self.items[output]
                item.role, item.name = "output", item.name or printable(name)

    def _add_fused(self, call: Call) -> None:
        program = body(call)
        box = _box("", program, self.box)
        self.box.inner.append(box)
        for each in program.calls:
            self._add_call(each, box)
        results = [self.items[ref] for ref in program.outputs]
        self.items[call.result], self.several[call.result] = results[0], results

    def _add_call(self, call: Call, box: Box) -> None:
        constants = [short(x) for x in call.args if _is_constant(x)]
        options = [f"{name}={short(x)}" for name, x in call.keywords.items() if _is_constant(x)]
        operation = function_name(call.function).removeprefix("np.")
        item = Item("operation", operation, "", call.shape, _dtype(call.dtype))
        item.options, item.place = ", ".join([*constants, *options]), printable(call.place)
        item.parents = [(self.items[ref], "") for ref in call.inputs]
        self.items[call.result] = self._placed(item, box)

    def _placed(self, item: Item, box: Box) -> Item:
        item.number, item.box = len(self.picture.items), box
        self.picture.items.append(item)
        return item


def _box(path: str, program: Program, outer: Box | None) -> Box:
    kind = f"{len(program.calls):,} calls" if path else f"fused, {len(program.calls)} calls"
    return Box(path, kind, Program, 0, outer)


def _is_constant(x: Any) -> bool:
    return not list(refs((x,)))


def _dtype(dtype: np.dtype[Any] | None) -> np.dtype[Any]:
    return np.dtype(float) if dtype is None else dtype
