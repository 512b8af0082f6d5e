"""Colours: of the roles of nodes, and of the sizes of gradients.

All are told apart by those who see few colours, and are readable on white and on black: nodes are
light with dark text, what lies between them is grey. The colours of roles are tints of the palette
of M. Okabe and K. Ito (Color Universal Design, 2008).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .describe import norm, number
from .fold import Group, Shown
from .picture import Role

INK, GREY = "#1a1a1a", "#7a7a7a"
ALARM, ALARM_FILL = "#d55e00", "#ffc9a3"

FILL: dict[Role, str] = {
    "input": "#cfe5f5",
    "parameter": "#fbe2b0",
    "constant": "#ececec",
    "operation": "#ffffff",
    "output": "#c4ecdf",
}
BORDER: dict[Role, str] = {
    "input": "#0072b2",
    "parameter": "#c98500",
    "constant": "#8c8c8c",
    "operation": "#5c5c5c",
    "output": "#009e73",
}
GROUP = "#e6e3f1"

# From small to large, evenly darker to the eye, and dark text readable on all of it.
_SCALE = ["#fff7d6", "#fbd28a", "#f2a766", "#dd7e6b", "#b97097"]


class GradientScale:
    """Colours for norms of gradients, by their logarithm between the smallest and the largest."""

    def __init__(self, shown: Iterable[Shown]) -> None:
        sizes = [size for each in shown if (size := gradient_size(each))]
        finite = [math.log10(size) for size in sizes if math.isfinite(size)]
        self.low, self.high = (min(finite), max(finite)) if finite else (0.0, 0.0)
        if self.high - self.low < 1:
            self.low, self.high = self.low - 0.5, self.high + 0.5

    def color(self, size: float | None) -> str:
        """White for none, grey for 0, an alarm for what is not finite."""
        if size is None:
            return "#ffffff"
        if size == 0:
            return "#d9d9d9"
        if not math.isfinite(size):
            return ALARM
        return self._at((math.log10(size) - self.low) / (self.high - self.low))

    @staticmethod
    def _at(part: float) -> str:
        place = min(max(part, 0.0), 1.0) * (len(_SCALE) - 1)
        below = min(int(place), len(_SCALE) - 2)
        ends = [np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in _SCALE[below:][:2]]
        mixed = ends[0] + (place - below) * (ends[1] - ends[0])
        return "#" + "".join(f"{round(float(part)):02x}" for part in mixed)

    def legend(self) -> list[tuple[str, str]]:
        """Colours with what they mean."""
        exponents = np.linspace(self.low, self.high, len(_SCALE))
        steps = [(self._at(i / (len(_SCALE) - 1)), 10.0**e) for i, e in enumerate(exponents)]
        return [*((color, number(float(f"{size:.1e}"))) for color, size in steps), ("#d9d9d9", "0")]


def gradient_size(shown: Shown) -> float | None:
    """The norm of the gradient of what is drawn as a node: the largest of a group's."""
    items = shown.items if isinstance(shown, Group) else [shown]
    sizes = [norm(item.gradient) for item in items if item.gradient is not None]
    return max(sizes, default=None)
