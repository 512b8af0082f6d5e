"""Programs made up at random: compiled, they give what they give eagerly, to the last bit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

import tinygrad_nn as tg
from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.compile import compile
from tinygrad_nn.compiler.program import layout_of


@pytest.fixture(autouse=True)
def _exact_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """All passes but the one that may round in another way, and with small arrays fused."""
    exact = [each for each in passes.PASSES if each is not passes.sums_of_repeated]
    exact[exact.index(passes.fused)] = lambda program: passes.fused(program, least=2)
    monkeypatch.setattr(passes, "PASSES", exact)


def _in_place(x: Any, y: Any) -> Any:
    x = +x
    x[..., :1] = y[..., :1]
    x *= 2
    x[..., -1:] += 1
    return x


def _other_names(x: Any, y: Any) -> Any:
    """What is changed in place is changed under all its names, and in views of it."""
    x = +x
    same, row = x, x[0]
    x *= 2
    row += y[..., :1].sum()
    x[x > 0] *= 3
    return same - row


def _larger(x: Any, y: Any) -> Any:
    return np.where(x > y, x, 0.5 * y)


def _power(x: Any, n: int) -> Any:
    if not x.ndim:
        raise ValueError("Python and NumPy round powers of single numbers differently")
    return x**n


UNARY: list[Callable[[Any], Any]] = [
    np.tanh,
    np.negative,
    np.square,
    np.sin,
    np.abs,
    lambda x: np.exp(-np.abs(x)),
    lambda x: np.sqrt(np.abs(x) + 1),
    lambda x: 2 * x,
    lambda x: 1 * x - 0.0,
    lambda x: x / 1 + 0.0,
    lambda x: 1 - x,
    lambda x: _power(x, 2),
    lambda x: _power(x, 3),
    lambda x: np.maximum(x, 0),
    lambda x: np.clip(x, -1, 0.5),
    lambda x: x.astype(np.float64),
    lambda x: x.astype(np.float32) * x,
]
SHAPES: list[Callable[[Any], Any]] = [
    lambda x: x.T,
    lambda x: x.T + x.T,
    lambda x: np.reshape(x, -1),
    lambda x: np.reshape(x.T, -1),
    lambda x: x[None],
    lambda x: x[..., None],
    lambda x: x[..., 0],
    lambda x: x[1:],
    lambda x: x[::-1],
    lambda x: x[0],
    lambda x: x[np.array([0, -1, 0])],
    lambda x: np.concatenate([x, x]),
    lambda x: np.stack([x, 2 * x], axis=-1),
    lambda x: np.broadcast_to(x, (2, *x.shape)),
    lambda x: np.cumsum(x, axis=-1),
    lambda x: x.sum(),
    lambda x: x.sum(axis=0),
    lambda x: x.mean(axis=-1, keepdims=True),
    lambda x: x.max(axis=0),
    lambda x: x @ x.T,
    lambda x: x.T @ x,
    lambda x: x[np.arange(len(x)), np.arange(len(x)) % x.shape[1]],
]
BINARY: list[Callable[[Any, Any], Any]] = [
    np.add,
    np.subtract,
    np.multiply,
    np.maximum,
    lambda x, y: x / (1 + y * y),
    lambda x, y: -x + y,
    lambda x, y: x - (-y),
    lambda x, y: -x * y + x,
    _larger,
    _in_place,
    _other_names,
    lambda x, y: x @ y,
    lambda x, y: x.T @ y,
]
DIMENSIONS = st.lists(st.sampled_from([0, 1, 2, 3, 5]), max_size=2)


@st.composite
def functions(draw: Any) -> tuple[Callable[..., Any], list[list[Any]]]:
    """A function of arrays, and several sets of arguments of the same shapes."""
    shapes = draw(st.lists(DIMENSIONS.map(tuple), min_size=1, max_size=3))
    dtypes = [draw(st.sampled_from([np.float32, np.float64])) for _ in shapes]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    orders = [draw(st.sampled_from("CF")) for _ in shapes]
    kinds = list(zip(shapes, dtypes, orders, strict=True))
    arguments = [
        [np.array(rng.normal(size=s), dtype=d, order=o) for s, d, o in kinds] for _ in range(3)
    ]
    known: list[Any] = list(arguments[0])
    steps: list[tuple[Callable[..., Any], tuple[int, ...]]] = []
    for _ in range(draw(st.integers(1, 10))):
        operation = draw(st.sampled_from(UNARY * 2 + SHAPES + BINARY * 2))
        count = 2 if operation in BINARY else 1
        operands = tuple(draw(st.integers(0, len(known) - 1)) for _ in range(count))
        try:
            result = operation(*(np.array(known[at]) for at in operands))
        except (ValueError, IndexError, TypeError):
            continue
        if np.size(result) <= 200:
            steps.append((operation, operands))
            known.append(result)
    assume(steps)

    def f(*inputs: Any) -> Any:
        pool = list(inputs)
        for operation, operands in steps:
            pool.append(operation(*(pool[at] for at in operands)))
        return tuple(pool)

    return f, arguments


def _total(f: Callable[..., Any]) -> Callable[..., Any]:
    def total(*inputs: Any) -> Any:
        return sum(np.sum(np.tanh(x)) for x in f(*inputs)[len(inputs) :])

    return total


def _assert_same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        one, other = (x.data if isinstance(x, tg.Value) else x for x in (one, other))
        assert np.shape(one) == np.shape(other)
        assert np.asarray(one).dtype == np.asarray(other).dtype
        if 1 not in np.shape(one) and np.size(one):
            assert layout_of(one) == layout_of(other)
        np.testing.assert_array_equal(one, other)
        are_numbers = ~np.isnan(one)  # the sign of others is NumPy's choice
        np.testing.assert_array_equal(
            np.signbit(one) & are_numbers, np.signbit(other) & are_numbers
        )


QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("make", [np.array, tg.Value])
@QUICK
@given(functions())
@pytest.mark.filterwarnings("ignore")
def test_results_are_those_of_eager(make: Callable[[Any], Any], drawn: Any) -> None:
    f, arguments = drawn
    _check(f, arguments, make)


@QUICK
@given(functions())
@pytest.mark.filterwarnings("ignore")
def test_gradients_are_those_of_eager(drawn: Any) -> None:
    f, arguments = drawn
    every = tuple(range(len(arguments[0])))

    def gradients(*inputs: Any) -> Any:
        value, found = tg.value_and_grad(_total(f), argnums=every)(*inputs)
        return value, *found

    _check(gradients, arguments, np.array)


def _check(f: Callable[..., Any], arguments: list[list[Any]], make: Callable[[Any], Any]) -> None:
    compiled = compile(f)
    results = []
    for inputs in [*arguments, arguments[0]]:
        expected = f(*map(make, inputs))
        found = compiled(*map(make, inputs))
        note(str(compiled.program()))
        _assert_same(found, expected)
        results.append((found, expected))
    for found, expected in results:  # which no later call has written to
        _assert_same(found, expected)
