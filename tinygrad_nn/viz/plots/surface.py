"""The error as a function of two weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ... import modes
from ...errors import ShapeError
from ..describe import number
from .arrays import LARGEST, drawable, numbers, points, span, whole_number
from .axes import COLORS, axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DECADES = 3  # of heights above the lowest point
_LEAST_RANGE = 1e-50  # of heights: matplotlib divides its own bounds, of 1e250, by it


def error_surface(
    error: Callable[[Any], Any],
    w1: tuple[float, float] | None = None,
    w2: tuple[float, float] | None = None,
    *,
    path: Any = None,
    ax: Axes | None = None,
    resolution: int = 80,
    levels: int = 16,
) -> Axes:
    """Draw contours of error(w) over two weights, and the path of the weights in training.

    `error` takes an array w of shape (2,), in double precision, and returns one number: the
    function that an optimizer would be given. It is called at each point of a grid of
    `resolution` rows and columns, under `no_grad()`. `w1` and `w2` are the ranges (low, high) of
    w[0], to the right, and w[1], upwards; without them, those of `path` and a quarter more.
    `path` (n, 2) is a sequence of weights, whose start and end are marked.

    The `levels`, at least 2, are evenly spaced in the logarithm of the height above the lowest
    point on the grid, over three decades: close together near the minimum. Those that are the
    same but for rounding are one. Points where the error is not finite or beyond 1e100 are left
    white.

    Raises ShapeError where the path or an error is of the wrong shape, and ValueError where there
    is no range, or nothing on the grid to draw contours of.

    >>> from tinygrad_nn.viz import plots
    >>> ax = plots.error_surface(
    ...     lambda w: w[0] ** 2 + 10 * w[1] ** 2, (-2, 2), (-1, 1), path=[[1.5, 0.8], [0.1, 0.0]]
    ... )
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['start', 'end']
    """
    resolution = whole_number(resolution, 2, "resolution")
    levels = whole_number(levels, 2, "levels")
    path = None if path is None else points(path, "path")
    columns = np.linspace(*_range(w1, path, 0), resolution)
    rows = np.linspace(*_range(w2, path, 1), resolution)
    heights = _heights(error, columns, rows)
    with axes(ax, (6, 4.5)) as ax:
        _contours(ax, columns, rows, heights, _levels(heights, levels))
        if path is not None:
            _path(ax, path)
        ax.set(
            xlabel="$w_1$",
            ylabel="$w_2$",
            xlim=(columns[0], columns[-1]),
            ylim=(rows[0], rows[-1]),
        )
        return ax


def _range(given: Any, path: Any, axis: int) -> tuple[float, float]:
    what = f"w{axis + 1}"
    if given is None:
        if path is None:
            raise ValueError(f"{what} must be a range (low, high) where there is no path")
        return span(path[:, axis], margin=0.25)
    low_high = numbers(given, what)
    if low_high.shape != (2,):
        raise ShapeError(f"{what} must be a range (low, high), not of shape {low_high.shape}")
    low, high = map(float, low_high)
    if not drawable([low, high]).all() or low >= high:
        raise ValueError(
            f"{what} must be a range (low, high) with low < high, of at most {LARGEST:g} in size, "
            f"not {given!r}"
        )
    return low, high


def _heights(error: Callable[[Any], Any], columns: Any, rows: Any) -> Any:
    """The error at each point, NaN where it cannot be drawn."""
    heights = np.empty((len(rows), len(columns)))
    with modes.no_grad():
        for at in np.ndindex(heights.shape):
            height = numbers(error(np.array([columns[at[1]], rows[at[0]]])), "error(w)")
            if height.size != 1:
                raise ShapeError(f"error(w) must be one number, not of shape {height.shape}")
            heights[at] = height.item()
    shown = drawable(heights)
    if not shown.any():
        raise ValueError(f"error(w) is not finite at any point of the grid, or beyond {LARGEST:g}")
    return np.where(shown, heights, np.nan)


def _levels(heights: Any, count: int) -> Any:
    low, high = np.nanmin(heights), np.nanmax(heights)
    if low == high:
        raise ValueError(f"error(w) is {low} at every point of the grid: it has no contours")
    levels = np.unique(low + (high - low) * np.logspace(-_DECADES, 0, count + 1)[:-1])
    if len(levels) < 2 or high - low < _LEAST_RANGE:
        raise ValueError(f"error(w) is from {low} to {high} on the grid: too flat for contours")
    return levels


def _contours(ax: Axes, columns: Any, rows: Any, heights: Any, levels: Any) -> None:
    from matplotlib import colormaps

    heights = np.ma.masked_invalid(heights)
    figure = ax.get_figure()
    assert figure is not None
    colors = list(colormaps["cividis"](np.linspace(0, 1, len(levels) + 1)))
    filled = ax.contourf(columns, rows, heights, levels=levels, colors=colors, extend="both")
    ax.contour(
        columns, rows, heights, levels=levels, colors="white", linewidths=0.4, linestyles="solid"
    )
    bar = figure.colorbar(filled, ax=ax, label="error", ticks=levels[::-3])
    bar.ax.set_yticklabels([number(float(f"{level:.3g}")) for level in levels[::-3]])


def _path(ax: Axes, path: Any) -> None:
    ax.plot(path[:, 0], path[:, 1], ".-", color="white", linewidth=1.5, markersize=4)
    for at, marker, color, label in ((0, "o", COLORS[1], "start"), (-1, "*", COLORS[4], "end")):
        ax.plot(
            *path[at],
            marker=marker,
            color=color,
            label=label,
            markersize=12 if marker == "*" else 8,
            markeredgecolor="white",
            linestyle="none",
        )
    ax.legend()
