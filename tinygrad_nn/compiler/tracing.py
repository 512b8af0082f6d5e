"""Tracing: the tape on which it is noted what was computed."""

from __future__ import annotations

import operator
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..random import plain_generator
from .functions import CHANGING, Draw, changed, has_shape, with_item
from .places import current_line
from .program import Call, Input, Program, Ref, function_name, layout_of
from .traced_arrays import COMPUTED, Traced, View, symbols, traced_in, values

_NUMBERS = (bool, int, float, complex)
# Functions whose results have as many elements as the values say.
_OF_VARYING_SIZE = {
    *(np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.compress, np.extract, np.union1d),
    *(np.intersect1d, np.setdiff1d, np.setxor1d, np.delete, np.trim_zeros, np.repeat, np.bincount),
}
# Functions whose results are complex where the values say so.
_OF_VARYING_TYPE = {np.linalg.eig, np.linalg.eigvals, np.roots, np.real_if_close}
_DOUBLE = np.dtype(np.float64)


class Tape:
    """A program in the making."""

    def __init__(self) -> None:
        self.program = Program()
        self.guards: list[tuple[Ref, bool]] = []
        self.read: set[Ref] = set()  # gradients that the function looked at
        self.traced: list[weakref.ref[Traced]] = []
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._count = 0
        self._errors = np.geterr()
        self.quiet = False  # whether some calls ignore floating-point errors
        self.fixed: set[int] = set()  # ids of arrays that are in tuples and the like
        self._copies: dict[int, tuple[Any, Any]] = {}  # by id, with the array that has it
        self.refused: CaptureError | None = None  # though the function may have caught it

    def input(self, value: Any, name: str, is_argument: bool = False) -> Traced:
        """`value` as an input of the program."""
        ref = self._new_ref()
        shape, dtype = _kind(value)
        is_dense = not isinstance(value, np.ndarray) or value.flags.forc
        given = Input(ref, name, shape, dtype, is_argument, layout_of(value), is_dense)
        self.program.inputs.append(given)
        return Traced(self, ref, value, name)

    def generator(self, rng: Any) -> TracedGenerator:
        """A generator whose draws are noted; None is the package's."""
        if isinstance(rng, TracedGenerator):
            return rng
        plain = plain_generator(rng)
        if id(plain) not in self._generators:
            self._generators[id(plain)] = plain, plain.bit_generator.state
        return TracedGenerator(self, rng)

    def rewind(self) -> None:
        """Let the generators draw again what they drew."""
        for rng, state in self._generators.values():
            rng.bit_generator.state = state

    def constant(self, x: Any) -> Any:
        """A plain array among the arguments of a call, as it is now.

        Those that were there before the call, and could not be replaced, are read in each run.
        """
        if id(x) in self.fixed:
            return x
        _, copy = self._copies.get(id(x), (None, None))
        if copy is None or copy.tobytes() != x.tobytes():
            once = tuple([slice(None) if stride else slice(1) for stride in x.strides])
            copy = np.broadcast_to(x[once].copy("K"), x.shape)  # and so read-only
            self._copies[id(x)] = x, copy
        return copy

    def refusal(self, what: str, instead: str) -> CaptureError:
        """What is raised where the function does what a program cannot."""
        return self.refuse(CaptureError(f"compile: {current_line()} {what}: {instead}"))

    def refuse(self, error: CaptureError) -> CaptureError:
        """The error, which the capture raises even if the function catches it."""
        self.refused = error
        return error

    def call(self, function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
        """Call a function, and note the call."""
        if function in CHANGING:
            self._change(function, args, keywords)
            return None
        result = function(*values(args), **values(keywords))
        shared = None if isinstance(function, np.ufunc) else [*traced_in(args)]
        noted = self.noted(function, symbols(args, self), symbols(keywords, self), result, shared)
        parts = noted if isinstance(noted, (tuple, list)) else ()
        for part in parts:
            for base in shared or ():
                if np.may_share_memory(part.value, base.value):
                    part._view = View(base, function, args, {"part": True})
                    base._views.append(weakref.ref(part))
        if shared and type(noted) is Traced and isinstance(result, np.ndarray):
            for base in shared:
                if isinstance(base.value, np.ndarray) and np.may_share_memory(result, base.value):
                    noted._view = View(base, function, args, keywords)
                    base._views.append(weakref.ref(noted))
                    break
        if _has_varying_shape(function, args):
            self._expect_shape(noted)
        if function in _OF_VARYING_TYPE:
            x = noted[0] if isinstance(noted, (tuple, list)) else noted
            is_complex = np.iscomplexobj(x.value)
            kind = self.noted(np.iscomplexobj, (x.ref,), {}, is_complex)
            self.guards.append((kind.ref, is_complex))
        return noted

    def _change(self, function: Callable[..., Any], args: Any, keywords: Any) -> None:
        """A function that changes its first argument, as one that gives a new one."""
        x, *rest = args
        if type(x) is not Traced:
            raise self.refusal(
                f"changes a plain array by {function_name(function)}",
                "start from an array that the function is given, x * 0, say, or from a Value",
            )
        x._become(self.call(changed, (function, x, *rest), keywords))

    def _expect_shape(self, result: Any) -> None:
        """Let calls in which a result has the shape that it has in this one be the program's."""
        x = result[0] if isinstance(result, (tuple, list)) else result
        same = self.noted(has_shape, (x.ref, np.shape(x.value)), {}, True)
        self.guards.append((same.ref, True))

    def noted(self, function: Any, args: Any, keywords: Any, result: Any, among: Any = None) -> Any:
        """Note a call; its result may be a view of one of the values it is `among`."""
        if type(result) is np.float64 and among is None:  # the common case in scalar programs
            ref = self._new_ref()
            self.program.calls.append(Call(ref, function, args, keywords, (), _DOUBLE))
            return Traced(self, ref, result, "")
        if result is None:
            return None
        if not isinstance(result, (np.ndarray, np.generic, *_NUMBERS, tuple, list)):
            raise self.refusal(
                f"makes {type(result).__name__} of {COMPUTED}", "return it, and do that outside"
            )
        errors = np.geterr()
        if errors != self._errors:
            if "raise" in errors.values():
                raise self.refusal("raises floating-point errors", "set np.errstate outside")
            self.quiet = True
        ref = self._new_ref()
        shape, dtype = ((), None) if isinstance(result, (tuple, list)) else _kind(result)
        place = current_line() if shape else ""
        self.program.calls.append(
            Call(
                ref,
                function,
                args,
                keywords,
                shape,
                dtype,
                place,
                layout_of(result),
                _source(result, among),
                isinstance(result, np.ndarray) and not result.flags.forc,
            )
        )
        if isinstance(result, (tuple, list)):
            parts = [
                self.noted(operator.getitem, (ref, at), {}, part, among)
                for at, part in enumerate(result)
            ]
            return type(result)(parts) if type(result) in (tuple, list) else type(result)(*parts)
        return Traced(self, ref, result, place)

    def is_of(self, args: Any) -> bool:
        """Whether something that is traced is among the arguments."""
        return any(True for _ in traced_in(args))

    def alive(self) -> list[Traced]:
        """What of all that was traced something still refers to."""
        return [traced for ref in self.traced if (traced := ref()) is not None]

    def _new_ref(self) -> Ref:
        self._count += 1
        return Ref(self._count - 1)


class TracedGenerator:
    """A random number generator whose draws are calls of the program."""

    def __init__(self, tape: Tape, rng: Any) -> None:
        self._tape = tape
        self._rng = rng

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method == "shuffle" or not callable(getattr(np.random.Generator, method, None)):
            raise self._tape.refusal(
                f"uses .{method} of a random number generator", "use its other methods: permutation"
            )
        draw = Draw(self._rng, method)
        return lambda *args, **keywords: self._tape.call(draw, args, keywords)


def _has_varying_shape(function: Any, args: Any) -> bool:
    """Whether the values say which shape the result has."""
    if function is operator.getitem:
        index = args[1] if isinstance(args[1], tuple) else (args[1],)
        masks = (type(part) is Traced and part.dtype == np.bool_ for part in index)
        return any(masks) or any(type(part) is slice and [*traced_in(part)] for part in index)
    if isinstance(function, np.ufunc) or function in (operator.pow, with_item):
        return False
    of_size = function in _OF_VARYING_SIZE or (function is np.where and len(args) == 1)
    return of_size or any(not x.shape and x.dtype.kind in "iu" for x in traced_in(args[1:]))


def _source(result: Any, among: Any) -> Ref | None:
    """Which of the values a result is a view of.

    A number may be one, or what one is of, where the program has it in an array without axes.
    """
    if among and isinstance(result, (np.ndarray, np.generic)):
        for traced in among:
            arrays = isinstance(traced.value, np.ndarray) and isinstance(result, np.ndarray)
            if not arrays or np.may_share_memory(result, traced.value):
                ref: Ref = traced.ref
                return ref
    return None


def _kind(value: Any) -> tuple[tuple[int, ...], np.dtype[Any] | None]:
    if type(value) is np.float64:
        return (), _DOUBLE
    if type(value) is np.ndarray:
        return value.shape, value.dtype
    if isinstance(value, _NUMBERS) and not isinstance(value, np.generic):
        return (), None
    return np.shape(value), np.asarray(value).dtype
