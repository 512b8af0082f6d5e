"""A view in the language of Mermaid, which README files show as a drawing."""

from __future__ import annotations

from collections.abc import Iterator

from . import describe, shade
from .dot import name
from .fold import Frame, Shown, View
from .picture import Item, Role
from .style import Style

_BRACKETS: dict[Role, tuple[str, str]] = {
    "input": ("[/", "/]"),
    "parameter": ("[[", "]]"),
    "constant": ("[", "]"),
    "operation": ("(", ")"),
    "output": ("([", "])"),
}


def mermaid(view: View, style: Style) -> str:
    """The source of the drawing, a flowchart."""
    lines = [f"flowchart {style.direction}", *_frame(view.root, "  ")]
    for start, end, items in view.arrows():
        label = f"|{' × '.join(map(str, items[0].shape)) or 1}|" if style.edge_shapes else ""
        lines.append(f"  {name(start)} -->{label} {name(end)}")
    classes: dict[str, tuple[str, str]] = {
        role: (shade.FILL[role], shade.BORDER[role]) for role in _BRACKETS
    }
    for kind, (fill, border) in (classes | {"group": (shade.GROUP, shade.GREY)}).items():
        lines.append(f"  classDef {kind} fill:{fill},stroke:{border},color:{shade.INK}")
    lines.append(f"  classDef trouble stroke:{shade.ALARM},stroke-width:3px")
    troubled = filter(describe.problems, view.root.everything())
    lines += [f"  class {name(each)} trouble" for each in troubled]
    lines += [f"  %% {note}" for note in view.notes]
    return "\n".join(lines) + "\n"


def _frame(frame: Frame, indent: str) -> Iterator[str]:
    for each in frame.shown:
        yield indent + _node(each)
    for inner in frame.inner:
        if inner.is_single:
            yield from _frame(inner, indent)
            continue
        assert inner.box is not None
        title = describe.box_title(inner.box, inner.times)
        yield f'{indent}subgraph m{inner.number}["{_escaped(title)}"]'
        yield from _frame(inner, f"{indent}  ")
        yield f"{indent}end"


def _node(shown: Shown) -> str:
    lines = [describe.shown_title(shown)]
    if isinstance(shown, Item):
        if shown.operation and shown.name:
            lines[0] += f" {describe.local_name(shown)}"
        lines += [describe.kind(shown), shown.options]
        kind, (opening, closing) = str(shown.role), _BRACKETS[shown.role]
    else:
        kind, opening, closing = "group", "[", "]"
    lines += [" ".join(fact) for fact in describe.facts(shown)]
    label = "<br/>".join(_escaped(line) for line in [*lines, *describe.problems(shown)] if line)
    return f'{name(shown)}{opening}"{label}"{closing}:::{kind}'


def _escaped(text: str) -> str:
    """Text between quotes, in which Mermaid sees no markup."""
    for character in '#"<>`&':
        text = text.replace(character, f"#{ord(character)};") if character in text else text
    return text
