"""The interactive page of a graph: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from string import Template
from typing import Any

import numpy as np

from .. import primitives
from . import describe, shade
from .fold import Frame, Group, Shown, View, fold
from .picture import Box, Item, Picture
from .readable import readable
from .style import Style

LIMIT = 10_000  # nodes that go into a page
_LOOSE = 2_000  # those outside of modules, which nothing closes

_BINS = 24
_LISTED = 12  # numbers of an array that are shown one by one
_SCRIPTS = ("model.js", "layout.js", "draw.js", "view.js", "panel.js", "play.js", "main.js")


def page(picture: Picture, view: View, style: Style) -> str:
    """The graph as an HTML page to explore it in.

    The page has every item of the picture, and opens with those boxes closed that the view
    closes. If there are more than 10,000 items, or 2,000 outside of modules, it has what the view
    shows, and no more.

    >>> import tinygrad_nn as tg
    >>> from tinygrad_nn.viz import draw
    >>> graph = draw(lambda x: x * x, tg.Value(3.0))
    >>> page(graph.picture, graph.view, graph.style).startswith("<!DOCTYPE html>")
    True
    """
    loose = sum(item.box is None for item in picture.items)
    if len(picture.items) <= LIMIT and loose <= _LOOSE:
        content = _Content.of_picture(picture, view)
        notes = picture.notes if view.merged else view.notes
    else:
        shown = sum(1 for _ in view.root.everything())
        small = view if shown <= LIMIT else fold(picture, None, (), (), LIMIT)
        content, notes = _Content.of_view(small), small.notes
    data = _Writer(content, style).data()
    data["title"] = _title(picture)
    data["notes"] = notes
    return Template(_asset("template.html")).substitute(
        title=escape(data["title"]),
        colors=_colors(),
        style=_asset("page.css"),
        script="\n".join(map(_asset, _SCRIPTS)),
        data=_embedded(data),
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")


def _embedded(data: Any) -> str:
    """JSON that no text in it can break out of: what is not ASCII is escaped, and so is `<`."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _colors() -> str:
    """The colours of the roles as properties of CSS."""
    properties = {f"fill-{role}": color for role, color in shade.FILL.items()}
    properties |= {f"border-{role}": color for role, color in shade.BORDER.items()}
    properties |= {"fill-group": shade.GROUP, "ink": shade.INK, "fill-alarm": shade.ALARM_FILL}
    return ":root { " + " ".join(f"--{name}: {c};" for name, c in properties.items()) + " }"


def _title(picture: Picture) -> str:
    kinds = list(dict.fromkeys(box.kind for box in picture.boxes))
    return f"Graph of {kinds[0]}" if len(kinds) == 1 else "Computation graph"


# ---- What goes into the page


class _Content:
    """Nodes in the order of the computation, what each takes, and the boxes around them."""

    def __init__(self, shown: Sequence[Shown], boxes: Sequence[Box]) -> None:
        self.shown = shown
        self.boxes = boxes
        self.parents: dict[Shown, list[tuple[Shown, str]]] = {each: [] for each in shown}
        self.times: dict[Box, int] = {}
        self.rows: dict[Box, Box] = {}  # the first box of a row, for each later one
        self.single: set[Box] = set()
        self.closed: set[Box] = set()

    @classmethod
    def of_picture(cls, picture: Picture, view: View) -> _Content:
        """All items; closed are the boxes that the view shows closed, and those inside."""
        content = cls(picture.items, [box for top in picture.boxes for box in top.downwards()])
        content.parents |= {item: [*item.parents] for item in picture.items}
        content.times = view.times
        for siblings in [picture.boxes, *(box.inner for box in content.boxes)]:
            for at, box in enumerate(siblings):
                later = siblings[at + 1 : at + view.times.get(box, 1)]
                content.rows |= dict.fromkeys(later, box)
        rows = {*content.rows, *content.times}
        content.single = {box for box in content.boxes if box not in rows and box.is_single}
        for each in view.root.everything():
            if isinstance(each, Group) and each.closed is not None:
                content.closed |= set(each.closed.downwards())
        content.closed |= {box for box, first in content.rows.items() if first in content.closed}
        return content

    @classmethod
    def of_view(cls, view: View) -> _Content:
        """What the view shows, all boxes open."""
        frames = [frame for inner in view.root.inner for frame in _frames(inner)]
        content = cls(
            sorted(view.root.everything(), key=lambda each: each.number),
            [frame.box for frame in frames if frame.box is not None],
        )
        for (start, end), items in view.edges.items():
            count = len(set(items))
            content.parents[end].append((start, f"{count:,} values" if count > 1 else ""))
        content.times = {frame.box: frame.times for frame in frames if frame.box is not None}
        content.single = {frame.box for frame in frames if frame.box and frame.is_single}
        return content


def _frames(frame: Frame) -> Iterator[Frame]:
    yield frame
    for inner in frame.inner:
        yield from _frames(inner)


# ---- Its description


class _Writer:
    """Describes the content in what JSON can say; what is empty is left out."""

    def __init__(self, content: _Content, style: Style) -> None:
        self.content = content
        self.style = style
        self.ids = {each: at for at, each in enumerate(content.shown)}
        self.rows: dict[Box, list[Box]] = {}
        for later, first in content.rows.items():
            self.rows.setdefault(first, [first]).append(later)
        self.box_ids = {box: at for at, box in enumerate(content.boxes)}
        self.scale = shade.GradientScale(content.shown)
        self.sizes = {each: shade.gradient_size(each) for each in content.shown}

    def data(self) -> dict[str, Any]:
        """All that the page shows."""
        operations = {i.operation for i in self.content.shown if isinstance(i, Item)}
        return {
            "direction": self.style.direction,
            "color": self.style.color,
            "edgeShapes": self.style.edge_shapes,
            "nodes": [self._node(each) for each in self.content.shown],
            "boxes": [self._box(box) for box in self.content.boxes],
            "rules": {name: _rules(name) for name in sorted(operations) if name},
            "legend": self.scale.legend(),
        }

    def _node(self, shown: Shown) -> dict[str, Any]:
        node = {
            "title": describe.shown_title(shown),
            "box": self.box_ids[shown.box] if shown.box is not None else None,
            "parents": [[self.ids[parent], name] for parent, name in self.content.parents[shown]],
            "alerts": describe.problems(shown),
            "culprit": describe.is_culprit(shown) or None,
            "color": self.scale.color(self.sizes[shown]),
            **(_group(shown) if isinstance(shown, Group) else _item(shown)),
        }
        return {key: value for key, value in node.items() if value not in ("", [], None)}

    def _box(self, box: Box) -> dict[str, Any]:
        content = self.content
        times = content.times.get(box, 1)
        title, _, parameters = describe.box_title(box).partition(", ")
        description: dict[str, Any] = {
            "title": title,
            "parameters": parameters,
            "path": box.path,
            "kind": box.kind,
            "outer": self.box_ids[box.outer] if box.outer is not None else None,
            "times": times if times > 1 else None,
            "row": self.box_ids[content.rows[box]] if box in content.rows else None,
            "single": box in content.single or None,
            "closed": box in content.closed or None,
            "color": self._box_color(box),
        }
        return {key: value for key, value in description.items() if value not in ("", None)}

    def _box_color(self, box: Box) -> str:
        """The colour of the largest gradient in a box, or in the row that it stands for."""
        sizes = [
            size
            for each in self.rows.get(box, [box])
            for item in each.everything()
            if (size := self.sizes.get(item)) is not None
        ]
        return self.scale.color(max(sizes, default=None))


def _group(group: Group) -> dict[str, Any]:
    facts = dict(describe.facts(group))
    operations = list(dict.fromkeys(item.operation or item.role for item in group.items))
    return {
        "role": "group",
        "op": ", ".join(operations[:_LISTED]),
        "count": len(group.items),
        "computed": any(item.operation for item in group.items),
        "facts": [list(fact) for fact in facts.items()],
        "grad": facts.get("‖grad‖", ""),
    }


def _item(item: Item) -> dict[str, Any]:
    facts = dict(describe.facts(item))
    return {
        "role": item.role,
        "op": item.operation,
        "computed": bool(item.operation),
        "name": describe.local_name(item),
        "path": item.name,
        "kind": describe.kind(item),
        "shape": list(item.shape) or None,
        "dtype": str(item.dtype),
        "facts": [list(fact) for fact in facts.items()],
        "value": facts.get("data", ""),
        "grad": facts.get("grad") or facts.get("‖grad‖", ""),
        "numbers": _listed(item.value),
        "histogram": _histogram(item.value),
        "gradientHistogram": _histogram(item.gradient),
        "options": item.options,
        "place": item.place,
    }


def _rules(operation: str) -> dict[str, str]:
    """The derivative rules of a primitive, by the input that they are for."""
    known = primitives.get(operation)
    return {name: readable(rule) for name, rule in known.rules.items()} if known else {}


def _array(x: Any) -> Any:
    """A value or gradient as an array of real numbers, or None."""
    array = describe.plain(x)
    return array if array.dtype.kind in "fiub" else None


def _listed(x: Any) -> str:
    """The numbers of a small array."""
    array = _array(x)
    if array is None or not 1 < array.size <= _LISTED:
        return ""
    return ", ".join(map(describe.number, array.reshape(-1)))


def _histogram(x: Any) -> dict[str, Any] | None:
    """How many numbers of an array are in each of at most 24 equal parts of its range.

    Numbers that are not finite are counted apart.
    """
    array = _array(x)
    if array is None or array.size < 2:
        return None
    numbers = array.reshape(-1).astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    histogram: dict[str, Any] = {"nan": int(np.isnan(numbers).sum())}
    histogram["inf"] = numbers.size - finite.size - histogram["nan"]
    if finite.size:
        low, high = finite.min(), finite.max()
        bins = min(_BINS, max(1, round(finite.size**0.5))) if low < high else 1
        counts, _ = np.histogram(_within_range(finite), bins, (0.0, 1.0))
        histogram |= {"counts": counts.tolist(), "low": describe.number(low)}
        histogram["high"] = describe.number(high)
    return histogram


def _within_range(x: Any) -> Any:
    """Where in its range each number is, from 0 to 1, also where the range overflows."""
    scaled = x / max(np.abs(x).max(), np.finfo(np.float64).tiny)
    width = scaled.max() - scaled.min()
    return (scaled - scaled.min()) / width if width else np.zeros_like(scaled)
