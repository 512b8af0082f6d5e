"""Programs of scalars as a few operations on arrays.

Of thousands of calls on single numbers, those that depend on none of each other and are of one
function are made at once: level by level, a number being one level above its operands.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from .program import Call, Program, Ref, refs

_FEW = 64  # calls, which are not worth the while


class Levels:
    """The numbers of a block: `sources` that are given, and the results of steps, in one array.

    A step is (function, operands, first, last): the results `first` to `last` of a ufunc, of
    operands that are slices or arrays of positions.
    """

    def __init__(
        self, size: int, steps: list[tuple[Any, list[Any], int, int]], wanted: Any
    ) -> None:
        self.__name__ = f"levels[{len(steps)} steps, {size} numbers]"
        self._numbers = np.empty(size)
        self._steps = []
        self._wanted = wanted
        for function, operands, first, last in steps:
            gathered = [self._gathered(at, last - first) for at in operands]
            self._steps.append((function, gathered, self._numbers[first:last]))

    def _gathered(self, at: Any, count: int) -> tuple[Any, Any]:
        """A view of the operands, and the positions to take into it, if it is none."""
        if isinstance(at, slice):
            return self._numbers[at], None
        return np.empty(count), at

    def __call__(self, sources: Any) -> Any:
        numbers = self._numbers
        numbers[: len(sources)] = sources
        for function, operands, out in self._steps:
            for view, at in operands:
                if at is not None:
                    numbers.take(at, None, view, "clip")
            function(*[view for view, _ in operands], out=out)
        return numbers[self._wanted]


def by_levels(program: Program) -> Program:
    """The program with blocks of scalar calls in the place of these."""
    grouped = {call.result for call in program.calls if _is_scalar(call)}
    if len(grouped) < _FEW:
        return program
    truths = {call.result for call in program.calls if call.dtype == np.bool_}
    scalars = grouped | _scalars(program)
    # A call is grouped only if all that it takes are single numbers of double precision.
    for call in program.calls:
        if call.result in grouped and any(ref not in scalars for ref in call.inputs):
            grouped.discard(call.result)
    # Truth values are kept as 0 and 1, so none may be seen outside.
    for call in program.calls:
        if call.result not in grouped:
            grouped.difference_update(ref for ref in call.inputs if ref in truths)
    grouped.difference_update(ref for ref in refs(program.outputs) if ref in truths)
    phases = _phases(program, grouped)
    last = max(phases.values(), default=0)
    used_outside = set(refs(program.outputs))
    for call in program.calls:
        if call.result not in grouped:
            used_outside.update(call.inputs)
        else:
            used_outside.update(
                ref for ref in call.inputs if phases.get(ref, 0) < phases[call.result]
            )
    number = 1 + max([int(call.result) for call in program.calls])
    calls: list[Call] = []
    for phase in range(last + 1):
        members = [call for call in program.calls if phases[call.result] == phase]
        calls += [call for call in members if call.result not in grouped]
        block = [call for call in members if call.result in grouped]
        if block:
            wanted = [call.result for call in block if call.result in used_outside]
            calls += _block(block, wanted, Ref(number))
            number += 1
    return replace(program, calls=calls)


_COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}


def _is_scalar(call: Call) -> bool:
    return (
        isinstance(call.function, np.ufunc)
        and call.function.nout == 1
        and call.function.signature is None
        and call.shape == ()
        and (call.dtype == np.float64 or call.function in _COMPARISONS)
        and not call.keywords
        and all(type(arg) in (Ref, int, float, np.float64) for arg in call.args)
    )


def _scalars(program: Program) -> set[Ref]:
    """The values that are single numbers of double precision, but for those of scalar calls."""
    found = {x.ref for x in program.inputs if x.shape == () and x.dtype == np.float64}
    return found | {
        call.result for call in program.calls if call.shape == () and call.dtype == np.float64
    }


def _phases(program: Program, grouped: set[Ref]) -> dict[Ref, int]:
    """In which block a call is, or before which."""
    phases: dict[Ref, int] = {}
    for call in program.calls:
        if call.result in grouped:
            phases[call.result] = max([phases.get(ref, 0) for ref in call.inputs], default=0)
        else:
            phases[call.result] = max(
                [phases.get(ref, 0) + (ref in grouped) for ref in call.inputs], default=0
            )
    return phases


def _block(block: list[Call], wanted: list[Ref], result: Ref) -> list[Call]:
    """One call for the block, and one for each number in it that others need."""
    positions: dict[Any, int] = {}
    sources: list[Any] = []
    inside = {call.result for call in block}

    def position(arg: Any) -> int:
        key = arg if type(arg) is Ref else (type(arg), repr(arg))
        if key not in positions:
            positions[key] = len(sources)
            sources.append(arg)
        return positions[key]

    levels: dict[Ref, int] = {}
    groups: dict[tuple[int, Any], list[Call]] = defaultdict(list)
    for call in block:
        below = [levels.get(arg, 0) for arg in call.args if type(arg) is Ref and arg in inside]
        levels[call.result] = level = 1 + max(below, default=0)
        groups[level, call.function].append(call)
        for arg in call.args:
            if type(arg) is not Ref or arg not in inside:
                position(arg)
    steps = []
    size = len(sources)
    for (_, function), calls in sorted(groups.items(), key=lambda item: item[0][0]):
        operands = [[position(arg) for arg in call.args] for call in calls]
        order = sorted(range(len(calls)), key=operands.__getitem__)
        for at in order:
            positions[calls[at].result] = size
            size += 1
        columns = np.array([operands[at] for at in order]).T
        steps.append((function, [_run(column) for column in columns], size - len(calls), size))
    levels_of = Levels(size, steps, np.array([positions[ref] for ref in wanted], np.intp))
    vector = Call(result, levels_of, (tuple(sources),), {}, (len(wanted),), np.dtype(float))
    return [
        vector,
        *(
            Call(ref, operator.getitem, (result, at), {}, (), np.dtype(float))
            for at, ref in enumerate(wanted)
        ),
    ]


def _run(positions: Any) -> Any:
    """Positions as a slice, if they follow one another."""
    first, count = int(positions[0]), len(positions)
    if (positions == np.arange(first, first + count)).all():
        return slice(first, first + count)
    return positions.astype(np.intp)
