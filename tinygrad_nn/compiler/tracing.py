"""Tracing: arrays that compute, and note on a tape what was computed of them."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..errors import CaptureError
from ..random import plain_generator
from .functions import Draw, as_type, with_at, with_item
from .places import current_line, is_ours
from .program import Call, Input, Program, Ref, function_name, layout_of

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


# What a whole is again of a view that another has taken the place of.
_UNDONE: dict[Any, Callable[..., Any]] = {
    np.transpose: lambda new, whole, axes=None: np.transpose(
        new, None if axes is None else np.argsort(axes)
    ),
    np.swapaxes: lambda new, whole, a, b: np.swapaxes(new, a, b),
    np.reshape: lambda new, whole, *_: np.reshape(new, whole.shape),
    np.ravel: lambda new, whole, *_: np.reshape(new, whole.shape),
}
_PLAIN = {int, float, np.ndarray, np.float64, np.float32}
_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


class Tape:
    """A program in the making."""

    def __init__(self) -> None:
        self.program = Program()
        self.guards: list[tuple[Ref, bool]] = []
        self.read: set[Ref] = set()  # gradients that the function looked at
        self._traced: list[weakref.ref[Traced]] = []
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._count = 0
        self._errors = np.geterr()
        self.quiet = False  # whether some calls ignore floating-point errors

    def input(self, value: Any, name: str, is_argument: bool = False) -> Traced:
        """`value` as an input of the program."""
        ref = self._new_ref()
        shape, dtype = _kind(value)
        self.program.inputs.append(Input(ref, name, shape, dtype, is_argument))
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

    def call(self, function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
        """Call a function, and note the call."""
        result = function(*values(args), **values(keywords))
        shared = None if isinstance(function, np.ufunc) else [*_traced_in(args)]
        noted = self.noted(function, symbols(args), symbols(keywords), result, shared)
        if shared and isinstance(noted, Traced) and isinstance(result, np.ndarray):
            for base in shared:
                if isinstance(base.value, np.ndarray) and np.may_share_memory(result, base.value):
                    noted.view = View(base, function, args, keywords)
                    base.views.append(weakref.ref(noted))
                    break
        return noted

    def noted(self, function: Any, args: Any, keywords: Any, result: Any, among: Any = None) -> Any:
        """Note a call; its result may be a view of one of the values it is `among`."""
        if result is None:
            return None
        if not isinstance(result, (np.ndarray, np.generic, *_NUMBERS, tuple, list)):
            kind = type(result).__name__
            raise CaptureError(
                f"compile: {current_line()} makes {kind} of a value that varies from call to call: "
                "do it outside, with what is returned"
            )
        self.quiet = self.quiet or np.geterr() != self._errors
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
        return any(True for _ in _traced_in(args))

    def alive(self) -> list[Traced]:
        """What of all that was traced something still refers to."""
        return [traced for ref in self._traced if (traced := ref()) is not None]

    def _new_ref(self) -> Ref:
        self._count += 1
        return Ref(self._count - 1)


def _by_numpy(function: Any) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return function(self, *args, **keywords)

    return method


def _by_reduction(ufunc: np.ufunc) -> Callable[..., Any]:
    def method(self: Any, axis: Any = None, *more: Any, **keywords: Any) -> Any:
        return ufunc.reduce(self, axis, *more, **keywords)

    return method


class View(NamedTuple):
    """How a view is taken of its base."""

    base: Traced
    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any]


class Traced(NDArrayOperatorsMixin):
    """An array or number whose computation is noted on a tape.

    It has the value that it had in the call that is traced, but what depends on that (`if x > 0`,
    `float(x)`) would be a program for this value only: that is an error.
    """

    __slots__ = ("__weakref__", "place", "ref", "tape", "value", "view", "views")
    _traced = True
    __array_priority__ = 900

    def __init__(self, tape: Tape, ref: Ref, value: Any, place: str) -> None:
        self.tape = tape
        self.ref = ref
        self.value = value
        self.place = place
        self.view: View | None = None
        self.views: list[weakref.ref[Traced]] = []
        tape._traced.append(weakref.ref(self))

    def __hash__(self) -> int:
        return id(self)

    # ---- What is known of it

    @property
    def is_array(self) -> bool:
        return isinstance(self.value, np.ndarray)

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
        alone = method == "__call__" and not keywords and ufunc in _OPERATORS
        if alone and all(isinstance(x, _NUMBERS) for x in values(inputs)):
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
        raise self._error(
            "made a plain array of it",
            "use NumPy's functions on it as it is; as an index of a plain array, np.take(array, x)",
        )

    def __pow__(self, exponent: Any) -> Any:
        # As NumPy's arrays do for `**`, but np.power does not.
        if not self.is_array and not np.ndim(exponent):
            return self.tape.call(operator.pow, (self, exponent), {})
        plain = type(exponent) in (int, float) and exponent in _POWERS
        if plain and self.dtype.kind in "fc":
            return _POWERS[exponent](self)
        return np.power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        if not self.is_array and not np.ndim(base):
            return self.tape.call(operator.pow, (base, self), {})
        return np.power(base, self)

    # ---- Parts

    def __getitem__(self, index: Any) -> Any:
        return self.tape.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        view = value.view if isinstance(value, Traced) else None
        if view is not None and view.base is self and view.args[1] is index:
            return  # the last part of x[i] += y, which has changed x already
        self._become(self.tape.call(with_item, (self, index, value), {}))

    def _become(self, new: Any) -> None:
        """Take the place of `new`, after a change in place, which views and their base share."""
        if self.view is not None:
            base, function, args, keywords = self.view
            if function is operator.getitem:
                whole = self.tape.call(with_item, (base, args[1], new), {})
            elif function in _UNDONE and not keywords:
                whole = _UNDONE[function](new, base, *args[1:])
            else:
                raise self._error(
                    f"changed it in place, through a view made by {function_name(function)}",
                    "change the array itself, x[i] = y",
                )
            base._become(whole)
        self.ref, self.value = new.ref, new.value
        self._refresh()

    def _refresh(self) -> None:
        """Take all views anew."""
        for reference in self.views:
            view = reference()
            if view is not None and view.view is not None:
                _, function, args, keywords = view.view
                now = function(*values(args), **values(keywords))
                among = [*_traced_in(args)]
                new = self.tape.noted(function, symbols(args), symbols(keywords), now, among)
                view.ref, view.value = new.ref, new.value
                view._refresh()

    # ---- Methods of arrays

    @property
    def T(self) -> Any:  # noqa: N802
        return np.transpose(self)

    @property
    def mT(self) -> Any:  # noqa: N802
        return np.swapaxes(self, -1, -2)

    @property
    def flat(self) -> Any:
        return iter(np.ravel(self))

    real = property(_by_numpy(np.real))
    imag = property(_by_numpy(np.imag))

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.tape.call(as_type, (self, dtype), {})

    def copy(self, order: str = "C") -> Any:
        return self.tape.call(np.copy, (self, order), {})

    __copy__ = copy

    def reshape(self, *shape: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)

    def fill(self, value: Any) -> None:
        self[...] = value

    sum, prod = _by_reduction(np.add), _by_reduction(np.multiply)
    max, min = _by_reduction(np.maximum), _by_reduction(np.minimum)
    any, all = _by_reduction(np.logical_or), _by_reduction(np.logical_and)
    mean, std, var = _by_numpy(np.mean), _by_numpy(np.std), _by_numpy(np.var)
    argmax, argmin, argsort = _by_numpy(np.argmax), _by_numpy(np.argmin), _by_numpy(np.argsort)
    cumsum, cumprod, clip = _by_numpy(np.cumsum), _by_numpy(np.cumprod), _by_numpy(np.clip)
    ravel, squeeze, repeat = _by_numpy(np.ravel), _by_numpy(np.squeeze), _by_numpy(np.repeat)
    swapaxes, take, round = _by_numpy(np.swapaxes), _by_numpy(np.take), _by_numpy(np.round)
    dot, trace, diagonal = _by_numpy(np.dot), _by_numpy(np.trace), _by_numpy(np.diagonal)
    conj = conjugate = _by_numpy(np.conjugate)

    def flatten(self) -> Any:
        return np.ravel(self).copy()

    # ---- What would be true of this value only

    def __bool__(self) -> bool:
        if is_ours(sys._getframe(1)):  # the package's checks of arguments: checked in each call
            self.tape.guards.append((self.ref, bool(self.value)))
            return bool(self.value)
        raise self._error("decided something by it", "use np.where")

    def __float__(self) -> float:
        raise self._error("made a Python number of it", "return it, or use NumPy's functions")

    __int__ = __index__ = item = tolist = __float__

    def __str__(self) -> str:
        raise self._error("made text of it", "return it, and print it outside")

    def __format__(self, how: str) -> str:
        return str(self)

    def _error(self, what: str, instead: str) -> CaptureError:
        return CaptureError(
            f"compile: {current_line()} {what}, which is a value that changes from call to call: "
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
                ref: Ref = traced.ref
                return ref
    return None


def _written(targets: Any, result: Any) -> Any:
    if len(targets) == 1 and isinstance(targets[0], Traced) and not targets[0].is_array:
        return result  # x += y of numbers, of which the name x means another one then
    results = result if isinstance(result, tuple) else (result,)
    for target, part in zip(targets, results, strict=True):
        if target is None:
            continue
        if not isinstance(target, Traced):
            raise CaptureError(
                f"compile: {current_line()} writes into an array that is no result of the function"
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
