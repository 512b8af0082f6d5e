"""Constant folding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..functions import Draw
from ..program import Program
from .rewriting import Rewriting

_MOST = 4096  # elements: more is computed anew in each run, rather than kept


def folded(program: Program) -> Program:
    """With the results of calls of constants alone in the place of these, where they are small.

    An array that may yet be written to is no constant. Draws of random numbers are none either.
    """
    rewriting = Rewriting(program)
    for call in program.calls:
        call = rewriting.renamed(call)
        constant = (
            not call.inputs
            and not isinstance(call.function, Draw)
            and math.prod(call.shape) <= _MOST
            and all(map(_is_constant, (*call.args, *call.keywords.values())))
        )
        if not constant:
            rewriting.add(call)
            continue
        result = call.function(*call.args, **call.keywords)
        if isinstance(result, np.ndarray):
            result = result.copy("K")
            result.setflags(write=False)
        rewriting.same[call.result] = result
    return rewriting.program()


def _is_constant(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return not x.flags.writeable
    if isinstance(x, (tuple, list)):
        return all(map(_is_constant, x))
    if isinstance(x, slice):
        return _is_constant((x.start, x.stop, x.step))
    return True
