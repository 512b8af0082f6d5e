"""A view as a drawing in the DOT language."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from . import describe, shade
from .fold import Frame, Group, Shown, View
from .missing import missing
from .picture import Item, Role
from .style import Style

if TYPE_CHECKING:
    import graphviz

_SHAPES: dict[Role, dict[str, str]] = {
    "input": {"shape": "box", "style": "filled,rounded", "penwidth": "1.6"},
    "parameter": {"shape": "folder", "style": "filled"},
    "constant": {"shape": "box", "style": "filled,dashed"},
    "operation": {"shape": "box", "style": "filled,rounded"},
    "output": {"shape": "box", "style": "filled,rounded", "peripheries": "2"},
}


def dot(view: View, style: Style) -> str:
    """The source of the drawing."""
    try:
        import graphviz
    except ImportError as error:
        raise missing("graphviz", "viz", "a picture or DOT (not .html, .mmd and text)") from error

    drawing = graphviz.Digraph(
        "graph",
        graph_attr={
            "rankdir": style.direction,
            "bgcolor": "transparent",
            "fontname": "Helvetica,Arial,sans-serif",
            "fontcolor": shade.GREY,
            "fontsize": "11",
            "nodesep": "0.2",
            "ranksep": "0.3",
        },
        node_attr={
            "fontname": "Helvetica,Arial,sans-serif",
            "fontcolor": shade.INK,
            "fontsize": "11",
            "margin": "0.08,0.04",
            "height": "0.3",
        },
        edge_attr={
            "color": shade.GREY,
            "fontcolor": shade.GREY,
            "fontname": "Helvetica,Arial,sans-serif",
            "fontsize": "9",
            "arrowsize": "0.6",
        },
    )
    _Writer(view, style).write(drawing)
    return str(drawing.source)


class _Writer:
    def __init__(self, view: View, style: Style) -> None:
        self.view = view
        self.style = style
        shown = list(view.root.everything())
        self.names = {each: name(each) for each in shown}
        self.scale = shade.GradientScale(shown) if style.color == "grad" else None

    def write(self, drawing: graphviz.Digraph) -> None:
        self._frame(drawing, self.view.root)
        for start, end, items in self.view.arrows():
            drawing.edge(self.names[start], self.names[end], **self._edge(items))
        if self.scale is not None:
            self._legend(drawing, self.scale)
        if self.view.notes:
            drawing.attr(label="\\l".join(self.view.notes) + "\\l", labelloc="b", labeljust="l")

    def _frame(self, drawing: graphviz.Digraph, frame: Frame) -> None:
        for each in frame.shown:
            drawing.node(self.names[each], self._label(each, frame), **self._node(each))
        for inner in frame.inner:
            if inner.is_single:
                self._frame(drawing, inner)
                continue
            assert inner.box is not None
            with drawing.subgraph(name=f"cluster_{inner.number}") as cluster:
                cluster.attr(
                    label=_plain(describe.box_title(inner.box, inner.times)),
                    color=shade.GREY,
                    style="rounded,bold" if inner.times > 1 else "rounded",
                    margin="10",
                )
                self._frame(cluster, inner)

    def _edge(self, items: list[Item]) -> dict[str, str]:
        attributes = {}
        distinct = list(dict.fromkeys(items))
        if self.style.edge_shapes:
            attributes["label"] = " × ".join(map(str, distinct[0].shape)) or "1"
        if len(distinct) > 1:
            attributes |= {"penwidth": "2", "label": f"{len(distinct):,} values"}
        return attributes

    def _node(self, shown: Shown) -> dict[str, str]:
        role = shown.role if isinstance(shown, Item) else "operation"
        attributes = dict(_SHAPES[role])
        attributes["color"] = shade.BORDER[role]
        if isinstance(shown, Group):
            attributes |= {"shape": "box", "style": "filled"}
        if isinstance(shown, Group) and shown.closed:
            attributes |= {"shape": "box3d", "margin": "0.14,0.09"}
            if any(item.role == "output" for item in shown.items):
                attributes |= {"color": shade.BORDER["output"], "penwidth": "2"}
        fill = shade.GROUP if isinstance(shown, Group) else shade.FILL[role]
        if self.scale is not None:
            fill = self.scale.color(shade.gradient_size(shown))
        attributes["fillcolor"] = fill
        if describe.problems(shown):
            attributes["color"] = shade.ALARM
        if describe.is_culprit(shown):
            attributes |= {"penwidth": "4", "margin": "0.14,0.09"}
            if self.scale is None:
                attributes["fillcolor"] = shade.ALARM_FILL
        attributes["tooltip"] = _plain(describe.tooltip(shown))
        return attributes

    def _label(self, shown: Shown, frame: Frame) -> str:
        rows = [f"<B>{escape(describe.shown_title(shown))}</B>"]
        small = []
        if isinstance(shown, Item):
            if shown.operation and shown.name:
                # Spaces that do not break, since some programs drop others.
                rows[0] += f"\u00a0\u00a0{escape(describe.local_name(shown))}"
            if frame.is_single and frame.box is not None:
                small.append(describe.box_title(frame.box))
            small += [describe.kind(shown), shown.options]
        elif shown.closed:
            small += [f"{len(shown.items):,} nodes", describe.result(shown)]
        small += [f"{what} {fact}" for what, fact in describe.facts(shown)]
        small += describe.problems(shown)
        rows += [f'<FONT POINT-SIZE="9">{escape(text)}</FONT>' for text in small if text]
        return f"<{'<BR/>'.join(rows)}>"

    def _legend(self, drawing: graphviz.Digraph, scale: shade.GradientScale) -> None:
        cells = "".join(
            f'<TD BGCOLOR="{color}"><FONT COLOR="{shade.INK}">{escape(text)}</FONT></TD>'
            for color, text in scale.legend()
        )
        table = (
            '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4"><TR>'
            f'<TD><FONT COLOR="{shade.GREY}">‖gradient‖</FONT></TD>{cells}</TR></TABLE>>'
        )
        drawing.node("legend", table, shape="plain", tooltip="colours of gradient norms")


def _plain(text: str) -> str:
    """Text in which a backslash is one."""
    return text.replace("\\", "\\\\")


def name(shown: Shown) -> str:
    """The name of a node in sources."""
    return f"{'g' if isinstance(shown, Group) else 'n'}{shown.number}"
