"""Which boxes are drawn open, which closed, and what is drawn once for many.

Boxes are in a row if each takes what the one before it gives. Of equal ones the first is drawn,
for all. A closed box is drawn as one node.
Where that leaves too much, so are the operations of one kind that one source line has made.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from .picture import Box, Item, Picture

Choice = str | type | Collection[str | type] | Callable[[str, str], bool]

Kind = Callable[[Item], Hashable]

_RUN = 3  # equal boxes in a row that are drawn as one


@dataclass(eq=False, repr=False, slots=True)
class Group:
    """What is drawn in the place of several items: a closed box, or operations of one kind.

    `times` is how many equal boxes in a row a closed one stands for.
    """

    items: list[Item]
    box: Box | None
    closed: Box | None = None
    times: int = 1

    @property
    def number(self) -> int:
        """The number of the first item."""
        return self.items[0].number


Shown = Item | Group


@dataclass(eq=False, repr=False, slots=True)
class Frame:
    """An open box, or the whole drawing (number 0); `times` is how many in a row it stands for."""

    box: Box | None
    number: int
    times: int = 1
    inner: list[Frame] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    @property
    def is_single(self) -> bool:
        """Whether it holds a single operation, whose name says as much as a frame would."""
        return self.box is not None and self.box.is_single and self.times == 1

    def everything(self) -> Iterator[Shown]:
        """What is in this frame and in those inside."""
        yield from self.shown
        for frame in self.inner:
            yield from frame.everything()


@dataclass(repr=False)
class View:
    """What is drawn. An edge has the items that it carries the values of, one for each use.

    `merged` is whether operations of one kind are drawn as one; `notes` say what was folded.
    """

    root: Frame
    edges: dict[tuple[Shown, Shown], list[Item]]
    times: dict[Box, int]
    merged: bool
    notes: list[str]

    def arrows(self) -> Iterator[tuple[Shown, Shown, list[Item]]]:
        """The edges, with their items; more than once where one item is taken more than once."""
        for (start, end), items in self.edges.items():
            once = isinstance(start, Group) or isinstance(end, Group)
            yield from [(start, end, items)] * (1 if once else len(items))


def fold(
    picture: Picture,
    depth: int | None,
    collapse: Choice,
    expand: Choice,
    max_nodes: int,
    rows: bool = True,
) -> View:
    """The view with the boxes below `depth` closed, and with as many more as `max_nodes` demands.

    `collapse` and `expand` choose boxes by path or class, or by a function of both; what `expand`
    chooses stays open, with the boxes around it, and is drawn apart from equal ones in a row.
    Without `rows`, all of these are drawn one by one.
    """
    boxes = [box for outermost in picture.boxes for box in outermost.downwards()]
    kept = {around for box in _chosen(boxes, expand, "expand") for around in box.upwards()}
    closed = set(_chosen(boxes, collapse, "collapse")) - kept
    if depth is not None:
        closed |= {box for box in boxes if box.depth > depth} - kept
    folding = _Folding(picture, closed, kept, rows)
    drawn = before = folding.count()
    for level in range(max((box.depth for box in boxes), default=0), 0, -1):
        if drawn > max_nodes:
            folding.close({box for box in boxes if box.depth == level} - kept)
            drawn = folding.count()
    how = ["modules"] if drawn < before else []
    for kind in _KINDS:
        fewer = folding.count(kind) if drawn > max_nodes else drawn
        if fewer < drawn:
            folding.kind, drawn = kind, fewer
            how = [*how[:1], "operations of one kind and line"]
    view = folding.view()
    if how:
        text = f"{' and '.join(how)} folded: {drawn:,} nodes instead of {before:,}"
        view.notes.append(f"{text} (max_nodes={max_nodes:,})")
    return view


def _chosen(boxes: Sequence[Box], choice: Choice, option: str) -> list[Box]:
    """The boxes that a choice means; a ValueError for a name that none has."""
    if callable(choice) and not isinstance(choice, type):
        return [box for box in boxes if choice(box.path, box.kind)]
    several = [choice] if isinstance(choice, (str, type)) else choice
    chosen = {name: [box for box in boxes if _is_named(box, name)] for name in several}
    for name, found in chosen.items():
        if not found:
            raise ValueError(f"{option}: {_unknown(name, boxes)}")
    return [box for found in chosen.values() for box in found]


def _is_named(box: Box, name: str | type) -> bool:
    if isinstance(name, type):
        return issubclass(box.module_class, name)
    return name in (box.path, box.kind)


def _unknown(name: str | type, boxes: Sequence[Box]) -> str:
    """That no box has the name, and which names there are."""
    known = {word for box in boxes for word in (box.path, box.kind) if word}
    words = name.__name__ if isinstance(name, type) else str(name)
    near = get_close_matches(words, known)
    all_of_them = ", ".join(sorted(known)) or "none"
    hint = f"did you mean {near[0]!r}?" if near else f"there are {all_of_them}"
    return f"no module has the path or class {words!r}; {hint}"


# ---- Operations of one kind, in ever larger groups


def _by_line(item: Item) -> Hashable:
    return item.box, item.role, item.operation, item.shape, item.place


def _by_operation(item: Item) -> Hashable:
    return item.box, item.role, item.operation


def _by_box(item: Item) -> Hashable:
    return item.box, item.role


def _by_role(item: Item) -> Hashable:
    return item.role


_KINDS = (_by_line, _by_operation, _by_box, _by_role)


class _Folding:
    def __init__(self, picture: Picture, closed: set[Box], kept: set[Box], rows: bool) -> None:
        self.picture = picture
        self.closed: set[Box] = set()
        self.within: dict[Box, Box | None] = {}  # the outermost closed box around each
        self.kept = kept
        self.kind: Kind | None = None
        self.times: dict[Box, int] = {}
        self.takers: dict[Item, set[Item]] = {item: set() for item in picture.items}
        for item in picture.items:
            for parent, _ in item.parents:
                self.takers[parent].add(item)
        self.first: dict[Item, Item] = {}  # in the place of items of later boxes of a row
        self.close(closed)
        if rows:
            self._fold_rows(picture.boxes)

    def _fold_rows(self, siblings: list[Box]) -> None:
        for box in siblings:
            self._fold_rows(box.inner)
        looks = [self._looks(box) for box in siblings]
        links = [None, *itertools.starmap(self._link, itertools.pairwise(siblings))]
        at = 0
        while at < len(siblings):
            end = at + 1
            while (
                end < len(siblings)
                and looks[end] == looks[at]
                and links[end] is not None
                and links[end] == links[at + 1]
                and siblings[at] not in self.kept
            ):
                end += 1
            if end - at >= _RUN:
                self.times[siblings[at]] = end - at
                originals = list(siblings[at].everything())
                for box in siblings[at + 1 : end]:
                    for item, original in zip(box.everything(), originals, strict=True):
                        self.first[item] = self.first.get(original, original)
            at = end

    def _link(self, before: Box, box: Box) -> Hashable:
        """How a box takes what the one before it gives, or None if they are not in a row.

        All that leaves the one before goes into the box; all else that the box takes, the one
        before has taken in the same place.
        """
        places = {item: at for at, item in enumerate(before.everything())}
        own = set(box.everything())
        for item in places:
            leaves = any(x not in places and x not in own for x in self.takers[item])
            if item.role == "output" or leaves:
                return None
        link = []
        for item, earlier in zip(box.everything(), places, strict=False):
            for at, (parent, _) in enumerate(item.parents):
                if parent in own:
                    continue
                shared = earlier.parents[at : at + 1]
                if parent not in places and (not shared or shared[0][0] is not parent):
                    return None
                link.append(places.get(parent))
        return tuple(link)

    def _looks(self, box: Box) -> Hashable:
        """Equal for boxes that are drawn alike, whatever they take."""
        place = {item: at for at, item in enumerate(box.everything())}
        return self._shape(box), tuple(
            [
                (
                    *(item.operation or item.role, item.options, item.shape, item.dtype.char),
                    *item.problems,
                    *[(place.get(parent, -1), name) for parent, name in item.parents],
                )
                for item in place
            ]
        )

    def _shape(self, box: Box) -> Hashable:
        """The nesting of a box."""
        state = box.kind, box in self.closed, box in self.kept, len(box.items)
        return state, tuple([self._shape(inner) for inner in box.inner])

    def count(self, kind: Kind | None = None) -> int:
        """How many nodes are drawn, with items of one kind as one."""
        return len({self._key(item, kind) for item in self.picture.items})

    def _key(self, item: Item, kind: Kind | None) -> Hashable:
        """The same for what is drawn as one: a closed box, a kind of items, or an item itself."""
        item = self.first.get(item, item)
        closed = item.box and self.within[item.box]
        return closed or (kind(item) if kind else item)

    def close(self, boxes: Iterable[Box]) -> None:
        """Draw boxes as one node each."""
        self.closed |= set(boxes)
        for outermost in self.picture.boxes:
            for box in outermost.downwards():
                around = self.within[box.outer] if box.outer else None
                is_closed = box in self.closed and not box.is_single
                self.within[box] = around or (box if is_closed else None)

    def view(self) -> View:
        """What is drawn."""
        members: dict[Hashable, list[Item]] = {}
        for item in self.picture.items:
            if item not in self.first:
                members.setdefault(self._key(item, self.kind), []).append(item)
        shown: dict[Hashable, Shown] = {}
        frames: dict[Box | None, Frame] = {None: Frame(None, 0)}
        for key, items in members.items():
            each: Shown
            if isinstance(key, Box):
                each = Group(items, key.outer, key, self.times.get(key, 1))
            elif key is items[0]:
                each = items[0]
            else:
                each = items[0] if len(items) == 1 else Group(items, items[0].box)
            shown[key] = each
            self._frame(each.box, frames).shown.append(each)
        edges: dict[tuple[Shown, Shown], list[Item]] = {}
        for item in self.picture.items:
            for parent, _ in item.parents:
                pair = shown[self._key(parent, self.kind)], shown[self._key(item, self.kind)]
                if pair[0] is not pair[1] and item not in self.first:
                    edges.setdefault(pair, []).append(parent)
        notes = list(self.picture.notes)
        if self.times:
            notes.append("of equal modules in a row (×), the first is drawn")
        return View(frames[None], edges, self.times, self.kind is not None, notes)

    def _frame(self, box: Box | None, frames: dict[Box | None, Frame]) -> Frame:
        if box not in frames:
            assert box is not None
            outer = self._frame(box.outer, frames)
            frames[box] = Frame(box, len(frames), self.times.get(box, 1))
            outer.inner.append(frames[box])
        return frames[box]
