"""Jacobians and Hessians, whole."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..engine import Node
from ._calls import Argnums, Call, is_numeric
from ._gradients import gradient_of
from ._products import linear_map


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the Jacobian of `f`: every derivative of every result.

    Of a result of shape s by an argument of shape t it has shape s + t. Nested results give the
    same nest of Jacobians, and each of these is nested as the argument is. It is computed by
    rows (a backward pass for each result) or by columns (a forward one for each number in the
    arguments), whichever are fewer.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.jacobian(lambda x: np.array([[1.0, 2.0], [3.0, 4.0]]) @ x)(np.ones(2))
    array([[1., 2.],
           [3., 4.]])
    """
    return _jacobian_of("jacobian", f, argnums)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of `f`, which returns one number.

    By an argument of shape s it has shape s + s; by several, it is a tuple of tuples.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return _jacobian_of("hessian", gradient_of("hessian", f, argnums), argnums)


def _jacobian_of(what: str, f: Callable[..., Any], argnums: Argnums) -> Callable[..., Any]:
    @functools.wraps(f)
    def jacobian_of_f(*args: Any, **keywords: Any) -> Any:
        call = Call(what, f, argnums, args, keywords)
        call.check_real()
        rows = sum(math.prod(np.shape(out)) for out, root in _pairs(call) if root is not None)
        columns = sum(math.prod(node.describe()[0]) for node in call.variables)
        blocks = _by_rows(call) if rows <= columns else _by_columns(call)
        rows_of = [
            call.like_arguments(block) if is_numeric(output) else None
            for block, output in zip(blocks, call.outputs, strict=True)
        ]
        return call.plain(call.build(rows_of))

    return jacobian_of_f


def _pairs(call: Call) -> Any:
    return zip(call.outputs, call.roots, strict=True)


def _units(shape: tuple[int, ...]) -> Iterator[Any]:
    """Arrays of zeros with a single 1, which goes through all places."""
    for row in np.eye(math.prod(shape)):
        yield row.reshape(shape)[()]


def _by_rows(call: Call) -> list[dict[Node, Any]]:
    """For each output, the Jacobian by each variable."""
    zeros = [np.zeros(np.shape(output)) for output in call.outputs]
    blocks = []
    for at, (output, root) in enumerate(_pairs(call)):
        units = list(_units(np.shape(output))) if root is not None else []
        rows = [call.pull([*zeros[:at], unit, *zeros[at + 1 :]]) for unit in units]
        blocks.append(
            {
                node: _stacked([r.get(node) for r in rows], output, node, 0)
                for node in call.variables
            }
        )
    return blocks


def _by_columns(call: Call) -> list[dict[Node, Any]]:
    """As `_by_rows`, computed by columns."""
    along = linear_map(call)
    blocks: list[dict[Node, Any]] = [{} for _ in call.outputs]
    for node in call.variables:
        columns = [along({node: unit}) for unit in _units(node.describe()[0])]
        for at, (block, output) in enumerate(zip(blocks, call.outputs, strict=True)):
            block[node] = _stacked([column[at] for column in columns], output, node, -1)
    return blocks


def _stacked(parts: list[Any], output: Any, node: Node, axis: int) -> Any:
    """Rows or columns as one array, of zeros where there are none."""
    shape, dtype = node.describe()
    shape = np.shape(output) + shape
    zeros = np.zeros(np.shape(output) if axis else node.describe()[0], dtype)
    parts = [zeros if part is None else part for part in parts]
    stacked = np.reshape(np.stack(parts, axis), shape) if parts else np.zeros(shape, dtype)
    return stacked[()] if isinstance(stacked, np.ndarray) else stacked
