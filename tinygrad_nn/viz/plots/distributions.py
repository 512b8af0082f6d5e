"""What is in a model, layer by layer, as histograms."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from ... import engine, modes
from ...nn.module import Module
from ...value import Value
from ..describe import norm, number
from ..draw import draw
from ..picture import Box, Item
from .arrays import LARGEST, drawable, span
from .axes import COLORS, column, literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The slope of an activation function that ends in a plateau, relative to its largest, by the value.
_SLOPES: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda y: 1 - y * y,
    "sigmoid": lambda y: 4 * y * (1 - y),
}


def histograms(
    model: Module,
    *inputs: Any,
    of: Literal["activations", "gradients", "parameters"] = "activations",
    loss: Callable[[Any], Any] | None = None,
    ax: Axes | Sequence[Axes] | None = None,
) -> Any:
    """Draw what is in a model as one histogram for each layer or parameter, one below another.

    - of="activations": what each module without modules inside returns in model(*inputs); all of
      it together where it is called several times. Calls that compute nothing have no row.
    - of="parameters": the elements of each parameter.
    - of="gradients": the absolute values, on a logarithmic axis, of the gradient of each
      parameter: of loss(model(*inputs)) or, without `inputs` and `loss`, those that the
      parameters hold since `backward()`.

    All rows have the same axis, so that layers compare: vanishing activations get narrower from
    row to row, and vanishing gradients move to the left. Above each row are its mean ± standard
    deviation, or the root mean square of a gradient; the share of zeros, as of dead rectified
    units, which the bars leave out since they would dwarf the rest; the share that is saturated,
    where tanh or sigmoid has less than 1 % of its largest slope; and how many are not finite, or
    too large or small for the bars: beyond 1e100, or nearer to 0 than 1e-100.

    The model is called in the mode it is in. Its gradients stay as they are. Returns the Axes
    (rows,): those of a new figure, or of `ax`, a sequence of as many; one row may have one Axes.

    Raises TypeError for arguments that do not belong to what is drawn, and ValueError where there
    is nothing to draw.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> from tinygrad_nn.viz import plots
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    >>> axes = plots.histograms(model, np.ones((5, 4), np.float32))
    >>> [ax.get_title(loc="left") for ax in axes]
    ['0: Linear', '1: Tanh']
    """
    if not isinstance(model, Module):
        raise TypeError(f"model must be a Module, not {type(model).__name__}")
    rows = list(_rows(model, inputs, of, loss))
    if not any(np.isfinite(row.values).any() for row in rows):
        raise ValueError(f"the model has no {of} that are finite")
    log = of == "gradients"
    shown = [_shown(row.values, log) for row in rows]
    limits = _limits(shown)
    with column(ax, len(rows), (6, 0.9 * len(rows) + 0.5)) as drawn:
        for axis, row, values in zip(drawn, rows, shown, strict=True):
            _histogram(axis, values, limits, log)
            axis.set_title(literal(row.name), loc="left", fontsize="small")
            axis.set_title(_summary(row, log), loc="right", fontsize="small")
            axis.tick_params(labelbottom=axis is drawn[-1])
        drawn[-1].set_xlabel("|gradient|" if log else of.removesuffix("s"))
        return np.array(drawn)


class _Row(NamedTuple):
    """Numbers with their name; `saturated` is the share on plateaus, None where there are none."""

    name: str
    values: Any
    saturated: float | None = None


def _rows(
    model: Module, inputs: tuple[Any, ...], of: str, loss: Callable[[Any], Any] | None
) -> Iterable[_Row]:
    if of == "activations":
        if loss is not None:
            raise TypeError("of='activations' takes no loss")
        if not inputs:
            raise TypeError("of='activations' takes the inputs to call the model with")
        return _activations(model, inputs)
    if of == "gradients":
        if bool(inputs) != (loss is not None):
            raise TypeError("of='gradients' takes inputs and a loss, or neither")
        return _gradients(model, inputs, loss)
    if of != "parameters":
        raise ValueError(f"of must be 'activations', 'gradients' or 'parameters', not {of!r}")
    if inputs or loss is not None:
        raise TypeError("of='parameters' takes no inputs and no loss")
    return [_Row(name, _flat(value.data)) for name, value in model.named_parameters()]


# ---- Where the numbers come from


def _activations(model: Module, inputs: tuple[Any, ...]) -> Iterator[_Row]:
    picture = draw(model, *inputs).picture
    used_in: dict[Item, set[Box | None]] = {}
    for item in picture.items:
        for parent, _ in item.parents:
            used_in.setdefault(parent, set()).add(item.box)
    layers: dict[tuple[str, str], list[Item]] = {}
    for box in _leaves(picture.boxes):
        layers.setdefault((box.path, box.kind), []).extend(
            item
            for item in box.items
            if item.operation and (item.role == "output" or used_in.get(item) != {box})
        )
    for (path, kind), items in layers.items():
        values = np.concatenate([_flat(item.value) for item in items])
        yield _Row(f"{path}: {kind}" if path else kind, values, _saturation(items))


def _leaves(boxes: list[Box]) -> Iterator[Box]:
    """The boxes that have none inside."""
    for box in boxes:
        if box.inner:
            yield from _leaves(box.inner)
        else:
            yield box


def _saturation(items: list[Item]) -> float | None:
    slopes = [
        _SLOPES[item.operation](_flat(item.value)) for item in items if item.operation in _SLOPES
    ]
    return float(np.mean(np.concatenate(slopes) < 0.01)) if slopes else None


def _gradients(
    model: Module, inputs: tuple[Any, ...], loss: Callable[[Any], Any] | None
) -> list[_Row]:
    named = list(model.named_parameters())
    if loss is None:
        gradients = [value.grad for _, value in named]
    else:
        gradients = _differentiated(model, inputs, loss, [value for _, value in named])
    if all(gradient is None for gradient in gradients):
        raise ValueError(
            "no parameter has a gradient: call backward() first, or give inputs and a loss"
        )
    none = np.empty(0)
    return [
        _Row(name, none if gradient is None else _flat(gradient))
        for (name, _), gradient in zip(named, gradients, strict=True)
    ]


def _differentiated(
    model: Module,
    inputs: tuple[Any, ...],
    loss: Callable[[Any], Any],
    parameters: list[Value],
) -> list[Any]:
    """The gradients of loss(model(*inputs)), None where it does not depend on the parameter."""
    with modes.enable_grad():
        result = loss(model(*inputs))
    if not isinstance(result, Value) or result.size != 1 or result._node is None:
        came = f"a Value of shape {result.shape}" if isinstance(result, Value) else repr(result)
        raise TypeError(f"loss must return one number computed from the model's output, not {came}")
    nodes = [value._node for value in parameters]
    onto = [node for node in nodes if node is not None]
    found = engine.backpropagate([result._node], [np.ones_like(result.data)[()]], onto=onto)
    return [None if node is None else found.get(node) for node in nodes]


def _flat(x: Any) -> Any:
    data = x.data if isinstance(x, Value) else x
    return np.asarray(data).reshape(-1).astype(np.float64)


# ---- How they are drawn


def _shown(values: Any, log: bool) -> Any:
    """What the bars are of: the numbers but 0 or, on a logarithmic axis, their log10 |x|."""
    values = values[_in_bars(values)]
    return np.log10(np.abs(values)) if log else values


def _in_bars(values: Any) -> Any:
    return drawable(values) & (np.abs(values) >= 1 / LARGEST)


def _limits(shown: list[Any]) -> tuple[float, float]:
    return span(np.concatenate([*shown, [] if any(map(len, shown)) else [0.0]]), margin=0.03)


def _histogram(ax: Axes, values: Any, limits: tuple[float, float], log: bool) -> None:
    """As many bins as the Rice rule says, over the values' own range: narrow rows have shapes."""
    low, high = limits
    if values.size:
        start, end = values.min(), values.max()
        bins = math.ceil(2 * np.cbrt(values.size))
        resolved = 2 * bins * np.spacing(max(abs(low), abs(high)))
        if end - start < (least := max((high - low) / 200, resolved)):
            start, end = start - least / 2, end + least / 2
        counts, edges = np.histogram(values, bins, (start, end))
        ax.stairs(counts, 10**edges if log else edges, fill=True, color=COLORS[0])
    if log:
        ax.set_xscale("log")
    ax.set_xlim((10**low, 10**high) if log else (low, high))
    ax.set_yticks([])
    ax.spines[["left", "right", "top"]].set_visible(False)


def _summary(row: _Row, log: bool) -> str:
    if not row.values.size:
        return "no gradient"
    finite = row.values[np.isfinite(row.values)]
    parts = []
    if finite.size:
        size = f"rms {_short(norm(finite) / math.sqrt(finite.size))}"
        parts.append(size if log else _mean_and_deviation(finite))
        if zeros := np.mean(finite == 0):
            parts.append(f"{zeros:.1%} zero")
    if row.saturated is not None:
        parts.append(f"{row.saturated:.1%} saturated")
    if wrong := row.values.size - finite.size:
        parts.append(f"{wrong:,} not finite")
    if hidden := np.count_nonzero(finite) - np.count_nonzero(_in_bars(finite)):
        parts.append(f"{hidden:,} beyond 1e±{round(math.log10(LARGEST))}")
    return ", ".join(parts)


def _mean_and_deviation(x: Any) -> str:
    """Computed at the scale of 1, where neither sums nor squares overflow."""
    scale = np.abs(x).max() or 1.0
    return f"{_short(scale * np.mean(x / scale))} ± {_short(scale * np.std(x / scale))}"


def _short(x: Any) -> str:
    """Two significant digits."""
    return number(float(f"{x:.2g}"))
