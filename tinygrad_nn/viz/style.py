"""How a view is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Style:
    """Direction, colours, and labels of edges."""

    direction: Literal["LR", "TB"] = "LR"
    color: Literal["role", "grad"] = "role"
    edge_shapes: bool = False
