"""Fusion of elementwise calls, so that what they compute on the way need not go to memory."""

from __future__ import annotations

import heapq
import math
import operator
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..functions import Draw, Fused, as_type
from ..program import Call, Input, Program, Ref, refs

LEAST = 1 << 16
"""Elements of an array from which on fusing pays: less stays in cache without."""

_Kind = tuple[tuple[int, ...], tuple[int, ...]]  # shape, layout
_Key = tuple[int, tuple[int, ...], tuple[int, ...]]  # phase, shape, layout


def fused(program: Program, least: int = LEAST) -> Program:
    """Elementwise calls over one shape, where one uses another's result or both the same operand,
    as one call of a program of their own.

    Arrays of fewer than `least` elements are left alone.
    """
    kinds = {x.ref: (x.shape, x.dtype) for x in program.inputs}
    kinds |= {call.result: (call.shape, call.dtype) for call in program.calls}
    able = {call.result for call in program.calls if _can_be_fused(call, kinds, least)}
    if len(able) < 2:
        return program
    groups = _groups(program, able)
    return replace(program, calls=_with_groups(program, groups, kinds))


def _can_be_fused(call: Call, kinds: dict[Ref, Any], least: int) -> bool:
    """Whether a call is elementwise, on types for which NumPy's results depend on nothing else.

    (NumPy computes float16 by other means where arrays have gaps.)
    """
    if call.dtype is None or call.keywords or math.prod(call.shape) < least:
        return False
    function = call.function
    elementwise = (
        isinstance(function, np.ufunc) and function.signature is None and function.nout == 1
    )
    is_where = function is np.where and len(call.args) == 3
    if not (elementwise or is_where or function is as_type):
        return False
    if is_where and (not isinstance(call.args[0], Ref) or kinds[call.args[0]][1] != np.bool_):
        return False
    dtypes = [kinds[ref][1] for ref in call.inputs] + [call.dtype]
    if any(dtype is not None and dtype.char not in "fd?bBhHiIlLqQ" for dtype in dtypes):
        return False
    # Operands that are not of this shape are repeated along some axes.
    return all(not isinstance(arg, np.ndarray) or arg.shape == () for arg in call.args)


def _groups(program: Program, able: set[Ref]) -> list[list[Call]]:
    """The calls that are to be one, in groups that do not need each other's results in turn."""
    keys = _keys(program, able)
    members: dict[_Key, list[Call]] = defaultdict(list)
    for call in program.calls:
        if call.result in able:
            members[keys[call.result]].append(call)
    return [group for calls in members.values() for group in _connected(calls) if len(group) > 1]


def _keys(program: Program, able: set[Ref]) -> dict[Ref, _Key]:
    """What calls have in common that can be made together."""
    kinds = {
        call.result: (call.shape, call.layout) if call.result in able else None
        for call in program.calls
    }
    phases = _phases(program, kinds)
    _sink(program, kinds, phases)
    return {ref: (phases[ref], *kind) for ref, kind in kinds.items() if kind is not None}


def _phases(program: Program, kinds: dict[Ref, _Kind | None]) -> dict[Ref, int]:
    """How often the way to a call goes from calls of one kind to one that is of another, or none.

    So calls of one kind and phase do not need each other's results by way of other calls.
    """
    phases: dict[Ref, int] = {}
    for call in program.calls:
        kind = kinds[call.result]
        before = [
            phases[ref] + (kinds[ref] is not None and kinds[ref] != kind)
            for ref in call.inputs
            if ref in phases
        ]
        phases[call.result] = max(before, default=0)
    return phases


def _sink(program: Program, kinds: dict[Ref, _Kind | None], phases: dict[Ref, int]) -> None:
    """Put off to a later phase what is needed there alone, if all that it takes is there anyway.

    In a backward pass, that is what derivatives are computed of: the outputs of the forward pass
    are kept, and not the derivatives beside them.
    """
    users: dict[Ref, list[Call]] = defaultdict(list)
    for call in program.calls:
        for ref in call.inputs:
            users[ref].append(call)
    outputs = set(refs(program.outputs))

    def is_kept(ref: Ref) -> bool:
        """Whether a value is needed outside of its own phase."""
        others = (user.result for user in users[ref])
        return ref in outputs or any(
            kinds[other] != kinds[ref] or phases[other] > phases[ref] for other in others
        )

    for call in reversed(program.calls):
        ref, kind = call.result, kinds[call.result]
        if kind is None or ref in outputs or not users[ref]:
            continue
        later = {(kinds[user.result], phases[user.result]) for user in users[ref]}
        if len(later) != 1:
            continue
        ((its_kind, phase),) = later
        own = [x for x in call.inputs if kinds.get(x) == kind and phases[x] == phases[ref]]
        free = all(is_kept(x) or all(user is call for user in users[x]) for x in own)
        if its_kind == kind and phase > phases[ref] and free:
            phases[ref] = phase


def _connected(calls: list[Call]) -> Iterable[list[Call]]:
    """The calls in groups that share values, in the order they are in."""
    group: dict[Ref, int] = {}
    members: dict[int, list[int]] = {}
    for at, call in enumerate(calls):
        members[at] = [at]
        mine = at
        for ref in (*call.inputs, call.result):
            other = group.get(ref)
            if other is not None and other != mine:
                mine, gone = sorted((mine, other))
                members[mine] += members.pop(gone)
                group.update({key: mine for key, value in group.items() if value == gone})
            group[ref] = mine
    return [[calls[at] for at in sorted(each)] for each in members.values()]


def _with_groups(program: Program, groups: list[list[Call]], kinds: dict[Ref, Any]) -> list[Call]:
    """The calls, and one for each group, in an order in which they can be made."""
    used = set(refs(program.outputs))
    of = {call.result: at for at, group in enumerate(groups) for call in group}
    for call in program.calls:
        used.update(ref for ref in call.inputs if of.get(ref) != of.get(call.result, -1))
    number = 1 + max(map(int, kinds))
    made: list[tuple[int, list[Call]]] = []  # the place of each in the program as it was
    places = {call.result: at for at, call in enumerate(program.calls)}
    for call in program.calls:
        if call.result not in of:
            made.append((places[call.result], [call]))
    for group in groups:
        calls = _one_call(group, [c for c in group if c.result in used], Ref(number), kinds)
        number += 1
        made.append((places[group[-1].result], calls))
    return _ordered(made)


def _one_call(
    group: list[Call], results: list[Call], ref: Ref, kinds: dict[Ref, Any]
) -> list[Call]:
    """A call for the group, and for each of several results one that takes it."""
    inside = {call.result for call in group}
    outside = dict.fromkeys(x for call in group for x in call.inputs if x not in inside)
    inputs = [Input(x, "operand", *kinds[x]) for x in outside]
    program = Program(inputs, group, [call.result for call in results])
    if len(results) == 1:
        only = replace(results[0], function=Fused(program), args=tuple(outside), source=None)
        return [only]
    first = results[0]
    whole = Call(ref, Fused(program), tuple(outside), {}, (), None, first.place)
    return [
        whole,
        *(
            replace(call, function=operator.getitem, args=(ref, at), keywords={}, source=None)
            for at, call in enumerate(results)
        ),
    ]


def _ordered(made: list[tuple[int, list[Call]]]) -> list[Call]:
    """The calls, each as early as what it needs, and what came before it, lets it be."""
    maker = {call.result: at for at, (_, calls) in enumerate(made) for call in calls}
    waits: dict[int, set[int]] = {}
    waking: dict[int, list[int]] = defaultdict(list)
    draw = None
    for at, (_, calls) in sorted(enumerate(made), key=lambda item: item[1][0]):
        needs = {maker[ref] for call in calls for ref in call.inputs if ref in maker} - {at}
        if isinstance(calls[0].function, Draw):
            needs |= set() if draw is None else {draw}
            draw = at
        waits[at] = needs
        for other in needs:
            waking[other].append(at)
    ready = [(made[at][0], at) for at, needs in waits.items() if not needs]
    heapq.heapify(ready)
    ordered: list[Call] = []
    while ready:
        _, at = heapq.heappop(ready)
        ordered += made[at][1]
        for other in waking[at]:
            waits[other].discard(at)
            if not waits[other]:
                heapq.heappush(ready, (made[other][0], other))
    assert len(ordered) == sum(len(calls) for _, calls in made)
    return ordered
