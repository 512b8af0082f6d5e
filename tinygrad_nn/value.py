"""Value: an array or scalar that remembers how it was computed."""

from __future__ import annotations

import dis
import operator
import sys
import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Concatenate, ParamSpec, final

import numpy as np

from . import engine, modes, numpy_protocol, ops, views
from .dispatch import stacked, wraps_results
from .engine import Node, leaf_node
from .errors import ShapeError
from .ops.indexing import is_part, row_of, taken
from .ops.shape import flatten as _flatten
from .ownership import ATTRIBUTE, is_sole
from .traced import as_array, in_order, is_traced, kind_of, order_of

P = ParamSpec("P")


def _method(
    operation: Callable[Concatenate[Any, P], Any],
) -> Callable[Concatenate[Value, P], Value]:
    """An operation whose first input is the Value itself."""
    return operation


def _by_numpy(function: Any) -> Callable[..., Any]:
    """A method that calls NumPy's function of the same name, which comes back here."""

    def method(self: Value, *args: Any, **keywords: Any) -> Any:
        return function(self, *args, **keywords)

    method.__doc__ = f"As `np.{function.__name__}`."
    return method


def _reflected(operation: Callable[[Any, Any], Any]) -> Callable[[Value, Any], Value]:
    def method(self: Value, other: Any) -> Value:
        return operation(other, self)  # type: ignore[no-any-return]

    return method


def _in_place(operation: Callable[[Any, Any], Any]) -> Callable[[Value, Any], Value]:
    def method(self: Value, other: Any) -> Value:
        new = operation(self, other)
        if kind_of(self._data) is not np.ndarray and modes.is_grad_enabled():
            self._check_replaceable()
            return new  # type: ignore[no-any-return]  # as of numbers: other names keep theirs
        self._become(new)
        return self

    return method


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Value, Any], Any]:
    def method(self: Value, other: Any) -> Any:
        return compare(self._data, other._data if isinstance(other, Value) else other)

    return method


@final
@wraps_results
class Value:
    """An array or scalar whose operations are recorded, so that they can be differentiated.

    `data` becomes an array or, for a single number, a NumPy scalar; it is copied. Numbers and
    lists of them become floating point (`dtype` chooses another type). A floating-point Value
    requires a gradient unless told otherwise; integers and booleans carry none.

    >>> import tinygrad_nn as tg
    >>> x = tg.Value([1.0, 2.0, 3.0])
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    array([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "_data", "_is_parameter", "_link", "_node", "_views")

    _data: Any
    _node: Node | None
    # Whether a module or an optimizer holds the Value; not set in results of operations.
    _is_parameter: bool
    # What the Value is a view of, and the views of it; not set where there are none.
    _link: views.Link
    _views: list[tuple[int | None, weakref.ref[Value]]]

    def __init__(self, data: Any, *, dtype: Any = None, requires_grad: bool | None = None) -> None:
        self._data = _own_array(data, dtype, "biuf" if requires_grad is not False else "biufc")
        differentiable = self._data.dtype.kind == "f"
        if requires_grad and not differentiable:
            raise TypeError(
                f"only floating-point Values can require a gradient, not {self._data.dtype}"
            )
        self._is_parameter = False
        wanted = differentiable if requires_grad is None else requires_grad
        self._node = leaf_node(self._data) if wanted else None

    # ---- What it holds

    @property
    def data(self) -> Any:
        """The ndarray or NumPy scalar, outside the graph. Assigning keeps shape, dtype and
        order in memory.

        The graph refers to the array: change its elements only where no backward pass through an
        earlier use of the Value is still to come.
        """
        return self._data

    @data.setter
    def data(self, new: Any) -> None:
        if self._node is not None and self._node.edges:
            raise RuntimeError(
                "data of a Value computed from others cannot be set: its graph would not match. "
                "Use x[...] = new, which is recorded, or detach() first"
            )
        if new is self._data:
            return
        order = order_of(self._data)
        if is_traced(new):
            array = new.astype(self.dtype, copy=False)
            array = array.copy(order) if array.ndim else array
        else:
            array = np.array(new, dtype=self.dtype, order=order)[()]
        if array.shape != self.shape:
            raise ShapeError(f"data of shape {array.shape} for a Value of shape {self.shape}")
        self._data = array

    @property
    def grad(self) -> Any:
        """The gradient that backward passes have accumulated, or None.

        An array of the Value's shape and dtype; after `backward(create_graph=True)` a Value.
        Leaves have one, and what called `retain_grad()` or was made under `record()`.
        """
        node = self._node
        if node is None:
            return None
        if node.grad is None and node.edges and not node.keeps_grad:
            warnings.warn(
                "grad of a Value computed from others is not kept: call its retain_grad() before "
                "backward(). (Was a leaf replaced? Update leaves in place, under no_grad().)",
                stacklevel=2,
            )
        if modes.mode.tape is not None and is_traced(node.grad):
            modes.mode.tape.read.add(node.grad.ref)
        return node.grad

    @grad.setter
    def grad(self, new: Any) -> None:
        if self._node is None:
            if new is not None:
                raise RuntimeError("this Value does not require a gradient, so it has no grad")
            return
        if new is not None:
            if np.shape(new) != self.shape:
                raise ShapeError(
                    f"grad of shape {np.shape(new)} for a Value of {self.shape}; "
                    "to clear it, assign None or call zero_grad()"
                )
            if not isinstance(new, Value):
                traced = is_traced(new)
                new = new.astype(self.dtype) if traced else np.array(new, self.dtype)[()]
        self._node.grad = new

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this Value. Assign False to freeze a leaf."""
        return self._node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            raise RuntimeError("requires_grad can only be set on leaves; use detach()")
        if not wanted:
            self._node = None
        elif self._node is None:
            if self.dtype.kind != "f":
                raise TypeError(f"{self.dtype} Values cannot require a gradient")
            self._node = leaf_node(self._data)

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this Value."""
        return self._node is None or not self._node.edges

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        """The number of elements."""
        return self._data.size  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self._data.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self._data.nbytes  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the elements."""
        return self._data.dtype  # type: ignore[no-any-return]

    def item(self) -> float | int | bool:
        """The only element, as a Python number."""
        return self._data.item()  # type: ignore[no-any-return]

    def numpy(self) -> Any:
        """`data`, for a Value that requires no gradient; an error for one that does."""
        return self.__array__()

    # ---- Derivatives

    def backward(self, gradient: Any = None, create_graph: bool = False) -> None:
        """Add to the `grad` of every leaf the derivative of this Value by it.

        `gradient` is that of some final result by this Value, in its shape; it may be left out
        for a Value of one element, and is 1 then. With `create_graph=True` the gradients are
        Values that can be differentiated again. The graph stays as it is: calling twice adds
        the gradients twice.

        >>> import tinygrad_nn as tg
        >>> x = tg.Value([1.0, 2.0])
        >>> (3 * x).backward([1.0, 10.0])
        >>> x.grad
        array([ 3., 30.])
        """
        if create_graph or self._node is None:
            backward([self], None if gradient is None else [gradient], create_graph)
            return
        # The common case goes without lists.
        seed = _seed(self, gradient, create_graph)
        engine.accumulate(engine.backpropagate([self._node], [seed]), [seed])

    def zero_grad(self) -> None:
        """Forget the accumulated gradient: `grad` is None again."""
        if self._node is not None:
            self._node.grad = None

    def retain_grad(self) -> None:
        """Let backward passes keep the gradient of this Value, though it is not a leaf."""
        if self._node is None:
            raise RuntimeError("retain_grad: this Value does not require a gradient")
        self._node.keeps_grad = True

    def detach(self) -> Value:
        """The same data as a Value without a graph, which requires no gradient."""
        return make_value(self._data, None)

    # ---- Operators

    __add__ = _method(ops.add)
    __radd__ = _reflected(ops.add)
    __iadd__ = _in_place(ops.add)
    __sub__ = _method(ops.subtract)
    __rsub__ = _reflected(ops.subtract)
    __isub__ = _in_place(ops.subtract)
    __mul__ = _method(ops.multiply)
    __rmul__ = _reflected(ops.multiply)
    __imul__ = _in_place(ops.multiply)
    __truediv__ = _method(ops.divide)
    __rtruediv__ = _reflected(ops.divide)
    __itruediv__ = _in_place(ops.divide)
    __floordiv__ = _method(ops.floor_divide)
    __rfloordiv__ = _reflected(ops.floor_divide)
    __ifloordiv__ = _in_place(ops.floor_divide)
    __mod__ = _method(ops.remainder)
    __rmod__ = _reflected(ops.remainder)
    __imod__ = _in_place(ops.remainder)
    __pow__ = _method(ops.power)
    __rpow__ = _reflected(ops.power)
    __ipow__ = _in_place(ops.power)
    __matmul__ = _method(ops.matmul)
    __rmatmul__ = _reflected(ops.matmul)
    __imatmul__ = _in_place(ops.matmul)
    __divmod__ = _by_numpy(np.divmod)
    __rdivmod__ = _reflected(np.divmod)
    __round__ = _by_numpy(np.round)
    __neg__ = _method(ops.negative)
    __pos__ = _method(ops.positive)
    __abs__ = _method(ops.abs)
    __getitem__ = _method(ops.getitem)

    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __hash__ = object.__hash__

    def __setitem__(self, index: Any, value: Any) -> None:
        value = stacked(value)
        if isinstance(value, Value) and value.requires_grad and self.dtype.kind not in "fc":
            raise TypeError(f"{self.dtype} elements cannot keep the gradient of what is assigned")
        if is_part(value, self, index):
            return  # x[i] += y has changed x already, through the view x[i]
        self._check_replaceable()
        # Nothing is copied where nobody else needs what was there before.
        in_place = is_sole(self._data, ATTRIBUTE) and value is not self and not modes.mode.tape
        row = row_of(index, self)
        if modes.is_grad_enabled() or views.whole_of(self).is_leaf:
            self._become(ops.setitem(self, index, value, in_place), row)
        else:  # what is written is a constant; the rest keeps its gradient
            with modes.enable_grad():
                self._become(ops.setitem(self, index, _data(value), in_place), row)

    # ---- Functions

    exp = _method(ops.exp)
    expm1 = _method(ops.expm1)
    log = _method(ops.log)
    log1p = _method(ops.log1p)
    sqrt = _method(ops.sqrt)
    square = _method(ops.square)
    power = _method(ops.power)
    sin = _method(ops.sin)
    cos = _method(ops.cos)
    tanh = _method(ops.tanh)
    erf = _method(ops.erf)
    erfc = _method(ops.erfc)
    sigmoid = _method(ops.sigmoid)
    softplus = _method(ops.softplus)
    relu = _method(ops.relu)
    leaky_relu = _method(ops.leaky_relu)
    elu = _method(ops.elu)
    gelu = _method(ops.gelu)
    silu = _method(ops.silu)
    abs = _method(ops.abs)
    sign = _method(ops.sign)
    maximum = _method(ops.maximum)
    minimum = _method(ops.minimum)
    clip = _method(ops.clip)
    astype = _method(ops.astype)

    sum = _method(ops.sum)
    mean = _method(ops.mean)
    prod = _method(ops.prod)
    max = _method(ops.max)
    min = _method(ops.min)
    var = _method(ops.var)
    std = _method(ops.std)
    cumsum = _method(ops.cumsum)
    logsumexp = _method(ops.logsumexp)
    softmax = _method(ops.softmax)
    log_softmax = _method(ops.log_softmax)

    matmul = _method(ops.matmul)
    dot = _method(ops.dot)
    tensordot = _method(ops.tensordot)

    moveaxis = _method(ops.moveaxis)
    swapaxes = _method(ops.swapaxes)
    expand_dims = _method(ops.expand_dims)
    squeeze = _method(ops.squeeze)
    broadcast_to = _method(ops.broadcast_to)
    pad = _method(ops.pad)
    flip = _method(ops.flip)
    tile = _method(ops.tile)
    repeat = _method(ops.repeat)
    take = _method(ops.take)
    take_along_axis = _method(ops.take_along_axis)

    def split(self, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Value]:
        """The Value cut along `axis`, as `tinygrad_nn.split`."""
        return ops.split(self, indices_or_sections, axis)

    def reshape(self, *shape: Any) -> Value:
        """The elements in another shape: `reshape(2, 3)` or `reshape((2, 3))`; one may be -1."""
        return ops.reshape(self, shape[0] if len(shape) == 1 else shape)  # type: ignore[no-any-return]

    def transpose(self, *axes: Any) -> Value:
        """The axes in another order, `transpose(1, 0)` or `transpose((1, 0))`; else reversed."""
        order = axes[0] if len(axes) == 1 else axes or None
        return ops.transpose(self, order)  # type: ignore[no-any-return]

    def flatten(self) -> Value:
        """The elements, row by row, along one axis."""
        return _flatten(self)  # type: ignore[no-any-return]

    ravel = _by_numpy(np.ravel)
    cumprod = _by_numpy(np.cumprod)
    trace = _by_numpy(np.trace)
    diagonal = _by_numpy(np.diagonal)
    compress = _by_numpy(lambda a, condition, *rest: np.compress(condition, a, *rest))
    round = _by_numpy(np.round)
    all = _by_numpy(np.all)
    any = _by_numpy(np.any)
    argmax = _by_numpy(np.argmax)
    argmin = _by_numpy(np.argmin)
    argsort = _by_numpy(np.argsort)
    argpartition = _by_numpy(np.argpartition)
    nonzero = _by_numpy(np.nonzero)
    searchsorted = _by_numpy(np.searchsorted)

    def copy(self) -> Value:
        """The same as a Value of its own, row by row, which changes apart from this one."""
        new: Value = ops.positive(self)
        if new.ndim:
            new._data = in_order(new._data, "C")
        return new

    def fill(self, value: Any) -> None:
        """Assign a number to all elements, in place."""
        self[...] = value

    def sort(self, axis: int = -1) -> None:
        """Sort along `axis`, in place."""
        self[...] = np.sort(self, axis)

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Move the elements that belong at `kth` there, along `axis`, in place."""
        self[...] = np.partition(self, kth, axis)

    def put(self, indices: Any, values: Any) -> None:
        """Assign to elements by their places row by row, in place: `x.flat[indices] = values`."""
        self.flat[indices] = values

    @property
    def flat(self) -> views.Flat:
        """The elements, row by row: to go through, to index, and to assign to."""
        return views.Flat(self)

    @flat.setter
    def flat(self, new: Any) -> None:
        self.flat[:] = new

    def tolist(self) -> Any:
        """The data as nested lists of Python numbers."""
        return self._number().tolist()

    def conj(self) -> Value:
        """The complex conjugate; itself where it is real."""
        return ops.conj(self) if self.dtype.kind == "c" else self

    conjugate = conj

    @property
    def real(self) -> Value:
        """The real part; itself where it is real."""
        return ops.real(self) if self.dtype.kind == "c" else self

    @property
    def imag(self) -> Value:
        """The imaginary part."""
        return ops.imag(self)  # type: ignore[no-any-return]

    @property
    def T(self) -> Value:  # noqa: N802
        """The axes reversed."""
        return ops.transpose(self)  # type: ignore[no-any-return]

    @property
    def mT(self) -> Value:  # noqa: N802
        """The last two axes exchanged."""
        return ops.swapaxes(self, -1, -2)  # type: ignore[no-any-return]

    # ---- Python's protocols

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Value]:
        if not self.ndim:
            raise TypeError("iteration over a scalar Value")
        return (self[i] for i in range(len(self._data)))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    def __bool__(self) -> bool:
        return bool(self._data)

    def __float__(self) -> float:
        if self._node is not None and is_assigning(sys._getframe(1)):
            raise TypeError(f"a[...] = value, where a is a plain array, {_LOSES}")
        return float(self._number())

    def __int__(self) -> int:
        return int(self._number())

    def __index__(self) -> int:
        if self.dtype.kind not in "biu":
            raise TypeError(
                f"a Value of {self.dtype} is no integer (numbers in an argument that is "
                "differentiated become floats: keep integers as NumPy's, np.int64(3), or outside)"
            )
        return operator.index(self._number())

    def _number(self) -> Any:
        if self._node is not None and modes.mode.tracing:
            raise TypeError(
                "inside a function or rule that is being differentiated, a Value does not become a "
                "Python number, which would lose the gradient: use NumPy's functions, not math's; "
                "np.stack, of a list of Values; f'{x:.3f}' to print it, or item() where it is meant"
            )
        return self._data

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __repr__(self) -> str:
        if is_traced(self._data):
            return f"Value({self._data!r})"
        text = np.array2string(np.asarray(self._data), separator=", ", prefix="Value(")
        if self._node is None:
            place = "" if self.dtype.kind != "f" else ", requires_grad=False"
        elif self._node.primitive is None:
            place = ""
        else:
            place = f", op={self._node.primitive.name}"
        return f"Value({text}, dtype={self.dtype}{place})"

    def __copy__(self) -> Value:
        return make_value(self._data, self._node)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        if modes.mode.like_arrays:
            return self.copy()
        copy = self._unpickled(*self._as_leaf("deepcopy"))
        copy.grad = None if self.grad is None else _data(self.grad).copy("K")
        return copy

    def __reduce__(self) -> tuple[Any, ...]:
        return Value._unpickled, self._as_leaf("pickle")

    def _as_leaf(self, action: str) -> tuple[Any, bool]:
        if not self.is_leaf:
            raise TypeError(f"{action}: this Value is part of a graph; detach() it first")
        return self._data, self.requires_grad

    @staticmethod
    def _unpickled(data: Any, requires_grad: bool) -> Value:
        return Value(data, requires_grad=requires_grad)

    # ---- NumPy's protocols

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self._node is not None:
            return self._array_of_values(dtype, copy)
        return np.array(self._data, dtype=dtype, copy=copy)

    def _array_of_values(self, dtype: Any, copy: bool | None) -> Any:
        """In a function that is differentiated, an array whose elements are Values.

        So np.array([a, b]) loses no gradient there. Operations that meet such an array make a
        Value of it. Where NumPy expects no copy, it is read-only, being one.
        """
        if not modes.mode.like_arrays or dtype not in (None, object):
            raise TypeError(f"making an array of a Value that requires a gradient {_LOSES}")
        modes.mode.of_values = True
        array = np.empty(self.shape, object)
        for index in np.ndindex(self.shape):
            array[index] = taken(self, index) if index else self
        array.flags.writeable = bool(copy)
        return array

    __array_priority__ = 1000

    def __dlpack__(self, **keywords: Any) -> Any:
        return self.__array__().__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[int, int]:
        return np.asarray(self._data).__dlpack_device__()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return numpy_protocol.ufunc(ufunc, method, inputs, keywords)

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        return numpy_protocol.function(function, args, keywords)

    # ---- In place

    def _check_replaceable(self) -> None:
        """Raise RuntimeError for a leaf that must stay one."""
        node = self._node
        kept = node is not None and (node.grad is not None or getattr(self, "_is_parameter", False))
        if kept and self.is_leaf and modes.is_grad_enabled():
            raise RuntimeError(
                "in place: this leaf has a gradient or is a parameter, and would become a result "
                "that is neither; write the update inside `with tg.no_grad():`"
            )

    def _become(self, new: Value, row: int | None = None) -> None:
        """Take the data and the place in the graph of `new`, which was computed from this.

        A view changes with its base, and the views of it with this Value: all, or those that see
        the only `row` that is not as it was.
        """
        self._check_replaceable()
        if new.shape != self.shape:
            raise ShapeError(f"in place: the result {new.shape} does not fit into {self.shape}")
        if new.dtype != self.dtype:
            if not np.can_cast(new.dtype, self.dtype, "same_kind"):
                raise TypeError(f"in place: the result is {new.dtype}, the Value {self.dtype}")
            new = ops.astype(new, self.dtype)
        if link := views.link_of(self):
            base, kind, argument = link
            kind.put(base, argument, new)
            return
        changing = views.views_of(self, row)
        before = self._node
        self._data = new._data
        if modes.is_grad_enabled() or not self.is_leaf:
            self._node = new._node
        for view in changing:
            view._take_again(self._node is before)

    def _take_again(self, same_node: bool) -> None:
        """Follow a change of the base, which has the same node as before or another."""
        changing = views.views_of(self)
        base, kind, argument = self._link
        new = kind.take(base, argument)
        self._data = new._data
        if not same_node:
            self._node = new._node
        for view in changing:
            view._take_again(same_node)


_LOSES = (
    "would lose the gradient. Make the array that is filled a Value "
    "(out = tg.Value(np.zeros(n), requires_grad=False), then out[i] = value), of a list of Values "
    "use np.stack, and Value.data where it is meant"
)
_STORES = {dis.opmap.get(name) for name in ("STORE_SUBSCR", "STORE_SLICE")}  # as Python has them


def is_assigning(frame: FrameType) -> bool:
    """Whether a frame is at `a[...] = x`, which makes a number of x where `a` is an array."""
    return frame.f_code.co_code[frame.f_lasti] in _STORES


def make_value(data: Any, node: Node | None) -> Value:
    """A Value around `data` and `node` as they are."""
    value: Value = object.__new__(Value)
    value._data = data
    value._node = node
    return value


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x


def _own_array(data: Any, dtype: Any, allowed: str) -> Any:
    """A copy of `data` as an array, or as a NumPy scalar if it is one number."""
    if type(data) is np.ndarray and data.ndim and data.dtype.kind == "f" and dtype is None:
        return data.copy("K")  # the common case
    if isinstance(data, Value):
        raise TypeError("this is a Value already: use it as it is, or detach() or copy it")
    if is_traced(data):
        return data.copy("K") if dtype is None else data.astype(dtype)
    if isinstance(data, int) and not isinstance(data, bool) and dtype is None:
        data = float(data)  # any size
    if isinstance(data, np.ma.MaskedArray):
        raise TypeError("a Value has no mask: fill the masked array first, with filled()")
    if isinstance(data, np.matrix):
        raise TypeError("a Value is no np.matrix, to which * is @: pass an array")
    array = np.asarray(data)
    if dtype is None and array.dtype.kind in "iu" and not hasattr(data, "dtype"):
        dtype = np.float64  # Python numbers
    kinds = array.dtype.kind + np.dtype(dtype or array.dtype).kind
    if any(kind not in allowed for kind in kinds):
        raise TypeError(
            f"a Value holds real numbers, not {array.dtype} ({type(data).__name__})"
            + (f" as {np.dtype(dtype)}" if dtype else "")
            + ("; complex ones with requires_grad=False" if "c" in kinds else "")
        )
    own = np.array(array, dtype=dtype)
    return own if own.ndim else own[()]


def backward(
    roots: Sequence[Value], gradients: Sequence[Any] | None = None, create_graph: bool = False
) -> None:
    """Differentiate several results at once, adding to the `grad` of every leaf.

    Equal to calling `backward` on each of `roots` with its gradient, but goes through what
    they share only once.

    >>> import tinygrad_nn as tg
    >>> x = tg.Value(3.0)
    >>> y = x * x
    >>> tg.backward([y, 2 * y])
    >>> float(x.grad)
    18.0
    """
    roots = [roots] if isinstance(roots, Value) else list(roots)
    given = [None] * len(roots) if gradients is None else list(gradients)
    if len(given) != len(roots):
        raise ValueError(f"backward: {len(roots)} Values but {len(given)} gradients")
    nodes, seeds = [], []
    for root, gradient in zip(roots, given, strict=True):
        if not isinstance(root, Value):
            raise TypeError(f"backward: {type(root).__name__} is not a Value")
        if root._node is None:
            raise RuntimeError(
                "backward: this Value was not computed from anything that requires a gradient "
                "(what a compiled step returns has no graph: the step has gone back through it)"
            )
        nodes.append(root._node)
        seeds.append(_seed(root, gradient, create_graph))
    if create_graph:
        with modes.enable_grad():
            found = engine.backpropagate(nodes, seeds, wrap=make_value)
    else:
        found = engine.backpropagate(nodes, seeds)
    engine.accumulate(found, seeds)


def _seed(root: Value, gradient: Any, create_graph: bool) -> Any:
    """The gradient to start from at `root`, checked: given, or 1 for a single element."""
    if root.dtype.kind == "c":
        raise TypeError("backward: a complex Value; take its real part or its absolute value first")
    if gradient is None:
        if root.size != 1:
            raise ShapeError(
                f"backward: a Value of shape {root.shape} needs gradient=, of the same shape; "
                "or reduce it to one number, as with sum()"
            )
        one = root.dtype.type(1)
        seed = np.full(root.shape, one) if root.ndim else one
    else:
        seed = as_array(_data(gradient))
        if seed.shape != root.shape:
            raise ShapeError(
                f"backward: gradient of shape {seed.shape} for a Value of {root.shape}"
            )
        seed = seed.astype(root.dtype, copy=False)[()]
    if not create_graph:
        return seed
    if isinstance(gradient, Value):
        return gradient if gradient.dtype == root.dtype else ops.astype(gradient, root.dtype)
    return make_value(seed, None)
