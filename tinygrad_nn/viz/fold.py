"""Which boxes are drawn open, which closed, and what is drawn once for many.

Of equal boxes in a row the first one is drawn, for all. A closed box is drawn as one node.
Where that leaves too much, so are the operations of one kind that one source line has made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from dataclasses import dataclass, field

from .picture import Box, Item, Picture

Choice = str | Collection[str] | Callable[[str, str], bool]

_RUN = 3  # equal boxes in a row that are drawn as one


@dataclass(eq=False, slots=True)
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


@dataclass(eq=False, slots=True)
class Frame:
    """An open box, or the whole drawing; `times` is how many in a row it stands for."""

    box: Box | None
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


@dataclass
class View:
    """What is drawn. An edge has the items that it carries the values of."""

    root: Frame
    edges: dict[tuple[Shown, Shown], list[Item]]
    times: dict[Box, int]
    notes: list[str]


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
    chooses stays open unless all else is not enough. Without `rows`, equal boxes in a row are
    drawn one by one.
    """
    boxes = [box for outermost in picture.boxes for box in outermost.downwards()]
    kept = {box for box in boxes if _chosen(box, expand)}
    closed = {box for box in boxes if _chosen(box, collapse)} - kept
    if depth is not None:
        closed |= {box for box in boxes if box.depth > depth} - kept
    folding = _Folding(picture, closed, kept, rows)
    drawn = before = folding.count()
    for level in range(max((box.depth for box in boxes), default=0), 0, -1):
        if drawn > max_nodes:
            folding.closed |= {box for box in boxes if box.depth == level} - kept
            drawn = folding.count()
    for kind in _KINDS:
        if drawn > max_nodes:
            folding.kind = kind
            drawn = folding.count()
    view = folding.view()
    if drawn < before:
        how = "operations of one kind and line" if folding.kind else "modules"
        view.notes.append(f"{how} folded: {drawn:,} nodes instead of {before:,} (max_nodes)")
    return view


def _chosen(box: Box, choice: Choice) -> bool:
    if callable(choice):
        return bool(choice(box.path, box.kind))
    names = [choice] if isinstance(choice, str) else choice
    return box.path in names or box.kind in names


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
        self.closed = closed
        self.kept = kept
        self.kind: Callable[[Item], Hashable] | None = None
        self.times: dict[Box, int] = {}
        self.first: dict[Item, Item] = {}  # in the place of items of later boxes of a row
        if rows:
            self._fold_rows(picture.boxes)

    def _fold_rows(self, siblings: list[Box]) -> None:
        for box in siblings:
            self._fold_rows(box.inner)
        at = 0
        while at < len(siblings):
            looks = self._looks(siblings[at])
            end = at + 1
            while end < len(siblings) and self._looks(siblings[end]) == looks:
                end += 1
            if end - at >= _RUN:
                self.times[siblings[at]] = end - at
                originals = list(siblings[at].everything())
                for box in siblings[at + 1 : end]:
                    for item, original in zip(box.everything(), originals, strict=True):
                        self.first[item] = self.first.get(original, original)
            at = end

    def _looks(self, box: Box) -> Hashable:
        """Equal for boxes that are drawn alike."""
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

    def count(self) -> int:
        """How many nodes are drawn."""
        return len({self._key(item) for item in self.picture.items})

    def _key(self, item: Item) -> Hashable:
        """The same for what is drawn as one: a closed box, a kind of items, or an item itself."""
        item = self.first.get(item, item)
        closed = self._closed_box(item)
        return closed or (self.kind(item) if self.kind else item)

    def _closed_box(self, item: Item) -> Box | None:
        """The outermost closed box around an item."""
        found = None
        if item.box is not None and self.closed:
            for box in item.box.upwards():
                if box in self.closed and not box.is_single:
                    found = box
        return found

    def view(self) -> View:
        """What is drawn."""
        members: dict[Hashable, list[Item]] = {}
        for item in self.picture.items:
            if item not in self.first:
                members.setdefault(self._key(item), []).append(item)
        shown: dict[Hashable, Shown] = {}
        frames: dict[Box | None, Frame] = {None: Frame(None)}
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
                pair = shown[self._key(parent)], shown[self._key(item)]
                if pair[0] is not pair[1] and not self._is_repeated(parent, item):
                    edges.setdefault(pair, []).append(parent)
        return View(frames[None], edges, self.times, list(self.picture.notes))

    def _frame(self, box: Box | None, frames: dict[Box | None, Frame]) -> Frame:
        if box not in frames:
            assert box is not None
            frames[box] = Frame(box, self.times.get(box, 1))
            self._frame(box.outer, frames).inner.append(frames[box])
        return frames[box]

    def _is_repeated(self, parent: Item, item: Item) -> bool:
        """Whether an edge is in a later one of equal boxes in a row, or leads to it."""
        start, end = self.first.get(parent, parent), self.first.get(item, item)
        return (start is not parent and end is not item) or start.number > end.number
