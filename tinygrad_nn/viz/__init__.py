"""Drawings of computations: `draw` makes a `Graph` of a Value, a model or a function."""

from .draw import draw
from .graph import Graph

__all__ = ["Graph", "draw"]
