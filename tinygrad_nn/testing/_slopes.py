"""Slopes of a function along a line, from its values alone, each with an estimate of its error.

The function is sampled on both sides of a point in *windows*: five steps, each 1.9 times smaller
than the one before. Extrapolating the difference quotients of a window to a step of 0 gives a
slope without most of the truncation error (L. F. Richardson, 1911; C. J. F. Ridders, Adv. Eng.
Software 4, 1982). Leaving out the largest step shows what truncation remains, leaving out the
smallest shows rounding; both together, and the noise of f over the step, are the error.

Wide windows are spoilt by truncation and narrow ones by noise, and the scale on which the
function bends is not known. So windows of many widths are compared, and the one with the smallest
error is taken that no narrower one contradicts (O. V. Lepskii, Theory Probab. Appl. 35, 1990).
The noise is measured where it matters (J. J. More, S. M. Wild, SIAM J. Sci. Comput. 33, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Where a function is probed: from a distance to the distance reached and the outputs there.
Line = Callable[[float], tuple[float, Array]]

CENTRE, RIGHT, LEFT, GAP = 0, 1, 2, 3  # GAP is the slope on the right less that on the left

_STEPS = 1.9 ** -np.arange(5.0)  # not powers of 2: a period of the function should not divide them
_APART = 16.0  # from one window to the next
_START = 3e-5  # of the scale of x: as narrow as rounding allows a verdict to be had
_RINGS = 11  # of windows around a start, each 16 times farther
_SEVERAL = 3  # narrow windows must agree that there is a kink
_STAIRS = 300  # steps of stairs at most, in which to tell them from a slope
_LOW = 1e-3  # of f: stairs that may be made of roundings
_NARROW = 7  # windows must show a jump; float32 inside makes stairs that fill fewer
_ROUNDING = 1e-5  # rounding to float32 changes f by less than this part of it


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
# How much noise in f, over the largest step, ends up in the slope of each kind.
_AMPLIFIED = np.array(
    [np.abs(weights[0] / _STEPS).sum() for weights in (_EVEN, _ALL, _ALL)]
    + [2 * np.abs(_ALL[0] / _STEPS).sum()]
)[:, None]


@dataclass(frozen=True)
class Window:
    """What five steps on either side say of the slopes; arrays are (4 kinds, outputs)."""

    step: float
    slope: Array
    error: Array  # without that from noise
    size: Array  # (outputs): the largest |f|
    steepness: Array  # (outputs): the largest change of f over the step
    flat: Array  # nothing changed at all
    changes: Array  # (10, outputs): f at the steps on both sides, less f at the point
    jump: Array  # (2 sides, outputs): the limit of f(x + t) - f(x) for t -> 0, on that side
    jump_error: Array


@dataclass(frozen=True)
class Slopes:
    """The slope of each output at the centre, on the right and on the left, and the gap.

    `slope`, `error` and `step` (where it was found) are (4 kinds, outputs), the others (outputs):
    `steepness` is how steep f is about the point, `flat` says that f changed nowhere, `kink` that
    several windows show a gap.
    """

    slope: Array
    error: Array
    step: Array
    steepness: Array
    flat: Array
    kink: Array
    jump: Array
    unbounded: Array


class Search:
    """The windows looked at so far along one line, and what they say together.

    `origin` is f at the point, `scales` are sizes of x, by which to choose steps, the most
    likely first, and `eps` is the rounding of f, or of each output.
    """

    def __init__(
        self, line: Line, origin: Array, scales: Sequence[float], eps: float | Array
    ) -> None:
        self.line = line
        self.origin = origin
        self.scales = scales
        self.eps = np.broadcast_to(np.asarray(eps, float), origin.shape)
        self.finest = float(np.min(self.eps, initial=1.0))
        self.noise = eps / 2 * np.abs(origin)
        self.windows: list[Window] = []

    @property
    def scale(self) -> float:
        """The most likely size of x."""
        return self.scales[0]

    # ---- Sampling

    def look(self, step: float) -> bool:
        """Sample a window whose largest step is `step`; False if that tells nothing new."""
        if any(window.step < 4 * step and step < 4 * window.step for window in self.windows):
            return False
        right, left = self._side(step), self._side(-step)
        if right is None or left is None:
            return False
        (t_right, f_right), (t_left, f_left) = right, left
        change_right, change_left = f_right - self.origin, f_left - self.origin
        quotients = (
            (_EVEN, (f_right - f_left) / (t_right - t_left)),
            (_ALL, change_right / t_right),
            (_ALL, change_left / t_left),
        )
        slope, error = _extrapolate_all(quotients)
        jump, jump_error = _extrapolate_all([(_ALL, change_right), (_ALL, change_left)])
        size = np.maximum(np.maximum(_size(f_right), _size(f_left)), np.abs(self.origin))
        jump_error += 20 * self.eps * size
        # A side whose limit is not f(x) says nothing of f at the point.
        error[[RIGHT, LEFT]] = np.where(
            np.abs(jump) > 10 * jump_error, np.inf, error[[RIGHT, LEFT]]
        )
        error[CENTRE] = np.where(np.isfinite(error).all(axis=0), error[CENTRE], np.inf)
        flat = np.stack([np.all(change == 0, axis=0) for change in (change_right, change_left)])
        both = flat.all(axis=0)
        self.windows.append(
            Window(
                step,
                slope=np.stack([*slope, slope[RIGHT] - slope[LEFT]]),
                error=np.stack([*error, error[RIGHT] + error[LEFT]]),
                size=size,
                steepness=np.maximum(_size(change_right), _size(change_left)) / step,
                flat=np.stack([both, *flat, both]),
                changes=np.concatenate([change_right, change_left]),
                jump=jump,
                jump_error=jump_error,
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

    def measure_noise(self) -> None:
        """Measure the noise of f, by differences of high order of nine values close together.

        What is smooth vanishes in these. Where most of the values are equal, the function moves
        in stairs, and values farther apart are taken. Where all that changes at any distance are
        a few roundings, these are the noise.
        """
        measured = np.zeros(len(self.origin), int)
        most = np.zeros(len(self.origin))
        rounding = 16 * self.eps * max(self.scale, float(_size(self.origin)))
        for spacing in 7.3 * self.finest * self.scale * 97.0 ** np.arange(7):  # not whole stairs
            near = [self.line(spacing * k) if k else (0.0, self.origin) for k in range(-4, 5)]
            distances = np.array([distance for distance, _ in near])
            values = np.stack([output for _, output in near])
            moving = np.count_nonzero(np.diff(values, axis=0), axis=0) > 4
            found = _noise(_without_slope(distances, values))
            new = (measured < 2) & moving & np.isfinite(found)
            self.noise = np.where(new, np.maximum(self.noise, found), self.noise)
            most = np.maximum(most, found)
            measured += new
            if (measured == 2).all():
                break
        only_noise = (measured == 0) & (most <= rounding)
        self.noise = np.where(only_noise, np.maximum(self.noise, most), self.noise)

    def steps(self, first: float = _START) -> Iterator[float]:
        """Widths of windows to look at, in the order of their promise.

        First `first` of each scale of x, then farther and farther from there.
        """
        starts = [first * scale for scale in self.scales]
        yield from starts
        lowest = max(30 * self.finest * self.scale, 1e-300)
        highest = 1e6 * max(self.scales)
        for ring in range(1, _RINGS + 1):
            for start in starts:
                for step in (start * _APART**ring, start / _APART**ring):
                    if lowest <= step <= highest:
                        yield step

    # ---- Conclusions

    def best(self) -> Slopes:
        """For each output and kind, the most exact slope that no narrower window contradicts."""
        windows = self.windows
        if not windows:
            shape = (4, len(self.origin))
            zero, none, nothing = np.zeros(shape), np.zeros(shape[1]), np.zeros(shape[1], bool)
            infinite = np.full(shape, np.inf)
            return Slopes(zero, infinite, np.ones(shape), none, nothing, nothing, nothing, nothing)
        steps = np.array([window.step for window in windows])[:, None, None]
        slope = np.stack([window.slope for window in windows])
        flat = np.stack([window.flat for window in windows])
        error = self._errors(steps, slope, flat)
        valid = np.ones(slope.shape, bool)
        for wide in range(1, len(windows)):
            apart = np.abs(slope[wide] - slope[:wide])
            with np.errstate(invalid="ignore"):
                contradicted = apart > 2 * (error[wide] + error[:wide])
            valid[wide] = ~contradicted.any(axis=0)
        chosen = np.argmin(np.where(valid, error, np.inf), axis=0)[None]
        steepness = np.stack([window.steepness for window in windows])
        return Slopes(
            np.take_along_axis(slope, chosen, 0)[0],
            np.take_along_axis(error, chosen, 0)[0],
            np.take_along_axis(np.broadcast_to(steps, slope.shape), chosen, 0)[0],
            np.take_along_axis(steepness, chosen[:, CENTRE], 0)[0],
            np.all(flat, axis=(0, 1)),
            self._kinks(slope, error, chosen),
            self._jumps(),
            self._unbounded(),
        )

    def _errors(self, steps: Array, slope: Array, flat: Array) -> Array:
        """The errors of all windows with that from noise; infinite where a window misleads."""
        error = np.stack([window.error for window in self.windows])
        size = np.stack([window.size for window in self.windows])[:, None]
        error = error + _AMPLIFIED * np.maximum(self.noise, self.eps / 2 * size) / steps
        # Where nothing changes, f may have rounded numbers as large as it has nearby.
        near = size[steps[:, 0, 0] <= 2 * self.scale]
        hidden = self.eps * np.max(near, axis=0, initial=0) / self.scale
        hidden = hidden + 5e-324 / steps
        if len(self.windows) > 1 and flat.any():
            hidden = hidden + self._height_of_stairs() / steps
        error = np.where(flat, np.maximum(error, hidden), error)
        # About 0 in a window much rougher than narrower ones is the mean of ups and downs.
        rough = np.where(np.isfinite(error), error * steps, np.inf)
        smoothest = np.minimum.accumulate(rough, axis=0)
        mean = (np.abs(slope) <= 3 * error) & (rough > 30 * smoothest)
        mean[:, GAP] = False
        return np.where(mean, np.inf, error)

    def _height_of_stairs(self) -> Array:
        """What all changes of f are multiples of, where there is such a number, else 0.

        So it is if f is the difference of large numbers, of which little is left. Stairs that are
        high beside f itself are meant.
        """
        changes = np.concatenate([window.changes for window in self.windows])
        sizes = np.where((changes == 0) | ~np.isfinite(changes), np.inf, np.abs(changes))
        height = np.min(sizes, axis=0)
        several = (sizes < _STAIRS * height) & (sizes > height)
        with np.errstate(invalid="ignore"):
            steps = np.where(several, sizes / height, 0)
        whole = np.all(np.abs(steps - np.round(steps)) < 1e-3, axis=0)
        found = whole & (np.count_nonzero(several, axis=0) >= _SEVERAL)
        size = [window.size for window in self.windows if window.step <= 2 * max(self.scales)]
        found &= height < _LOW * np.max(size, axis=0, initial=0)
        found &= height > self.eps * np.abs(self.origin)
        return np.where(found, height, 0)

    @staticmethod
    def _kinks(slope: Array, error: Array, chosen: Array) -> Array:
        """Whether the best gap is not 0, and seen by several windows."""
        best = np.take_along_axis(slope, chosen, 0)[0, GAP]
        error_of_best = np.take_along_axis(error, chosen, 0)[0, GAP]
        clear = np.abs(slope[:, GAP]) > 3 * error[:, GAP]
        same = np.abs(slope[:, GAP] - best) <= 2 * (error[:, GAP] + error_of_best)
        seen = np.count_nonzero(clear & same & np.isfinite(error[:, GAP]), axis=0)
        needed = min(_SEVERAL, len(slope))
        return np.asarray((np.abs(best) > 3 * error_of_best) & (seen >= needed))

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

    def rejections(self, claim: Array) -> Array:
        """How many windows are at odds with `claim`, each by more than twice its error."""
        steps = np.array([window.step for window in self.windows])[:, None, None]
        slope = np.stack([window.slope for window in self.windows])
        error = self._errors(steps, slope, np.stack([window.flat for window in self.windows]))
        rejected = np.abs(slope - claim) > 2 * error
        at_odds = np.where(
            np.isfinite(error[:, CENTRE]),
            rejected[:, CENTRE],
            rejected[:, RIGHT] | rejected[:, LEFT],
        )
        return np.asarray(np.count_nonzero(at_odds, axis=0))

    def is_stairs(self, claim: Array) -> Array:
        """Whether f stays the same where, with a slope of `claim`, it should have changed."""
        stairs = np.zeros(len(self.origin), bool)
        for window in self.windows:
            rounding = 100 * self.eps * np.maximum(window.size, np.abs(self.origin))
            stairs |= window.flat[CENTRE] & (np.abs(claim) * window.step > rounding)
        return stairs

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


def _without_slope(distances: Array, values: Array) -> Array:
    """Values less what is linear in the distances, which x rounds so that they are not equal."""
    apart = distances - distances.mean()
    slope = apart @ values / np.sum(apart**2)
    return np.asarray(values - np.outer(distances, slope))


def _noise(values: Array) -> Array:
    """The noise in equally spaced values, twice its standard deviation."""
    sizes = []
    for order in range(1, 7):
        values = np.diff(values, axis=0)
        share = math.factorial(order) ** 2 / math.factorial(2 * order)
        sizes.append(np.sqrt(share * np.mean(values**2, axis=0)))
    return np.asarray(2 * np.median(sizes[3:], axis=0))


def _size(values: Array) -> Array:
    sizes = np.where(np.isfinite(values), np.abs(values), 0)
    return np.asarray(np.max(sizes, axis=0))


def _extrapolate_all(series: Sequence[tuple[Array, Array]]) -> tuple[Array, Array]:
    """The limits and errors of several (weights, values)."""
    found = [_extrapolate(*each) for each in series]
    return np.stack([limit for limit, _ in found]), np.stack([error for _, error in found])


def _extrapolate(weights: Array, values: Array) -> tuple[Array, Array]:
    """The limit for a step of 0 and its error, infinite where `values` are not all finite."""
    values = np.where(np.isfinite(values).all(axis=0), values, np.nan)
    best, narrow, wide = weights @ values
    error = 2 * (np.abs(best - narrow) + np.abs(best - wide))
    undefined = np.isnan(error)
    return np.where(undefined, 0, best), np.where(undefined, np.inf, error)
