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
_ROUNDING = 1e-5  # the stairs of rounding are lower than this part of f
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
    steepness: Array  # (outputs): the largest change of f over the step
    flat: Array  # nothing changed at all
    grain: Array  # (outputs): if f moves in equal small stairs, their height, else 0
    jump: Array  # (2 sides, outputs): the limit of f(x + t) - f(x) for t -> 0, on that side
    jump_error: Array


@dataclass(frozen=True)
class Slopes:
    """The slope of each output at the centre, on the right and on the left.

    `slope`, `error` and `step` (where it was found) are (3 kinds, outputs), the others (outputs):
    `steepness` is how steep f is about the point, `noise` the least of it that was met in f on
    narrower steps, and `flat` says that f changed nowhere.
    """

    slope: Array
    error: Array
    step: Array
    steepness: Array
    noise: Array
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
        floor = _NOISE[:, None] * size / step
        jumps = [_extrapolate(_ALL, change) for change in (change_right, change_left)]
        flat_right = np.all(change_right == 0, axis=0)
        flat_left = np.all(change_left == 0, axis=0)
        self.windows.append(
            Window(
                step,
                slope=np.stack([slope for slope, _ in found]),
                error=np.stack([error for _, error in found]) + floor,
                steepness=np.maximum(_size(change_right), _size(change_left)) / step,
                flat=np.stack([flat_right & flat_left, flat_right, flat_left]),
                grain=_grain(np.concatenate([change_right, change_left]), size / self.eps),
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
            zero, step, none = np.zeros(shape), np.ones(shape), np.zeros(shape[1])
            return Slopes(zero, unknown, step, none, none, nothing, nothing, nothing)
        steps = np.array([window.step for window in windows])[:, None, None]
        slope = np.stack([window.slope for window in windows])
        flat = np.stack([window.flat for window in windows])
        own = np.stack([window.error for window in windows])
        error, noise = self._with_noise(steps, own, flat)
        # A narrow window may show less noise than there is, by chance: the next one has a say.
        doubt = error.copy()
        doubt[:-1] = np.maximum(doubt[:-1], noise[1:] / steps[:-1])
        valid = np.ones(slope.shape, bool)
        for wide in range(1, len(windows)):
            apart = np.abs(slope[wide] - slope[:wide])
            with np.errstate(invalid="ignore"):
                contradicted = apart > 2 * (error[wide] + doubt[:wide])
            valid[wide] = ~contradicted.any(axis=0)
        chosen = np.argmin(np.where(valid, error, np.inf), axis=0)[None]
        return Slopes(
            np.take_along_axis(slope, chosen, 0)[0],
            np.take_along_axis(error, chosen, 0)[0],
            np.take_along_axis(np.broadcast_to(steps, slope.shape), chosen, 0)[0],
            np.take_along_axis(
                np.stack([window.steepness for window in windows]), chosen[:, CENTRE], 0
            )[0],
            self._least_noise(own * steps, flat, chosen),
            np.all(flat, axis=(0, 1)),
            self._jumps(),
            self._unbounded(),
        )

    def rounds_to(self, claim: Array, slopes: Slopes) -> Array:
        """Whether f has the slope `claim`, but for roundings that bend it on very narrow steps.

        As where float32 is used inside: between two roundings the slope may be any.
        """
        measured, step = slopes.slope[CENTRE], slopes.step[CENTRE]
        off = np.abs(claim - measured)
        narrow = (step < 1e-5 * self.scale) & (off * step < _ROUNDING * np.abs(self.origin))
        shown = np.zeros(len(self.origin), bool)
        for window in self.windows:
            centre, error = window.slope[CENTRE], window.error[CENTRE]
            shown |= (np.abs(claim - centre) <= 2 * error) & (off > 30 * error)
        return np.asarray(narrow & shown)

    def _with_noise(self, steps: Array, error: Array, flat: Array) -> tuple[Array, Array]:
        """The errors, raised to the noise that was met in narrower windows, and that noise.

        Where f moves in stairs (it rounds to float32 inside, or subtracts large numbers), windows
        on one stair are flat, and say no more than the height of the stairs allows.
        """
        noise = np.where(np.isfinite(error), error * steps, 0)
        grain = np.zeros(len(self.origin))
        for at in range(len(steps) - 2, -1, -1):
            grain = np.where(flat[at + 1, CENTRE], grain, self.windows[at + 1].grain)
            stairs = 2 * _NOISE[:, None] * grain
            noise[at] = np.where(flat[at], np.maximum(noise[at], stairs), noise[at])
        noise = np.maximum.accumulate(noise, axis=0)
        return np.maximum(error, noise / steps), noise

    @staticmethod
    def _least_noise(noise: Array, flat: Array, chosen: Array) -> Array:
        """The noise that all windows narrower than the chosen show, if there are three or more."""
        narrower = np.arange(len(noise))[:, None] < chosen[:, CENTRE]
        counted = narrower & ~flat[:, CENTRE] & np.isfinite(noise[:, CENTRE])
        least = np.min(np.where(counted, noise[:, CENTRE], np.inf), axis=0) / _NOISE[CENTRE]
        return np.where(counted.sum(axis=0) >= 3, least, 0)

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


def _grain(changes: Array, size: Array) -> Array:
    """The height of the stairs in which f changes, 0 where there are none.

    All changes are then small multiples of it, and it is a rounding: small beside f itself.
    """
    heights = np.abs(changes)
    lowest = np.min(np.where(heights > 0, heights, np.inf), axis=0)
    multiples = heights / lowest
    whole = np.all((np.abs(multiples - np.round(multiples)) < 0.01) & (multiples < 1e3), axis=0)
    return np.where(whole & (lowest <= _ROUNDING * size), lowest, 0)


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
