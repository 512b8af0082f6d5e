"""Common subexpressions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..functions import Draw
from ..program import Call, Program, Ref
from .rewriting import Rewriting


def without_repetition(program: Program) -> Program:
    """Each value computed once. Two draws of random numbers are two values."""
    rewriting = Rewriting(program)
    known: dict[Hashable, Ref] = {}
    for call in program.calls:
        call = rewriting.renamed(call)
        if isinstance(call.function, Draw):
            rewriting.add(call)
            continue
        first = known.setdefault(_key_of(call), call.result)
        if first == call.result:
            rewriting.add(call)
        else:
            rewriting.same[call.result] = first
    return rewriting.program()


def _key_of(call: Call) -> Hashable:
    options = _key(tuple(sorted(call.keywords.items()))) if call.keywords else ()
    return _key(call.function), tuple(map(_key, call.args)), options, call.layout


def _key(x: Any) -> Any:
    """What is equal for equal arguments, and for no others."""
    if type(x) is Ref:
        return Ref, int(x)
    if isinstance(x, np.ufunc):
        return id(x)
    if isinstance(x, (tuple, list)):
        return type(x), tuple(map(_key, x))
    if isinstance(x, slice):
        return slice, _key((x.start, x.stop, x.step))
    if isinstance(x, np.ndarray):
        if x.nbytes <= 1 << 16 and not x.flags.writeable:
            return x.shape, x.dtype, x.tobytes()
        return id(x)
    if isinstance(x, np.generic):
        return x.dtype, x.tobytes()
    if isinstance(x, (int, float, complex)):
        return type(x), repr(x)
    if getattr(x, "__self__", None) is not None:  # np.add.reduce is another object each time
        return id(x.__self__), x.__name__
    try:
        hash(x)
    except TypeError:
        return id(x)
    return x
