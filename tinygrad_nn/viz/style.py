"""How a view is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .picture import Item


@dataclass(frozen=True)
class Style:
    """Direction, colours, labels of edges, and items to mark, with what to say about them."""

    direction: Literal["LR", "TB"] = "LR"
    color: Literal["role", "grad"] = "role"
    edge_shapes: bool = False
    marks: Mapping[Item, str] = field(default_factory=dict)
