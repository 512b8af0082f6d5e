"""Slopes of a function along a line, from its values alone, each with an estimate of its error.

The function is sampled on both sides of a point in *windows*: five steps, each 1.9 times smaller
than the one before. Extrapolating the difference quotients of a window to a step of 0 gives a
slope without most of the truncation error (L. F. Richardson, 1911; C. J. F. Ridders, Adv. Eng.
Software 4, 1982). Leaving out the largest step shows what truncation remains, leaving out the
smallest shows the rounding noise; their sum is the error.

Wide windows are spoilt by truncation and narrow ones by noise, and neither the scale on which
the function bends nor its noise is known. So windows of many widths are compared, and the one
with the smallest error is taken that no narrower one contradicts (O. V. Lepskii, Theory Probab.
Appl. 35, 1990).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Where a function is probed: from a distance to the distance reached and the outputs there.
Line = Callable[[float], tuple[float, Array]]

CENTRE, RIGHT, LEFT = 0, 1, 2

_STEPS = 1.9 ** -np.arange(5.0)  # not powers of 2: a period of the function should not divide them
_APART = 16.0  # from one window to the next
_START = 0.03  # of the scale of x
_RINGS = 11  # of windows around a start, each 16 times farther
_NARROW = 7  # windows must show a jump; float32 inside makes stairs that fill fewer


def _to_zero(nodes: Array, leave_out: slice) -> Array:
    """Weights that take values at `nodes` to the value at 0 of the polynomial through them."""
    used = nodes[leave_out]
    weights = [np.prod([b / (b - a) for b in used if b != a]) for a in used]
    full = np.zeros(len(nodes))
    full[leave_out] = weights
    return full


def _extrapolations(nodes: Array) -> Array:
    """The weights with all nodes, without the largest, and without the smallest."""
    return np.stack([_to_zero(nodes, part) for part in (slice(None), slice(1, None), slice(-1))])


# A central quotient is a series in the square of the step, a one-sided one in the step.
_EVEN, _ALL = _extrapolations(_STEPS**2), _extrapolations(_STEPS)
_NOISE = np.array([np.abs(weights[0] / _STEPS).sum() for weights in (_EVEN, _ALL, _ALL)])


@dataclass(frozen=True)
class Window:
    """What five steps on either side say of the slopes; arrays are (3 kinds, outputs)."""

    step: float
    slope: Array
    error: Array
    flat: Array  # nothing changed at all
    jump: Array  # (2 sides, outputs): the limit of f(x + t) - f(x) for t -> 0, on that side
    jump_error: Array


@dataclass(frozen=True)
class Slopes:
    """The slope of each output at the centre, on the right and on the left.

    `slope`, `error` and `step` (where it was found) are (3 kinds, outputs), the others (outputs).
    """

    slope: Array
    error: Array
    step: Array
    flat: Array
    jump: Array
    unbounded: Array


class Search:
    """The windows looked at so far along one line, and what they say together.

    `origin` is f at the point, `scale` the size of x there, and `eps` the rounding of f.
    """

    def __init__(self, line: Line, origin: Array, scale: float, eps: float) -> None:
        self.line = line
        self.origin = origin
        self.scale = scale
        self.eps = eps
        self.windows: list[Window] = []

    def look(self, step: float) -> bool:
        """Sample a window whose largest step is `step`; False if that tells nothing new."""
        if any(window.step < 4 * step and step < 4 * window.step for window in self.windows):
            return False
        right, left = self._side(step), self._side(-step)
        if right is None or left is None:
            return False
        (t_right, f_right), (t_left, f_left) = right, left
        change_right, change_left = f_right - self.origin, f_left - self.origin
        size = np.maximum(_size(f_right), _size(f_left))
        size = self.eps * np.maximum(size, np.abs(self.origin))
        quotients = (
            (_EVEN, (f_right - f_left) / (t_right - t_left)),
            (_ALL, change_right / t_right),
            (_ALL, change_left / t_left),
        )
        found = [_extrapolate(*quotient) for quotient in quotients]
        floor = 2 * _NOISE[:, None] * size / step
        jumps = [_extrapolate(_ALL, change) for change in (change_right, change_left)]
        flat_right = np.all(change_right == 0, axis=0)
        flat_left = np.all(change_left == 0, axis=0)
        self.windows.append(
            Window(
                step,
                slope=np.stack([slope for slope, _ in found]),
                error=np.stack([error for _, error in found]) + floor,
                flat=np.stack([flat_right & flat_left, flat_right, flat_left]),
                jump=np.stack([jump for jump, _ in jumps]),
                jump_error=np.stack([error for _, error in jumps]) + 20 * size,
            )
        )
        self.windows.sort(key=lambda window: window.step)
        return True

    def _side(self, step: float) -> tuple[Array, Array] | None:
        """The distances reached, (5, 1), and the outputs there; None if x does not move."""
        reached, outputs = [], []
        for part in _STEPS:
            distance, output = self.line(step * part)
            if distance == 0:
                return None
            reached.append(distance)
            outputs.append(output)
        return np.array(reached)[:, None], np.stack(outputs)

    def best(self) -> Slopes:
        """For each output and kind, the most exact slope that no narrower window contradicts."""
        windows = self.windows
        if not windows:
            shape = (3, len(self.origin))
            nothing = np.zeros(shape[1], bool)
            unknown = np.full(shape, np.inf)
            return Slopes(np.zeros(shape), unknown, np.ones(shape), nothing, nothing, nothing)
        steps = np.array([window.step for window in windows])[:, None, None]
        slope = np.stack([window.slope for window in windows])
        flat = np.stack([window.flat for window in windows])
        error = self._with_noise(steps, np.stack([window.error for window in windows]), flat)
        valid = np.ones(slope.shape, bool)
        for wide in range(1, len(windows)):
            apart = np.abs(slope[wide] - slope[:wide])
            with np.errstate(invalid="ignore"):
                contradicted = apart > 2 * (error[wide] + error[:wide])
            valid[wide] = ~contradicted.any(axis=0)
        chosen = np.argmin(np.where(valid, error, np.inf), axis=0)[None]
        return Slopes(
            np.take_along_axis(slope, chosen, 0)[0],
            np.take_along_axis(error, chosen, 0)[0],
            np.take_along_axis(np.broadcast_to(steps, slope.shape), chosen, 0)[0],
            np.all(flat, axis=(0, 1)),
            self._jumps(),
            self._unbounded(),
        )

    def shows(self, claim: Array, other: Array) -> Array:
        """Whether some window shows a smooth function of slope `claim`, and clearly not `other`."""
        shown = np.zeros(len(self.origin), bool)
        for window in self.windows:
            (centre, right, left), error = window.slope, window.error
            clear = np.abs(claim - other) > 30 * error[CENTRE]
            smooth = np.abs(right - left) <= 3 * (error[RIGHT] + error[LEFT])
            shown |= clear & smooth & (np.abs(claim - centre) <= 2 * error[CENTRE])
        return shown

    @staticmethod
    def _with_noise(steps: Array, error: Array, flat: Array) -> Array:
        """The errors, raised to the noise that was met in narrower windows.

        Where f goes up in stairs (float32 inside), windows on one stair are flat and say nothing:
        they get the noise of the next wider windows, if these change on both sides. (A change on
        one side only is a kink nearby.)
        """
        noise = np.where(np.isfinite(error), error * steps, 0)
        both = ~flat[:, RIGHT] & ~flat[:, LEFT]
        for at in range(len(steps) - 2, -1, -1):
            stairs = both[at + 1 : at + 3].any(axis=0)
            wider = np.where(stairs, noise[at + 1 : at + 3].max(axis=0), 0)
            wider = np.where(flat[at + 1], np.maximum(wider, noise[at + 1]), wider)
            noise[at] = np.where(flat[at], np.maximum(noise[at], wider), noise[at])
        noise = np.maximum.accumulate(noise, axis=0)
        return np.maximum(error, noise / steps)

    def _jumps(self) -> Array:
        """Whether the limits of f beside the point differ from f there, in all narrow windows."""
        jumped = np.zeros(len(self.origin), bool)
        narrow = self.windows[:_NARROW]
        if len(narrow) < _NARROW:
            return jumped
        for side in range(2):
            jump = np.stack([window.jump[side] for window in narrow])
            error = np.stack([window.jump_error[side] for window in narrow])
            clear = np.abs(jump) > 10 * error
            same = np.abs(jump - jump[0]) <= 0.05 * np.abs(jump[0])
            jumped |= np.all(clear & same, axis=0)
        return jumped

    def _unbounded(self) -> Array:
        """Whether the slopes on some side go on growing as the windows narrow.

        As a power of the step, that is: noise makes them grow as well, but by the ratio of the
        steps, and in both directions.
        """
        unbounded = np.zeros(len(self.origin), bool)
        narrow = self.windows[:_NARROW]
        if len(narrow) < _NARROW:
            return unbounded
        for kind in (RIGHT, LEFT):
            slope = np.stack([window.slope[kind] for window in narrow])
            with np.errstate(divide="ignore", invalid="ignore"):
                growth = slope[:-1] / slope[1:]
            unbounded |= np.all((growth > 1.2) & (growth < 0.8 * _APART), axis=0)
        return unbounded

    def steps(self, first: float = _START) -> Iterator[float]:
        """Widths of windows to look at, in the order of their promise.

        First `first` of the scale of x, then the same of 1, then farther and farther from these.
        """
        starts = [first * self.scale]
        if not 0.03 < self.scale < 30:
            starts.append(first)
        yield from starts
        lowest = max(30 * self.eps * self.scale, 1e-300)
        highest = 1e6 * max(self.scale, 1.0)
        for ring in range(1, _RINGS + 1):
            for start in starts:
                for step in (start / _APART**ring, start * _APART**ring):
                    if lowest <= step <= highest:
                        yield step


def _size(values: Array) -> Array:
    sizes = np.where(np.isfinite(values), np.abs(values), 0)
    return np.asarray(np.max(sizes, axis=0))


def _extrapolate(weights: Array, values: Array) -> tuple[Array, Array]:
    """The limit for a step of 0 and its error, infinite where `values` are not all finite."""
    values = np.where(np.isfinite(values).all(axis=0), values, np.nan)
    best, narrow, wide = weights @ values
    error = 2 * (np.abs(best - narrow) + np.abs(best - wide))
    undefined = np.isnan(error)
    return np.where(undefined, 0, best), np.where(undefined, np.inf, error)
