"""Functions of one example, applied to many."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..nest import flatten


def vmap(
    f: Callable[..., Any], in_axes: int | Sequence[int | None] | None = 0, out_axes: int = 0
) -> Callable[..., Any]:
    """`f` of single examples as a function of batches: it goes along `in_axes` of its arguments.

    `in_axes` is the axis of all positional arguments, or one for each, None for what is the same
    for every example; a nested argument has it in all its arrays. Results are stacked along
    `out_axes`. This is a loop, convenient and not fast: where `f` takes a batch as it is, let it.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> rows = np.arange(6.0).reshape(2, 3)
    >>> tg.vmap(tg.grad(lambda x: (x ** 2).sum()))(rows)
    array([[ 0.,  2.,  4.],
           [ 6.,  8., 10.]])
    """

    @functools.wraps(f)
    def batched(*args: Any, **keywords: Any) -> Any:
        axes = [in_axes] * len(args) if isinstance(in_axes, int) or in_axes is None else in_axes
        if len(axes) != len(args):
            raise TypeError(f"vmap: in_axes for {len(axes)} arguments, given {len(args)}")
        parts = [flatten(x, f"argument {at}") for at, x in enumerate(args)]
        size = _size(parts, axes)
        results = []
        for example in range(size):
            inner = [
                build([_taken(leaf, axis, example) for _, leaf in leaves])
                for (leaves, build), axis in zip(parts, axes, strict=True)
            ]
            results.append(f(*inner, **keywords))
        nests = [flatten(result) for result in results]
        columns = zip(*[[leaf for _, leaf in leaves] for leaves, _ in nests], strict=True)
        return nests[0][1]([np.stack(list(column), out_axes) for column in columns])

    return batched


def _size(parts: Any, axes: Any) -> int:
    """How many examples there are."""
    sizes = {}
    for (leaves, _), axis in zip(parts, axes, strict=True):
        for path, leaf in leaves if axis is not None else ():
            if not -np.ndim(leaf) <= axis < np.ndim(leaf):
                raise ShapeError(f"vmap: {path} of shape {np.shape(leaf)} has no axis {axis}")
            sizes[path] = np.shape(leaf)[axis]
    if not sizes:
        raise TypeError("vmap: in_axes is None for every argument, so there are no examples")
    if len(set(sizes.values())) != 1:
        raise ShapeError(f"vmap: the arguments have different numbers of examples: {sizes}")
    (size,) = set(sizes.values())
    if not size:
        raise ShapeError("vmap: no examples")
    return int(size)


def _taken(leaf: Any, axis: int | None, example: int) -> Any:
    return leaf if axis is None else np.take(leaf, example, axis)
