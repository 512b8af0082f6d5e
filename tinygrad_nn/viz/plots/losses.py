"""The loss, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import ShapeError
from .arrays import LARGEST, drawable, numbers
from .axes import COLORS, axes, legend, literal

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes


def loss_curve(
    losses: Any, *, ax: Axes | None = None, smooth: float = 0.0, log: bool = False
) -> Axes:
    """Draw losses over the steps of training.

    `losses` is a sequence of n numbers or Values, whose steps are 0, 1, ..., n - 1, or a tuple
    (steps, losses) of two; or a mapping of names, such as "training" and "validation", to these.
    With 0 < `smooth` < 1 the curve is the exponential moving average

        m_t = smooth m_{t-1} + (1 - smooth) loss_t,  drawn as m_t / (1 - smooth^t)

    (D. Kingma and J. Ba, 2015, section 3), and the losses are pale behind it. With `log` the
    loss axis is logarithmic. Steps whose loss the axis cannot show (NaN, infinite and beyond
    1e100, with `log` those of 0 or less) are gaps, marked by crosses at the bottom, and do not
    count in the average.

    Raises ShapeError for losses and steps of different lengths, and ValueError for a curve
    without anything to show, or for steps that go back.

    >>> from tinygrad_nn.viz import plots
    >>> ax = plots.loss_curve({"training": [2.0, 1.0, 0.5], "validation": ([0, 2], [2.1, 0.9])})
    >>> ax.get_xlabel(), len(ax.lines)
    ('step', 2)
    """
    if not isinstance(smooth, (int, float)) or not 0 <= smooth < 1:
        raise ValueError(f"smooth must be from 0 to below 1, not {smooth!r}")
    curves = _curves(losses, log)
    with axes(ax, (6, 4)) as ax:
        named: list[tuple[Artist, str]] = []
        for at, curve in enumerate(curves):
            named += _draw(ax, curve, COLORS[at % len(COLORS)], smooth)
        ax.set(xlabel="step", ylabel="loss")
        if log:
            ax.set_yscale("log")
        legend(ax, named, loc="upper right")
        return ax


class _Curve(NamedTuple):
    name: str
    steps: Any
    losses: Any  # NaN where there is a gap
    gap: str  # what the losses are there


def _curves(losses: Any, log: bool) -> list[_Curve]:
    if not isinstance(losses, Mapping):
        return [_curve("", losses, log)]
    if not losses:
        raise ValueError("losses: an empty mapping")
    return [_curve(str(name), curve, log) for name, curve in losses.items()]


def _curve(name: str, given: Any, log: bool) -> _Curve:
    what = f"losses of {name!r}" if name else "losses"
    steps, losses = _steps_and_losses(given, what)
    if losses.ndim != 1:
        raise ShapeError(f"{what} must be one number for each step, not of shape {losses.shape}")
    if steps.shape != losses.shape:
        raise ShapeError(f"{what}: {steps.shape} steps for losses of shape {losses.shape}")
    if not drawable(steps).all() or (np.diff(steps) < 0).any():
        raise ValueError(
            f"{what}: the steps must be finite, at most {LARGEST:g} in size, and never go back"
        )
    losses = losses.astype(np.float64)
    shown = drawable(losses) & (losses > 0 if log else True)
    if not shown.any():
        above = " and above 0" if log else ""
        raise ValueError(f"{what}: none is finite, at most {LARGEST:g} in size{above}")
    return _Curve(name, steps, np.where(shown, losses, np.nan), _kinds(losses[~shown]))


def _kinds(losses: Any) -> str:
    """What the losses are that cannot be shown."""
    kinds = {
        "NaN": np.isnan(losses),
        "inf": np.isinf(losses),
        f"beyond {LARGEST:g}": np.isfinite(losses) & ~drawable(losses),
        "≤ 0": drawable(losses),
    }
    return ", ".join(kind for kind, found in kinds.items() if found.any())


def _steps_and_losses(given: Any, what: str) -> tuple[Any, Any]:
    if isinstance(given, tuple) and len(given) == 2:
        steps, losses = numbers(given[0], f"steps of {what}"), numbers(given[1], what)
        if steps.ndim or losses.ndim:
            return steps, losses
    losses = numbers(given, what)
    return np.arange(losses.size), losses


def _draw(ax: Axes, curve: _Curve, color: str, smooth: float) -> list[tuple[Artist, str]]:
    """Draw a curve; what of it has a name, and which."""
    values = curve.losses
    if smooth:
        _line(ax, curve.steps, values, color=color, alpha=0.3, linewidth=1)
        values = _moving_average(values, smooth)
    line = _line(ax, curve.steps, values, color=color, label=literal(curve.name) or None)
    named = [(line, curve.name)] if curve.name else []
    if curve.gap:
        gap = f"{curve.name}: {curve.gap}" if curve.name else curve.gap
        named.append((_crosses(ax, curve, color=color, label=literal(gap)), gap))
    return named


def _line(ax: Axes, steps: Any, values: Any, **style: Any) -> Artist:
    """A line through the values, with dots where one has no neighbour to draw a line to."""
    shown = np.concatenate([[False], ~np.isnan(values), [False]])
    alone = np.flatnonzero(shown[1:-1] & ~shown[:-2] & ~shown[2:])
    dots: dict[str, Any] = {"marker": ".", "markevery": alone} if alone.size else {}
    return ax.plot(steps, values, **dots, **style)[0]


def _crosses(ax: Axes, curve: _Curve, **style: Any) -> Artist:
    """A cross at the bottom of the Axes for each gap."""
    steps = curve.steps[np.isnan(curve.losses)]
    heights = np.full(steps.shape, 0.02)
    return ax.plot(steps, heights, "x", transform=ax.get_xaxis_transform(), **style)[0]


def _moving_average(values: Any, smooth: float) -> Any:
    averages = np.full(values.shape, np.nan)
    mean, weight = 0.0, 1.0
    for at in np.flatnonzero(~np.isnan(values)):
        mean = smooth * mean + (1 - smooth) * values[at]
        weight *= smooth
        averages[at] = mean / (1 - weight)
    return averages
