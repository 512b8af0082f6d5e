"""The programs of a compiled function as pictures: as it was captured, and as it is run."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler import Compiled
from ..compiler.program import Call, Program, Ref, function_name, refs
from .picture import Box, Item, Picture, _short, printable


def picture_of_programs(compiled: Compiled) -> Picture:
    """The program that was used last, before and after its optimisation, each in a box."""
    picture = Picture([], [], [])
    for title, program in compiled.programs().items():
        box = _box(title, f"{len(program.calls)} calls", None)
        picture.boxes.append(box)
        _add(picture, program, box)
    for item in picture.items:
        if item.box is not None:
            item.box.items.append(item)
    return picture


def _add(picture: Picture, program: Program, box: Box) -> None:
    items: dict[Ref, Item] = {}
    used = {ref for call in program.calls for ref in call.inputs} | set(refs(program.outputs))
    for given in program.inputs:
        if given.ref in used:
            role: Any = "input" if given.name.startswith("argument") else "parameter"
            dtype = np.dtype(float) if given.dtype is None else given.dtype
            name = printable(given.name)
            items[given.ref] = _placed(picture, Item(role, "", name, given.shape, dtype), box)
    for call in program.calls:
        item = items[call.result] = _placed(picture, _operation(call), box)
        item.parents = [(items[ref], "") for ref in call.inputs]
    for output in refs(program.outputs):
        if items[output].role == "operation":
            items[output].role = "output"


def _operation(call: Call) -> Item:
    constants = [_short(x) for x in call.args if type(x) is not Ref and not any(refs(x))]
    options = [f"{name}={_short(x)}" for name, x in call.keywords.items() if not any(refs(x))]
    dtype = np.dtype(float) if call.dtype is None else call.dtype
    return Item(
        "operation",
        function_name(call.function).removeprefix("np."),
        "",
        call.shape,
        dtype,
        options=", ".join([*constants, *options]),
        place=call.place,
    )


def _placed(picture: Picture, item: Item, box: Box) -> Item:
    item.number, item.box = len(picture.items), box
    picture.items.append(item)
    return item


def _box(path: str, kind: str, outer: Box | None) -> Box:
    return Box(path, kind, Program, 0, outer)
