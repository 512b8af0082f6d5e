"""Functions that a program could get wrong: the same as when they are called, or an error."""

import collections
import copy
import dataclasses
import functools
import logging
import operator
import os
import statistics
import sys
import threading
import time
import types
from collections.abc import Callable
from queue import Queue
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import CaptureError, Value

ONES = np.ones(3)
RAMP = np.array([1.0, -2.0, 3.0])
PAIR = (np.arange(3.0), 2.0)


class Config:
    scale = 2.0

    @property
    def doubled(self) -> float:
        return 2 * self.scale


def loop_with_a_buffer(x: Any) -> Any:
    mask, found = np.zeros(3), []
    for at in range(3):
        mask[:] = 0
        mask[at] = 1
        found.append((x * mask).sum())
    return np.stack(found)


def in_place_functions(x: Any) -> Any:
    y = x * 1.0
    np.copyto(y, x + 1)
    np.put(y, [0], 9.0)
    np.putmask(y, x > 0, x * 10)
    np.fill_diagonal(np.reshape(y, (1, 3)), -1.0)
    return y


def out_and_where(x: Any) -> Any:
    y = x * 1.0
    np.add(y, 1, out=y, where=x > 0)
    z = np.stack([x, x])
    np.add(x, 1, out=z)
    return y, z


def keeps_its_argument(x: Any) -> Any:
    x *= 2
    return x


def views_of_split(x: Any) -> Any:
    whole = x * 1.0
    first, _, _ = np.split(whole, 3)
    first += 10
    return first


def kinds(x: Any, c: float) -> Any:
    if isinstance(x, np.ndarray) and isinstance(c, float) and not isinstance(x, Value):
        return x * np.multiply(c, 2.0), np.float32(1) * c
    return None


def powers(x: Any, c: float) -> Any:
    return (-8.0) ** x, (-2.0) ** 2 * x, np.float64(c) ** 3 * x


def masked(x: Any) -> Any:
    return (x[x > 0] * 2).sum(), x[x > 0] * 2, np.nonzero(x > 0)[0] * 1.0


def copies(x: Any) -> Any:
    y = copy.deepcopy(x)
    y += 1
    return y, copy.copy(x), x.flatten(), x.reshape(3, 1, order="F")


def of_numbers(c: float) -> Any:
    return c * 2, c / 3, -c, abs(c), c // 2, c % 3, c > 1, 2**c, c + 1j


def global_state(x: Any) -> Any:
    return x * Config.scale + Config().doubled + PAIR[0] * PAIR[1] + x * PAIR[0]


def results_of_many_kinds(x: Any) -> Any:
    return [x.sum(), x * 2], (x, x), {"list": [1, 2], "none": None, "leaf": Value(x)}


LARGE = np.random.default_rng(1).normal(size=(400, 300)).astype(np.float32)
MATRICES = np.random.default_rng(0).normal(size=(2, 40, 40))


def products_of_layouts(x: Any, y: Any) -> Any:
    """Products that NumPy makes without BLAS, or of what it copies first."""
    repeated = np.broadcast_to(np.full(1, 0.1), (1, 40))
    return x @ y, x @ y[::-1].T, repeated @ x, x[:, ::3] @ y[:14], x[:3, :5] @ y[2:7]


def transposed_products(x: Any, y: Any) -> Any:
    whole = (x.T @ y).T
    return whole, whole * 2 @ x.T, (x[:1] @ y).T, (x[:, :1].T @ y[:, :1]).T, (x[:, :1] @ y[:1]).T


def sums_of_copies(x: Any) -> Any:
    """Of what has gaps in memory, or another order there, whose sums are rounded otherwise."""
    parts = [x, x.T, x[::2, ::2], x[:, ::3], x[::-1], x[:, 1:]]
    return [[part.copy().sum(), (part * 1).sum(), (part - 0.0).sum()] for part in parts]


def penalty(weight: Any, x: Any) -> Any:
    """Of the gradient by the inputs, as critics are trained with."""
    return (tg.grad(lambda x: (x @ weight).sum())(x) ** 2).sum()


CALLS: list[tuple[Callable[..., Any], list[tuple[Any, ...]]]] = [
    (loop_with_a_buffer, [(RAMP,), (2 * RAMP,)]),
    (in_place_functions, [(RAMP,), (-RAMP,)]),
    (out_and_where, [(RAMP,), (-RAMP,)]),
    (keeps_its_argument, [(RAMP,), (ONES,)]),
    (kinds, [(ONES.astype("f"), 2.0), (RAMP.astype("f"), 3.0)]),
    (powers, [(np.abs(RAMP), 0.1), (ONES, 3.7)]),
    (masked, [(RAMP,), (-RAMP,), (ONES,), (-ONES,), (RAMP,)]),
    (copies, [(RAMP,), (ONES,)]),
    (of_numbers, [(2.5,), (-1.25,), (4.0,)]),
    (global_state, [(RAMP,), (ONES,)]),
    (results_of_many_kinds, [(RAMP,), (ONES,)]),
    (lambda x: np.linalg.eigvals(x) * 2, [(np.eye(2),), (np.array([[0.0, 1], [-1, 0]]),)]),
    (lambda x: (x.T @ x, np.sort(x, axis=0)), [(np.ones((3, 2)),), (np.eye(3)[:, :2],)]),
    (lambda x, y: (x, y)[0] * y, [((RAMP), ONES), (ONES, RAMP)]),
    (lambda x, n: (x[:n] * 2, x[n:].sum(), x[n]), [(RAMP, 1), (RAMP, 2), (RAMP, 0), (ONES, 2)]),
    (lambda x, n: x.reshape(n, -1) * 2, [(np.arange(6.0), n) for n in (2, 3, 1, 6)]),
    (products_of_layouts, [(MATRICES[0], MATRICES[1]), (MATRICES[1], MATRICES[0])]),
    (products_of_layouts, [(MATRICES[0][::-1], MATRICES[1][:, ::2].repeat(2, 1))] * 2),
    (transposed_products, [(x, y[:, :7]) for x, y in (MATRICES, -MATRICES.astype("f"))]),
    (transposed_products, [(x, y[:, :1]) for x, y in (MATRICES, -MATRICES)]),
    (transposed_products, [((x * 9).astype(int), x.astype(int)) for x in MATRICES]),
    (sums_of_copies, [(LARGE,), (-LARGE,), (np.asfortranarray(LARGE),), (LARGE[::2, ::3],)]),
    (tg.grad(penalty), [(y[:5, :1], x[:8, :5]) for x, y in (MATRICES, -MATRICES, MATRICES**2)]),
    (lambda c: np.ones(2) * c, [(0.0,), (-0.0,), (np.nan,)]),
    (lambda x, c: x * c if c > 1 else x * -c, [(ONES, 0.0), (ONES, -0.0), (ONES, 2.0)]),
]


@pytest.mark.parametrize(
    "x", [LARGE, LARGE.T, LARGE[::2, ::3], LARGE[:, ::2], np.asfortranarray(LARGE)[::2]]
)
def test_sums_of_copies_of_arguments_are_the_same(x: Any) -> None:
    compiled = tg.compile(sums_of_copies)
    for _ in range(2):
        assert compiled(x) == sums_of_copies(x)


@pytest.mark.parametrize("called_before", [False, True])
def test_a_primitive_of_the_users_reads_what_it_uses_in_each_call(called_before: bool) -> None:
    scale, slope = np.array(2.0), np.array(3.0)  # the rule may have a number of its own

    @tg.primitive(x=lambda g: g * slope)
    def scaled(x: Any) -> Any:
        return x * scale

    f = tg.value_and_grad(lambda x: scaled(x).sum())
    compiled = tg.compile(f)
    if called_before:
        f(RAMP)
    for _ in range(3):
        assert_same(compiled(RAMP), f(RAMP))
        scale *= 2
        slope += 1
    assert compiled.cache_info()[:2] == (2, 1)


def test_a_primitive_of_the_users_that_prints_is_refused() -> None:
    @tg.primitive(x=lambda g: g)
    def printed(x: Any) -> Any:
        print("x")
        return x * 1

    printed(RAMP)
    with pytest.raises(tg.CaptureError, match=r"test_same_as_called.py:\d+ prints"):
        tg.compile(lambda x: printed(x).sum())(RAMP)


@tg.primitive(x=lambda g, x: g * x.copy().sum())
def summed_later(x: Any) -> Any:
    return x * 2


@pytest.mark.parametrize("part", [lambda x: x, lambda x: x.T, lambda x: x[::2, ::3]])
def test_sums_of_copies_in_a_later_backward_pass_are_the_same(part: Any) -> None:
    gradients = []
    f = lambda x: summed_later(part(x * 2)).sum()  # noqa: E731
    for called in (f, tg.compile(f)):
        x = Value(LARGE)
        called(x).backward()
        gradients.append(x.grad)
    np.testing.assert_array_equal(*gradients)


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for x, y in zip(found, expected, strict=True):
            assert_same(x, y)
    elif isinstance(expected, Value):
        assert found.requires_grad == expected.requires_grad
        np.testing.assert_array_equal(found.data, expected.data)
    elif expected is not None:
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected)) if np.isrealobj(
            expected
        ) else None


@pytest.mark.parametrize(("f", "calls"), CALLS)
def test_results_are_the_same_in_each_call(f: Any, calls: Any) -> None:
    compiled = tg.compile(f)
    for _ in range(2):
        for given in calls:
            own, others = copy.deepcopy(given), copy.deepcopy(given)
            assert_same(compiled(*own), f(*others))
            assert_same(own, others)


def test_an_argument_comes_back_itself_and_constants_are_new() -> None:
    x = RAMP.copy()
    compiled = tg.compile(keeps_its_argument)
    assert compiled(x) is x
    assert compiled(x) is x
    many = tg.compile(results_of_many_kinds)
    many(ONES)[2]["list"].append(5)
    assert many(ONES)[2]["list"] == [1, 2]


def test_classes_tuples_and_containers_are_told_apart() -> None:
    f = tg.compile(lambda pair: pair)
    assert type(f((1.0, 2.0))) is tuple
    assert type(f([ONES, RAMP])) is list
    assert type(f((ONES, RAMP))) is tuple
    f = tg.compile(global_state)
    f(ONES)
    for scale in (5.0, 7.0):
        Config.scale = scale
        np.testing.assert_array_equal(f(ONES), global_state(ONES))
    Config.scale = 2.0
    PAIR[0][:] = 7
    np.testing.assert_array_equal(tg.compile(lambda x: x * PAIR[0])(ONES), [7, 7, 7])
    nested = (PAIR, collections.namedtuple("Held", "array")(np.ones(3)))

    def of_tuples(x: Any, given: Any = PAIR) -> Any:
        return x * PAIR[0] + nested[0][0] * 2 + given[0] * 3 + nested[1].array * 0

    g = tg.compile(of_tuples)
    for content in (7.0, 1.0, 2.0):
        PAIR[0][:] = content
        np.testing.assert_array_equal(g(ONES), [6 * content] * 3)
    assert g.cache_info()[:2] == (2, 1)
    PAIR[0][:] = np.arange(3)


def test_arrays_that_overlap_are_another_program() -> None:
    def f(a: Any, b: Any) -> Any:
        a += 1
        return b * 2

    compiled = tg.compile(f)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(np.ones(3), np.ones(3)), [2, 2, 2])
        x = np.ones(3)
        np.testing.assert_array_equal(compiled(x, x), [4, 4, 4])
    x = np.ones(4)
    with pytest.raises(CaptureError, match="overlap"):
        compiled(x[1:], x[:-1])


def test_arrays_that_are_read_only_are_an_error_that_changes_nothing() -> None:
    weight = Value(np.ones(3))

    @tg.compile
    def step(x: Any, total: Any) -> None:
        weight.data = weight.data - x
        total += x

    step(ONES, np.zeros(3))
    fixed = np.zeros(3)
    fixed.setflags(write=False)
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            step(ONES, fixed)
    np.testing.assert_array_equal(weight.data, [0, 0, 0])
    np.testing.assert_array_equal(fixed, [0, 0, 0])


def test_numbers_take_the_dtype_of_what_they_are_combined_with() -> None:
    def run(compiled: Callable[..., Any]) -> list[np.ndarray]:
        weights = [Value(np.full(30, 0.3, np.float32)) for _ in range(22)]
        optimizer = tg.optim.Adam(weights, lr=0.01)

        @compiled
        def step(x: Any) -> Any:
            optimizer.zero_grad()
            sum((w * w * x).sum() for w in weights).backward()
            optimizer.step()

        for n in range(6):
            step(np.linspace(1, 2 + n, 30).astype(np.float32))
        return [w.data for w in weights]

    for found, expected in zip(run(tg.compile), run(lambda f: f), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_factor_of_the_loss_may_be_a_number() -> None:
    weight = Value(RAMP.copy())

    @tg.compile
    def step(c: float) -> Any:
        loss = c * (weight**2).sum()
        weight.zero_grad()
        loss.backward()
        return loss

    for c in (0.1, 3.0):
        assert step(c).data == c * 14
        np.testing.assert_array_equal(weight.grad, c * 2 * RAMP)


def test_noise_may_go_straight_into_a_product() -> None:
    def noisy(rng: Any) -> Any:
        return rng.normal(size=(2, 3)) @ ONES, rng.uniform(size=(2, 3)) @ np.eye(3)

    seeds = [np.random.default_rng(0) for _ in range(2)]
    f = tg.compile(noisy)
    for _ in range(3):
        for found, expected in zip(f(seeds[0]), noisy(seeds[1]), strict=True):
            np.testing.assert_array_equal(found, expected)


def test_what_is_added_or_reordered_is_noticed() -> None:
    names, table = {3}, {"a": ONES, "b": 2 * ONES}

    class Holder:
        pass

    holder = Holder()

    def f(x: Any) -> Any:
        first = next(iter([*table.values()]))
        return x * first * (2 if 3 in names else 1) * getattr(holder, "factor", 1.0)

    compiled = tg.compile(f)

    def assert_same_now() -> None:
        np.testing.assert_array_equal(compiled(ONES), f(ONES))

    assert_same_now()
    names.clear()
    names.add(4)
    assert_same_now()
    table["a"] = table.pop("a")
    assert_same_now()
    holder.factor = 5.0  # type: ignore[attr-defined]
    assert_same_now()
    assert compiled.cache_info().misses == 4


def test_the_same_value_twice_is_another_program() -> None:
    f = tg.compile(lambda a, b: (a * b).sum())
    one, two = Value([1.0, 2.0]), Value([3.0, 4.0])
    for _ in range(2):
        assert [f(one, one).data, f(one, two).data, f(two, two).data] == [5, 11, 25]


def catches(x: Any) -> Any:
    try:
        n = float(x.sum())
    except TypeError:
        n = 100.0
    return x * n


@dataclasses.dataclass(slots=True)
class Slotted:
    count: int = 0

    def __call__(self, x: Any) -> Any:
        self.count += 1
        return x


class Shared:
    count = 0

    def __call__(self, x: Any) -> Any:
        Shared.count += 1
        return x


def with_attribute(x: Any) -> Any:
    with_attribute.calls = 1 + getattr(with_attribute, "calls", 0)  # type: ignore[attr-defined]
    return x


def prints_and_catches(x: Any) -> Any:
    try:
        print("x")
    except Exception:
        return x
    return x


def closing_over(given: Any, first: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: x * first(given)


def of_many_names(last: str, filename: str = "many.py") -> Callable[[Any], Any]:
    """A function whose last name is beyond those that an instruction can count to alone."""
    names = [f"name{at}" for at in range(300)]
    source = f"def f(x):\n    {'; '.join(names)}\n    {last}('x')\n    return x * 2\n"
    namespace: dict[str, Any] = dict.fromkeys(names, 1)
    exec(compile(source, filename, "exec"), namespace)
    f: Callable[[Any], Any] = namespace["f"]
    return f


def imports_time(x: Any) -> Any:
    import time as module

    return x * module.time()


batches = iter([ONES, ONES])
loaders = [batches]
pair = (batches, 2.0)
waiting_for = collections.deque([batches])
held = {"batches": batches, "factor": 2.0}
queue: collections.deque[int] = collections.deque()
names: set[str] = set()
log = logging.getLogger("test")
say = print
emit = log.info
clock = time.perf_counter
of_thread = threading.local()
shown = types.MappingProxyType({"rate": 1.0})
waiting: Queue[int] = Queue()
old = np.random.RandomState(0)
rng = np.random.default_rng(0)


def writes_an_element(x: Any) -> Any:
    out = np.zeros(3)
    out[0] = x[0]
    return out


def writes_a_slice(x: Any) -> Any:
    out = np.zeros(3)
    out[:1] = x[:1]
    return out


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (catches, "makes a Python number"),
        (Slotted(), "changes Slotted.count"),
        (Shared(), "changes Shared.count"),
        (with_attribute, "changes with_attribute"),
        (lambda x: x * next(batches), "takes from an iterator"),
        (lambda x: queue.append(1) or x, "changes queue"),
        (lambda x: names.add("a") or x, "changes names"),
        (lambda x: log.info("x") or x, "writes a log"),
        (lambda x: say("x") or x, "prints"),
        (lambda x: x * clock(), "reads the clock"),
        (lambda x: os.environ.update(a="b") or x, "uses os"),
        (lambda x: x * uuid4().int, "uses uuid"),
        (lambda x: np.save("x.npy", x) or x, "reads or writes a file"),
        (lambda x: sys.stderr.write("x") and x, "reads or writes a file"),
        (lambda x: x * shown["rate"], "no access to"),
        (lambda x: setattr(of_thread, "n", 1) or x, "each thread"),
        (lambda x: waiting.put(1) or x, "uses queue"),
        (prints_and_catches, "prints"),
        (imports_time, "reads the clock"),
        (lambda x: x * next([batches][0]), "takes from an iterator"),
        (lambda x: emit("x") or x, "writes a log"),
        (lambda x: x * next(pair[0]), "takes from an iterator"),
        (closing_over(batches, next), "takes from an iterator"),
        (closing_over(loaders, lambda given: next(given[0])), "takes from an iterator"),
        (lambda x: (x, held["batches"]), "takes from an iterator"),
        (lambda x: x * next(waiting_for[0]), "takes from an iterator"),
        (lambda x: (x, {batches} & {1}), "takes from an iterator"),
        (of_many_names("print"), "prints"),
        (lambda x: x * next(loaders[0]), "takes from an iterator"),
        (lambda x: x * next(held["batches"]), "takes from an iterator"),
        (lambda x, given=batches: x * next(given), "takes from an iterator"),
        (lambda x, *, given=batches: x * next(given), "takes from an iterator"),
        (lambda x: [say(part) for part in (1, 2)] and x, "prints"),
        (lambda x: globals().update(a=1) or x, "changes globals"),
        (lambda x: x * old.rand(), "an old one"),
        (lambda x: rng.shuffle(x) or x, "uses .shuffle"),
        (lambda x: f"{x!r}", "makes text"),
        (lambda x: {float(v) for v in x}, "makes a Python number"),
        (lambda x: np.eye(3)[(x > 0).astype(int)], r"np.arange\(n\)"),
        (lambda x: x.sort(), r"uses \.sort"),
        (views_of_split, "made by np.split"),
        (writes_an_element, r"test_same_as_called.py:\d+ writes .* into a plain array"),
        (writes_a_slice, r"test_same_as_called.py:\d+ writes .* into a plain array"),
        (lambda x: statistics.mean(x), r"test_same_as_called.py:\d+ uses .as_integer_ratio"),
    ],
)
def test_what_would_be_done_once_is_an_error(f: Any, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        tg.compile(f)(RAMP.copy())


class Trainer:
    """One that holds data in tuples, and does more than to compute where that is not called."""

    verbose = False

    def __init__(self) -> None:
        self.data = (RAMP.copy(), [(ONES.copy(),)])
        self.rng = np.random.default_rng()
        self.log = log
        print("made")

    def square(self, x: Any) -> Any:
        print(x)

    def product(self, x: Any) -> Any:
        if self.verbose:
            self.log.info("a call at %s", time.time())
        squares = np.square(x) + np.log(x) + Value(x).log().data
        return held["factor"] * squares * self.data[0] * self.data[1][0][0]

    def logged(self, x: Any) -> Any:
        self.log.info("a call")
        return self.product(x)


def test_only_what_is_used_matters() -> None:
    trainer = Trainer()
    f = tg.compile(trainer.product)
    for content in (1.0, 3.0):
        trainer.data[0][:] = trainer.data[1][0][0][:] = content
        np.testing.assert_array_equal(f(ONES), [2 * content**2] * 3)
    assert f.cache_info()[:2] == (1, 1)
    with pytest.raises(CaptureError, match="writes a log"):
        tg.compile(trainer.logged)(ONES)
    trainer.verbose = True
    with pytest.raises(CaptureError, match="writes a log"):
        f(ONES)


def test_installed_code_is_trusted(capsys: pytest.CaptureFixture[str]) -> None:
    f = tg.compile(of_many_names("print", "/usr/lib/python3/site-packages/many.py"))
    for _ in range(3):
        np.testing.assert_array_equal(f(ONES), [2, 2, 2])
    assert capsys.readouterr().out.count("x") == 1


def test_a_debugger_stays() -> None:
    def trace(frame: Any, event: str, arg: Any) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with pytest.raises(CaptureError):
            tg.compile(prints_and_catches)(ONES)
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)


def test_a_variable_may_be_empty_yet() -> None:
    def step(x: Any) -> Any:
        return x * 2 if x.size else later

    np.testing.assert_array_equal(tg.compile(step)(ONES), [2, 2, 2])
    later = None


def test_what_a_call_made_is_gone_after_an_error() -> None:
    class Averaged:
        def __call__(self, x: Any, y: Any) -> Any:
            self.mean = x.mean()
            x += 1
            return y * self.mean

    averaged, x = Averaged(), np.zeros(4)
    with pytest.raises(CaptureError, match="overlaps"):
        tg.compile(averaged)(x, x[:2])
    assert vars(averaged) == {}


class History:
    """One that notes what it does outside of what is compiled."""

    def __init__(self) -> None:
        self.weight = Value(RAMP.copy())
        self.losses: list[float] = []
        self.best = np.inf

    def loss(self, x: Any) -> Any:
        return ((self.weight - x) ** 2).sum()


def test_what_a_method_does_not_use_may_change() -> None:
    history = History()
    f = tg.compile(history.loss)
    for _ in range(5):
        history.losses.append(float(f(ONES).data))
        history.best = min(history.best, history.losses[-1])
    assert f.cache_info()[:2] == (4, 1)


def test_what_is_found_elsewhere_is_noticed() -> None:
    class Base:
        rate = 0.1

        def factor(self) -> float:
            return 2.0

    class Scaled(Base):
        def __call__(self, x: Any) -> Any:
            return x * self.rate * self.factor()

    class Halved(Scaled):
        def factor(self) -> float:
            return 0.5

    scaled = Scaled()
    f = tg.compile(scaled)
    changes: list[Callable[[], Any]] = [
        lambda: None,
        lambda: setattr(Base, "rate", 0.2),
        lambda: setattr(Scaled, "rate", 0.3),
        lambda: setattr(Base, "factor", lambda self: 3.0),
        lambda: setattr(scaled, "__class__", Halved),
        lambda: setattr(scaled, "rate", 0.4),
        lambda: setattr(scaled, "factor", lambda: 5.0),
    ]
    for change in changes:
        change()
        for _ in range(2):
            np.testing.assert_array_equal(f(ONES), scaled(ONES))


class Doubled:
    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return 2 * instance.held


class Holder:
    doubled = Doubled()

    def __init__(self) -> None:
        self.held = 1.0

    @functools.cached_property
    def tripled(self) -> float:
        return 3 * self.held


class Weighted:
    """One whose weight is kept under another name, by its setter alone."""

    def __init__(self) -> None:
        self._weight = ONES.copy()

    def _set(self, weight: Any) -> None:
        self._weight = weight

    weight = property(None, _set)

    def step(self, x: Any) -> Any:
        self.weight = x * 2
        return x


class Scaled(tg.optim.Optimizer):
    """An optimizer of a user's."""

    def __init__(self, parameter: Value, scale: float) -> None:
        super().__init__([parameter], {"lr": 0.1})
        self.scale = scale

    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.data = parameter.data - group["lr"] * self.scale * parameter.grad


holder = Holder()
get_held = operator.attrgetter("held")
table = {"held": lambda holder, x: x * holder.held}


@functools.singledispatch
def dispatched(x: Any) -> Any:
    return x * holder.held


def imports_a_function(x: Any) -> Any:
    from operator import attrgetter as get

    return x * get("held")(holder)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * holder.doubled,
        lambda x: x * holder.tripled,
        lambda x: x * get_held(holder),
        lambda x: x * getattr(holder, "he" + "ld"),
        lambda x: table["held"](holder, x),
        lambda x: dispatched(x),
        imports_a_function,
    ],
)
def test_attributes_are_read_in_each_call_however_they_are_used(f: Any) -> None:
    compiled = tg.compile(f)
    for held in (1.0, 2.0, 5.0, 1.0):
        vars(holder).pop("tripled", None)
        holder.held = held
        assert holder.tripled == 3 * held
        np.testing.assert_array_equal(compiled(ONES), f(ONES))


def test_what_a_setter_puts_somewhere_is_there_after_each_call() -> None:
    weighted = Weighted()
    step = tg.compile(weighted.step)
    for x in (ONES, RAMP):
        step(x)
        np.testing.assert_array_equal(weighted._weight, 2 * x)


def test_attributes_of_users_optimizers_are_read_in_each_call() -> None:
    def run(compiled: Callable[..., Any]) -> Any:
        weight = Value(RAMP.copy())
        optimizer = Scaled(weight, 1.0)

        @compiled
        def step() -> None:
            weight.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()

        for scale in (1.0, 2.0, 3.0, 0.5):
            optimizer.scale = scale
            step()
        return weight.data

    np.testing.assert_array_equal(run(tg.compile), run(lambda f: f))


def test_what_is_there_no_longer_is_another_program() -> None:
    holder = types.SimpleNamespace(a=ONES.copy(), unused=1)

    def by_text(x: Any) -> Any:
        return x * holder.a if hasattr(holder, "a") else x * getattr(holder, "b", 5.0)

    f = tg.compile(by_text)
    changes: list[Callable[[], Any]] = [
        lambda: None,
        lambda: vars(holder).update(c=vars(holder).pop("a")),
        lambda: vars(holder).update(b=vars(holder).pop("unused")),
        lambda: vars(holder).update(a=np.zeros(3)),
    ]
    for change in changes:
        change()
        for _ in range(2):
            np.testing.assert_array_equal(f(ONES), by_text(ONES))


def test_deques_and_user_dicts_are_read_in_each_call() -> None:
    window = collections.deque([1.0, 2.0], maxlen=2)
    buffer = collections.deque([ONES.copy()], maxlen=2)
    settings = collections.UserDict(rate=2.0)

    def of_both(x: Any) -> Any:
        return x * sum(window) * settings["rate"] + sum(buffer)

    f = tg.compile(of_both)
    changes: list[Callable[[], Any]] = [
        lambda: None,
        lambda: window.append(9.0),
        lambda: settings.update(rate=3.0),
        lambda: buffer.append(RAMP.copy()),
        lambda: buffer.append(ONES * 7),
        lambda: np.copyto(buffer[0], 2.0),
    ]
    for change in changes:
        change()
        for _ in range(2):
            np.testing.assert_array_equal(f(ONES), of_both(ONES))
    counts = collections.UserDict(n=0)
    with pytest.raises(CaptureError, match=r"changes .*counts.*"):
        tg.compile(lambda x: counts.update(n=counts["n"] + 1) or x)(ONES)


def test_modules_made_of_those_of_the_package_are_read_whole() -> None:
    class Drop(tg.nn.Dropout):
        pass

    drop, x = Drop(0.5, rng=np.random.default_rng(0)), np.ones(1000)
    f = tg.compile(drop)
    for rate in (0.5, 0.9, 0.0):
        drop.p = rate
        zeros = np.mean(f(x) == 0)
        assert abs(zeros - rate) < 0.06


def test_a_gradient_that_is_returned_is_the_one_in_its_place() -> None:
    weight = Value(RAMP.copy())

    @tg.compile
    def step(x: Any) -> Any:
        weight.zero_grad()
        (weight * x).sum().backward()
        return weight.grad, weight.data * 2

    for _ in range(3):
        gradient, doubled = step(ONES)
        assert np.shares_memory(gradient, weight.grad)
        np.testing.assert_array_equal(gradient, ONES)
        np.testing.assert_array_equal(doubled, 2 * RAMP)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    weight: np.ndarray
    parts: tuple[np.ndarray, ...]


def test_frozen_objects_are_read_in_each_call() -> None:
    frozen = Frozen(np.ones(3), (np.ones(3),))
    f = tg.compile(lambda x: x * frozen.weight + frozen.parts[0])
    for content in (1.0, 3.0):
        frozen.weight[:] = frozen.parts[0][:] = content
        np.testing.assert_array_equal(f(ONES), [2 * content] * 3)
    assert f.cache_info()[:2] == (1, 1)


def test_containers_that_are_arguments_must_stay() -> None:
    def fill(into: Any) -> Any:
        into["b"] = into["a"] * 2
        return into["b"]

    with pytest.raises(CaptureError, match="changes a list, a dict or an object that is an arg"):
        tg.compile(fill)({"a": ONES})


def test_classes_of_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match=r"np\.asarray"):
        tg.compile(lambda x: x * 2)(np.ma.masked_array(ONES))


def test_values_in_the_place_of_arrays_are_refused() -> None:
    class Keeps:
        def __init__(self) -> None:
            self.mean = np.zeros(3)

        def __call__(self, x: Any) -> Any:
            self.mean = self.mean + Value(x)
            return x

    with pytest.raises(CaptureError, match=r"puts a Value into Keeps\.mean"):
        tg.compile(Keeps())(ONES)


def test_a_copy_of_a_compiled_model_is_compiled_itself() -> None:
    class Scale:
        def __init__(self) -> None:
            self.factor = Value(2.0)

        def __call__(self, x: Any) -> Any:
            return x * self.factor

    compiled = tg.compile(Scale())
    assert compiled(3.0).data == 6
    other = copy.deepcopy(compiled)
    other.factor.data = 5.0
    assert other(3.0).data == 15
    assert compiled(3.0).data == 6
    other.factor = Value(1.0)
    assert other(3.0).data == 3


def test_a_global_array_may_have_any_name() -> None:
    namespace: dict[str, Any] = {"time": np.ones(2), "__name__": "somewhere"}
    exec("def f(x):\n    return x * time", namespace)
    np.testing.assert_array_equal(tg.compile(namespace["f"])(ONES[:2]), [1, 1])


def test_a_cache_of_constants_is_filled() -> None:
    cache: dict[str, Any] = {}

    def f(x: Any) -> Any:
        if "ramp" not in cache:
            cache["ramp"] = np.arange(3.0)
        return x * cache["ramp"]

    compiled = tg.compile(f)
    for _ in range(3):
        np.testing.assert_array_equal(compiled(ONES), np.arange(3.0))
    assert compiled.cache_info().hits == 1


def test_gradients_that_are_values_are_taken_by_their_data() -> None:
    weight = Value(np.ones(2))
    (weight**2).sum().backward(create_graph=True)

    @tg.compile
    def step() -> None:
        weight.zero_grad()
        (weight**2).sum().backward()

    step()
    np.testing.assert_array_equal(weight.grad, [2, 2])


def test_the_cache_can_be_emptied() -> None:
    f = tg.compile(lambda x: x * 2)
    f(ONES)
    f.cache_clear()
    assert f.cache_info()[:2] == (0, 0)
    np.testing.assert_array_equal(f(ONES), [2, 2, 2])


def test_errors_of_the_package_are_those_of_the_call() -> None:
    f = tg.compile(lambda x, y: tg.nn.functional.cross_entropy(x, y))
    with pytest.raises(ValueError, match="labels must be from 0 to 2, they are from -1 to 2"):
        f(np.ones((2, 3)), np.array([-1, 2]))


def test_products_of_a_matrix_with_itself_are_the_same_but_for_rounding() -> None:
    # Computed twice, the operands are two matrices to BLAS; as one value, they are one.
    x = np.random.default_rng(0).normal(size=(60, 37))

    def f(x: Any) -> Any:
        return (x * 2).T @ (x * 2)

    found, expected = tg.compile(f)(x), f(x)
    bound = len(x) * np.finfo(float).eps * (np.abs(2 * x).T @ np.abs(2 * x))
    assert (np.abs(found - expected) <= bound).all()
