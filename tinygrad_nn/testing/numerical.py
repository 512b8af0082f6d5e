"""Derivatives of a function from its values alone, which know their own error."""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ._probe import Layout, Probe, real
from ._slopes import CENTRE, GAP, LEFT, RIGHT, Array, Search

_FIRST = 0.03  # of the scale of x: the width that is most often exact
_STAIRS = 1e-5  # of the scale of x: float32 rounds to narrower ones
# A slope is settled if its error, relative to its size, is no more than this, and windows so many
# times narrower do not contradict. (Narrower yet, there might be only roundings to float32.)
_SETTLED = ((1e-9, 200), (1e-4, 3000))
_COMPLEX_STEP = 2.0**-100  # its square is nothing beside 1, on any scale on which f bends


@np.errstate(all="ignore")
def numerical_gradient(
    f: Callable[[Any], Any], x: Any, method: str = "central", *, with_error: bool = False
) -> Any:
    """The gradient of `f` at `x`, from values of `f` nearby.

    `x` is a float, an array, a Value, or a nested tuple, list or dict of these, and so is the
    result: float64 arrays of the same shapes (a list of numbers counts as an array). `f` takes one
    argument like `x` and returns one number or scalar Value. For each element of `x`, where x + h
    stands for adding h to it:

    - "central": (f(x + h) - f(x - h)) / 2h, with h = eps^(1/3) s
    - "forward": (f(x + h) - f(x)) / h, and "backward": (f(x) - f(x - h)) / h, with h = eps^(1/2) s
    - "richardson": central differences at many steps, extrapolated to a step of 0
    - "complex": Im f(x + ih) / h with an h so small that nothing is left out. It is exact, but
      `f` must be analytic and take complex numbers, no Values; of abs, conj and comparisons it
      gives a wrong derivative without notice.

    Here s is the element's size (for zeros, the median size of the others in its array, or 1; no
    less than 0.01 of that median), and eps the precision of what `f` returns. Where `f` bends on
    the scale of x, so that s^2 f'' is about as large as f, the error is about eps^(2/3) f / s
    with "central", 4e-11 f / s, and eps^(1/2) f / s with "forward" and "backward". Where it bends
    on another (exp at 1e-12, sin(1e6 x) at 1), a fixed step is bad, however f is scaled:
    "richardson", which finds its own from how f bends and how noisy it is, is then the one to
    take. That calls `f` 50 to 250 times for each element, the others once or twice; and all once
    more, at `x`.

    `with_error=True` gives the pair (gradient, error). The error has the same structure, and
    says for each element how far the derivative may be off, by comparison with "richardson". That
    knows its own from what changes when the largest or smallest steps are left out. For "complex"
    it is the rounding error, unless the two methods contradict each other. All this is an
    estimate, and no bound, but made to be rather too large.

    `f` is probed in float64, also for float32 arrays, and gets new arrays in every call. Where
    f(x) is not finite the derivative is NaN, and so it is where "richardson" finds none (at a
    jump); the error is infinite there. At a kink, "central" and "richardson" give the mean of the
    slopes on both sides, and half their distance as error. What `f` raises at `x` is passed on;
    beside `x`, an ArithmeticError or ValueError counts as NaN. Raises TypeError for integer arrays
    or complex numbers in `x` and if `f` does not return a real number, ShapeError if it returns
    several.

    Sources: J. Nocedal, S. J. Wright, Numerical Optimization, 2nd ed. (2006), sec. 8.1, for the
    steps; C. J. F. Ridders, Adv. Eng. Software 4 (1982) 75; W. Squire, G. Trapp, SIAM Review 40
    (1998) 110, for the complex step.

    >>> import numpy as np
    >>> from tinygrad_nn.testing import numerical_gradient
    >>> numerical_gradient(lambda x: np.sum(x**2), np.array([1.0, 2.0])).round(9)
    array([2., 4.])
    >>> gradient, error = numerical_gradient(
    ...     lambda p: np.sin(1e4 * p["x"]) + p["y"], {"x": 0.0, "y": 1.0}, "richardson",
    ...     with_error=True,
    ... )
    >>> print(f"{gradient['x']:.6f}", error["x"] < 1e-6)
    10000.000000 True
    """
    probe = Probe(f, x)
    _check_number(probe)
    return _jacobian(probe, method, with_error)


@np.errstate(all="ignore")
def numerical_jacobian(
    f: Callable[[Any], Any], x: Any, method: str = "central", *, with_error: bool = False
) -> Any:
    """The derivative of every element of f(x) by every element of `x`, from values of `f`.

    For arrays, of shape `f(x).shape + x.shape`. If f(x) is nested, so is the result, and each of
    its leaves is replaced by the structure of `x`, with such arrays as leaves. Methods and errors
    are those of `numerical_gradient`. Raises ShapeError if the shapes of f(x) change with `x`.

    >>> import numpy as np
    >>> from tinygrad_nn.testing import numerical_jacobian
    >>> numerical_jacobian(np.cumsum, np.array([1.0, 2.0])).round(9)
    array([[1., 0.],
           [1., 1.]])
    """
    return _jacobian(Probe(f, x), method, with_error)


@np.errstate(all="ignore")
def numerical_jvp(
    f: Callable[[Any], Any], x: Any, v: Any, method: str = "central", *, with_error: bool = False
) -> Any:
    """The derivative of f(x + t v) by t at t = 0, from values of `f`: the Jacobian times `v`.

    `v` has the structure and shapes of `x`, the result those of f(x). It takes as many calls of
    `f` as one element of a gradient does. Methods and errors are those of `numerical_gradient`,
    with steps along `v` that move no element by more than it would be alone. Raises ShapeError if
    `v` is not like `x`.

    >>> import numpy as np
    >>> from tinygrad_nn.testing import numerical_jvp
    >>> numerical_jvp(np.cumsum, np.array([1.0, 2.0]), np.array([1.0, -1.0])).round(9)
    array([1., 0.])
    """
    probe = Probe(f, x)
    _check_method(method, probe)
    direction = Layout(v, "v", real)
    if direction.shapes != probe.inputs.shapes:
        raise ShapeError(f"numerical_jvp: {direction} does not fit {probe.inputs}")
    found = _derivative(probe, direction.flat(probe.inputs.shapes), method, with_error)
    return _one_or_pair([probe.outputs.tree(each) for each in found])


@np.errstate(all="ignore")
def numerical_hessian(f: Callable[[Any], Any], x: Any, *, with_error: bool = False) -> Any:
    """The second derivatives of `f`, which returns one number, at `x`, from values of `f`.

    For an array, of shape `x.shape + x.shape`, symmetric. For nested `x`: its structure, with such
    a structure in the place of each leaf, and in there arrays of both leaves' shapes. Of

        (f(x + h_i + h_j) - f(x + h_i - h_j) - f(x - h_i + h_j) + f(x - h_i - h_j)) / 4 h_i h_j,

    where h_i is a step of element i, values at many steps are extrapolated to steps of 0: a
    series in even powers. The error is about 1e-10 f / (s_i s_j), if `f` bends on the scale s of
    the elements, or on that of 1. That takes 100 to 500 calls of `f` for each pair of elements.
    `with_error`, and what is raised, are as for `numerical_gradient`.

    >>> import numpy as np
    >>> from tinygrad_nn.testing import numerical_hessian
    >>> numerical_hessian(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0])).round(6)
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    probe = Probe(f, x)
    _check_number(probe)
    size = probe.inputs.size
    found = np.empty((1 + with_error, size, size))
    for i, j in itertools.combinations_with_replacement(range(size), 2):
        slope = _extrapolated(_curvature(probe, i, j), RIGHT)
        found[:, i, j] = found[:, j, i] = np.ravel(slope)[: len(found)]
    return _one_or_pair([_nested(each, probe.inputs, probe.inputs) for each in found])


def _check_number(probe: Probe) -> None:
    shape = probe.outputs.shapes.get("")
    if shape is None:
        raise TypeError(f"f returned {probe.outputs.kind}, not a number")
    if shape:
        raise ShapeError(f"f returned shape {shape}, not one number")


def _check_method(method: str, probe: Probe) -> None:
    known = ["richardson", *_FORMULAS]
    if method not in known:
        raise ValueError(f"method {method!r} is none of {', '.join(sorted(known))}")
    if method == "complex" and probe.takes_values:
        raise TypeError("method 'complex' takes arrays: Values are real")


def _jacobian(probe: Probe, method: str, with_error: bool) -> Any:
    _check_method(method, probe)
    found = np.empty((1 + with_error, probe.inputs.size, probe.outputs.size))
    for at in range(probe.inputs.size):
        direction = np.zeros(probe.inputs.size)
        direction[at] = 1
        found[:, at] = _derivative(probe, direction, method, with_error)
    return _one_or_pair([_nested(each.T, probe.outputs, probe.inputs) for each in found])


def _nested(matrix: Array, rows: Layout, columns: Layout) -> Any:
    """The structure of `rows` of structures of `columns`, of blocks of `matrix`."""
    bands = [np.moveaxis(band, 0, -1) for band in rows.split(matrix.T)]
    return rows.build([columns.tree(band) for band in bands])


def _one_or_pair(found: list[Any]) -> Any:
    return tuple(found) if len(found) > 1 else found[0]


# ---- One direction


def _derivative(probe: Probe, direction: Array, method: str, with_error: bool) -> list[Array]:
    """The slope of each output along `direction`, and its error."""
    if not direction.any():
        return [np.zeros(probe.outputs.size)] * (1 + with_error)
    line, scale = probe.line(direction)
    path = Search(line, probe.origin, (scale, 1.0), probe.eps)
    if method == "richardson":
        return [*_extrapolated(path, CENTRE)][: 1 + with_error]
    formula, kind = _FORMULAS[method]
    slope = np.where(np.isfinite(path.origin), formula(path), np.nan)
    return [slope, _error(path, slope, method, kind)] if with_error else [slope]


def _central(path: Search) -> Array:
    h = np.cbrt(path.finest) * path.scale
    (right, f_right), (left, f_left) = path.line(h), path.line(-h)
    return (f_right - f_left) / (right - left)


def _forward(path: Search, side: int = 1) -> Array:
    reached, output = path.line(side * np.sqrt(path.finest) * path.scale)
    return (output - path.origin) / reached


def _backward(path: Search) -> Array:
    return _forward(path, -1)


def _complex(path: Search, part: float = 1.0) -> Array:
    h = part * _COMPLEX_STEP * path.scale
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            _, output = path.line(1j * h)  # type: ignore[arg-type]
        except (TypeError, ArithmeticError, ValueError, np.exceptions.ComplexWarning) as error:
            raise TypeError(
                f"method 'complex' needs an analytic f that takes complex numbers: {error}"
            ) from error
    return output.imag / h


_FORMULAS = {
    "central": (_central, CENTRE),
    "forward": (_forward, RIGHT),
    "backward": (_backward, LEFT),
    "complex": (_complex, CENTRE),
}


def _error(path: Search, slope: Array, method: str, kind: int) -> Array:
    extrapolated, error = _extrapolated(path, kind)
    apart = np.abs(slope - extrapolated)
    if method == "complex":
        others = [np.abs(slope - _complex(path, part)) for part in (0.7, 1.3)]
        rounding = 4 * np.maximum(*others) + 4 * path.eps * np.abs(slope)
        found = np.where(apart <= error, rounding, apart)
    else:
        found = apart + error
    return np.where(np.isnan(found), np.inf, found)


# ---- Extrapolation


def _extrapolated(path: Search, kind: int) -> tuple[Array, Array]:
    """The slope of each output, and its error: NaN and infinite where there is none."""
    path.measure_noise()
    for step in path.steps(_FIRST):
        if path.look(step):
            _distrust_stairs(path)
            if _is_settled(path, kind):
                break
    found = path.best()
    slope, error = found.slope[kind], found.error[kind]
    if kind == CENTRE:
        error = np.where(found.kink, error + np.abs(found.slope[GAP]) / 2, error)
    none = found.jump | found.unbounded | ~np.isfinite(error) | ~np.isfinite(path.origin)
    return np.where(none, np.nan, slope), np.where(none, np.inf, error)


def _distrust_stairs(path: Search) -> None:
    """Let narrow windows where nothing changes say nothing, for rounding may be the reason."""
    for window in path.windows:
        if window.step < _STAIRS * path.scale:
            window.error[window.flat] = np.inf


def _is_settled(path: Search, kind: int) -> bool:
    """Whether all slopes are exact, and as steady in narrower windows as their error demands."""
    found = path.best()
    size = np.abs(found.slope[kind]) + np.abs(path.origin) / path.scale
    narrower = found.step[kind] / path.windows[0].step
    settled = np.zeros(len(size), bool)
    for error, steady in _SETTLED:
        settled |= (found.error[kind] <= error * size) & (narrower >= steady)
    settled &= np.all(found.error <= 1e-3 * size, axis=0)
    return bool((settled | ~np.isfinite(path.origin)).all())


def _curvature(probe: Probe, i: int, j: int) -> Search:
    """A function of s = h_i h_j whose slope on the right of s = 0 is d2f / dx_i dx_j.

    It is f(x) plus the mixed difference, which is a series in s. On the left there is nothing:
    it goes on as an odd function does.
    """
    scale_i, scale_j = probe.scales[[i, j]]
    ratio = np.sqrt(scale_i / scale_j)

    def value(step_i: float, step_j: float) -> Array:
        moved = probe.x.copy()
        moved[i] += step_i
        moved[j] += step_j
        return probe(moved)

    @functools.cache
    def difference(s: float) -> tuple[float, Array]:
        h, k = probe.reached(i, np.sqrt(s) * ratio), probe.reached(j, np.sqrt(s) / ratio)
        total = value(h, k) - value(h, -k) - value(-h, k) + value(-h, -k)
        return h * k, total / 4

    def line(s: float) -> tuple[float, Array]:
        reached, change = difference(abs(s))
        return np.copysign(reached, s), probe.origin + np.copysign(1, s) * change

    return Search(line, probe.origin, (float(scale_i * scale_j), 1.0), probe.eps)
