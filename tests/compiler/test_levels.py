"""Programs of scalars, made of array operations level by level: the same bits, in few calls."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traced_programs import assert_equal, names, traced

from tinygrad_nn import Value
from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.compile import compile
from tinygrad_nn.compiler.numpy_executor import executor
from tinygrad_nn.compiler.program import Program, evaluated
from tinygrad_nn.compiler.tracing import Tape

RNG = np.random.default_rng(0)


def check(f: Callable[..., Any], *examples: Any, calls: int, runs: int = 5) -> Program:
    """Few calls, and what one call after another gives, for several inputs."""
    program = traced(f, *examples)
    after = passes.by_levels(program)
    computing = [name for name in names(after) if name != "getitem"]
    assert len(computing) <= calls, str(after)
    run = executor(after)
    results = []
    for _ in range(runs):
        inputs = [type(x)(RNG.normal()) for x in examples]
        expected = evaluated(program, inputs)
        found = run(inputs)
        assert_equal(found, expected)
        results.append((found, expected))
    for found, expected in results:
        assert_equal(found, expected)
    return after


def neuron(*numbers: Any) -> Any:
    """Two layers of sums of products, and their tanh."""
    half = len(numbers) // 2
    weights, x = numbers[:half], numbers[half:]
    hidden = []
    for at in range(half):
        total = weights[at] * 1.5
        for w, each in zip(weights, x, strict=True):
            total = total + w * each
        hidden.append(np.tanh(total))
    return sum(hidden[1:], hidden[0]), hidden[0]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
@pytest.mark.parametrize("count", [4, 10])
def test_sums_of_products_of_many_inputs(kind: Any, count: int) -> None:
    after = check(neuron, *[kind(1)] * (4 * count), calls=1)
    assert "levels" in str(after)


def test_a_few_calls_are_left_alone() -> None:
    program = traced(lambda x: np.tanh(x) + x, np.float64(1))
    assert names(passes.by_levels(program)) == names(program)


def test_both_precisions_are_kept_apart() -> None:
    def f(x: Any, y: Any) -> Any:
        singles, doubles = [x], [y]
        for at in range(50):
            singles.append(np.sin(singles[-1] * 0.1 + at))
            doubles.append(np.cos(doubles[-1] * 0.1 + at))
        return sum(singles[1:], x), sum(doubles[1:], y), singles[-1] * doubles[-1]

    check(f, np.float32(1), np.float64(1), calls=6)


def relu_by_maximum(x: Any) -> Any:
    return np.maximum(x, 0)


def relu_by_comparison(x: Any) -> Any:
    return (x > 0) * x


def steps(x: Any) -> Any:
    return (x > 0.5) * 2.0 + 3.0 * (x == x) * (x <= 0) - (x != 1)


@pytest.mark.parametrize("activation", [relu_by_maximum, relu_by_comparison, steps])
def test_comparisons(activation: Any) -> None:
    def f(*numbers: Any) -> Any:
        outputs = [activation(x * 2 - y) for x in numbers for y in numbers]
        return sum(outputs[1:], outputs[0])

    check(f, *[np.float64(1)] * 10, calls=1)


def test_truth_values_that_are_seen_are_truth_values() -> None:
    def f(*numbers: Any) -> Any:
        greater = [x > y for x in numbers for y in numbers]
        return greater[1], sum(g * x for g, x in zip(greater, numbers * 10, strict=True))

    after = check(f, *[np.float64(1)] * 10, calls=3)
    assert evaluated(after, [np.float64(x) for x in range(10)])[0].dtype == bool


@pytest.mark.parametrize("exponent", [2, 3, -1, 0.5, 2.5, 0])
def test_powers_are_rounded_as_those_of_numbers(exponent: Any) -> None:
    def powers(power: Any) -> Any:
        def f(*numbers: Any) -> Any:
            values = [power(x * x + y * y, exponent) for x in numbers for y in numbers]
            return tuple(values)

        return f

    check(powers(np.power), *[np.float64(1)] * 10, calls=1)
    check(powers(np.power), *[np.float32(1)] * 10, calls=1)
    program = traced(powers(np.power), *[np.float64(1)] * 10)
    for call in program.calls:  # as `**` is traced where the numbers are NumPy's
        if call.function is np.power:
            call.function = operator.pow
    after = passes.by_levels(program)
    inputs = [np.float64(x) for x in RNG.uniform(-2, 2, 10)]
    assert len(names(after)) == 101
    assert_equal(evaluated(after, inputs), evaluated(program, inputs))


def test_exponents_may_vary() -> None:
    def f(y: Any, *numbers: Any) -> Any:
        return tuple(np.power(a * a + b, y) for a in numbers for b in numbers)

    program = traced(f, *[np.float64(1)] * 10)
    after = passes.by_levels(program)
    for y in (2.0, 0.5, -1.0, 3.0):
        inputs = [np.float64(y), *map(np.float64, RNG.uniform(0, 3, 9))]
        assert_equal(executor(after)(inputs), evaluated(program, inputs))


def test_numbers_that_are_odd() -> None:
    odd = [0.0, -0.0, 1, 1.0, float("inf"), float("-inf"), float("nan"), 5e-324]

    def f(*numbers: Any) -> Any:
        return tuple(x * y for x in numbers for y in odd) + tuple(
            1 / (x * y) for x in numbers for y in odd
        )

    program = traced(f, *[np.float64(1)] * 8)
    after = passes.by_levels(program)
    with np.errstate(all="ignore"):
        inputs = [np.float64(x) for x in odd]
        assert_equal(evaluated(after, inputs), evaluated(program, inputs))


def test_python_numbers_that_vary_are_data() -> None:
    def f(x: Any, rate: Any) -> Any:
        for _ in range(70):
            x = x - rate * x
        return x

    check(f, np.float32(1), 0.1, calls=1)


def test_arrays_between_scalars_part_the_blocks() -> None:
    def f(*numbers: Any) -> Any:
        first = [np.tanh(x * y) for x in numbers for y in numbers]
        array = np.stack(first).reshape(10, 10).sum(axis=0)
        second = [np.exp(array[at] * x) for at, x in enumerate(numbers) for _ in range(10)]
        return sum(second[1:], second[0])

    check(f, *[np.float64(1)] * 10, calls=6)


def test_draws_stay_in_their_order() -> None:
    tape = Tape()
    rng = tape.generator(np.random.default_rng(0))
    x = tape.input(np.float64(1), "x")
    for _ in range(100):
        x = x * 0.5 + 1
    first = rng.normal(x, 1.0, 3)
    second = rng.normal(0.0, 1.0, 3)
    tape.program.outputs = [first.ref, second.ref]
    after = passes.by_levels(tape.program)
    assert [call.result for call in after.calls][-2:] == [first.ref, second.ref]


def test_a_network_of_scalars_learns_as_it_does_eagerly() -> None:
    def trained(compiled: bool) -> list[Any]:
        rng = np.random.default_rng(0)
        hidden = [[Value(w) for w in rng.normal(size=3)] for _ in range(4)]
        last = [Value(w) for w in rng.normal(size=4)]
        parameters = [*(w for row in hidden for w in row), *last]
        points = rng.normal(size=(8, 2)).tolist()

        def step() -> Any:
            loss = Value(0.0)
            for x, y in points:
                outputs = [np.maximum(a * x + b * y + c, 0) for a, b, c in hidden]
                score = sum(w * o for w, o in zip(last, outputs, strict=True))
                loss = loss + (score - x * y) * (score - x * y)
            for p in parameters:
                p.zero_grad()
            loss.backward()
            for p in parameters:
                p.data = p.data - 0.01 * p.grad
            return loss

        run = compile(step) if compiled else step
        return [run().data for _ in range(6)] + [p.data for p in parameters]

    assert_equal(trained(True), trained(False))
