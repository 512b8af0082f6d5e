"""Tracing: arrays that compute, and note on a tape what was computed of them."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..engine import short_path
from .functions import Draw, as_type, with_at, with_item
from .program import Call, Input, Program, Ref, layout_of

_PACKAGE = __name__.partition(".")[0]
_NUMBERS = (bool, int, float, complex)
# Of Python's numbers alone the result is one, which leaves the dtype to what it is combined with.
_OPERATORS: dict[Any, Callable[..., Any]] = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.power: operator.pow,
    np.negative: operator.neg,
    np.remainder: operator.mod,
    np.floor_divide: operator.floordiv,
    np.absolute: operator.abs,
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
    np.equal: operator.eq,
    np.not_equal: operator.ne,
}


# What these give depends on shapes and types alone.
_OF_SHAPES = {
    *(np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj),
    *(np.min_scalar_type, np.common_type, np.zeros_like, np.ones_like, np.empty_like),
    *(np.may_share_memory, np.shares_memory),
}


_PLAIN = {int, float, np.ndarray, np.float64, np.float32}
_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


class CaptureError(TypeError):
    """What a function does that a program cannot."""


class Tape:
    """A program in the making."""

    def __init__(self) -> None:
        self.program = Program()
        self.guards: list[tuple[Ref, bool]] = []
        self._traced: list[weakref.ref[Traced]] = []
        self._count = 0

    def input(self, value: Any, name: str) -> Traced:
        """`value` as an input of the program."""
        ref = self._new_ref()
        shape, dtype = _kind(value)
        self.program.inputs.append(Input(ref, name, shape, dtype))
        return Traced(self, ref, value, name)

    def generator(self, rng: Any) -> TracedGenerator:
        """A generator whose draws are noted; None is the package's."""
        return rng if isinstance(rng, TracedGenerator) else TracedGenerator(self, rng)

    def call(self, function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
        """Call a function, and note the call if it is one of traced values."""
        result = function(*values(args), **values(keywords))
        shared = None if isinstance(function, np.ufunc) else [*_traced_in(args)]
        return self.noted(function, symbols(args), symbols(keywords), result, shared)

    def noted(self, function: Any, args: Any, keywords: Any, result: Any, among: Any = None) -> Any:
        """Note a call; its result may be a view of one of the values it is `among`."""
        if result is None:
            return None
        ref = self._new_ref()
        shape, dtype = ((), None) if isinstance(result, (tuple, list)) else _kind(result)
        place = _place() if shape else ""
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
            )
        )
        if isinstance(result, (tuple, list)):
            parts = [
                self.noted(operator.getitem, (ref, at), {}, part, among)
                for at, part in enumerate(result)
            ]
            return type(result)(parts) if type(result) in (tuple, list) else type(result)(*parts)
        return Traced(self, ref, result, place)

    def alive(self) -> list[Traced]:
        """What of all that was traced something still refers to."""
        return [traced for ref in self._traced if (traced := ref()) is not None]

    def _new_ref(self) -> Ref:
        self._count += 1
        return Ref(self._count - 1)


class Traced(NDArrayOperatorsMixin):
    """An array or number whose computation is noted on a tape.

    It has the value that it had in the call that is traced, but what depends on that (`if x > 0`,
    `float(x)`) would be a program for this value only: that is an error.
    """

    __slots__ = ("__weakref__", "place", "ref", "tape", "value")
    _traced = True
    __array_priority__ = 900

    def __init__(self, tape: Tape, ref: Ref, value: Any, place: str) -> None:
        self.tape = tape
        self.ref = ref
        self.value = value
        self.place = place
        tape._traced.append(weakref.ref(self))

    def __hash__(self) -> int:
        return id(self)

    # ---- What is known of it

    @property
    def shape(self) -> tuple[int, ...]:
        return np.shape(self.value)

    @property
    def ndim(self) -> int:
        return np.ndim(self.value)

    @property
    def size(self) -> int:
        return np.size(self.value)

    @property
    def dtype(self) -> np.dtype[Any]:
        dtype: Any = getattr(self.value, "dtype", None)
        return np.asarray(self.value).dtype if dtype is None else dtype

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return np.asarray(self.value).nbytes

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[at] for at in range(len(self)))

    def __repr__(self) -> str:
        return f"Traced({self.ref}, {self.dtype}, {self.shape})"

    # ---- NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method == "__call__" and not keywords and len(inputs) <= 2:
            result = self._of_operands(ufunc, inputs)
            if result is not None:
                return result
        if any(hasattr(type(x), "requires_grad") for x in inputs):
            return NotImplemented
        if method == "at":
            target, *rest = inputs
            if not isinstance(target, Traced):
                raise self._error("added it to a plain array", "make the array a Value")
            return target._become(self.tape.call(with_at, (ufunc, target, *rest), {}))
        targets = keywords.pop("out", None)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if method == "__call__" and not keywords and ufunc in _OPERATORS:
            if all(isinstance(x, _NUMBERS) for x in values(inputs)):
                function = _OPERATORS[ufunc]
        result = self.tape.call(function, inputs, keywords)
        return result if targets is None else _written(targets, result)

    def _of_operands(self, ufunc: Any, inputs: tuple[Any, ...]) -> Any:
        """The common case, with less ado: a ufunc of traced values and plain ones; or None."""
        plain, named = [], []
        numbers = True
        for x in inputs:
            kind = type(x)
            if kind is Traced:
                value = x.value
                named.append(x.ref)
                plain.append(value)
                numbers = numbers and type(value) in (int, float)
            elif kind in _PLAIN:
                named.append(x)
                plain.append(x)
                numbers = numbers and kind in (int, float)
            else:
                return None
        if numbers:
            return None
        return self.tape.noted(ufunc, tuple(named), {}, ufunc(*plain))

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        if any(hasattr(kind, "requires_grad") for kind in types):
            return NotImplemented
        if function in _OF_SHAPES:
            return function(*values(args), **values(keywords))
        target = keywords.pop("out", None)
        result = self.tape.call(function, args, keywords)
        return result if target is None else _written((target,), result)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise self._error("made a plain array of it", "use NumPy's functions on it as it is")

    def __pow__(self, exponent: Any) -> Any:
        # As NumPy's arrays do for `**`, but np.power does not.
        if type(exponent) in (int, float) and isinstance(self.value, np.ndarray):
            if exponent in _POWERS and self.dtype.kind in "fc":
                return _POWERS[exponent](self)
        return np.power(self, exponent)

    # ---- Parts

    def __getitem__(self, index: Any) -> Any:
        return self.tape.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        self._become(self.tape.call(with_item, (self, index, value), {}))

    def _become(self, new: Any) -> None:
        """Take the place of `new`: after a change in place, so that it is one in the program."""
        self.ref, self.value = new.ref, new.value

    # ---- Methods of arrays

    @property
    def T(self) -> Any:  # noqa: N802
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802
        return np.swapaxes(self, -1, -2)

    @property
    def real(self) -> Any:
        return np.real(self)

    @property
    def imag(self) -> Any:
        return np.imag(self)

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.tape.call(as_type, (self, dtype), {})

    def copy(self, order: str = "C") -> Any:
        return self.tape.call(np.copy, (self, order), {})

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def swapaxes(self, a: int, b: int) -> Any:
        return np.swapaxes(self, a, b)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.add.reduce(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.maximum.reduce(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.minimum.reduce(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.mean(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.logical_or.reduce(self, axis=axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        return np.logical_and.reduce(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: Any = None) -> Any:
        return np.argmax(self, axis)

    # ---- What would be true of this value only

    def __bool__(self) -> bool:
        if _is_own(sys._getframe(1)):  # the package's checks of arguments: checked in each call
            self.tape.guards.append((self.ref, bool(self.value)))
            return bool(self.value)
        raise self._error("decided something by it", "use np.where")

    def __float__(self) -> float:
        raise self._error("made a Python number of it", "return it, or use NumPy's functions")

    __int__ = __index__ = item = tolist = __float__  # type: ignore[assignment]

    def _error(self, what: str, instead: str) -> CaptureError:
        return CaptureError(
            f"compile: {_place()} {what}, which is a value that changes from call to call: "
            f"{instead}"
        )


class TracedGenerator:
    """A random number generator whose draws are calls of the program."""

    def __init__(self, tape: Tape, rng: Any) -> None:
        self._tape = tape
        self._rng = rng

    def __getattr__(self, method: str) -> Callable[..., Any]:
        draw = Draw(self._rng, method)
        return lambda *args, **keywords: self._tape.call(draw, args, keywords)


def _traced_in(tree: Any) -> Iterator[Traced]:
    if isinstance(tree, Traced):
        yield tree
    elif isinstance(tree, (tuple, list)):
        for part in tree:
            yield from _traced_in(part)


def _source(result: Any, among: Any) -> Ref | None:
    """Which of the values a result is a view of.

    A number may be one, or what one is of, where the program has it in an array without axes.
    """
    if among and isinstance(result, (np.ndarray, np.generic)):
        for traced in among:
            arrays = isinstance(traced.value, np.ndarray) and isinstance(result, np.ndarray)
            if not arrays or np.may_share_memory(result, traced.value):
                return traced.ref
    return None


def _written(targets: Any, result: Any) -> Any:
    results = result if isinstance(result, tuple) else (result,)
    for target, part in zip(targets, results, strict=True):
        if target is None:
            continue
        if not isinstance(target, Traced):
            raise CaptureError(
                f"compile: {_place()} writes into an array that is no result of the function"
            )
        target._become(part if part.dtype == target.dtype else part.astype(target.dtype))
    return targets[0] if len(targets) == 1 else targets


def values(tree: Any) -> Any:
    """The tree with values in the place of what is traced."""
    return _mapped(tree, lambda x: x.value)


def symbols(tree: Any) -> Any:
    """The tree with Refs in the place of what is traced."""
    return _mapped(tree, lambda x: x.ref)


def _mapped(tree: Any, f: Callable[[Traced], Any]) -> Any:
    if isinstance(tree, Traced):
        return f(tree)
    if type(tree) is tuple:
        return tuple([_mapped(part, f) for part in tree])
    if type(tree) is list:
        return [_mapped(part, f) for part in tree]
    if type(tree) is dict:
        return {name: _mapped(part, f) for name, part in tree.items()}
    if type(tree) is slice:
        return slice(*(_mapped(part, f) for part in (tree.start, tree.stop, tree.step)))
    return tree


_DOUBLE = np.dtype(np.float64)


def _kind(value: Any) -> tuple[tuple[int, ...], np.dtype[Any] | None]:
    if type(value) is np.float64:
        return (), _DOUBLE
    if type(value) is np.ndarray:
        return value.shape, value.dtype
    if isinstance(value, _NUMBERS) and not isinstance(value, np.generic):
        return (), None
    return np.shape(value), np.asarray(value).dtype


def _is_own(frame: Any) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE


def _place() -> str:
    """The line outside of the package that is being run."""
    frame = sys._getframe(1)
    while frame.f_back and (_is_own(frame) or "numpy" in frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return f"{short_path(frame.f_code.co_filename)}:{frame.f_lineno}"
