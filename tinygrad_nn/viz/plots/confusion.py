"""What is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ShapeError
from . import arrays
from .axes import COLORS, axes, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHORT = 4  # characters of a title that is no wider than its column


def confusion_matrix(
    labels: Any,
    predictions: Any,
    *,
    names: Sequence[str] | None = None,
    normalize: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw how many examples of each class (row) were predicted as each class (column).

    `labels` and `predictions` (n,) are integers or strings. The classes are those that occur,
    sorted; or, with `names`, all of these: labels are then names or numbers from 0 on, into them.
    With `normalize`, the counts of a row are divided by their sum; a class without examples has
    an empty, grey row.

    Raises ShapeError where the lengths differ, and ValueError for a label that has no name.

    >>> from tinygrad_nn.viz import plots
    >>> ax = plots.confusion_matrix([0, 0, 1], [0, 1, 1], names=["cat", "dog"])
    >>> [cell.get_text() for cell in ax.texts]
    ['1', '1', '0', '1']
    """
    true = arrays.labels(labels, "labels")
    predicted = arrays.labels(predictions, "predictions")
    if true.shape != predicted.shape:
        raise ShapeError(f"{len(true)} labels for {len(predicted)} predictions")
    arrays.check_same_kind(true, predicted, "labels and predictions")
    titles, classes = _classes(names, true, predicted)
    counts = _counts(true, predicted, classes)
    with axes(ax, _size(titles)) as ax:
        _draw(ax, _shares(counts) if normalize else counts, normalize)
        _name(ax, titles)
        ax.set(xlabel="predicted", ylabel="true")
        return ax


def _classes(names: Any, true: Any, predicted: Any) -> tuple[list[str], Any]:
    """The classes as they are called, and as the labels say them."""
    found = np.union1d(true, predicted)
    if names is None:
        return [str(label) for label in found], found
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be a list of strings, not {names!r}")
    titles = list(names)
    if len(set(titles)) < len(titles):
        raise ValueError(f"names must differ from each other: {titles}")
    classes = np.array(titles) if found.dtype.kind == "U" else np.arange(len(titles))
    unknown = np.setdiff1d(found, classes)
    if unknown.size:
        raise ValueError(f"label {unknown[0]} is none of the {len(titles)} names {titles}")
    return titles, classes


def _counts(true: Any, predicted: Any, classes: Any) -> Any:
    order = np.argsort(classes)
    rows = order[np.searchsorted(classes, true, sorter=order)]
    columns = order[np.searchsorted(classes, predicted, sorter=order)]
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    return counts


def _shares(counts: Any) -> Any:
    """Each row divided by its sum, NaN where that is 0."""
    sums = counts.sum(axis=1, keepdims=True)
    return np.divide(counts, sums, out=np.full(counts.shape, np.nan), where=sums > 0)


def _size(titles: list[str]) -> tuple[float, float]:
    """Inches for the cells, and beside and below them for the titles."""
    cells = 0.55 * len(titles) + 1.5
    beyond = max(0, max(map(len, titles)) - _SHORT)
    return cells + 0.8 + 0.09 * beyond, cells + 0.065 * beyond


def _name(ax: Axes, titles: list[str]) -> None:
    texts = [literal(title) for title in titles]
    ax.set_xticks(range(len(texts)), texts)
    ax.set_yticks(range(len(texts)), texts)
    if max(map(len, titles)) > _SHORT:
        for label in ax.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")


def _draw(ax: Axes, cells: Any, normalize: bool) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    figure = ax.get_figure()
    assert figure is not None
    top = 1.0 if normalize else max(cells.max(), 1)
    blues = LinearSegmentedColormap.from_list("counts", ["white", COLORS[0]])
    cmap = blues.with_extremes(bad="#d9d9d9")
    image = ax.imshow(np.ma.masked_invalid(cells), cmap=cmap, vmin=0, vmax=top)
    figure.colorbar(image, ax=ax, label="share of the class" if normalize else "examples")
    for (row, column), cell in np.ndenumerate(cells):
        if not np.isnan(cell):
            text = f"{cell:.2f}" if normalize else f"{cell:,}"
            ink = _ink(image.to_rgba(cell))
            ax.text(column, row, text, ha="center", va="center", color=ink)


def _ink(color: Any) -> str:
    """Black or white, whichever has more contrast (WCAG 2.2, relative luminance)."""
    rgb = np.array(color[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return "black" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "white"
