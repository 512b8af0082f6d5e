"""From measurements to the lines of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ._judge import ACCEPTED, Code
from ._measure import Directions, Joint, Measured
from ._slopes import Array
from ._subject import index_text
from .report import Entry, Finding, InputSummary

_SHOWN = 6

# Why a derivative is neither right nor wrong.
_REASONS = {
    Code.JUMP: ("discontinuity", "the function jumps at this point, so it has no derivative"),
    Code.UNBOUNDED: ("infinite slope", "the function has no finite slope at this point"),
    Code.UNDEFINED: ("undefined", "the function is not defined next to this point"),
    Code.TWO_SCALES: (
        "two scales",
        "the slope is as claimed on wide steps, but not on narrow ones, as of a function that "
        "rounds to float32 inside, or with a small and fast oscillation",
    ),
    Code.UNSTABLE: (
        "unstable",
        "the derivative is off by no more than it changes itself where the input rounds",
    ),
    Code.KINKS: (
        "kinks",
        "the slopes on both sides differ along a random direction, and what is right for several "
        "elements at kinks does not add up: check them one by one, with mode='full'",
    ),
    Code.COARSE: (
        "too coarse",
        "rounding, or a kink or jump nearby, leaves the numerical derivative too inexact to tell "
        "right from wrong to one part in a million",
    ),
}

Label = Callable[[int], str]


def summary(order: int, dtype: str, found: Measured) -> InputSummary:
    """What became of the derivatives by one input."""
    wrong = int(np.count_nonzero(found.code == Code.WRONG))
    right = _is_right(found)
    return InputSummary(
        order,
        found.name,
        dtype,
        found.shape,
        found.code.size,
        wrong,
        found.code.size - wrong - int(np.count_nonzero(right)),
        int(np.count_nonzero(found.kink & right)),
        int(np.count_nonzero(found.unseen & right)),
        int(np.count_nonzero(_is_proven(found))),
        float(np.fmax.reduce(found.hidden[(found.code == Code.RIGHT) & ~found.kink], initial=0)),
    )


def findings(found: Measured, label: Label) -> Iterator[Finding]:
    """What is to be said of the derivatives by one input; `label` names an output."""
    kinks = found.kink & _is_right(found)
    if kinks.any():
        place = tuple(np.argwhere(kinks)[0])
        yield Finding(
            "kink",
            f"{_where(found, kinks, label)}: the slope is {found.left[place]:.6g} on the left and "
            f"{found.right[place]:.6g} on the right; any value between is accepted",
            "pass",
        )
    small = found.unseen & _is_right(found)
    if small.any():
        text = f"{_where(found, small, label)}: too small for its digits to be checked"
        yield Finding("small", text, "pass")
    broken = ~np.isfinite(found.claim) & (found.code == Code.WRONG)
    if broken.any():
        claim = found.claim[tuple(np.argwhere(broken)[0])]
        text = f"the derivative {_where(found, broken, label)} is {claim}"
        yield Finding("not finite", text)
    for code, (kind, text) in _REASONS.items():
        mask = found.code == code
        if mask.any():
            yield Finding(kind, f"{_where(found, mask, label)}: {text}", "inconclusive")


def finding_together(joint: Joint, found: Sequence[Measured], label: Label) -> Finding:
    """What is to be said of claims that fit each kink alone, but not several together."""
    names = [found[at].name + index_text(i, found[at].shape) for at, i in joint.elements]
    low, high = sorted((joint.left, joint.right))
    where = f"{label(joint.output)} by {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"
    return Finding(
        "not a subgradient",
        f"{where.lstrip()}: each claim lies between the slopes by its element alone, but where "
        f"these move together the slope is {_between(low, high)}, and the claims give "
        f"{joint.claim:.6g}",
    )


def _between(low: float, high: float) -> str:
    near = abs(high - low) <= 1e-6 * max(abs(low), abs(high))
    return f"{high:.6g}" if near else f"between {low:.6g} and {high:.6g}"


def worst(order: int, found: Sequence[Measured], label: Label) -> list[Entry]:
    """The entries that are most wrong or, if none is, those that are most uncertain."""
    any_wrong = any(np.any(measured.code == Code.WRONG) for measured in found)
    places = [
        (measured.excess[place], measured, place)
        for measured in found
        for place in zip(
            *np.nonzero(measured.code == Code.WRONG if any_wrong else ~_is_right(measured)),
            strict=True,
        )
    ]
    places.sort(key=lambda entry: -entry[0])
    return [_entry(order, measured, place, label) for _, measured, place in places[:_SHOWN]]


def narrowed(order: int, directions: Directions, wrong: Sequence[int]) -> list[Entry]:
    """The single elements to which wrong directions in the inputs at `wrong` were traced."""
    entries = []
    for at, element, judgement in directions.worst_elements(wrong):
        step = directions.direction[at].reshape(-1)[element]
        entries.append(
            Entry(
                order,
                directions.subject.names[at],
                index_text(element, directions.subject.inputs[at].shape),
                "g . output" if len(directions.cotangent) > 1 else "",
                float(directions.gradient[at].reshape(-1)[element]),
                float(judgement.numerical[0] / step),
                float(abs(judgement.error[0] / step)),
            )
        )
    return entries


def _is_proven(found: Measured) -> Array:
    """Whether a wrong rule would have been noticed: not at a kink, nor by its factor 0."""
    exactly = found.hidden == 0  # nothing changes anywhere
    return np.asarray((found.code == Code.RIGHT) & ~found.kink & ((found.claim != 0) | exactly))


def _is_right(found: Measured) -> Array:
    return np.isin(found.code, ACCEPTED)


def _where(found: Measured, mask: Array, label: Label) -> str:
    """The first place in `mask`, and how many more there are."""
    output, element = (int(at) for at in np.argwhere(mask)[0])
    more = int(np.count_nonzero(mask)) - 1
    name = f"{label(output)} by {found.name}{index_text(element, found.shape)}".lstrip()
    return f"{name} and {more} more" if more else name


def _entry(order: int, found: Measured, place: tuple[int, int], label: Label) -> Entry:
    remark = ""
    if found.kink[place]:
        remark = f"kink: {found.left[place]:.6g} on the left, {found.right[place]:.6g} on the right"
    return Entry(
        order,
        found.name,
        index_text(int(place[1]), found.shape),
        label(int(place[0])),
        float(found.claim[place]),
        float(found.numerical[place]),
        float(found.error[place]),
        remark,
    )
