"""Traced arrays: they compute, and have it noted on a tape what was computed of them."""

from __future__ import annotations

import operator
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..errors import CaptureError
from ..value import is_assigning
from .functions import as_type, into, with_at, with_item
from .places import is_ours
from .program import Ref, function_name

if TYPE_CHECKING:
    from .tracing import Tape

COMPUTED = "a computed value, which is another in each call"
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
_WRITING = {"__format__", "__repr__", "__str__"}
_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


def _by_numpy(function: Any) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **keywords: Any) -> Any:
        return function(self, *args, **keywords)

    return method


def _by_reduction(ufunc: np.ufunc) -> Callable[..., Any]:
    def method(self: Any, axis: Any = None, *more: Any, **keywords: Any) -> Any:
        return ufunc.reduce(self, axis, *more, **keywords)

    return method


def _operator(operation: Any, ufunc: Any, reflected: bool = False) -> Callable[..., Any]:
    """An operator, which of Python's numbers alone gives one, and of others is a ufunc."""

    def method(self: Any, other: Any) -> Any:
        operands = (other, self) if reflected else (self, other)
        result = self._of_operands(ufunc, operands)
        if result is not None:
            return result
        if hasattr(type(other), "requires_grad"):
            return NotImplemented
        if all(_is_number(x) for x in operands):
            return self.tape.call(operation, operands, {})
        return ufunc(*operands)

    return method


def _operators(operation: Any, ufunc: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator, and the one for what is on its right."""
    return _operator(operation, ufunc), _operator(operation, ufunc, reflected=True)


def _is_number(x: Any) -> bool:
    return type(x.value if type(x) is Traced else x) in (int, float, complex, bool)


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

    __slots__ = ("__weakref__", "_view", "_views", "place", "ref", "tape", "value")
    _traced = True
    __array_priority__ = 900

    def __init__(self, tape: Tape, ref: Ref, value: Any, place: str) -> None:
        self.tape = tape
        self.ref = ref
        self.value = value
        self.place = place
        self._view: View | None = None
        self._views: list[weakref.ref[Traced]] = []
        tape.traced.append(weakref.ref(self))

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # so that isinstance says of it what it says of the value
        return type(self.value)

    def __hash__(self) -> int:
        raise self._refusal("looks up", "look it up outside")

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
            if type(target) is not Traced:
                raise self._refusal("adds to a plain array", "make the array a Value")
            return target._become(self.tape.call(with_at, (ufunc, target, *rest), {}))
        targets = keywords.pop("out", None)
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if targets is None:
            return self.tape.call(function, inputs, keywords)
        target = targets[0]
        if len(targets) > 1 or type(target) is not Traced:
            return _written(targets, self.tape.call(function, inputs, keywords))
        if not target.is_array:
            return self.tape.call(function, inputs, keywords)  # x += y of numbers: another x
        result = self.tape.call(function, inputs, keywords) if not keywords else None
        fits = result is not None and result.shape == target.shape and result.dtype == target.dtype
        if not fits:  # let NumPy broadcast, convert or refuse
            result = self.tape.call(into, (function, target, *inputs), keywords)
        target._become(result)
        return target

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
                named.append(self.tape.constant(x) if kind is np.ndarray else x)
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
        if type(target) is Traced:
            target._become(self.tape.call(into, (function, target, *args), keywords))
            return target
        result = self.tape.call(function, args, keywords)
        return result if target is None else _written((target,), result)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if is_assigning(sys._getframe(1)):
            raise _into_plain_array(self)
        raise self._refusal(
            "makes a plain array of",
            "leave np.array and np.asarray out. To pick from an array by it, make that array "
            "outside and use its name; one-hot vectors are x[:, None] == np.arange(n)",
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

    __add__, __radd__ = _operators(operator.add, np.add)
    __sub__, __rsub__ = _operators(operator.sub, np.subtract)
    __mul__, __rmul__ = _operators(operator.mul, np.multiply)
    __truediv__, __rtruediv__ = _operators(operator.truediv, np.divide)
    __floordiv__, __rfloordiv__ = _operators(operator.floordiv, np.floor_divide)
    __mod__, __rmod__ = _operators(operator.mod, np.remainder)
    __lt__, __le__ = _operator(operator.lt, np.less), _operator(operator.le, np.less_equal)
    __gt__, __ge__ = _operator(operator.gt, np.greater), _operator(operator.ge, np.greater_equal)
    __eq__, __ne__ = _operator(operator.eq, np.equal), _operator(operator.ne, np.not_equal)

    def __neg__(self) -> Any:
        if _is_number(self):
            return self.tape.call(operator.neg, (self,), {})
        return np.negative(self)

    def __abs__(self) -> Any:
        return self.tape.call(abs, (self,), {}) if _is_number(self) else np.absolute(self)

    # ---- Parts

    def __getitem__(self, index: Any) -> Any:
        return self.tape.call(operator.getitem, (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        view = value._view if type(value) is Traced else None
        if view is not None and view.base is self and view.args[1] is index:
            return  # the last part of x[i] += y, which has changed x already
        self._become(self.tape.call(with_item, (self, index, value), {}))

    def _become(self, new: Any) -> None:
        """Take the place of `new`, after a change in place, which views and their base share."""
        if isinstance(self.value, np.ndarray) and not self.value.flags.writeable:
            raise ValueError("assignment destination is read-only")
        if self._view is not None:
            base, function, args, keywords = self._view
            if function is operator.getitem:
                whole = self.tape.call(with_item, (base, args[1], new), {})
            elif function in _UNDONE and not keywords:
                whole = _UNDONE[function](new, base, *args[1:])
            else:
                raise self._refusal(
                    f"changes, through a view made by {function_name(function)},",
                    "change the array itself, x[i] = y",
                )
            base._become(whole)
        self.ref, self.value = new.ref, new.value
        self._refresh()

    def _refresh(self) -> None:
        """Take all views anew."""
        for reference in self._views:
            view = reference()
            if view is not None and view._view is not None:
                _, function, args, keywords = view._view
                if "part" in keywords:
                    raise self._refusal(
                        f"changes an array of which {function_name(function)} made views, by",
                        "copy the parts, or change them before",
                    )
                now = function(*values(args), **values(keywords))
                among = [*traced_in(args)]
                new = self.tape.noted(
                    function, symbols(args, self.tape), symbols(keywords, self.tape), now, among
                )
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
        return np.ravel(self)

    real = property(_by_numpy(np.real))
    imag = property(_by_numpy(np.imag))

    def astype(self, dtype: Any, *, copy: bool = True) -> Any:
        if not copy and self.dtype == dtype:
            return self
        return self.tape.call(as_type, (self, dtype), {})

    def copy(self, order: str = "C") -> Any:
        return self.tape.call(np.copy, (self, order), {})

    __copy__ = copy

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return np.reshape(self, shape[0] if len(shape) == 1 else shape, **options)

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

    def flatten(self, order: Any = "C") -> Any:
        return np.ravel(self, order).copy()

    # ---- What would be true of this value only

    def __bool__(self) -> bool:
        if is_ours(sys._getframe(1)):  # the package's checks of arguments: checked in each call
            self.tape.guards.append((self.ref, bool(self.value)))
            return bool(self.value)
        raise self._refusal("decides by", "use np.where, or return it and decide outside")

    def __float__(self, *_: Any) -> float:
        if is_assigning(sys._getframe(1)):
            raise _into_plain_array(self)
        raise self._refusal("makes a Python number of", "use NumPy's functions, or return it")

    __int__ = __index__ = __complex__ = __round__ = item = tolist = __float__

    def __str__(self) -> str:
        return self._text(str)

    def __repr__(self) -> str:
        return self._text(repr)

    def __format__(self, how: str) -> str:
        return self._text(lambda x: format(x, how))

    def _text(self, write: Callable[[Any], str]) -> str:
        frame = sys._getframe(2)
        while frame.f_back and is_ours(frame) and frame.f_code.co_name in _WRITING:
            frame = frame.f_back
        if is_ours(frame):  # in an error of the package's, which ends the capture
            return write(self.value)
        raise self._refusal("makes text of", "return it, and print it outside")

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise self._refusal("pickles", "return it, and do that outside")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(type(self.value), name):
            raise AttributeError(f"{self.dtype} has no attribute {name!r}")
        raise self._refusal(f"uses .{name} of", "use a function of NumPy, or do that outside")

    def _refusal(self, what: str, instead: str) -> CaptureError:
        return self.tape.refusal(f"{what} {COMPUTED}", instead)


def _into_plain_array(x: Traced) -> CaptureError:
    return x.tape.refusal(
        "writes a computed value into a plain array",
        "start from one that is computed, x * 0, say, or from a Value",
    )


def _written(targets: Any, result: Any) -> Any:
    """Results in the arrays that were given for them: `out=`, and x += y."""
    results = result if isinstance(result, tuple) else (result,)
    for target, part in zip(targets, results, strict=True):
        if target is None:
            continue
        if type(target) is not Traced:
            raise _into_plain_array(part)
        target._become(part)
    return targets[0] if len(targets) == 1 else targets


def values(tree: Any) -> Any:
    """The tree with values in the place of what is traced."""
    return _mapped(tree, lambda x: x.value, lambda x: x)


def symbols(tree: Any, tape: Tape) -> Any:
    """The tree with Refs in the place of what is traced, and constants for arrays."""
    return _mapped(tree, lambda x: x.ref, tape.constant)


def _mapped(tree: Any, f: Callable[[Traced], Any], of_array: Callable[[Any], Any]) -> Any:
    kind = type(tree)
    if kind is Traced:
        return f(tree)
    if kind is np.ndarray:
        return of_array(tree)
    if kind is tuple:
        return tuple([_mapped(part, f, of_array) for part in tree])
    if kind is list:
        return [_mapped(part, f, of_array) for part in tree]
    if kind is dict:
        return {name: _mapped(part, f, of_array) for name, part in tree.items()}
    if kind is slice:
        parts = (tree.start, tree.stop, tree.step)
        return slice(*[_mapped(part, f, of_array) for part in parts])
    return tree


def traced_in(tree: Any) -> Iterator[Traced]:
    if type(tree) is Traced:
        yield tree
    elif isinstance(tree, (tuple, list)):
        for part in tree:
            yield from traced_in(part)
    elif type(tree) is slice:
        yield from traced_in((tree.start, tree.stop, tree.step))
