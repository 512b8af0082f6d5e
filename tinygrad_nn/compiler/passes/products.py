"""Matrix products of transposed matrices, and those that are transposed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from ..functions import product
from ..program import Call, Program, Ref, refs
from .rewriting import Rewriting, rewritten

_TRANSPOSES = (np.transpose, np.matrix_transpose, np.swapaxes)


def with_products(program: Program) -> Program:
    """Products of matrices with the transposes around them said by flags, as BLAS takes them."""
    program = rewritten(program, {np.matmul: _product})
    uses = Counter(ref for call in program.calls for ref in call.inputs)
    uses.update(refs(program.outputs))
    sole = {ref for ref, count in uses.items() if count == 1}

    def transpose(rewriting: Rewriting, call: Call) -> Any:
        x = _transposed_by(call)
        before = rewriting.call(x) if x in sole else None
        if before is None or not _multiplies_matrices(rewriting, before):
            return None
        a, b, *flags = before.args
        flags = flags or [False, False]
        return rewriting.new(call, product, a, b, *flags, True, place=before.place)

    return rewritten(program, dict.fromkeys(_TRANSPOSES, transpose))


def _product(rewriting: Rewriting, call: Call) -> Any:
    if not _multiplies_matrices(rewriting, call):
        return None
    (a, transpose_a), (b, transpose_b) = (_untransposed(rewriting, x) for x in call.args)
    if not (transpose_a or transpose_b):
        return None
    return rewriting.new(call, product, a, b, transpose_a, transpose_b)


def _multiplies_matrices(rewriting: Rewriting, call: Call) -> bool:
    if call.function is np.matmul:
        matrices = all(len(rewriting.kind(x)[0]) == 2 for x in call.args)
        return matrices and len(call.args) == 2 and not call.keywords
    return call.function is product


def _untransposed(rewriting: Rewriting, x: Any) -> tuple[Any, bool]:
    """The matrix that x is a transposed view of, or x, and which it is."""
    before = rewriting.call(x)
    matrix = None if before is None else _transposed_by(before)
    return (x, False) if matrix is None else (matrix, True)


def _transposed_by(call: Call) -> Ref | None:
    """The matrix that a call transposes, if that is all it does."""
    if call.keywords or not call.args or not isinstance(call.args[0], Ref):
        return None
    axes = call.args[1:]
    whole = {axis % 2 for axis in axes} == {0, 1} if call.function is np.swapaxes else not axes
    return call.args[0] if call.function in _TRANSPOSES and whole else None
