"""What a function does besides computing, which a program would leave out."""

from __future__ import annotations

import builtins
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
from .places import is_installed, is_library, line_of

_USES = {
    "print": "prints",
    "input": "asks for input",
    "open": "opens a file",
    "time": "reads the clock",
    "datetime": "reads the clock",
    "logging": "writes a log",
    "warnings": "warns",
    "perf_counter": "reads the clock",
    "monotonic": "reads the clock",
    "default_rng": "makes a random number generator",
    "RandomState": "makes a random number generator",
    "Random": "makes a random number generator",
}
_STORES = {"STORE_GLOBAL": "sets the global", "DELETE_GLOBAL": "deletes the global"}


def check_code(function: types.FunctionType) -> None:
    """Raise CaptureError if the code of `function` changes a variable outside of it, or prints."""
    code = function.__code__
    if is_installed(code):
        return
    for line, filename, what in _effects(code, function.__globals__):
        raise CaptureError(
            f"compile: {short_path(filename)}:{line} {what}, which a program would not do again: "
            "do it outside, before the call or with what it returns"
        )


def _effects(code: types.CodeType, namespace: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    line = code.co_firstlineno
    for instruction in dis.get_instructions(code):
        starts = instruction.positions.lineno if instruction.positions else None
        line = starts or line
        name = str(instruction.argval)
        if instruction.opname in _STORES:
            yield line, code.co_filename, f"{_STORES[instruction.opname]} {name!r}"
        elif instruction.opname == "STORE_DEREF" and name in code.co_freevars:
            yield line, code.co_filename, f"sets {name!r}, a variable outside of the function"
        elif instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            meant = namespace.get(name, getattr(builtins, name, None))
            what = getattr(meant, "__name__", "") if _is_of_python(meant) else ""
            if what in _USES:
                yield line, code.co_filename, _USES[what]
        elif instruction.opname in ("LOAD_ATTR", "LOAD_METHOD") and name == "default_rng":
            yield line, code.co_filename, "makes a random number generator"
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _effects(constant, namespace)


def _is_of_python(x: Any) -> bool:
    """Whether x is a module, a class or a function of Python's, or NumPy's generator."""
    kinds = types.ModuleType, types.BuiltinFunctionType, type
    return isinstance(x, kinds) and is_library(getattr(x, "__module__", None) or x.__name__)


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


_MAKE_ONE = "make a generator outside, rng = np.random.default_rng(), and use it by its name"


class Randomness:
    """Finds out whether random numbers were drawn that no program would draw anew.

    They are those of `np.random` and `random`, and of generators that cannot be replaced.
    """

    def __init__(self, generators: Sequence[Any]) -> None:
        self._generators = generators
        self._package = plain_generator(None)
        self._before = self._state()

    def check(self, call: Callable[[], Any]) -> None:
        """Raise CaptureError if they were; the call is made once more to find the line."""
        now = self._state()
        if now[0] != self._before[0]:
            what, advice = "draws from np.random or random", _MAKE_ONE
        elif now[1] != self._before[1]:
            what = "draws from a generator that is given by a default or a tuple, or an old one"
            advice = _MAKE_ONE
        elif plain_generator(None) is not self._package:
            what, advice = "calls manual_seed", "call it outside"
        else:
            return
        self._before, self._package = now, plain_generator(None)
        line = changing_line(call, self._has_changed)
        raise CaptureError(f"compile: {line} {what}, the same in every call then: {advice}")

    def _has_changed(self) -> bool:
        return self._state() != self._before or plain_generator(None) is not self._package

    def _state(self) -> tuple[Any, Any]:
        numpy_state: Any = np.random.get_state(legacy=False)  # noqa: NPY002
        keys = numpy_state["state"]
        shared = keys["pos"], keys["key"].tobytes(), random.getstate()
        return shared, [repr(_state_of(rng)) for rng in self._generators]


def _state_of(rng: Any) -> Any:
    return rng.bit_generator.state if hasattr(rng, "bit_generator") else rng.get_state()
