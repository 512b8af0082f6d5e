"""A view as an indented tree, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from . import describe
from .dot import name
from .fold import Frame, Group, Shown, View


def text(view: View) -> str:
    """A line for each node, in the order of the computation, indented as its module is."""
    into: dict[Shown, list[Shown]] = {}
    for start, end, _ in view.arrows():
        into.setdefault(end, []).append(start)
    return "\n".join([*_lines(view.root, into, ""), *view.notes])


def _lines(frame: Frame, into: dict[Shown, list[Shown]], indent: str) -> Iterator[str]:
    parts: list[tuple[int, Shown | Frame]] = [(each.number, each) for each in frame.shown]
    parts += [(min(each.number for each in inner.everything()), inner) for inner in frame.inner]
    for _, part in sorted(parts, key=lambda each: each[0]):
        if isinstance(part, Frame) and part.is_single:
            yield from _lines(part, into, indent)
        elif isinstance(part, Frame):
            assert part.box is not None
            yield f"{indent}{describe.box_title(part.box, part.times)}"
            yield from _lines(part, into, f"{indent}  ")
        else:
            own = describe.box_title(frame.box) if frame.is_single and frame.box else ""
            yield f"{indent}{_line(part, into.get(part, []), own)}"


def _line(shown: Shown, parents: list[Shown], module: str) -> str:
    parts = [f"{name(shown)} = {describe.shown_title(shown)}"]
    if isinstance(shown, Group):
        parts[0] += f"({', '.join(map(name, parents))})" if parents else ""
        return "  ".join([*parts, *describe.problems(shown)])
    if parents:
        parts[0] = f"{name(shown)} = {shown.operation}({', '.join(map(name, parents))})"
        parts.append(describe.local_name(shown))
    parts += [module, describe.kind(shown), shown.options]
    parts += [f"{what} {fact}" for what, fact in describe.facts(shown)]
    return "  ".join(part for part in [*parts, *describe.problems(shown)] if part)
