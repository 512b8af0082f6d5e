"""What operations do besides computing: which parts of the graph are recorded, for whom.

All of it holds for the thread that asked for it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from typing import Any

import numpy as np

# What an operation records: nothing, or a graph, with copies of the plain arrays that
# its rules need, which may change later, and with everything else that one could look at.
NOTHING, GRAPH, COPIES, EVERYTHING = 0, 1, 2, 4
# In bytes: what is smaller is copied each time, what is larger is not, but stays read-only for as
# long as the function runs.
_SMALL, _LARGE = 1 << 12, 1 << 20


class _Mode(threading.local):
    level = GRAPH
    graph = GRAPH  # the level that records a graph here
    tracing = False  # whether a Value that turns into a Python number would lose a gradient
    like_arrays = False  # whether np.array of Values is an array of them, and parts are views
    of_values = False  # whether an array of Values was made, which not all of NumPy can take
    scope: Any = None  # the innermost call of a module, under record()
    tape: Any = None  # what notes the calls of a function that is being compiled

    def __init__(self) -> None:
        self.read_only: list[Any] = []  # large arrays that must not change now
        self.copied: dict[int, tuple[Any, Any]] = {}  # by id: an array, and its last copy


mode = _Mode()


@contextmanager
def _level(change: Callable[[int], int]) -> Iterator[None]:
    before = mode.level
    mode.level = change(before)
    try:
        yield
    finally:
        mode.level = before


def no_grad() -> Any:
    """A context (or decorator) inside which operations record no graph, in this thread.

    >>> import tinygrad_nn as tg
    >>> x = tg.Value(2.0)
    >>> with tg.no_grad():
    ...     y = x * 3
    >>> y.requires_grad
    False
    """
    return _level(lambda before: NOTHING)


def enable_grad() -> Any:
    """A context (or decorator) that undoes a surrounding `no_grad()`, in this thread."""
    return _level(lambda before: before | mode.graph)


def record() -> Any:
    """A context (or decorator) inside which the graph keeps everything one could look at.

    Each operation also keeps its value, its inputs and the source line that called it, and
    a backward pass through it keeps every intermediate gradient (`Value.grad`). Drawing and
    debugging use this; training does without, since it holds all memory.

    >>> import tinygrad_nn as tg
    >>> x = tg.Value(3.0)
    >>> with tg.record():
    ...     y = x * x
    ...     z = y + 1
    >>> z.backward()
    >>> float(y.grad)
    1.0
    """
    return _level(lambda before: before | mode.graph | EVERYTHING)


def is_grad_enabled() -> bool:
    """Whether operations record a graph in this thread."""
    return mode.level > NOTHING


class like_arrays(ContextDecorator):  # noqa: N801 (used as a function)
    """A context in which a function of arrays is called with Values.

    There np.array of Values is an array of them, not an error, parts of Values are views, and
    arrays may change after they were used: with `copies`, rules have copies of them. With
    `tracing`, a graph is recorded in any case, and every Value is on its way to a derivative: none
    may become a Python number.
    """

    def __init__(self, *, tracing: bool = False, copies: bool = True) -> None:
        self.tracing = tracing
        self.copies = copies

    def __enter__(self) -> None:
        self.before = mode.like_arrays, mode.tracing, mode.level, mode.graph, mode.read_only
        self.outermost = not mode.like_arrays
        if self.outermost:
            mode.read_only, mode.copied, mode.of_values = [], {}, False
        mode.like_arrays = True
        mode.tracing |= self.tracing
        if self.copies:
            mode.graph |= COPIES
        if self.tracing or mode.level:
            mode.level |= mode.graph

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if self.outermost and isinstance(error, (TypeError, ValueError)):
            for advice in _advice(error):
                error.add_note(advice)
            lost = error.__cause__  # what a Value has said, to which NumPy was deaf
            if isinstance(lost, TypeError) and "setting an array element" in str(error):
                error.args = (str(lost),)
        changed = mode.read_only if self.outermost else []
        mode.like_arrays, mode.tracing, mode.level, mode.graph, mode.read_only = self.before
        if self.outermost:
            mode.copied = {}
        for array in sorted(changed, key=lambda array: array.base is not None):  # wholes first
            array.flags.writeable = True


def _advice(error: Exception) -> Iterator[str]:
    """What to do about an error of NumPy's own, where it comes of Values in place of arrays."""
    message = str(error)
    if mode.of_values and "read-only" in message:
        yield "np.asarray of a Value is a copy, which is read-only: write to the Value itself."
    if mode.read_only and "read-only" in message:
        yield (
            "An array that was computed with a Value is needed for the derivative. Those of more "
            f"than {_LARGE >> 20} MiB are not copied: change a copy of it."
        )
    if mode.of_values and re.search("ufunc|object|dtype|setting an array element", message):
        yield (
            "An array of Values, as np.array makes one of a list, is one of objects to NumPy, not "
            "all of whose functions take it: make a Value of the list, with np.stack or np.block."
        )


def kept(x: Any) -> Any:
    """What a rule may keep of an argument that is no Value: something that does not change."""
    if type(x) is tuple:
        return tuple([kept(part) for part in x])
    if type(x) is not np.ndarray or not (x.flags.writeable or x.base is not None):
        return x
    if x.nbytes <= _SMALL:
        return x.copy("K")
    wholes = [x]  # the array and what it is a view of
    while type(wholes[-1].base) is np.ndarray:
        wholes.append(wholes[-1].base)
    if x.nbytes <= _LARGE or wholes[-1].base is not None:
        return _copy_of(x)
    for array in wholes:
        if array.flags.writeable:
            array.flags.writeable = False
            mode.read_only.append(array)
    return x


def _copy_of(x: Any) -> Any:
    """A copy of an array, which is the one that was made before if the array is still the same."""
    array, copy = mode.copied.get(id(x), (None, None))
    if array is not x or array.shape != copy.shape or not np.array_equal(array, copy):
        copy = x.copy("K")
        mode.copied[id(x)] = x, copy
    return copy
