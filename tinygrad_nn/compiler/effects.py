"""What a function does besides computing, which a program would leave out."""

from __future__ import annotations

import dis
import random
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine import short_path
from ..errors import CaptureError
from ..random import plain_generator
from .places import is_library, line_of

_USES = {
    "print": "prints",
    "input": "asks for input",
    "open": "opens a file",
    "time": "reads the clock",
    "datetime": "reads the clock",
    "logging": "writes a log",
}
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
        elif instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME") and name in _USES:
            yield line, code.co_filename, _USES[name]
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and name == "default_rng":
            yield line, code.co_filename, "makes a random number generator"
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _effects(constant)


def changing_line(call: Callable[[], Any], changed: Callable[[], Any]) -> str | None:
    """Where `changed()` begins to hold in a call, as far as it is in nobody's library."""
    lines: list[str] = []
    found: list[str] = []

    def trace(frame: types.FrameType, event: str, arg: Any) -> Any:
        if is_library(frame.f_globals.get("__name__")):
            return None
        if lines and not found and changed():
            found.append(lines[-1])
        lines.append(line_of(frame))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    where = found or lines[-1:]
    return where[0] if where else None


class Randomness:
    """Finds out whether random numbers were drawn that no program would draw anew.

    They are those of `np.random` and `random`, and of generators that cannot be replaced.
    """

    def __init__(self, generators: Sequence[np.random.Generator]) -> None:
        self._generators = generators
        self._package = plain_generator(None)
        self._before = self._state()

    def check(self) -> None:
        """Raise CaptureError if they were."""
        now = self._state()
        if now[0] != self._before[0]:
            raise CaptureError(
                "compile: the function draws from np.random or random, whose numbers would be the "
                "same in every call: take a generator, rng = np.random.default_rng()"
            )
        if now[1] != self._before[1]:
            raise CaptureError(
                "compile: the function draws from a generator that it is given by a default or a "
                "tuple, whose numbers would be the same in every call: use it by a name"
            )
        if plain_generator(None) is not self._package:
            raise CaptureError("compile: the function calls manual_seed: call it outside")

    def _state(self) -> tuple[Any, Any]:
        numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
        keys = numpy_state["state"]
        shared = keys["pos"], keys["key"].tobytes(), random.getstate()
        return shared, [repr(rng.bit_generator.state) for rng in self._generators]
