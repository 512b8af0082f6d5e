"""The NumPy executor: the same bits, no new arrays, and nothing written to that is not its own."""

import operator
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traced_programs import assert_equal, names, traced

import tinygrad_nn as tg
from tinygrad_nn import nn, optim
from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.compile import compile
from tinygrad_nn.compiler.functions import as_type, with_at, with_item
from tinygrad_nn.compiler.numpy_executor import executor
from tinygrad_nn.compiler.program import Call, Input, Program, Ref, evaluated

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 300))
SMALL = 8000  # bytes, of numbers and views
BUFFER = 8192 * 8  # bytes, in which NumPy's loops change types, and straighten what is repeated
THROUGH_BUFFERS = {"keepdims", "broadcast_to", "copy"}


def allocated(run: Callable[[], Any]) -> int:
    """The most memory that a call takes on the way, once it has been made a few times."""
    for _ in range(3):
        run()
    tracemalloc.start()
    try:
        run()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        run()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - before


# ---- No new arrays

WITHOUT_NEW: dict[str, Callable[[Any], Any]] = {
    "ufuncs": lambda x: np.tanh(x) * 2 + x,
    "reductions": lambda x: x.sum(axis=0) + x.max(axis=0) + np.sum(x * x) + np.mean(x, axis=0),
    "keepdims": lambda x: x / np.add.reduce(x, axis=1, keepdims=True),
    "views": lambda x: np.exp(x).T[1:, ::2][:, 0] + np.exp(x).reshape(-1)[:299],
    "broadcast_to": lambda x: np.broadcast_to(np.exp(x[0]), (200, 300)) + x,
    "products": lambda x: np.exp(x).T @ (x * 2),
    "transposed products": lambda x: (np.exp(x).T @ (x * 2)).T + np.cos(x.T @ x).T,
    "where": lambda x: np.where(x > 0, x, 0.0),
    "clip": lambda x: np.clip(x, -1, 1),
    "concatenate": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x]),
    "cumsum": lambda x: np.cumsum(x, axis=0),
    "accumulate": lambda x: np.maximum.accumulate(x, axis=0),
    "einsum": lambda x: np.einsum("ij,ij->i", x, x),
    "type": lambda x: x.astype(np.float32) + (x > 0).astype(np.float32),
    "items": lambda x: np.exp(x)[np.arange(200), np.arange(200)],
    "rows": lambda x: x[np.arange(150)] + x[1:151],
    "changed": lambda x: _changed(x),
    "copy": lambda x: x.copy() + x.T.copy().T,
    "norm": lambda x: np.sqrt(np.sum(np.square(x))),
}


def _changed(x: Any) -> Any:
    y = np.exp(x)
    y[0] = 0.0
    y[:, 1:3] += x[:, 1:3]
    y[np.arange(200), np.arange(200)] = 1.0
    return y


@pytest.mark.parametrize("name", WITHOUT_NEW)
def test_nothing_is_allocated_on_the_way(name: str) -> None:
    def f(x: Any) -> Any:
        return np.sum(WITHOUT_NEW[name](x))

    program = traced(f, X)
    run = executor(passes.optimized(program))
    for x in (X, -3 * X):
        assert_equal(run([x]), evaluated(program, [x]))
    assert allocated(lambda: run([X])) < SMALL + (BUFFER if name in THROUGH_BUFFERS else 0)


def classifier(make_optimizer: Any) -> Callable[[], Any]:
    """A step of training, whose layers give arrays of a megabyte."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(512, 512, rng=rng), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 500, rng=rng)
    )
    optimizer = make_optimizer(model.parameters())
    x = rng.normal(size=(500, 512)).astype(np.float32)
    y = rng.integers(0, 500, 500)

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    compiled = compile(step)
    return lambda: compiled(x, y)


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: optim.Adam(p, lr=0.01),
    ],
)
def test_a_training_step_allocates_no_array(make_optimizer: Any) -> None:
    assert allocated(classifier(make_optimizer)) < SMALL + BUFFER


def test_a_loss_allocates_no_array() -> None:
    f = compile(lambda x: np.mean(np.square(np.tanh(x) - 1)))
    assert allocated(lambda: f(X)) < SMALL


def test_a_gradient_is_the_callers_and_all_that_is_new() -> None:
    f = compile(tg.value_and_grad(lambda x: np.sum(np.tanh(x) * np.exp(-x * x))))
    assert X.nbytes <= allocated(lambda: f(X)) < X.nbytes + SMALL


def test_values_in_the_same_arena_lie_apart() -> None:
    def f(x: Any) -> Any:
        kept = [np.sin(x + at) for at in range(5)]
        for each in kept[::-1]:
            x = x * each + np.cos(x)
        return x

    program = traced(f, X)
    assert_equal(executor(program)([X]), evaluated(program, [X]))


def test_views_are_made_once() -> None:
    program = traced(lambda x: np.exp(x).T @ np.sin(x).reshape(300, 200)[:200, ::2], X)
    run = executor(passes.optimized(program))
    assert not {"T", "transpose", "reshape"} & set(run.__code__.co_names)
    assert_equal(run([X]), evaluated(program, [X]))


# ---- Whose arrays are whose


def swap(x: Any, y: Any) -> Program:
    """New values of two parameters, which take the places of the old ones."""
    program = traced(lambda x, y: (x - 0.1 * y, y + np.sum(x)), x, y)
    program.donated = {0: program.inputs[0].ref, 1: program.inputs[1].ref}
    return program


def _called(run: Any, holder: list[Any]) -> list[Any]:
    x0, x1 = holder
    results: list[Any] = run([x0, x1])
    return results


def test_a_new_parameter_takes_the_memory_of_the_old_one() -> None:
    run = executor(swap(np.ones(4), np.ones(4)))
    holder = [np.ones(4), np.ones(4)]
    address = [x.ctypes.data for x in holder]
    _, y = _called(run, holder)
    assert y.ctypes.data == address[1]
    np.testing.assert_array_equal(y, 5)


@pytest.mark.parametrize("hold", ["array", "view", "base", "read-only", "transposed"])
def test_an_array_that_another_holds_is_not_written_to(hold: str) -> None:
    x, y = np.ones((4, 3)), np.ones((4, 3))
    run = executor(swap(x, y))
    if hold == "base":
        base = np.ones((8, 3))
        y = base[2:6]
    if hold == "transposed":
        y = np.ones((4, 3), order="F")
    if hold == "read-only":
        y.setflags(write=False)
    holder = [x, y]
    held = {"array": y, "view": y[1:], "base": y.base}.get(hold)
    address = y.ctypes.data
    del x, y
    _, new = _called(run, holder)
    assert new.ctypes.data != address
    np.testing.assert_array_equal(holder[1], 1)
    assert held is None or (held == 1).all()


def test_one_array_in_two_places_is_not_written_to() -> None:
    run = executor(swap(np.ones(4), np.ones(4)))
    same = np.ones(4)
    holder = [same, same]
    del same
    x, y = _called(run, holder)
    np.testing.assert_array_equal(x, 0.9)
    np.testing.assert_array_equal(y, 5)


def test_an_input_that_is_returned_too_is_not_written_to() -> None:
    program = traced(lambda x: (x + 1, x), np.ones(4))
    program.donated = {0: program.inputs[0].ref}
    holder = [np.ones(4)]

    def call(run: Any) -> Any:
        x0 = holder[0]
        return run([x0])

    new, old = call(executor(program))
    np.testing.assert_array_equal(new, 2)
    np.testing.assert_array_equal(old, 1)


def test_a_fused_update_reads_before_it_writes() -> None:
    x, y = np.arange(50_000.0), np.ones(50_000)

    def f(x: Any, y: Any) -> Any:
        first = x + y
        return first, y * 2 + np.exp(-first) * x

    program = traced(f, x, y)
    program.donated = {0: program.inputs[0].ref, 1: program.inputs[1].ref}
    expected = evaluated(program, [x, y])
    holder = [x.copy(), y.copy()]
    assert_equal(_called(executor(passes.fused(program, least=2)), holder), expected)


RETURNED: list[Callable[[Any], Any]] = [
    lambda x: x * 2,
    lambda x: (x * 2).T,
    lambda x: (x * 2)[1:],
    lambda x: (x * 2).sum(),
    lambda x: (x * 2)[0, 0],
    lambda x: np.broadcast_to(np.sum(x * 2), (3,)),
    lambda x: x,
    lambda x: x.T,
]


@pytest.mark.parametrize("f", RETURNED)
def test_later_calls_do_not_write_to_results(f: Any) -> None:
    run = executor(passes.optimized(traced(f, X)))
    x = X.copy()
    (first,) = run([x])
    expected = first.copy()
    run([-X])
    x += 1
    np.testing.assert_array_equal(first, expected)


def test_results_computed_twice_are_two_arrays() -> None:
    run = executor(passes.optimized(traced(lambda x: (np.exp(x), np.exp(x)), X)))
    first, second = run([X])
    assert not np.shares_memory(first, second)


def test_constants_that_are_returned_stay_as_they_are() -> None:
    constant = np.ones(3)
    run = executor(Program([], [], [constant]))
    run([])[0][:] = 2
    np.testing.assert_array_equal(constant, 1)


# ---- The same bits


def test_numbers_are_raised_to_powers_as_numpys_numbers_are() -> None:
    x = Ref(0)
    double = np.dtype(np.float64)
    calls = [
        Call(Ref(1), np.add, (x, 0.5), {}, (), double),
        Call(Ref(2), operator.pow, (Ref(1), 3), {}, (), double),
    ]
    run = executor(Program([Input(x, "x", (), double)], calls, [Ref(2)]))
    for number in RNG.uniform(0, 3, 300):
        assert run([number]) == [(number + 0.5) ** 3]


def test_python_numbers_take_the_type_of_what_they_are_combined_with() -> None:
    x, rate = X.astype(np.float32), 0.1
    program = traced(lambda x, rate: (x * rate, x - 3 * (rate * rate), x > rate, x + 2), x, rate)
    run = executor(program)
    for rate in (0.1, 1e-3, 0.0, float("inf")):
        assert_equal(run([x, rate]), evaluated(program, [x, rate]))


@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0), (1, 1), (3, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128, np.int64])
def test_arrays_of_all_shapes_and_types(shape: Any, dtype: Any) -> None:
    def f(x: Any) -> Any:
        y = x * 3 + 1
        return y, y.T, y.sum(), -y * y, np.where(y > 0, y, 0), y.reshape(-1), (x > 0) * y

    x = (10 * RNG.normal(size=shape)).astype(dtype)
    program = traced(f, x)
    assert_equal(executor(passes.optimized(program))([x]), evaluated(program, [x]))


def test_changes_leave_what_is_needed_later() -> None:
    def f(x: Any, at: Any) -> Any:
        y = np.exp(x)
        z = +y
        z[1] = 0
        np.add.at(z, at, 1.0)
        return y + z, z

    program = traced(f, X, np.array([0, 0, 1]))
    assert {with_item, with_at} <= {call.function for call in program.calls}
    inputs = [X, np.array([2, 2, -1])]
    assert_equal(executor(passes.optimized(program))(inputs), evaluated(program, inputs))


def test_a_sum_of_an_array_and_its_transpose_is_not_made_in_place() -> None:
    program = traced(lambda x: np.exp(np.exp(x) + np.exp(x).T), X[:, :200])
    program = passes.without_repetition(program)
    inputs = [X[:, :200]]
    assert_equal(executor(program)(inputs), evaluated(program, inputs))


def test_an_index_that_is_out_of_bounds_is_an_error_in_each_call() -> None:
    program = traced(lambda x, at: np.exp(x)[np.arange(3), at], X, np.array([0, 1, 2]))
    run = executor(passes.optimized(program))
    for at in ([299, -300, 5], [1, 2, 3]):
        assert_equal(run([X, np.array(at)]), evaluated(program, [X, np.array(at)]))
    for outside in (300, -301):
        with pytest.raises(IndexError, match="out of bounds"):
            run([X, np.array([0, outside, 0])])


def test_draws_are_those_of_the_generator() -> None:
    from tinygrad_nn.compiler.tracing import Tape

    def drawn(rng: Any) -> Any:
        return rng.random((3, 4)) + rng.standard_normal((3, 4)), rng.random(5, np.float32)

    tape = Tape()
    results = drawn(tape.generator(np.random.default_rng(7)))
    tape.program.outputs = [x.ref for x in results]
    again = np.random.default_rng(7)
    drawn(again)
    run = executor(tape.program)
    for _ in range(3):
        assert_equal(run([]), drawn(again))


def test_functions_it_knows_nothing_of_are_called() -> None:
    program = traced(lambda x: (np.linalg.inv(x @ x.T), np.sort(x), np.divmod(x, 2)[1]), X[:5, :9])
    inputs = [X[:5, :9]]
    assert_equal(executor(program)(inputs), evaluated(program, inputs))
    assert as_type not in {call.function for call in program.calls}
    assert "np.sort" in names(program)
