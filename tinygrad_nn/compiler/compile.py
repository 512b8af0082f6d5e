"""compile: a function as a program, captured once for each kind of arguments."""

from __future__ import annotations

import functools
import gc
import inspect
import types
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..errors import CaptureError
from ..modes import EVERYTHING, mode
from ..value import Value
from .arguments import Arguments, arguments
from .calling import MISS
from .capture import capture
from .inputs import GradientUsedError, Inputs
from .outputs import Entry
from .program import Program
from .traced_arrays import Traced

_MOST = 16  # programs that are kept
_MANY = 12  # captures without as many calls that needed none: there is a warning


class CacheInfo(NamedTuple):
    """How many calls found their program, how many made one, and how many there are."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


def compile(f: Callable[..., Any]) -> Compiled:
    """`f` as a program of array operations, which each call runs again without Python's graph.

    `f` may be a loss, a model, `value_and_grad(loss)`, or a whole training step: what it computes,
    forward, backward and in the optimizer's update alike, is captured in its first call, improved,
    and run with memory of its own. It changes parameters, gradients, optimizers' state and arrays
    as `f` does, and its results are the same to the last bit, with two exceptions, the same but for
    rounding: a value that is repeated along an axis and summed over it again is multiplied, and a
    product of a matrix with itself that was computed twice, or copied, is one to BLAS.

    A program holds for arguments of the same shapes, dtypes and structure, for equal constants
    (text, booleans, integers), for the same objects by the names that `f` uses, for modules in the
    same mode (`train`, `eval`), and with gradients enabled or not. For others another one is
    captured; the 16 used last are kept (`cache_info()`). What varies freely: arrays, numbers of
    floating point, the learning rate, arrays and Values that `f` uses by name, random numbers.
    An integer that is seen to vary is one of them from then on, unless something depends on it that
    is no computation, such as the length of a loop.

    CaptureError, with the line, is raised for what a program would not do again, or would do for
    one value only: `if loss > 3`, `float(loss)`, `print`, changes of lists, dicts and objects other
    than the arrays in them. Use np.where, return it, or do it outside.

    What `f` uses by name is found in globals, closures, defaults, attributes, classes, lists,
    deques, dicts and tuples. What objects of libraries hold is taken as it is at the capture, but
    for arrays that take part in a computation themselves, which are read in each call. Capture in
    one thread, while no other uses the same model; programs may then run in any.

    Results that `f` would give with a graph have one: a compiled model or loss is differentiated
    by programs too (once; for second derivatives compile the function that takes them). After a
    whole step there is nothing left to differentiate, so its results have none.

    `program()` is the program as text, and `tg.draw(f)` draws it, before and after optimisation.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> weight = tg.Value([1.0, 2.0])
    >>> optimizer = tg.optim.SGD([weight], lr=0.1)
    >>> @tg.compile
    ... def step(x, y):
    ...     loss = ((x @ weight - y) ** 2).mean()
    ...     optimizer.zero_grad()
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> x = np.eye(2)
    >>> [round(float(step(x, np.zeros(2))), 3) for _ in range(3)]
    [2.5, 2.025, 1.64]
    >>> step.cache_info()
    CacheInfo(hits=2, misses=1, maxsize=16, currsize=1)
    """
    return Compiled(f)


class Compiled:
    """A function that `compile` returned."""

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(f"compile takes a function, not {type(f).__name__}")
        if isinstance(f, type):
            raise TypeError(f"compile takes a function or a model, not the class {f.__name__}")
        if inspect.isgeneratorfunction(f) or inspect.iscoroutinefunction(f):
            kind = "a generator (yield)" if inspect.isgeneratorfunction(f) else "asynchronous"
            raise TypeError(
                f"compile: {f.__name__} is {kind}: it computes nothing when it is called"
            )
        functools.update_wrapper(self, f, updated=())
        self._f = f
        self._entries: list[Entry] = []  # the one used last comes first
        self._last: Entry | None = None
        self._numbers: dict[Any, Any] = {}  # by place, what numbers were in captures
        self._varying: set[Any] = set()  # the places of those that were seen to vary
        self._constants = False  # whether numbers are constants, since one decides something
        self._gradients_matter = False
        self._kinds: dict[str, str] = {}  # of the arguments, by name, in the last capture
        self._hits = self._misses = 0

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if mode.tape is not None or mode.level >= EVERYTHING:
            return self._f(*args, **keywords)  # as a part of another program, or of a picture
        given = arguments(args, keywords)
        for at, entry in enumerate(self._entries):
            if entry.structure != given.structure:
                continue
            result = self._run(entry, given)
            if result is not MISS:
                if at:
                    self._entries.insert(0, self._entries.pop(at))
                    self._last = entry
                self._hits += 1
                return result
        self._misses += 1
        self._warn(given)
        self._last = entry = self._captured(given)
        if entry.repeatable:
            self._entries.insert(0, entry)
            del self._entries[_MOST:]
        result = self._run(entry, given)
        if result is MISS:
            raise CaptureError(
                f"compile: {self._name} changes something that it depends on, other than arrays: "
                "do that outside"
            )
        return result

    def _run(self, entry: Entry, given: Arguments) -> Any:
        try:
            return entry.call(given.leaves)
        except Exception as error:
            error.add_note(f"in the program that compile has made of {self._name}")
            raise

    def _warn(self, given: Arguments) -> None:
        """Say what varies, where there is one program after another."""
        names = given.names(self._f)
        now = {name: _kind(x) for name, x in zip(names, given.leaves, strict=True)}
        before, self._kinds = self._kinds, now
        if self._misses == _MANY and self._hits < _MANY:
            varies = [
                f"{name} ({before.get(name, 'not given')}, then {kind})"
                for name, kind in now.items()
                if before.get(name) != kind
            ]
            warnings.warn(
                f"compile: {self._misses} programs of {self._name} were captured in "
                f"{self._misses + self._hits} calls, which takes longer than to call it. What "
                f"varied last: {', '.join(varies) or 'something that it uses by name'}. Arrays of "
                "few shapes, and numbers of floating point, may vary freely",
                RuntimeWarning,
                stacklevel=3,
            )

    def _captured(self, given: Arguments) -> Entry:
        """The program for a call, and for those like it."""
        first: CaptureError | None = None
        constants = self._constants
        while True:
            inputs = Inputs(
                self._f,
                given,
                self._varying,
                constants=constants,
                gradients_matter=self._gradients_matter,
            )
            try:
                entry = capture(inputs)
            except GradientUsedError:
                self._gradients_matter = True
                continue
            except CaptureError as error:
                if first is not None or not inputs.has_numbers:
                    raise (first or error) from None
                first, constants = error, True  # perhaps a number decides something
                continue
            varied = [
                place
                for place, x in inputs.numbers.items()
                if self._numbers.get(place, x) != x and not constants
            ]
            self._numbers |= inputs.numbers
            alive = inputs.tape.alive
            del inputs
            if varied:
                self._varying.update(varied)
                continue
            _check_leaks(alive)
            self._constants = constants
            return entry

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_f" not in vars(self):
            raise AttributeError(name)
        return getattr(self._f, name)  # of a model, its parameters and modes

    def __repr__(self) -> str:
        return f"<compiled {self._name}, {len(self._entries)} programs>"

    @property
    def _name(self) -> str:
        return getattr(self._f, "__name__", type(self._f).__name__)

    def __setattr__(self, name: str, x: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, x)
        else:
            setattr(self._f, name, x)

    def __reduce__(self) -> Any:
        return Compiled, (self._f,)

    def cache_info(self) -> CacheInfo:
        """How the calls so far have found their programs."""
        return CacheInfo(self._hits, self._misses, _MOST, len(self._entries))

    def cache_clear(self) -> None:
        """Forget all programs."""
        self._entries.clear()
        self._last = None
        self._hits = self._misses = 0

    def program(self) -> str:
        """The text of the program that was used last."""
        return str(self._latest().program)

    def programs(self) -> dict[str, Program]:
        """The program that was used last, as it was captured and as it is run."""
        entry = self._latest()
        return {"captured": entry.captured, "optimized": entry.program}

    def _latest(self) -> Entry:
        if self._last is None:
            raise RuntimeError("compile: there is no program before the first call")
        return self._last


def _kind(x: Any) -> str:
    if isinstance(x, Value):
        x = x.data
    if isinstance(x, (np.ndarray, np.generic)):
        return f"{x.dtype} {x.shape}"
    return repr(x) if isinstance(x, (int, str, type(None))) else type(x).__name__


def _check_leaks(alive: Callable[[], list[Traced]]) -> None:
    """Raise CaptureError if something that was traced is still in use."""
    if alive():
        gc.collect()  # of what refers to itself
    for traced in alive():
        raise CaptureError(
            f"compile: what {traced.place} computed was put somewhere outside of the function, "
            "which a program would not do again: return it, in tuples, lists or dicts"
        )
