"""What programs call beside NumPy's functions: changes as new arrays, and draws."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..random import plain_generator
from .program import Call, Program, evaluated

VIEWS = {
    *(operator.getitem, np.transpose, np.reshape, np.swapaxes, np.moveaxis, np.expand_dims),
    *(np.squeeze, np.broadcast_to, np.ravel, np.diagonal, np.flip, np.rot90, np.real, np.imag),
    *(np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flipud, np.fliplr),
    np.matrix_transpose,
}
"""Functions whose results may be views of their first argument, and depend on no other array."""

TAKING_OUT = {
    *(np.sum, np.prod, np.mean, np.max, np.min, np.any, np.all, np.cumsum, np.cumprod, np.einsum),
    *(np.concatenate, np.stack, np.dot, np.round, np.argmax, np.argmin, np.var, np.std, np.clip),
    np.trace,
}
"""Functions of NumPy, beside ufuncs, that write their result into an array `out`."""


def gives_new(function: Any) -> bool:
    """Whether results are known not to be views."""
    of_ufunc = isinstance(getattr(function, "__self__", function), np.ufunc)
    return of_ufunc or isinstance(function, Fused) or function in TAKING_OUT or function in _OWN


def with_item(x: Any, index: Any, value: Any) -> Any:
    """A copy of x in which x[index] is `value`."""
    new = np.array(x)
    new[index] = value
    return new


def with_at(ufunc: Any, x: Any, index: Any, *operands: Any) -> Any:
    """A copy of x, changed by `ufunc.at`."""
    new = np.array(x)
    ufunc.at(new, index, *operands)
    return new


CHANGING = {
    *(np.copyto, np.put, np.place, np.putmask, np.put_along_axis, np.fill_diagonal),
}
"""Functions that change their first argument and return nothing."""


def changed(function: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    """A copy of x, changed by one of these."""
    new = np.array(x)
    function(new, *args, **keywords)
    return new


def into(function: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    """A copy of x, into which the result of a function is written."""
    new = np.array(x)
    function(*args, out=new, **keywords)
    return new


def has_shape(x: Any, shape: tuple[int, ...]) -> bool:
    """Whether x has that shape."""
    return bool(np.shape(x) == shape)


def as_type(x: Any, dtype: Any) -> Any:
    """x in another type."""
    return np.asarray(x).astype(dtype)[()]


def product(
    a: Any, b: Any, transpose_a: bool, transpose_b: bool, transpose_product: bool = False
) -> Any:
    """The matrix product a b, of the transposes of those for which a flag says so, or its own."""
    result = np.matmul(a.T if transpose_a else a, b.T if transpose_b else b)
    return result.T if transpose_product else result


def positions(index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Where, in an array of that shape laid out row by row, the elements are that `index` takes.

    `index` has an array of integers for each axis, the arrays being of one shape. One that lies
    outside of the array is an IndexError, as it is where an array is indexed.
    """
    found = np.zeros(np.shape(index[0]), np.intp)
    for at, size in zip(index, shape, strict=True):
        outside = (at < -size) | (at >= size)
        if outside.any():
            raise IndexError(
                f"index {at[outside][0]} is out of bounds for an axis with size {size}"
            )
        found = found * size + np.where(at < 0, at + size, at)
    return found


def items_at(x: Any, places: Any, layout: tuple[int, ...]) -> Any:
    """The elements at `positions` of x, whose axes are laid out in the order `layout`."""
    return x.transpose(layout).reshape(-1)[places]


def rows_at(x: Any, places: Any) -> Any:
    """The parts of x at `positions` along its first axis."""
    return x[places]


def with_items_at(x: Any, places: Any, layout: tuple[int, ...], value: Any) -> Any:
    """A copy of x with `value` at `positions`."""
    new = x.transpose(layout).copy()
    new.reshape(-1)[places] = value
    return new.transpose(np.argsort(layout))


_OWN = {
    *(
        with_item,
        with_at,
        changed,
        into,
        as_type,
        positions,
        items_at,
        with_items_at,
        rows_at,
        product,
    ),
    *(np.where, np.copy),
}


class Fused:
    """Elementwise calls on arrays that broadcast to one shape, as one: a program of their own.

    With several outputs, the result is a tuple.
    """

    __name__ = "fused"

    def __init__(self, program: Program) -> None:
        self.program = program

    def __call__(self, *args: Any) -> Any:
        outputs = evaluated(self.program, args)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)


def body(call: Call) -> Program:
    """The program of a fused call."""
    assert isinstance(call.function, Fused)
    return call.function.program


class Draw:
    """A call of a method of a random number generator, made anew in each run."""

    def __init__(self, rng: Any, method: str) -> None:
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}")
        self.rng = rng
        self.__name__ = method

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return getattr(plain_generator(self.rng), self.__name__)(*args, **keywords)
