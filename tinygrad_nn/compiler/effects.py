"""What a function does besides computing, which a program would leave out."""

from __future__ import annotations

import io
import logging
import random
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..random import plain_generator
from .places import is_library, line_of, root_of

_FUNCTIONS: dict[str, list[Any]] = {
    "prints": [print],
    "asks for input": [input],
    "opens a file": [open],
    "changes globals, perhaps": [globals],
    "runs other code": [exec, eval],
    "makes a random number generator": [
        *(np.random.default_rng, np.random.RandomState, random.Random),
    ],
    "reads or writes a file": [
        *(np.save, np.savez, np.savez_compressed, np.savetxt, np.load, np.loadtxt),
    ],
}
_USES = {id(function): what for what, functions in _FUNCTIONS.items() for function in functions}
# What functions and classes of modules do.
_MODULES = {
    **dict.fromkeys(("time", "datetime"), "reads the clock"),
    "logging": "writes a log",
    "warnings": "warns",
}
# Modules that act on the system, or ask it.
_SYSTEM = {
    *("os", "posix", "nt", "io", "pathlib", "shutil", "tempfile", "subprocess", "socket", "queue"),
    *("_queue", "_contextvars", "asyncio", "threading", "multiprocessing", "uuid", "secrets"),
    *("pickle", "gc"),
}


def not_again(what: str, advice: str = "") -> CaptureError:
    """The error of a function that does something besides computing."""
    advice = advice or (
        "do it outside, before the call, with what comes of it as an argument, or after it, with "
        "what it returns"
    )
    return CaptureError(f"compile: {what}, which a program would not do again: {advice}")


def does(x: Any) -> str | None:
    """What the use of an object does besides computing, if anything."""
    if id(x) in _USES:
        return _USES[id(x)]
    if isinstance(x, io.IOBase):
        return "reads or writes a file"
    if isinstance(x, Iterator):
        return "takes from an iterator"
    if isinstance(x, threading.local):
        return "uses what each thread has of its own"
    if isinstance(x, types.MappingProxyType):
        return "reads a dict that it has no access to"
    if isinstance(x, logging.Logger):
        return "writes a log"
    if isinstance(x, (types.MethodType, types.BuiltinFunctionType)):
        of = does(x.__self__)
        if of is not None:
            return of
    is_code = isinstance(x, (types.FunctionType, types.BuiltinFunctionType, type))
    root = root_of(x.__module__ if is_code else type(x).__module__)
    return does_of(root) if is_code or root in _SYSTEM else None


def does_of(module: str) -> str | None:
    """What functions of a module do."""
    return _MODULES.get(module, f"uses {module.lstrip('_')}" if module in _SYSTEM else None)


class Outside:
    """In the place of an object that does something besides computing: any use of it is refused."""

    __slots__ = ("_refusal",)

    def __init__(self, refusal: Callable[[], CaptureError]) -> None:
        self._refusal = refusal

    def use(self, *args: Any, **keywords: Any) -> Any:
        """Raise the error."""
        raise self._refusal()

    __call__ = __getattr__ = __iter__ = __next__ = __len__ = __getitem__ = __contains__ = use
    __enter__ = __exit__ = __fspath__ = __truediv__ = __str__ = __repr__ = use


def closed_over(
    function: types.FunctionType,
) -> Iterator[tuple[str, types.CellType, Any]]:
    """The variables outside of a function that it has a cell of, with the cell and the content."""
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        with suppress(ValueError):  # empty yet
            yield name, cell, cell.cell_contents


def changing_line(call: Callable[[], Any], changed: Callable[[], Any]) -> str | None:
    """Where `changed()` begins to hold in a call, as far as it is in nobody's library."""
    lines: list[str] = []
    found: list[str] = []

    def trace(frame: types.FrameType, event: str, arg: Any) -> Any:
        is_made = frame.f_code.co_filename == "<string>"  # by a library
        if is_made or is_library(frame.f_globals.get("__name__")):
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
