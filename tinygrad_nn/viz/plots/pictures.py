"""The weights of units, as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ShapeError
from ...nn.module import Module
from .arrays import LARGEST, drawable, numbers, whole_number
from .axes import axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def weights(
    weight: Any,
    *,
    shape: tuple[int, int] | None = None,
    ax: Axes | None = None,
    columns: int | None = None,
) -> Axes:
    """Draw the weights of each unit as a small picture, all of them in one image.

    `weight` is a Value or array: (units, inputs), whose rows become pictures of `shape` (height,
    width), by default the square of that many inputs; (inputs,) for one unit; or (units, height,
    width). Blue is negative, white 0, red positive, on one scale for all, and grey what is
    between the pictures, not finite or beyond 1e100. `columns` pictures stand side by side; the
    number of a unit is the sum of those at its row and at its column. Of the kernels of a
    convolution (units, channels, height, width), draw one channel, `weight[:, 0]`.

    Raises ShapeError where the inputs do not fill the shape, or are no square number and have
    none, and ValueError where no weight is finite.

    >>> from tinygrad_nn import nn
    >>> from tinygrad_nn.viz import plots
    >>> ax = plots.weights(nn.Linear(16, 6).weight, columns=3)
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['0', '3']
    """
    pictures = _pictures(weight, shape)
    units, height, width = pictures.shape
    if columns is None:
        columns = math.ceil(math.sqrt(units * height / width))
    columns = min(whole_number(columns, 1, "columns"), units)
    rows = math.ceil(units / columns)
    gap = math.ceil(min(height, width) / 10)
    image = _mosaic(pictures, rows, columns, gap)
    with axes(ax, _size(image.shape)) as ax:
        _draw(ax, image)
        ax.set_xticks(_centres(columns, width, gap), map(str, range(columns)))
        ax.set_yticks(_centres(rows, height, gap), map(str, range(0, rows * columns, columns)))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        return ax


def _pictures(weight: Any, shape: tuple[int, int] | None) -> Any:
    """The weights as (units, height, width)."""
    if isinstance(weight, Module):
        kind = type(weight).__name__
        raise TypeError(f"weight must be an array or a Value, not a {kind}: pass layer.weight")
    array = numbers(weight, "weight")
    if array.ndim not in (1, 2, 3):
        channel = ": draw one channel, weight[:, 0]" if array.ndim == 4 else ""
        raise ShapeError(
            "weight must be of shape (units, inputs) or (units, height, width), "
            f"not {array.shape}{channel}"
        )
    if not drawable(array).any():
        raise ValueError(f"weight: none is finite and at most {LARGEST:g} in size")
    if array.ndim == 3 and shape is None:
        return array
    units = 1 if array.ndim == 1 else len(array)
    inputs = array.size // units
    height, width = _square(inputs) if shape is None else _checked(shape)
    if height * width != inputs:
        raise ShapeError(f"shape {height, width} does not hold the {inputs} inputs of a unit")
    return array.reshape(units, height, width)


def _square(inputs: int) -> tuple[int, int]:
    side = math.isqrt(inputs)
    if side * side != inputs:
        raise ShapeError(f"{inputs} inputs are no square: give shape=(height, width)")
    return side, side


def _checked(shape: Any) -> tuple[int, int]:
    if not isinstance(shape, (tuple, list)) or len(shape) != 2:
        raise TypeError(f"shape must be (height, width), not {shape!r}")
    return whole_number(shape[0], 1, "height"), whole_number(shape[1], 1, "width")


def _mosaic(pictures: Any, rows: int, columns: int, gap: int) -> Any:
    """One image of all pictures, row by row, NaN between and around them."""
    units, height, width = pictures.shape
    cells = np.full((rows * columns, height + gap, width + gap), np.nan)
    cells[:units, gap:, gap:] = pictures
    cells = cells.reshape(rows, columns, height + gap, width + gap)
    image = cells.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap))
    return np.pad(image, ((0, gap), (0, gap)), constant_values=np.nan)


def _centres(count: int, length: int, gap: int) -> Any:
    return gap + (length - 1) / 2 + (length + gap) * np.arange(count)


def _size(shape: tuple[int, int]) -> tuple[float, float]:
    """Inches for an image of `shape`, with a colour bar at its right."""
    height, width = shape
    scale = 5 / max(height, width)
    return max(width * scale, 1.5) + 1.2, max(height * scale, 1.5) + 0.3


def _draw(ax: Axes, image: Any) -> None:
    from matplotlib import colormaps

    image = np.ma.masked_invalid(np.where(drawable(image), image, np.nan))
    largest = float(np.abs(image).max()) or 1.0
    cmap = colormaps["RdBu_r"].with_extremes(bad="#b3b3b3")
    figure = ax.get_figure()
    assert figure is not None
    drawn = ax.imshow(image, cmap=cmap, vmin=-largest, vmax=largest, interpolation="nearest")
    figure.colorbar(drawn, ax=ax, label="weight")
