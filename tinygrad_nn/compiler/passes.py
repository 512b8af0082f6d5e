"""Passes: functions from a program to a better one that computes the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Any

import numpy as np

from .functions import Draw
from .levels import by_levels
from .program import Call, Program, Ref, refs, replaced

Pass = Callable[[Program], Program]


def optimized(program: Program) -> Program:
    """The program after all passes."""
    for each in (plain_reductions, simplified, without_repetition, without_dead_code, by_levels):
        program = each(program)
    return program


def without_dead_code(program: Program, draws: bool = True) -> Program:
    """Only the calls that lead to an output, and draws of random numbers."""
    wanted: set[Ref] = set(refs(program.outputs))
    kept = []
    for call in reversed(program.calls):
        if call.result in wanted or (draws and isinstance(call.function, Draw)):
            kept.append(call)
            wanted.update(call.inputs)
    return replace(program, calls=kept[::-1])


def plain_reductions(program: Program) -> Program:
    """Reductions without the options that say what holds without them."""
    return replace(program, calls=[_plain_reduction(call) for call in program.calls])


def _plain_reduction(call: Call) -> Call:
    if getattr(call.function, "__name__", "") != "reduce" or len(call.args) != 1:
        return call
    keywords = dict(call.keywords)
    if keywords.get("keepdims") is False:
        del keywords["keepdims"]
    if keywords.get("axis") in (0, (0,)) and keywords.get("axis") is not False:
        del keywords["axis"]
    return replace(call, keywords=keywords)


def simplified(program: Program) -> Program:
    """Without what changes nothing: x * 1, +x, a copy, a transpose of a transpose.

    The results are the same to the last bit; so x + 0 stays, of which -0 is another.
    """
    kinds = {x.ref: (x.shape, x.dtype) for x in program.inputs}
    made: dict[Ref, Call] = {}
    same: dict[Ref, Ref] = {}
    for call in program.calls:
        call = _renamed(call, same)
        kinds[call.result] = call.shape, call.dtype
        source = _source(call, made)
        if source is not None and kinds[source] == kinds[call.result]:
            same[call.result] = source
        else:
            made[call.result] = call
    outputs = replaced(program.outputs, lambda ref: same.get(ref, ref))
    return replace(program, calls=list(made.values()), outputs=outputs)


def _source(call: Call, made: dict[Ref, Call]) -> Ref | None:
    """The value that the result of a call is equal to, if its kind is the same."""
    function, args = call.function, call.args
    if function in (np.positive, np.copy):
        return args[0] if isinstance(args[0], Ref) else None
    if function is np.multiply and not call.keywords:
        for one, other in (args, args[::-1]):
            if _is_one(one) and isinstance(other, Ref):
                return other
    if function in (np.divide, np.power) and _is_one(args[1]) and isinstance(args[0], Ref):
        return args[0]
    if function is np.negative and (before := made.get(args[0])) and before.function is np.negative:
        return before.args[0] if isinstance(before.args[0], Ref) else None
    if function is np.transpose and len(args) == 1 and (before := made.get(args[0])):
        if before.function is np.transpose and len(before.args) == 1:
            return before.args[0] if isinstance(before.args[0], Ref) else None
    return None


def _is_one(x: Any) -> bool:
    if isinstance(x, np.ndarray):
        return x.size > 0 and bool((x == 1).all())
    return not isinstance(x, (Ref, bool)) and isinstance(x, (int, float, np.number)) and x == 1


def without_repetition(program: Program) -> Program:
    """Each value computed once."""
    known: dict[Hashable, Ref] = {}
    same: dict[Ref, Ref] = {}
    calls = []
    for call in program.calls:
        call = _renamed(call, same)
        options = _key(tuple(sorted(call.keywords.items()))) if call.keywords else ()
        key = (_key(call.function), tuple(map(_key, call.args)), options, call.layout)
        if key in known:
            same[call.result] = known[key]
        else:
            known[key] = call.result
            calls.append(call)
    outputs = replaced(program.outputs, lambda ref: same.get(ref, ref))
    return replace(program, calls=calls, outputs=outputs)


def _renamed(call: Call, same: dict[Ref, Ref]) -> Call:
    """The call with other values in the place of those that are the same."""
    if not any(ref in same for ref in call.inputs):
        return call

    def new(ref: Ref) -> Ref:
        return same.get(ref, ref)

    keywords = {name: replaced(x, new) for name, x in call.keywords.items()}
    source = None if call.source is None else new(call.source)
    return replace(call, args=replaced(call.args, new), keywords=keywords, source=source)


def _key(x: Any) -> Hashable:
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
    try:
        hash(x)
    except TypeError:
        return id(x)
    if getattr(x, "__self__", None) is not None:  # np.add.reduce is another object each time
        return id(x.__self__), x.__name__
    return x
