"""Drawings of computations: `draw` makes a `Graph` of a Value, a model or a function.

`viz.plots` has plots of training and of what is inside of models.
"""

from typing import TYPE_CHECKING, Any

from .draw import draw
from .graph import Graph

if TYPE_CHECKING:
    from . import plots

__all__ = ["Graph", "draw", "plots"]


def __getattr__(name: str) -> Any:
    if name == "plots":  # not before it is used: it needs matplotlib
        from importlib import import_module

        return import_module(".plots", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
