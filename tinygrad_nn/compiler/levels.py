"""Programs of scalars as a few operations on arrays.

Of thousands of calls on single numbers, those that depend on none of each other and are of one
function are made at once: level by level, a number being one level above its operands.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .functions import Draw
from .program import Call, Program, Ref, refs, same_dtype

_FEW = 64  # calls, which are not worth the while
_COMPARISONS = {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal}


class Step(NamedTuple):
    """The results `first` to `last` of a ufunc, of operands at these positions, or one number."""

    function: Any
    operands: list[slice | np.ndarray[Any, Any] | float]
    first: int
    last: int


class Levels:
    """The numbers of a block in one array: constants, those that are given, and results of steps.

    A call gives the numbers that are wanted outside, in an array that the next call writes to.
    """

    def __init__(
        self,
        constants: Any,
        given: int,
        steps: Sequence[Step],
        wanted: np.ndarray[Any, Any],
    ) -> None:
        size = steps[-1].last
        self.__name__ = f"levels[{len(steps)} steps, {size} numbers]"
        self._numbers = np.empty(size, constants.dtype)
        self._numbers[: len(constants)] = constants
        self._given = self._numbers[len(constants) : len(constants) + given]
        self._wanted = wanted
        self._results = np.empty(len(wanted), constants.dtype)
        self._gathered: list[tuple[Any, Any]] = []
        self._steps = []
        for function, operands, first, last in steps:
            views = [self._operand(at) for at in operands]
            gathers = [
                (at, view)
                for at, view in zip(operands, views, strict=True)
                if isinstance(at, np.ndarray)
            ]
            self._steps.append((function, gathers, views, self._numbers[first:last]))

    def _operand(self, at: slice | np.ndarray[Any, Any] | float) -> Any:
        """A view of the operands, an array to gather them in, or the number that all take."""
        if isinstance(at, (int, float)):
            return at
        return (
            self._numbers[at] if isinstance(at, slice) else np.empty(len(at), self._numbers.dtype)
        )

    def __call__(self, *given: Any) -> Any:
        take = self._numbers.take
        self._given[:] = given
        for function, gathers, views, out in self._steps:
            for at, view in gathers:
                take(at, None, view, "clip")
            function(*views, out=out)
        return take(self._wanted, None, self._results, "clip")


def by_levels(program: Program) -> Program:
    """The program with blocks of scalar calls in the place of these."""
    for dtype in (np.float64, np.float32):
        if sum(not call.shape for call in program.calls) >= _FEW:
            program = _by_levels(program, np.dtype(dtype))
    return program


def _by_levels(program: Program, dtype: np.dtype[Any]) -> Program:
    grouped = _grouped(program, dtype)
    if len(grouped) < _FEW:
        return program
    phases = _phases(program, grouped)
    others: dict[int, list[Call]] = defaultdict(list)
    blocks: dict[int, list[Call]] = defaultdict(list)
    used_outside = set(refs(program.outputs))
    for call in program.calls:
        phase = phases[call.result]
        if call.result in grouped:
            blocks[phase].append(call)
            for ref in call.inputs:
                if phases.get(ref, 0) < phase:
                    used_outside.add(ref)
        else:
            others[phase].append(call)
            used_outside.update(call.inputs)
    number = 1 + max([int(call.result) for call in program.calls])
    calls: list[Call] = []
    for phase in range(max(phases.values()) + 1):
        calls += others[phase]
        if block := blocks[phase]:
            wanted = [call.result for call in block if call.result in used_outside]
            calls += _block(block, wanted, Ref(number), dtype)
            number += 1
    return replace(program, calls=calls)


def _grouped(program: Program, dtype: np.dtype[Any]) -> set[Ref]:
    """The results of the calls that can be made together: of numbers of this type, and no others.

    Truth values are kept as 0 and 1. So those that are seen outside are computed there.
    """
    truth = np.dtype(bool)
    numbers = {x.ref for x in program.inputs if not x.shape and same_dtype(x.dtype, dtype)}
    untyped = {x.ref for x in program.inputs if not x.shape and x.dtype is None}
    truths: set[Ref] = set()
    grouped: set[Ref] = set()
    plain = (int, float, dtype.type)
    able: dict[Any, bool] = {}
    for call in program.calls:
        if call.shape:
            continue
        is_number = same_dtype(call.dtype, dtype)
        if is_number:
            numbers.add(call.result)
        function, result = call.function, call.result
        if function not in able:
            able[function] = _is_able(function, dtype)
        if able[function] and not call.keywords:
            if function is np.power and type(call.args[1]) is Ref:
                continue  # NumPy computes squares and the like of single numbers by other means
            typed = False
            for arg in call.args:
                if type(arg) is Ref:
                    if arg in numbers or arg in truths:
                        typed = True
                    elif arg not in untyped:
                        break
                elif type(arg) not in plain:
                    break
            else:
                if typed and is_number:
                    grouped.add(result)
                elif typed and call.dtype == truth and function in _COMPARISONS:
                    grouped.add(result)
                    truths.add(result)
    if truths:
        seen = {ref for ref in refs(program.outputs) if ref in truths}
        for call in program.calls:
            if call.result not in grouped:
                seen.update(ref for ref in call.inputs if ref in truths)
        grouped -= seen
    return grouped


def _is_able(function: Any, dtype: np.dtype[Any]) -> bool:
    if function is operator.pow:
        return dtype == np.float64
    return isinstance(function, np.ufunc) and function.nout == 1 and function.signature is None


def _phases(program: Program, grouped: set[Ref]) -> dict[Ref, int]:
    """In which block a call is, or before which; draws keep their order."""
    phases: dict[Ref, int] = {}
    of_draws = 0
    for call in program.calls:
        phase = 0
        if call.result in grouped:
            for ref in call.inputs:
                if ref in phases and phases[ref] > phase:
                    phase = phases[ref]
        else:
            for ref in call.inputs:
                if ref in phases:
                    phase = max(phase, phases[ref] + (ref in grouped))
            if isinstance(call.function, Draw):
                phase = of_draws = max(phase, of_draws)
        phases[call.result] = phase
    return phases


def _block(block: list[Call], wanted: list[Ref], result: Ref, dtype: np.dtype[Any]) -> list[Call]:
    """One call for the block, and one for each number in it that others need."""
    levels: dict[Ref, int] = {}
    groups: dict[tuple[int, Any, Any], list[Call]] = defaultdict(list)
    given: dict[Ref, int] = {}
    constants: dict[Any, int] = {}
    for call in block:
        level = 0
        for arg in call.args:
            if type(arg) is Ref:
                if arg in levels:
                    level = max(level, levels[arg])
                else:
                    given.setdefault(arg, len(given))
            else:
                constants.setdefault(_key(arg), len(constants))
        levels[call.result] = level + 1
        # For one exponent NumPy may know a shorter way: the calls of a step have it in common.
        exponent = call.args[1] if call.function is np.power else None
        groups[level + 1, call.function, exponent].append(call)
    positions = {ref: at + len(constants) for ref, at in given.items()}
    size = len(constants) + len(given)
    steps = []
    for (_, function, exponent), calls in sorted(groups.items(), key=lambda item: item[0][0]):
        columns = np.array(
            [
                [positions[x] if type(x) is Ref else constants[_key(x)] for x in call.args]
                for call in calls
            ],
            np.intp,
        ).T
        # Operands that follow one another need not be gathered.
        order = np.lexsort(columns[::-1])
        for at in order.tolist():
            positions[calls[at].result] = size
            size += 1
        operands = [_run(column[order]) for column in columns]
        if exponent is not None:
            operands[1] = exponent
        steps.append(Step(_UFUNCS.get(function, function), operands, size - len(calls), size))
    values = np.array([_number(key) for key in constants], dtype)
    places = np.array([positions[ref] for ref in wanted], np.intp)
    vector = Call(
        result, Levels(values, len(given), steps, places), tuple(given), {}, places.shape, dtype
    )
    return [
        vector,
        *(
            Call(ref, operator.getitem, (result, at), {}, (), dtype)
            for at, ref in enumerate(wanted)
        ),
    ]


# Python's operator on numbers and np.power are rounded differently; this is rounded as the former.
_UFUNCS = {operator.pow: np.float_power}


def _key(number: Any) -> Any:
    """What is equal for equal constants: a number, but for those that are not equal to themselves
    or equal to others.
    """
    return number if number == number and number != 0 else (str(float(number)),)


def _number(key: Any) -> Any:
    return float(key[0]) if isinstance(key, tuple) else key


def _run(positions: Any) -> Any:
    """Positions as a slice, if they follow one another."""
    first, count = int(positions[0]), len(positions)
    if positions[-1] == first + count - 1 and (np.diff(positions) == 1).all():
        return slice(first, first + count)
    return positions
