"""The verdict on single derivatives: what is claimed against slopes that know their error."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from ._slopes import CENTRE, GAP, LEFT, RIGHT, Array, Slopes

# How many estimated errors a claim may be off before it is wrong.
_SURE = 4.0


class Code(IntEnum):
    """What can be said of one claimed derivative."""

    RIGHT = 0
    WRONG = 1
    COARSE = 2  # not wrong, but the numerical derivative is not exact enough to say more
    JUMP = 3
    UNBOUNDED = 4
    UNDEFINED = 5
    NOTHING = 6  # claim and measurement are 0 within the noise, and the noise is small
    SMALL = 7  # not wrong, and proven to be small beside other derivatives of the output
    TWO_SCALES = 8  # the function has the claimed slope on wide steps, but not on narrow ones
    UNSTABLE = 9  # the claim itself changes as much where x rounds
    KINKS = 10  # crossed by several elements at once


class Tolerance:
    """How exactly a function can be checked that rounds by `eps` and whose x is of size `scale`.

    `tiny` is the smallest number it computes with, `largest` the largest derivative claimed.

    Parts of the derivative itself, and, where named so, of the largest derivative of the same
    output by the same input.
    """

    def __init__(self, eps: Array, tiny: Array, scale: float, largest: float) -> None:
        self.eps = eps
        self.scale = scale
        self.largest = largest
        # What the rounding of the claim may explain, besides the error of the measurement.
        self.rounding = np.maximum(2e-7, 200 * eps)
        self.rounding_beside = 100 * eps
        self.underflow = tiny**0.5  # products of two numbers that are smaller are 0
        # To be proven right, it must have been possible to see an error of one part in a million.
        self.exact = np.maximum(4e-7, 1e4 * eps)
        self.exact_beside = np.maximum(1e-9, 1e3 * eps)
        # What is 0 within the noise is right if the noise is this small beside f over x.
        self.zero = np.maximum(1e-8, 1e3 * eps)


ACCEPTED = (Code.RIGHT, Code.NOTHING, Code.SMALL)


@dataclass(frozen=True)
class Judgement:
    """What is known of each output's derivative; every field is an array over the outputs."""

    code: Array
    numerical: Array
    error: Array
    kink: Array
    left: Array
    right: Array
    excess: Array  # how far the claim is off, in units of what is allowed
    hidden: Array  # the largest relative error that could have been missed
    unseen: Array  # the claim is not 0, but too small for its digits to be checked


def judge(
    slopes: Slopes, claim: Array, beside: Array, size: Array, given: Tolerance, enough: float = 0
) -> Judgement:
    """Compare `claim` with `slopes`.

    `beside` is the largest derivative of the same output by any element of the same input,
    `size` is |f|, and an error of `enough` is small enough in any case.
    """
    centre, right, left, gap = slopes.slope
    centre_error, right_error, left_error, _ = slopes.error
    steepest = np.maximum(np.abs(right), np.abs(left))
    kink = slopes.kink & np.isfinite(right_error) & np.isfinite(left_error)
    kink &= np.abs(gap) > given.rounding * steepest + given.rounding_beside * beside

    both = right_error + left_error
    one_sided = ~np.isfinite(both)
    side = np.where(right_error <= left_error, right, left)
    side_error = np.minimum(right_error, left_error)
    # Of an even function the central quotients are 0 though it may have no slope at all.
    even = (both > 1e4 * centre_error) & (both > 0.05 * slopes.steepness)
    use_centre = ~kink & (centre_error <= both / 2) & ~even
    mean = (right + left) / 2
    numerical = np.where(use_centre, centre, np.where(one_sided, side, mean))
    error = np.where(use_centre, centre_error, np.where(one_sided, side_error, both / 2))
    # The sides may be those of a kink nearby, which the centre does not see.
    split = ~kink & np.isfinite(both) & (np.abs(mean - centre) > 2 * (both / 2 + centre_error))
    numerical = np.where(split, centre, numerical)
    error = np.where(split, np.maximum(centre_error, np.abs(mean - centre)), error)
    # A slope of about 0 over very wide steps may be that of ups and downs: it counts for less.
    step = np.where(use_centre, slopes.step[CENTRE], slopes.step[[RIGHT, LEFT]].min(axis=0))
    wide = step / max(given.scale, 1.0)
    level = ~kink & (np.abs(numerical) <= 3 * error)
    error = np.where(level, error * np.maximum(wide, 1), error)
    low = np.where(kink, np.minimum(left, right), numerical)
    high = np.where(kink, np.maximum(left, right), numerical)

    finite = np.isfinite(claim)
    magnitude = np.maximum(
        np.where(finite, np.abs(claim), 0), np.maximum(np.abs(low), np.abs(high))
    )
    outside = np.maximum(np.maximum(low - claim, claim - high), 0)
    allowed = _SURE * error + given.rounding * magnitude + given.rounding_beside * beside
    measured = error <= 0.1 * magnitude
    wrong = ~finite | ((outside > allowed) & measured)
    # Next to a point where the slope is 0 it is small beside the slopes around.
    around = np.maximum(beside, slopes.steepness)
    exact = _SURE * error <= np.maximum(given.exact * magnitude, enough)
    small = _SURE * error <= given.exact_beside * around
    # Steps that are tiny beside 1 may be too small to change f, unless it is 0.
    unchanged = slopes.flat & (claim == 0)
    unchanged &= (size == 0) | (slopes.step[CENTRE] > 1e-5 * max(1.0, given.scale))
    most = np.maximum(np.abs(claim), np.abs(numerical))
    nothing = most <= _SURE * error
    nothing &= _SURE * error <= given.zero * np.maximum(size / given.scale, 1.0)
    # Where nothing changes, f may have lost what there is.
    hidden_beside = wrong & (numerical == 0)
    nothing |= hidden_beside & (most <= given.eps * beside)
    # An output that should be 0, and is beside the others, may be made of their roundings.
    vanishes = (claim == 0) & (beside == 0) & (size < given.eps * np.max(size, initial=0))
    nothing |= vanishes & (most <= given.eps * given.largest)
    lost = hidden_beside & (most <= 30 * given.eps * given.largest)
    lost |= (outside > allowed) & (outside <= allowed + given.underflow)

    code = np.where(wrong, Code.WRONG, np.where(exact | unchanged, Code.RIGHT, Code.COARSE))
    code = np.where(lost & finite, Code.COARSE, code)
    code = np.where((code == Code.COARSE) & small & ~lost, Code.SMALL, code)
    code = np.where(nothing & finite & (code != Code.RIGHT), Code.NOTHING, code)
    code = np.where(np.isfinite(error), code, Code.UNDEFINED)
    code = np.where(slopes.unbounded, Code.UNBOUNDED, code)
    code = np.where(slopes.jump, Code.JUMP, code)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.where(outside > 0, outside / allowed, 0)
        hidden = np.where(unchanged, 0, allowed / np.maximum(magnitude, beside))
        hidden = np.where(claim == 0, np.minimum(hidden, allowed / around), hidden)
    excess = np.where(finite, excess, np.inf)
    unseen = (claim != 0) & (
        (code == Code.SMALL) | (code == Code.NOTHING) | (allowed > 50 * given.rounding * magnitude)
    )
    return Judgement(code, numerical, error, kink, left, right, excess, hidden, unseen)


def proven_smooth(
    slopes: Slopes, claim: Array, beside: Array, size: Array, given: Tolerance
) -> Array:
    """Whether a kink at the point would have been seen."""
    seen = np.maximum(
        100 * given.exact * np.maximum(np.abs(claim), beside),
        given.zero * size / slopes.step[GAP],
    )
    smooth = (slopes.error[GAP] <= seen) | (slopes.flat & (claim == 0))
    return np.asarray(smooth & np.isfinite(slopes.error[CENTRE]))
