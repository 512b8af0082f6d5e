"""Where plots are drawn, and in which colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..missing import missing

if TYPE_CHECKING:
    from matplotlib.artist import Artist
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


@contextmanager
def axes(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """`ax`, or that of a new figure of `size` inches, which is closed if drawing fails."""
    with column(ax, 1, size) as drawn:
        yield drawn[0]


@contextmanager
def column(given: Any, count: int, size: tuple[float, float]) -> Iterator[list[Axes]]:
    """The `count` Axes given, or a column of them in a new figure of `size` inches.

    A new figure is closed if drawing fails.
    """
    plt = pyplot()
    if given is not None:
        yield _checked(given, count)
        return
    figure, new = plt.subplots(count, 1, figsize=size, layout="constrained", squeeze=False)
    try:
        yield list(new[:, 0])
    except BaseException:
        plt.close(figure)
        raise


def _checked(given: Any, count: int) -> list[Axes]:
    """`given`, Axes or a sequence or array of them, as a list."""
    from matplotlib.axes import Axes

    found = list(np.ravel(np.asarray(given, dtype=object)))
    for ax in found:
        if not isinstance(ax, Axes):
            raise TypeError(f"ax must be matplotlib Axes, not {type(ax).__name__}")
    if len(found) != count:
        raise ValueError(
            f"{count} rows to draw need {count} Axes, not {len(found)}: "
            f"give a sequence such as plt.subplots({count})[1]"
        )
    return found


def literal(text: str) -> str:
    """`text` so that matplotlib draws it as it is: no formula between dollar signs."""
    return text.replace("$", r"\$")


def legend(ax: Axes, named: Sequence[tuple[Artist, str]], **style: Any) -> None:
    """Add a legend, if anything has a name: what was on the Axes before, then `named`."""
    new = [artist for artist, _ in named]
    old = [
        (artist, label)
        for artist, label in zip(*ax.get_legend_handles_labels(), strict=True)
        if artist not in new
    ]
    entries = [*old, *((artist, literal(name)) for artist, name in named)]
    if not entries:
        return
    # The texts are set afterwards since matplotlib skips those that start with an underscore.
    drawn = ax.legend([artist for artist, _ in entries], ["?"] * len(entries), **style)
    for text, (_, label) in zip(drawn.get_texts(), entries, strict=True):
        text.set_text(label)


def colors(count: int) -> list[Any]:
    """Distinct colours of `count` classes: of Okabe and Ito or, for many, along viridis."""
    if count <= len(COLORS):
        return list(COLORS[:count])
    viridis = pyplot().get_cmap("viridis")
    return [viridis(i / (count - 1)) for i in range(count)]
