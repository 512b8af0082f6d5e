"""The derivatives that a subject claims, measured: each one, or along a random direction."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._judge import Code, Judgement, Tolerance, judge, proven_smooth
from ._slopes import CENTRE, Array, Line, Search, Slopes
from ._subject import BackwardError, Subject

_QUICK_WINDOWS = 4
_FINER = 4  # widths of windows, about which to look at others
# Once a derivative is proven wrong, the search for more ends after this many evaluations.
_ENOUGH = 1_000
_NEARBY = 3  # points where the claims are computed again
_JOINT_DIRECTIONS = 4  # random ones, in which kinks are crossed together
_WIDE = 1e-3  # of the scale of x: a window that is exact for most functions
_NARROWED = 5  # how many single elements a failing direction is traced to

Move = Callable[[float], tuple[float, list[Array]]]


@dataclass
class Measured:
    """What was found for one input; all arrays are (outputs, elements of the input)."""

    name: str
    shape: tuple[int, ...]
    claim: Array
    code: Array
    numerical: Array
    error: Array
    kink: Array
    left: Array
    right: Array
    excess: Array
    hidden: Array
    unseen: Array

    @classmethod
    def of(cls, name: str, shape: tuple[int, ...], claim: Array) -> Measured:
        """A place for the judgements of `claim`, still empty."""
        fields = ("numerical", "error", "left", "right", "excess", "hidden")
        arrays = {field: np.zeros(claim.shape) for field in fields}
        arrays |= {field: np.zeros(claim.shape, bool) for field in ("kink", "unseen")}
        return cls(name, shape, claim, np.full(claim.shape, Code.UNDEFINED, np.int8), **arrays)

    def put(self, element: int, judgement: Judgement) -> None:
        """Enter what was found for all outputs by one element of the input."""
        for name, column in vars(judgement).items():
            getattr(self, name)[:, element] = column


class _Probe:
    """One line through the point, and what is claimed of the slopes along it."""

    def __init__(
        self,
        search: Search,
        claim: Array,
        beside: Array,
        given: Tolerance,
        enough: float = 0.0,
    ) -> None:
        self.search = search
        self.claim = claim
        self.beside = beside
        self.given = given
        self.enough = enough
        self.accepted_at: float | None = None

    def run(self, steps: Iterable[float], at_a_time: int = 1) -> Judgement:
        """Look at windows until all claims are proven right, and judge them.

        `accepted_at` is then the width of the window that settled it. Judging takes longer than
        looking, so it may be done for several windows `at_a_time`.
        """
        new = 0
        for step in steps:
            new += self.search.look(step)
            if new >= at_a_time:
                new = 0
                judgement = self._judge(step)
                if self.accepted_at is not None:
                    return judgement
        return self._judge(0.0)

    def run_thoroughly(self) -> Judgement:
        """Look at windows of all widths, and measure the noise, before calling a claim wrong."""
        self.search.measure_noise()
        judgement = self.run(self.search.steps(), at_a_time=4)
        best = np.unique(self.slopes.step[CENTRE, judgement.code == Code.COARSE])
        if best.size:  # there may be better ones between the windows
            for step in best[:_FINER]:
                self.search.look(4 * step)
                self.search.look(step / 4)
            judgement = self._judge(0.0)
        wrong = judgement.code == Code.WRONG
        alone = ~judgement.kink & np.isfinite(self.claim) & (self.search.rejections(self.claim) < 2)
        judgement.code[wrong & alone] = Code.COARSE  # one window may be wrong by chance
        two_scales = wrong & self.search.rounds_to(self.claim, self.slopes)
        two_scales |= (judgement.code == Code.RIGHT) & self.search.is_stairs(self.claim)
        judgement.code[two_scales] = Code.TWO_SCALES
        return judgement

    def _judge(self, step: float) -> Judgement:
        self.slopes, size = self.search.best(), np.abs(self.search.origin)
        judgement = judge(self.slopes, self.claim, self.beside, size, self.given, self.enough)
        right = (judgement.code == Code.RIGHT) & ~judgement.kink
        right &= proven_smooth(self.slopes, self.claim, self.beside, size, self.given)
        if right.all():
            self.accepted_at = step
        return judgement


def measure_all(subject: Subject, jacobian: Sequence[Array]) -> list[Measured]:
    """Measure the derivative of every output by every element of every input."""
    found = [
        Measured.of(name, x.shape, claim)
        for name, x, claim in zip(subject.names, subject.inputs, jacobian, strict=True)
    ]
    largest = max([_largest(claim) for claim in jacobian], default=0.0)
    largest = max(largest, subject.magnitude / max([_typical(x) for x in subject.inputs] or [1.0]))
    suspects: list[tuple[float, int, int, _Probe]] = []
    for at, measured in enumerate(found):
        beside = np.max(np.abs(_finite(measured.claim)), axis=1, initial=0)
        x = subject.inputs[at]
        start = None
        for element, value in enumerate(x.reshape(-1)):
            scales = _scales(value, x)
            probe = _Probe(
                Search(
                    _line(subject, _along_element(subject, at, element)),
                    subject.origin,
                    scales,
                    subject.eps,
                ),
                measured.claim[:, element],
                beside,
                Tolerance(subject.eps, subject.tiny, scales[0], largest),
            )
            steps = probe.search.steps() if start is None else probe.search.steps(start)
            judgement = probe.run(itertools.islice(steps, _QUICK_WINDOWS))
            measured.put(element, judgement)
            if probe.accepted_at is None:
                worst = float(np.max(judgement.excess, initial=0))
                suspects.append((-worst, at, element, probe))
            else:
                start = probe.accepted_at / scales[0]  # what suits one element suits the next
    proven_wrong = False
    for _, at, element, probe in sorted(suspects, key=lambda suspect: suspect[:3]):
        seems_wrong = np.any(found[at].code[:, element] == Code.WRONG)
        if proven_wrong and (seems_wrong or subject.evaluations > _ENOUGH):
            continue  # the verdict stands, and what the first windows say will do for the table
        judgement = probe.run_thoroughly()
        found[at].put(element, judgement)
        proven_wrong |= bool(np.any(judgement.code == Code.WRONG))
    return found


@dataclass
class Joint:
    """A direction in which several kinks are crossed at once, and the slopes along it."""

    output: int
    elements: list[tuple[int, int]]  # (input, element)
    claim: float
    left: float
    right: float


def excuse_unstable(subject: Subject, found: Sequence[Measured], rng: np.random.Generator) -> None:
    """Take back what is wrong by no more than the claims change when x moves by its rounding.

    What cancellation leaves of a derivative of 0 changes like that, and so do the derivatives of
    a chaotic function.
    """
    if not any(np.any(measured.code == Code.WRONG) for measured in found):
        return
    spreads = [np.zeros(measured.claim.shape) for measured in found]
    for claims in _claims_nearby(subject, rng, lambda moved: moved.jacobian()):
        for spread, claim, measured in zip(spreads, claims, found, strict=True):
            np.maximum(spread, np.abs(claim - measured.claim), out=spread)
    for x, measured, spread in zip(subject.inputs, found, spreads, strict=True):
        off = np.abs(measured.claim - measured.numerical)
        excused = (measured.code == Code.WRONG) & (off <= 10 * spread) & ~measured.kink
        excused &= np.isfinite(measured.claim)
        vanishes = (np.abs(measured.numerical) <= 10 * spread) & (
            spread <= 1e-9 * np.abs(subject.origin)[:, None] / _typical(x)
        )
        measured.code[excused] = Code.UNSTABLE
        measured.code[excused & vanishes] = Code.NOTHING


def spread_nearby(subject: Subject, rng: np.random.Generator) -> Array:
    """By how much the outputs change when x moves by its rounding."""
    spread = np.zeros(subject.origin.shape)
    for (values,) in _claims_nearby(subject, rng, lambda moved: [moved.origin]):
        np.fmax(spread, np.abs(values - subject.origin), out=spread)
    return spread


def _claims_nearby(
    subject: Subject, rng: np.random.Generator, claims: Callable[[Subject], list[Array]]
) -> Iterator[list[Array]]:
    """What is claimed at points that differ by what x rounds to, where the function is defined."""
    finest = float(np.min(subject.eps, initial=1.0))
    for _ in range(_NEARBY):
        inputs = [_moved_by_rounding(x, finest, rng) for x in subject.inputs]
        try:
            moved = subject.moved(inputs)
            found = claims(moved)
        except (ArithmeticError, ValueError, BackwardError):
            continue
        if moved.output_shapes == subject.output_shapes:
            yield found


def _moved_by_rounding(x: Array, eps: float, rng: np.random.Generator) -> Array:
    sizes = np.where(x == 0, _typical(x), np.abs(x))
    return np.asarray(x + eps * sizes * rng.choice([-2.0, -1.0, 1.0, 2.0], x.shape))


def wrong_together(
    subject: Subject, found: Sequence[Measured], rng: np.random.Generator
) -> Iterator[Joint]:
    """Outputs whose claims at kinks fit each element alone, but not several moved together.

    At a tie x = y, max(x, y) has slopes between 0 and 1 by either; by both at once it has 1.
    Where the slopes of the elements simply add up, any choice for each of them is as good.
    """
    for output in range(len(subject.origin)):
        elements = [
            (at, int(element))
            for at, measured in enumerate(found)
            for element in np.flatnonzero(measured.kink[output])
        ]
        if len(elements) < 2:
            continue
        claim = np.array([found[at].claim[output, element] for at, element in elements])
        right = np.array([found[at].right[output, element] for at, element in elements])
        left = np.array([found[at].left[output, element] for at, element in elements])
        away = np.where(2 * claim > left + right, 1.0, -1.0)
        ones = np.ones(len(elements))
        for signs in (ones, away, *rng.choice([-1.0, 1.0], (_JOINT_DIRECTIONS, len(elements)))):
            slopes = _slopes_together(subject, output, elements, signs)
            _, over, under, _ = slopes.slope[:, 0]
            up = signs @ np.where(signs > 0, right, left)
            down = signs @ np.where(signs > 0, left, right)
            allowed = 1e-6 * np.sum(np.abs(left) + np.abs(right))
            allowed += 4 * slopes.error[1:3, 0].sum()
            adds_up = abs(over - up) <= allowed and abs(under - down) <= allowed
            total = float(signs @ claim)
            low, high = min(over, under), max(over, under)
            if not adds_up and not low - allowed <= total <= high + allowed:
                yield Joint(output, elements, total, float(under), float(over))
                break


def _slopes_together(
    subject: Subject, output: int, elements: Sequence[tuple[int, int]], signs: Array
) -> Slopes:
    """The slopes of one output while several elements move up or down, as their signs say."""
    scales = min(
        _scales(subject.inputs[at].reshape(-1)[element], subject.inputs[at])
        for at, element in elements
    )

    def move(distance: float) -> tuple[float, list[Array]]:
        inputs = [x.copy() for x in subject.inputs]
        for (at, element), sign in zip(elements, signs, strict=True):
            inputs[at].reshape(-1)[element] += distance * sign
        return distance, inputs

    outputs = _line(subject, move)

    def line(distance: float) -> tuple[float, Array]:
        reached, values = outputs(distance)
        return reached, values[output : output + 1]

    one = slice(output, output + 1)
    search = Search(line, subject.origin[one], scales, subject.eps[one])
    for step in itertools.islice(search.steps(), 2 * _QUICK_WINDOWS):
        search.look(step)
    return search.best()


@dataclass
class Directions:
    """Random directions in inputs and outputs, along which all derivatives are measured at once."""

    subject: Subject
    cotangent: Array
    direction: list[Array]
    gradient: list[Array]

    @classmethod
    def random(cls, subject: Subject, rng: np.random.Generator) -> Directions:
        """Directions in which every element takes part, in proportion to the size of its array."""
        cotangent = _random_signs(rng, subject.origin.shape)
        if len(cotangent) == 1:
            cotangent = np.ones(1)
        direction = [_random_signs(rng, x.shape) * _typical(x) for x in subject.inputs]
        return cls(subject, cotangent, direction, subject.gradient(cotangent))

    def measure(self) -> list[Measured]:
        """Measure the slope of cotangent . f along the direction in each input."""
        return [self._measure(at) for at in range(len(self.subject.inputs))]

    def _measure(self, at: int) -> Measured:
        probe = self._probe(self._part(at))
        judgement = probe.run(itertools.islice(probe.search.steps(), _QUICK_WINDOWS))
        if probe.accepted_at is None:
            judgement = probe.run_thoroughly()
            if judgement.kink[0] and self.subject.inputs[at].size > 1:
                judgement.code[0] = Code.KINKS
            elif judgement.code[0] == Code.WRONG and self._is_unstable(at, judgement, probe.claim):
                judgement.code[0] = Code.UNSTABLE
        name = self.subject.names[at]
        several = self.subject.inputs[at].size > 1
        measured = Measured.of(f"all of {name}" if several else name, (), probe.claim[:, None])
        measured.put(0, judgement)
        return measured

    def _part(self, at: int) -> slice:
        """Where the elements of an input are among those of all."""
        start = sum(x.size for x in self.subject.inputs[:at])
        return slice(start, start + self.subject.inputs[at].size)

    def _is_unstable(self, at: int, judgement: Judgement, claim: Array) -> bool:
        """Whether the claim changes as much as it is off when x moves by its rounding."""
        spread = 0.0
        for gradients in _claims_nearby(self.subject, np.random.default_rng(0), self._gradient):
            nearby = float(np.sum(gradients[at] * self.direction[at]))
            spread = max(spread, abs(float(claim[0]) - nearby))
        return bool(abs(judgement.numerical[0] - claim[0]) <= 10 * spread)

    def _gradient(self, subject: Subject) -> list[Array]:
        return subject.gradient(self.cotangent)

    def worst_elements(self, wrong: Sequence[int]) -> Iterator[tuple[int, int, Judgement]]:
        """Single elements (input, element, judgement) that are wrong, found by halving.

        `wrong` are the inputs to look in.

        What the claims are off along a part of the direction, they are off along its halves
        together; so one goes down to the half that is off the most, and later to those left out.
        """
        starts = [0, *itertools.accumulate(x.size for x in self.subject.inputs)]
        gradient = np.concatenate([g.reshape(-1) for g in self.gradient])
        broken = np.flatnonzero(~np.isfinite(gradient))[:_NARROWED]
        parts = [slice(at, at + 1) for at in broken] or [self._part(at) for at in wrong]
        left_out = [(*self._off(part), part) for part in parts]
        for _ in range(_NARROWED):
            left_out.sort(key=lambda each: -abs(each[0]) if np.isfinite(each[0]) else -np.inf)
            if not left_out or abs(left_out[0][0]) <= left_out[0][1]:
                return
            off, error, part = left_out.pop(0)
            while part.stop - part.start > 1:
                middle = (part.start + part.stop) // 2
                parts = [slice(part.start, middle), slice(middle, part.stop)]
                first, first_error = self._off(parts[0])
                halves = [(first, first_error), (off - first, error + first_error)]
                larger = int(abs(halves[1][0]) > abs(halves[0][0]))
                left_out.append((*halves[1 - larger], parts[1 - larger]))
                (off, error), part = halves[larger], parts[larger]
            probe = self._probe(part)
            judgement = probe.run(itertools.islice(probe.search.steps(), _QUICK_WINDOWS))
            if judgement.code[0] == Code.WRONG:
                at = int(np.searchsorted(starts, part.start, side="right")) - 1
                yield at, part.start - starts[at], judgement

    def _off(self, part: slice) -> tuple[float, float]:
        """How far the slope along a part of the direction is from the claim, and its error."""
        probe = self._probe(part)
        probe.search.look(_WIDE)
        found = probe.search.best()
        return float(found.slope[CENTRE, 0] - probe.claim[0]), float(found.error[CENTRE, 0])

    def _probe(self, part: slice) -> _Probe:
        """The line along the elements in `part` of all inputs' elements laid end to end."""
        start, moved, products = 0, [], []
        for v, g in zip(self.direction, self.gradient, strict=True):
            here = slice(max(part.start - start, 0), max(part.stop - start, 0))
            v = v.reshape(-1)
            moved.append((here, v[here]))
            products.append(v[here] * g.reshape(-1)[here])
            start += v.size
        claim = np.array([sum(np.sum(product) for product in products)])
        beside = np.array([sum(np.sum(np.abs(_finite(product))) for product in products)])
        # One wrong element of the usual size should be seen.
        sizes = np.abs(np.concatenate([_finite(product) for product in products]))
        usual = float(np.median(sizes[sizes > 0])) if np.any(sizes) else 0.0

        def move(distance: float) -> tuple[float, list[Array]]:
            inputs = []
            for x, (here, v) in zip(self.subject.inputs, moved, strict=True):
                x = x.copy()
                flat = x.reshape(-1)
                flat[here] += distance * v
                inputs.append(flat.reshape(x.shape))
            return distance, inputs

        outputs = _line(self.subject, move)

        def line(distance: float) -> tuple[float, Array]:
            reached, values = outputs(distance)
            return reached, np.array([self.cotangent @ values])

        origin = np.array([self.cotangent @ self.subject.origin])
        eps, tiny = self.subject.rounding, np.max(self.subject.tiny, initial=0)
        given = Tolerance(np.array([eps]), np.array([tiny]), 1.0, 0.0)
        search = Search(line, origin, (1.0,), eps)
        return _Probe(search, claim, beside, given, enough=0.1 * usual)


def _line(subject: Subject, move: Move) -> Line:
    """The outputs along `move`; NaN where the function is not defined."""
    undefined = np.full(len(subject.origin), np.nan)

    def line(distance: float) -> tuple[float, Array]:
        reached, inputs = move(distance)
        if reached == 0:
            return reached, undefined
        try:
            values = subject.values(inputs)
        except (ArithmeticError, ValueError):
            values = undefined
        return reached, values if values.shape == undefined.shape else undefined

    return line


def _along_element(subject: Subject, at: int, element: int) -> Move:
    """Change one element of one input; the distance reached is what its dtype can represent."""
    x, dtype = subject.inputs[at], subject.cast[at].type
    index = np.unravel_index(element, x.shape)
    here = x[index]

    def move(distance: float) -> tuple[float, list[Array]]:
        moved = x.copy()
        moved[index] = dtype(here + distance)
        inputs = list(subject.inputs)
        inputs[at] = moved
        return float(moved[index] - here), inputs

    return move


def _scales(value: float, x: Array) -> tuple[float, ...]:
    """Sizes by which to choose steps for an element of x: its own, the others', and 1."""
    scales: list[float] = []
    for scale in (abs(float(value)), _typical(x), 1.0):
        if scale and all(not 0.03 < scale / other < 30 for other in scales):
            scales.append(scale)
    return tuple(scales)


def _typical(x: Array) -> float:
    """The median of the sizes that are not 0, or 1."""
    sizes = np.abs(x[x != 0])
    return float(np.median(sizes)) if sizes.size else 1.0


def _finite(x: Array) -> Array:
    return np.where(np.isfinite(x), x, 0)


def _largest(x: Array) -> float:
    return float(np.max(np.abs(_finite(x)), initial=0))


def _random_signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers that are none too small."""
    return np.copysign(rng.uniform(0.5, 1.5, shape), rng.uniform(-1, 1, shape))
