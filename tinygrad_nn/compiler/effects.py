"""What a function does besides computing, which a program would leave out."""

from __future__ import annotations

import dis
import random
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine import short_path
from .tracing import CaptureError

_STORES = {"STORE_GLOBAL": "sets the global", "DELETE_GLOBAL": "deletes the global"}


def check_code(function: Callable[..., Any]) -> None:
    """Raise CaptureError if the code of `function` changes a variable outside of it, or prints."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    for line, filename, what in _effects(code) if code else ():
        raise CaptureError(
            f"compile: {short_path(filename)}:{line} {what}, which a program would not do again: "
            "do it outside, with what the function returns"
        )


def _effects(code: types.CodeType) -> Iterator[tuple[int, str, str]]:
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        starts = instruction.positions.lineno if instruction.positions else None
        line = starts or line
        name = str(instruction.argval)
        if instruction.opname in _STORES:
            yield line, code.co_filename, f"{_STORES[instruction.opname]} {name!r}"
        elif instruction.opname == "STORE_DEREF" and name in code.co_freevars:
            yield line, code.co_filename, f"sets {name!r}, a variable outside of the function"
        elif instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name == "print":
            yield line, code.co_filename, "prints"
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _effects(constant)


class GlobalRandomness:
    """Finds out whether random numbers were drawn that no generator of ours gave."""

    def __init__(self) -> None:
        self._before = self._state()

    def check(self) -> None:
        """Raise CaptureError if they were."""
        if self._state() != self._before:
            raise CaptureError(
                "compile: the function draws from np.random or random, whose numbers would be the "
                "same in every call: take a generator, rng = np.random.default_rng()"
            )

    def _state(self) -> Any:
        numpy_state: Any = np.random.get_state(legacy=False)
        keys = numpy_state["state"]
        return keys["pos"], keys["key"].tobytes(), random.getstate()
