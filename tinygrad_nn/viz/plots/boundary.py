"""What a classifier decides in the plane."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ... import modes
from ...errors import ShapeError
from ...nn.module import Module
from .arrays import LARGEST, check_same_kind, labels, numbers, points, span, whole_number
from .axes import INK, axes, colors, legend, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BATCH = 8192
_MARKERS = "os^DvPX*<>"
_MOST_NAMED = 20  # classes, of which a legend takes a good part of the plot
_IN_A_COLUMN = 10


def decision_boundary(
    predict: Callable[[Any], Any],
    x: Any,
    y: Any,
    *,
    ax: Axes | None = None,
    resolution: int = 200,
    margin: float = 0.1,
) -> Axes:
    """Draw the regions in which a classifier decides for each class, and the examples.

    `x` (n, 2) are examples and `y` (n,) their labels, integers or strings. `predict`, a model or
    a function, takes points (m, 2) of x's dtype (of float64 if that is no floating point) and
    returns one of

    - labels (m,): integers, strings, or floats that are all among the labels;
    - probabilities, logits or scores (m, classes), of which the largest decides. Column i is
      the label i or, where the labels are not all from 0 to classes - 1, the i-th in order;
    - one score each, (m,) or (m, 1), where y has two labels. The higher label has the higher
      scores, and the boundary is at 0; but where all scores are from 0 to 1 and no label is
      negative, they are taken for probabilities, and it is at 0.5.

    It is called on a grid of `resolution` rows and columns, which reaches beyond the examples by
    `margin` of their range, in batches, under `no_grad()`; a model in evaluation mode, and left
    in the modes it had. Beyond 20 classes there is no legend.

    Raises ShapeError where x, y or what `predict` returns has another shape, and ValueError for
    NaN, for examples that are not finite or beyond 1e100, or for classes that cannot be told from
    the labels.

    >>> import numpy as np
    >>> from tinygrad_nn.viz import plots
    >>> ax = plots.decision_boundary(lambda x: x[:, 0] - x[:, 1], np.eye(2), [1, 0])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['0', '1']
    """
    if not callable(predict):
        raise TypeError(f"predict must be a model or a function, not {type(predict).__name__}")
    x, y = points(x, "x"), labels(y, "y")
    if len(x) != len(y):
        raise ShapeError(f"x has {len(x)} examples and y {len(y)} labels")
    resolution = whole_number(resolution, 2, "resolution")
    if not isinstance(margin, (int, float)) or not 0 <= margin <= LARGEST:
        raise ValueError(f"margin must be from 0 to {LARGEST:g}, not {margin!r}")
    columns = np.linspace(*span(x[:, 0], margin), resolution)
    rows = np.linspace(*span(x[:, 1], margin), resolution)
    grid = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    grid = grid.astype(x.dtype if x.dtype.kind == "f" else np.float64)
    decision = _decide(_outputs(predict, grid), y)
    with axes(ax, (5.5, 4.5)) as ax:
        _regions(ax, columns, rows, decision)
        _examples(ax, x, y, decision.classes)
        ax.set(xlabel="$x_1$", ylabel="$x_2$")
        return ax


class _Decision(NamedTuple):
    """The classes, which of them each point is in, and fields whose zeros are the boundaries."""

    classes: Any
    chosen: Any
    fields: list[Any]


def _outputs(predict: Callable[[Any], Any], grid: Any) -> Any:
    """What `predict` returns for the grid: numbers or strings, (n,) or (n, classes)."""
    with _evaluating(predict), modes.no_grad():
        outputs = [
            _output(predict(grid[at : at + _BATCH]), len(grid[at : at + _BATCH]))
            for at in range(0, len(grid), _BATCH)
        ]
    together = np.concatenate(outputs)
    if together.dtype.kind == "f" and np.isnan(together).any():
        share = np.isnan(together).reshape(len(grid), -1).any(axis=1).mean()
        raise ValueError(f"predict returned NaN for {share:.0%} of the points")
    return together


def _output(returned: Any, count: int) -> Any:
    output = np.asarray(returned) if _are_strings(returned) else numbers(returned, "predict(x)")
    if output.ndim not in (1, 2) or len(output) != count:
        raise ShapeError(
            f"predict(x) must be of shape ({count},) or ({count}, classes) for x of shape "
            f"({count}, 2), not {output.shape}"
        )
    return output[:, 0] if output.ndim == 2 and output.shape[1] == 1 else output


def _are_strings(returned: Any) -> bool:
    kind = getattr(getattr(returned, "dtype", None), "kind", "")
    return kind == "U" or (isinstance(returned, list) and isinstance(returned[0], str))


@contextmanager
def _evaluating(predict: Any) -> Iterator[None]:
    """A context in which `predict`, if it is a model, is in evaluation mode."""
    modules = list(predict.modules()) if isinstance(predict, Module) else []
    modes = [module.training for module in modules]
    try:
        for module in modules:
            module.training = False
        yield
    finally:
        for module, training in zip(modules, modes, strict=True):
            module.training = training


def _decide(outputs: Any, y: Any) -> _Decision:
    if outputs.ndim == 2:
        return _by_largest(outputs, y)
    if outputs.dtype.kind == "f" and (y.dtype.kind == "U" or not np.isin(outputs, y).all()):
        return _by_threshold(outputs, y)
    return _by_label(labels(outputs, "predict(x)"), y)


def _by_largest(scores: Any, y: Any) -> _Decision:
    count = scores.shape[1]
    scores = scores.astype(np.float64)
    chosen = scores.argmax(axis=1)
    fields = []
    for at in range(count):
        with np.errstate(invalid="ignore"):  # of two infinite scores
            lead = scores[:, at] - np.delete(scores, at, axis=1).max(axis=1)
        fields.append(_bounded(lead))
    return _Decision(_classes_of_columns(count, y), chosen, fields)


def _classes_of_columns(count: int, y: Any) -> Any:
    classes = np.unique(y)
    if classes.dtype.kind != "U" and classes[0] >= 0 and classes[-1] < count:
        return np.arange(count)
    if len(classes) != count:
        raise ValueError(
            f"predict(x) has {count} columns, which cannot be told from the labels "
            f"{classes.tolist()}: they should be from 0 to {count - 1}, or {count} of them"
        )
    return classes


def _by_threshold(scores: Any, y: Any) -> _Decision:
    classes = np.unique(y)
    if len(classes) != 2:
        raise ValueError(
            f"predict(x) has one score for each point, which tells 2 classes apart, but y has "
            f"{len(classes)}: {classes.tolist()}"
        )
    signed = classes.dtype.kind != "U" and classes[0] < 0
    probabilities = not signed and scores.min() >= 0 and scores.max() <= 1
    field = _bounded(scores - (0.5 if probabilities else 0.0))
    return _Decision(classes, (field > 0).astype(np.intp), [field])


def _bounded(field: Any) -> Any:
    """`field` without NaN, and with its infinities and the like at sizes that can be subtracted."""
    return np.clip(np.nan_to_num(field.astype(np.float64)), -1e100, 1e100)


def _by_label(predicted: Any, y: Any) -> _Decision:
    check_same_kind(predicted, y, "what predict returns, and y,")
    classes = np.union1d(y, predicted)
    chosen = np.searchsorted(classes, predicted)
    return _Decision(classes, chosen, [(chosen == at) - 0.5 for at in range(len(classes))])


def _regions(ax: Axes, columns: Any, rows: Any, decision: _Decision) -> None:
    from matplotlib.colors import ListedColormap, to_rgb

    shape = len(rows), len(columns)
    pale = [0.3 * np.array(to_rgb(c)) + 0.7 for c in colors(len(decision.classes))]
    half = (columns[1] - columns[0]) / 2, (rows[1] - rows[0]) / 2
    ax.imshow(
        decision.chosen.reshape(shape),
        cmap=ListedColormap(pale),
        vmin=-0.5,
        vmax=len(pale) - 0.5,
        origin="lower",
        extent=(
            columns[0] - half[0],
            columns[-1] + half[0],
            rows[0] - half[1],
            rows[-1] + half[1],
        ),
        interpolation="nearest",
        aspect="auto",
    )
    for field in decision.fields:
        if field.min() < 0 < field.max():
            ax.contour(
                columns, rows, field.reshape(shape), levels=[0.0], colors=INK, linewidths=1.2
            )


def _examples(ax: Axes, x: Any, y: Any, classes: Any) -> None:
    named = []
    for at, (label, color) in enumerate(zip(classes, colors(len(classes)), strict=True)):
        of_class = y == label
        drawn = ax.scatter(
            x[of_class, 0],
            x[of_class, 1],
            s=28,
            color=color,
            marker=_MARKERS[at % len(_MARKERS)],
            edgecolors="white",
            linewidths=0.6,
            label=literal(str(label)),
        )
        named.append((drawn, str(label)))
    if len(named) <= _MOST_NAMED:
        legend(ax, named, title="label", ncols=math.ceil(len(named) / _IN_A_COLUMN))
