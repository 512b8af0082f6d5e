"""Products of vectors, matrices and tensors."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import primitive
from ..traced import as_array
from .arithmetic import multiply
from .shape import reshape, transpose


def as_rows(x: Any) -> Any:
    """x with all axes but the last as one."""
    return np.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


_LETTERS = string.ascii_letters  # that einsum knows
# To plan an einsum in steps takes as long as this many products.
_PLAN = 20_000


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matmul_vjp_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    if y.ndim == 1:
        return np.expand_dims(g, -1) * y
    if len(x_shape) == 1:
        return (y @ np.expand_dims(g, -1))[..., 0]
    return g @ _swap(y)


def _matmul_vjp_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if x.ndim == 1:
        if len(y_shape) == 1:
            return g * x
        return np.expand_dims(x, -1) * np.expand_dims(g, -2)
    if len(y_shape) == 1:
        return (_swap(x) @ np.expand_dims(g, -1))[..., 0]
    if len(y_shape) == 2 and x.ndim > 2:  # one product over the whole batch, not a sum of products
        x, g = as_rows(x), as_rows(g)
    return _swap(x) @ g


def _matmul_error(x: Any, y: Any) -> ShapeError:
    a, b = np.shape(x), np.shape(y)
    if not a or not b:
        return ShapeError(f"matmul: {a} @ {b}: a scalar has no axis to multiply along; use *")
    inner = b[0] if len(b) == 1 else b[-2]
    if a[-1] != inner:
        return ShapeError(f"matmul: {a} @ {b}: inner sizes {a[-1]} and {inner} differ")
    return ShapeError(f"matmul: {a} @ {b}: the batch axes do not broadcast")


def _matmul_domain(draw: Any) -> dict[str, Any]:
    x, y = draw.matmul_operands()
    return {"x": x, "y": y}


@primitive(x=_matmul_vjp_x, y=_matmul_vjp_y, domain=_matmul_domain, complex=True)
def matmul(x: Any, y: Any) -> Any:
    """The matrix product x @ y over the last axis of x and the last but one of y.

    (..., n, k) @ (..., k, m) -> (..., n, m), the leading axes broadcast; a vector is a row on the
    left and a column on the right. Raises ShapeError naming both shapes where the sizes differ.

    >>> import tinygrad_nn as tg
    >>> tg.matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """
    try:
        return np.matmul(x, y)
    except ValueError:
        raise _matmul_error(x, y) from None


def dot(x: Any, y: Any) -> Any:
    """The product over the last axis of x and the last but one (or only) axis of y, as np.dot.

    Unlike `matmul` it takes scalars, and pairs every leading axis of x with every one of y.

    >>> import tinygrad_nn as tg
    >>> tg.dot([1.0, 2.0], [3.0, 4.0])
    np.float64(11.0)
    """
    if np.ndim(x) == 0 or np.ndim(y) == 0:
        return multiply(x, y)
    if np.ndim(y) <= 2:
        return matmul(x, y)
    return tensordot(x, y, axes=((-1,), (-2,)))


def tensordot(x: Any, y: Any, axes: int | Sequence[Any] = 2) -> Any:
    """The sum of products over pairs of axes: the last n of x with the first n of y, or as listed.

    `axes` is n, or two equally long lists of axes. The result has the remaining axes of x, then
    those of y. Raises ShapeError if paired axes differ in length.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.tensordot(np.ones((2, 3, 4)), np.ones((4, 3, 5)), axes=([1, 2], [1, 0])).shape
    (2, 5)
    """
    a, b = np.shape(x), np.shape(y)
    if isinstance(axes, (int, np.integer)):
        over_x, over_y = tuple(range(len(a) - axes, len(a))), tuple(range(axes))
    else:
        over_x = np.lib.array_utils.normalize_axis_tuple(axes[0], len(a))
        over_y = np.lib.array_utils.normalize_axis_tuple(axes[1], len(b))
    if len(over_x) > min(len(a), len(b)) or [a[i] for i in over_x] != [b[i] for i in over_y]:
        raise ShapeError(f"tensordot: axes {over_x} of {a} and {over_y} of {b} differ in size")
    free_x = tuple([i for i in range(len(a)) if i not in over_x])
    free_y = tuple([i for i in range(len(b)) if i not in over_y])
    size = math.prod(a[i] for i in over_x)
    left = reshape(transpose(x, free_x + over_x), (math.prod(a[i] for i in free_x), size))
    right = reshape(transpose(y, over_y + free_y), (size, math.prod(b[i] for i in free_y)))
    return reshape(matmul(left, right), tuple([a[i] for i in free_x] + [b[i] for i in free_y]))


# ---- Einstein summation


def _explicit(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the output: none implied, no ellipsis."""
    spec = subscripts.replace(" ", "")
    left, arrow, output = spec.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ShapeError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(ndims)}")
    free = [c for c in _LETTERS if c not in spec]
    longest = 0
    for term, ndim in zip(terms, ndims, strict=True):
        if "..." in term:
            longest = max(longest, ndim - len(term.replace("...", "")))
    ellipsis = "".join(free[:longest])
    if not arrow:
        letters = left.replace(".", "").replace(",", "")
        output = "..." if "..." in left else ""
        output += "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    expanded = []
    for term, ndim in zip(terms, ndims, strict=True):
        length = ndim - len(term.replace("...", ""))
        if length < 0 or (length and "..." not in term):
            raise ShapeError(f"einsum: {term!r} in {subscripts!r} for an operand of {ndim} axes")
        expanded.append(term.replace("...", ellipsis[longest - length :]))
    return expanded, output.replace("...", ellipsis)


def _einsum_vjp(g: Any, index: int, operands: Sequence[Any], subscripts: str) -> Any:
    """The einsum of `g` and the other operands that leaves the letters of operand `index`.

    A letter it has twice is a diagonal: the gradient there is a product with the identity.
    A letter that only it has, in this length, was summed over: the gradient is repeated along it.
    """
    shapes = [np.shape(operand) for operand in operands]
    terms, output = _explicit(subscripts, [len(shape) for shape in shapes])
    wanted = terms.pop(index)
    shape = shapes[index]
    terms.append(output)
    factors = [*operands[:index], *operands[index + 1 :], g]
    factors = [f if hasattr(f, "shape") else as_array(f) for f in factors]
    dtype = np.float64 if g.dtype == np.float64 else g.dtype
    used = {*wanted, *"".join(terms)}
    unused = (letter for letter in _LETTERS if letter not in used)
    target = ""
    for letter, size in zip(wanted, shape, strict=True):
        if letter in target:
            again = next(unused)
            terms.append(letter + again)
            factors.append(np.eye(size, dtype=dtype))
            target += again
        else:
            lengths = [
                factor.shape[term.index(letter)]
                for term, factor in zip(terms, factors, strict=True)
                if letter in term
            ]
            if size not in lengths:
                terms.append(letter)
                factors.append(np.ones(size, dtype))
            target += letter
    return einsum(f"{','.join(terms)}->{target}", *factors)


def _products(subscripts: str, operands: Sequence[Any]) -> int:
    """How many products np.einsum adds up if it goes through all axes at once, or more."""
    if "..." in subscripts:
        return math.prod([np.size(operand) for operand in operands])
    sizes: dict[str, int] = {}
    terms = subscripts.partition("->")[0].replace(" ", "").split(",")
    for term, operand in zip(terms, operands, strict=False):  # np.einsum complains
        sizes.update(zip(term, np.shape(operand), strict=False))
    return math.prod(sizes.values())


def _einsum_domain(draw: Any) -> dict[str, Any]:
    subscripts, operands = draw.einsum_operands()
    return {"subscripts": subscripts, "operands": operands}


@primitive(operands=_einsum_vjp, domain=_einsum_domain, complex=True)
def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's sum of products: "ij,jk->ik" is the matrix product.

    Letters name axes; those missing after "->" are summed over. An ellipsis stands for any
    leading axes, and without "->" the letters that occur once are kept, in alphabetical order.

    >>> import tinygrad_nn as tg
    >>> tg.einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 10.0])
    array([21., 43.])
    """
    return np.einsum(subscripts, *operands, optimize=_products(subscripts, operands) > _PLAN)
