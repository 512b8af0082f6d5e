"""compile: a function as a program, captured once for each kind of arguments."""

from __future__ import annotations

import functools
import gc
import types
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import CaptureError
from ..modes import EVERYTHING, mode
from .arguments import Arguments, arguments
from .calling import MISS
from .capture import Capture, Entry, VaryingNumberError
from .tracing import Traced

_MOST = 16  # programs that are kept


class CacheInfo(NamedTuple):
    """How many calls found their program, how many made one, and how many there are."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


def compile(f: Callable[..., Any]) -> Compiled:
    """`f` as a program of NumPy calls, which is run again without Python's graph."""
    return Compiled(f)


class Compiled:
    """A function that `compile` returned."""

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(f"compile takes a function, not {type(f).__name__}")
        functools.update_wrapper(self, f, updated=())
        self._f = f
        self._entries: list[Entry] = []  # the one used last comes first
        self._last: Entry | None = None
        self._numbers: dict[Any, Any] = {}  # by place, what numbers were in captures
        self._varying: set[Any] = set()  # the places of those that were seen to vary
        self._constants = False  # whether numbers are constants, since one decides something
        self._hits = self._misses = 0

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if mode.tape is not None or mode.level >= EVERYTHING:
            return self._f(*args, **keywords)  # as a part of another program, or of a picture
        given = arguments(args, keywords)
        for at, entry in enumerate(self._entries):
            if entry.structure != given.structure:
                continue
            result = entry.call(given.leaves)
            if result is not MISS:
                if at:
                    self._entries.insert(0, self._entries.pop(at))
                    self._last = entry
                self._hits += 1
                return result
        self._misses += 1
        self._last = entry = self._captured(given)
        if entry.repeatable:
            self._entries.insert(0, entry)
            del self._entries[_MOST:]
        return entry.call(given.leaves)

    def _captured(self, given: Arguments) -> Entry:
        """The program for a call, and for those like it."""
        first: CaptureError | None = None
        constants = self._constants
        while True:
            capture = Capture(self._f, given, self._varying, constants)
            try:
                entry = capture.entry()
            except VaryingNumberError as error:
                self._varying.add(error.place)
                continue
            except CaptureError as error:
                if first is not None or not capture.has_numbers:
                    raise (first or error) from None
                first, constants = error, True  # perhaps a number decides something
                continue
            varied = [
                place
                for place, x in capture.numbers.items()
                if self._numbers.get(place, x) != x and not constants
            ]
            self._numbers |= capture.numbers
            alive = capture.tape.alive
            del capture
            if varied:
                self._varying.update(varied)
                continue
            _check_leaks(alive)
            self._constants = constants
            return entry

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __repr__(self) -> str:
        return (
            f"<compiled {getattr(self._f, '__name__', self._f)!s}, {len(self._entries)} programs>"
        )

    def cache_info(self) -> CacheInfo:
        """How the calls so far have found their programs."""
        return CacheInfo(self._hits, self._misses, _MOST, len(self._entries))

    def program(self) -> str:
        """The text of the program that was used last."""
        return str(self._latest().program)

    def _latest(self) -> Entry:
        if self._last is None:
            raise RuntimeError("compile: there is no program before the first call")
        return self._last


def _check_leaks(alive: Callable[[], list[Traced]]) -> None:
    """Raise CaptureError if something that was traced is still in use."""
    if alive():
        gc.collect()  # of what refers to itself
    for traced in alive():
        raise CaptureError(
            f"compile: what {traced.place} computed was put somewhere outside of the function, "
            "which a program would not do again: return it instead"
        )
