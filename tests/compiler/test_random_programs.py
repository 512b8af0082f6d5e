"""Programs made up at random: compiled, they give what they give eagerly, to the last bit."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import tinygrad_nn as tg
from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.compile import compile


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
    arguments = [
        [np.asarray(rng.normal(size=s)).astype(d) for s, d in zip(shapes, dtypes, strict=True)]
        for _ in range(3)
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
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(np.signbit(one), np.signbit(other))


QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUICK
@given(functions())
@pytest.mark.filterwarnings("ignore")
def test_values_are_those_of_eager(drawn: Any) -> None:
    f, arguments = drawn
    _check(f, arguments, lambda g, inputs: g(*map(tg.Value, inputs)))


@QUICK
@given(functions())
@pytest.mark.filterwarnings("ignore")
def test_gradients_are_those_of_eager(drawn: Any) -> None:
    f, arguments = drawn
    every = tuple(range(len(arguments[0])))

    def gradients(*inputs: Any) -> Any:
        value, found = tg.value_and_grad(_total(f), argnums=every)(*inputs)
        return value, *found

    _check(gradients, arguments, lambda g, inputs: g(*inputs))


def _check(f: Callable[..., Any], arguments: list[list[Any]], eager: Callable[..., Any]) -> None:
    compiled = compile(f)
    results = []
    for inputs in [*arguments, arguments[0]]:
        expected = eager(f, inputs)
        found = compiled(*inputs)
        _assert_same(found, expected)
        results.append((found, expected))
    for found, expected in results:  # which no later call has written to
        _assert_same(found, expected)
