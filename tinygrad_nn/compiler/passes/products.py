"""Matrix products of transposed matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..functions import product
from ..program import Call, Program, Ref
from .rewriting import Rewriting, rewritten


def with_products(program: Program) -> Program:
    """Products of matrices with the transposes in them said by flags, as BLAS takes them."""
    return rewritten(program, {np.matmul: _product})


def _product(rewriting: Rewriting, call: Call) -> Any:
    if len(call.args) != 2 or call.keywords:
        return None
    if any(len(rewriting.kind(x)[0]) != 2 for x in call.args):
        return None
    (a, transpose_a), (b, transpose_b) = (_untransposed(rewriting, x) for x in call.args)
    if not (transpose_a or transpose_b):
        return None
    return rewriting.new(call, product, a, b, transpose_a, transpose_b)


def _untransposed(rewriting: Rewriting, x: Any) -> tuple[Any, bool]:
    """The matrix that x is a transposed view of, or x, and which it is."""
    before = rewriting.call(x)
    if before is None or not before.args or not isinstance(before.args[0], Ref):
        return x, False
    plain = before.function in (np.transpose, np.matrix_transpose) and len(before.args) == 1
    swapped = before.function is np.swapaxes and {axis % 2 for axis in before.args[1:]} == {0, 1}
    if before.keywords or not (plain or swapped):
        return x, False
    return before.args[0], True
