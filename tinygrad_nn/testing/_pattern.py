"""A guess at what went wrong, from how the claimed derivatives differ from the measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from ._measure import Measured
from ._slopes import Array

_CLOSE = 1e-4


def guess(found: Sequence[Measured], output_shapes: Sequence[tuple[int, ...]]) -> str:
    """The first pattern that fits all derivatives by every wrong input, or nothing."""
    wrong = [measured for measured in found if np.any(measured.excess > 1)]
    guesses = []
    for measured in wrong:
        others = [other for other in found if other is not measured]
        text = next(_patterns(measured, others, output_shapes), "")
        guesses.append((measured.name, text))
    texts = {text for _, text in guesses}
    if not all(texts):
        return ""
    if len(texts) == 1 and len(guesses) == len(found):
        return texts.pop()
    return "; ".join(f"{name} is {text}" for name, text in guesses)


def _patterns(
    measured: Measured, others: Sequence[Measured], output_shapes: Sequence[tuple[int, ...]]
) -> Iterator[str]:
    claim, true = measured.claim, measured.numerical
    if not (np.isfinite(claim).all() and np.isfinite(true).all()):
        return
    if claim.size > 1 and np.count_nonzero(measured.excess > 1) == 1:
        return  # one wrong entry fits anything
    if not np.any(claim):
        yield "zero, as if it did not depend on it"
        return
    if (factor := _factor(claim, true)) is not None:
        yield f"off by a factor {_number(factor)}"
    shape = measured.shape
    moved = true.reshape(-1, *shape)
    ours = claim.reshape(-1, *shape)
    if len(shape) == 2 and shape[0] == shape[1] and _same(ours, np.swapaxes(moved, 1, 2)):
        yield "transposed"
    for axis in range(1, ours.ndim):
        if _same(ours, np.flip(moved, axis)):
            yield f"reversed along axis {axis - 1}"
        for shift in (1, -1):
            if shape[axis - 1] > 2 and _same(ours, np.roll(moved, shift, axis)):
                yield f"shifted by {shift} along axis {axis - 1}"
    for other in others:
        if other.claim.shape == claim.shape and _same(claim, other.numerical):
            yield f"the derivative by {other.name}"
    yield from _missing_sums(claim, true, output_shapes)
    difference = claim - true
    if _same(difference, np.full_like(difference, difference.flat[0])):
        yield f"off by {difference.flat[0]:+.6g} everywhere"


def _missing_sums(
    claim: Array, true: Array, output_shapes: Sequence[tuple[int, ...]]
) -> Iterator[str]:
    """Whether the claim is right for one index of an axis of the output, and 0 for the others."""
    if len(output_shapes) != 1:
        return
    for axis, n in enumerate(output_shapes[0]):
        if n < 2:
            continue
        ours = np.moveaxis(claim.reshape(*output_shapes[0], -1), axis, 0)
        whole = np.moveaxis(true.reshape(*output_shapes[0], -1), axis, 0)
        used = [at for at in range(n) if np.any(ours[at])]
        if len(used) == 1 and _same(ours[used[0]], whole[used[0]]):
            yield f"missing the sum over axis {axis} of the output (only index {used[0]} counts)"


def _factor(claim: Array, true: Array) -> float | None:
    """The number that takes `true` to `claim`, if there is one."""
    largest = np.argmax(np.abs(true))
    if not true.flat[largest]:
        return None
    factor = float(claim.flat[largest] / true.flat[largest])
    near = abs(factor - 1) < 10 * _CLOSE  # all wrong by so little that this decides nothing
    off = np.abs(claim - factor * true)
    close = _CLOSE * (abs(factor - 1) if near else 1.0)
    return factor if np.all(off <= close * np.abs(true).max()) and factor else None


def _number(factor: float) -> str:
    """`factor` as a person would write it."""
    simple = Fraction(factor).limit_denominator(64)
    if simple and math.isclose(factor, simple, rel_tol=1e-7):
        return str(simple)
    return f"{factor:.8g}"


def _same(a: Array, b: Array) -> bool:
    return bool(np.any(b)) and bool(np.all(np.abs(a - b) <= _CLOSE * np.abs(b).max()))
