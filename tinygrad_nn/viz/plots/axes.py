"""Where plots are drawn, and in which colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..missing import missing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Of Okabe and Ito: blue, vermilion, green, pink, orange, sky.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK = "#1a1a1a"


def pyplot() -> Any:
    """matplotlib.pyplot, imported when the first plot is drawn."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise missing("matplotlib", "viz", "plots") from error
    return plt


def axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """`ax`, or that of a new figure of `size` inches."""
    return column([ax] if ax is not None else None, 1, size)[0]


def column(given: Any, count: int, size: tuple[float, float]) -> list[Axes]:
    """The `count` Axes given, or a column of them in a new figure of `size` inches."""
    plt = pyplot()
    if given is None:
        _, new = plt.subplots(count, 1, figsize=size, layout="constrained", squeeze=False)
        return list(new[:, 0])
    from matplotlib.axes import Axes

    for ax in given:
        if not isinstance(ax, Axes):
            raise TypeError(f"ax must be matplotlib Axes, not {type(ax).__name__}")
    if len(given) != count:
        raise ValueError(f"{count} rows to draw need {count} Axes, not {len(given)}")
    return list(given)


def colors(count: int) -> list[Any]:
    """Distinct colours of `count` classes: of Okabe and Ito or, for many, along viridis."""
    if count <= len(COLORS):
        return list(COLORS[:count])
    viridis = pyplot().get_cmap("viridis")
    return [viridis(i / (count - 1)) for i in range(count)]
