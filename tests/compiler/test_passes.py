"""Each pass: what it makes of small programs, and that these give the same as before."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from traced_programs import check, names, traced

from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.program import evaluated
from tinygrad_nn.compiler.tracing import Tape

ODD = np.array([-0.0, 0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 5e-324])
MATRIX = np.arange(6.0).reshape(2, 3) - 2.5
NONE: list[str] = []


def without_dead(each: passes.Pass) -> passes.Pass:
    return lambda program: passes.without_dead_code(each(program))


simplified = without_dead(passes.simplified)


# ---- Dead code, common subexpressions, constants


def test_what_no_output_needs_is_left_out() -> None:
    def f(x: Any) -> Any:
        np.exp(x)
        return x + 1

    program = traced(f, ODD)
    after = passes.without_dead_code(program)
    assert names(after) == ["np.add"]
    check(program, after, ODD)


def test_draws_are_made_in_their_order_whether_needed_or_not() -> None:
    tape = Tape()
    rng = np.random.default_rng(0)
    random = tape.generator(rng).random
    x = tape.input(np.zeros(3), "x")
    first = random(3)
    second = random(3)
    tape.program.outputs = [(x + second).ref]
    for each in passes.PASSES:
        assert [call.result for call in each(tape.program).calls][:2] == [first.ref, second.ref]
    assert len(passes.without_dead_code(tape.program, draws=False).calls) == 2


def test_equal_calls_are_made_once() -> None:
    program = traced(lambda x: np.sin(x) * np.sin(x) + x.sum(axis=0) + x.sum(axis=0), ODD)
    after = passes.without_repetition(program)
    assert names(after) == ["np.sin", "np.multiply", "np.add.reduce", "np.add", "np.add"]
    check(program, after, ODD)


def test_equal_calls_with_other_constants_are_others() -> None:
    program = traced(lambda x: (x + 0.0, x + -0.0, x + 1, x + 1.0), ODD)
    assert len(passes.without_repetition(program).calls) == 4


def test_calls_of_constants_are_made_beforehand() -> None:
    def f(x: Any) -> Any:
        return x * (x * 0 + 2)

    program = traced(f, np.ones(3))
    constant = np.arange(3.0)
    constant.setflags(write=False)
    program.calls[0].args, program.calls[0].inputs = (constant, 2), ()
    after = passes.folded(program)
    assert names(after) == ["np.multiply"]
    np.testing.assert_array_equal(after.calls[0].args[1], [2, 4, 6])
    check(program, after, np.ones(3))


@pytest.mark.parametrize("constant", [np.arange(3.0), np.zeros(100_000)])
def test_arrays_that_may_change_and_large_ones_are_not_folded(constant: Any) -> None:
    program = traced(lambda x: (x * 2, x), np.zeros(len(constant)))
    constant.setflags(write=len(constant) == 3)
    program.calls[0].args, program.calls[0].inputs = (constant, 2), ()
    assert len(passes.folded(program).calls) == 1


# ---- Algebra

NOTHING_LEFT: list[Callable[[Any], Any]] = [
    lambda x: x * 1,
    lambda x: 1.0 * x,
    lambda x: x / 1,
    lambda x: np.power(x, 1),
    lambda x: x - 0.0,
    lambda x: x - 0,
    lambda x: x + -0.0,
    lambda x: np.negative(-x),
    lambda x: +x,
    lambda x: x.copy(),
    lambda x: np.multiply(x, np.ones(8)),
    lambda x: np.reshape(x, (8,)),
    lambda x: np.broadcast_to(x, (8,)),
    lambda x: x.T,
]


@pytest.mark.parametrize("f", NOTHING_LEFT)
def test_what_changes_nothing_is_left_out(f: Any) -> None:
    program = traced(f, ODD)
    after = simplified(program)
    assert names(after) == NONE
    check(program, after, ODD)


SOMETHING_LEFT: list[Callable[[Any], Any]] = [
    lambda x: x + 0.0,
    lambda x: x - (-0.0),
    lambda x: x * np.ones((2, 8)),
    lambda x: x * np.float64(1),
    lambda x: x / np.ones((1, 1)),
    lambda x: 1 / x,
    lambda x: np.power(1, x),
    lambda x: 0.0 - x,
    lambda x: x * True,
]


@pytest.mark.parametrize("f", SOMETHING_LEFT)
def test_what_changes_zeros_or_types_or_shapes_stays(f: Any) -> None:
    x = ODD.astype(np.float32)
    program = traced(f, x)
    after = simplified(program)
    assert len(names(after)) == 1
    check(program, after, x)


def test_zero_is_added_to_what_is_never_minus_zero_for_nothing() -> None:
    program = traced(lambda x: (np.exp(x) + 0.0, np.square(x) + 0, np.sqrt(x) + 0.0), ODD)
    after = simplified(program)
    assert names(after) == ["np.exp", "np.square", "np.sqrt", "np.add"]
    check(program, after, ODD)


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x, y: x + -y, ["np.subtract"]),
        (lambda x, y: -x + y, ["np.subtract"]),
        (lambda x, y: x - (-y), ["np.add"]),
        (lambda x, y: -x * y + x, ["np.multiply", "np.subtract"]),
        (lambda x, y: x + y * -x, ["np.multiply", "np.subtract"]),
    ],
)
def test_negatives_become_subtractions(f: Any, left: list[str]) -> None:
    program = traced(f, ODD, ODD[::-1].copy())
    after = simplified(program)
    assert names(after) == left
    check(program, after, ODD, ODD[::-1].copy())


def test_complex_and_unsigned_numbers_keep_their_negatives() -> None:
    for x in (np.array([1 - 0j, -0.0 + 2j]), np.array([1, 2], np.uint8)):
        program = traced(lambda x: -x * x + x, x)
        after = simplified(program)
        assert names(after) == ["np.negative", "np.multiply", "np.add"]
        check(program, after, x)


def test_transposes_of_transposes_are_one_or_none() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    none = traced(lambda x: np.exp(x.T.T) + np.exp(x).T.T, x)
    assert names(simplified(none)) == ["np.exp", "np.exp", "np.add"]
    one = traced(lambda x: np.transpose(np.transpose(x, (1, 2, 0)), (2, 1, 0)), x)
    assert names(simplified(one)) == ["np.transpose"]
    check(none, simplified(none), x)
    check(one, simplified(one), x)


def test_a_reshape_of_a_reshape_is_one() -> None:
    program = traced(lambda x: np.reshape(np.reshape(x, (3, 2)), -1), MATRIX)
    after = simplified(program)
    assert names(after) == ["np.reshape"]
    check(program, after, MATRIX)


def test_a_copy_in_another_order_stays() -> None:
    program = traced(lambda x: (x * 2).T.copy(), MATRIX)
    assert names(simplified(program)) == ["np.multiply", "np.transpose", "np.copy"]


# ---- Reductions


@pytest.mark.parametrize("reduce", [np.add.reduce, np.maximum.reduce, np.multiply.reduce])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_along_axes_of_one_are_reshapes(reduce: Any, keepdims: bool) -> None:
    x = ODD.reshape(8, 1)
    program = traced(lambda x: reduce(x, axis=1, keepdims=keepdims), x)
    after = passes.plain_reductions(program)
    assert "reduce" not in str(after)
    check(program, after, x)


def test_options_that_say_nothing_are_left_out() -> None:
    program = traced(lambda x: np.add.reduce(x, axis=(0,), keepdims=False), MATRIX)
    after = passes.plain_reductions(program)
    assert after.calls[0].keywords == {}
    check(program, after, MATRIX)


def test_truth_values_are_counted_in_integers() -> None:
    x = np.array([[True], [False]])
    program = traced(lambda x: np.add.reduce(x, axis=1), x)
    check(program, passes.plain_reductions(program), x)


@pytest.mark.parametrize("shape", [(1000, 7), (3, 1000, 7), (1000, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_sums_of_repeated_arrays_are_products_within_the_bound(shape: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).normal(size=(1, shape[-1])).astype(np.float32)

    def f(x: Any) -> Any:
        return np.add.reduce(np.broadcast_to(x, shape), axis=-2, keepdims=keepdims)

    program = traced(f, x)
    after = passes.without_dead_code(passes.sums_of_repeated(program))
    assert "reduce" not in str(after)
    (expected,), (found,) = evaluated(program, [x]), evaluated(after, [x])
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    bound = 1000 * np.finfo(np.float32).eps * np.abs(found)
    assert (np.abs(found - expected) <= bound).all()
    np.testing.assert_allclose(
        found, 1000 * x.astype(float).reshape(-1)[..., :] * np.ones(found.shape), rtol=1e-6
    )


def test_sums_along_other_axes_stay() -> None:
    program = traced(lambda x: np.add.reduce(np.broadcast_to(x, (4, 2, 3)), axis=1), MATRIX)
    assert "reduce" in str(passes.sums_of_repeated(program))


# ---- Products and indices


@pytest.mark.parametrize(
    ("f", "flags"),
    [
        (lambda x, y: x.T @ y, (True, False)),
        (lambda x, y: y.T @ x, (True, False)),
        (lambda x, y: np.swapaxes(x, -1, -2) @ np.transpose(np.transpose(y)), (True, False)),
        (lambda x, y: np.transpose(x) @ np.reshape(y, (3, 2)).T, (True, True)),
        (lambda x, y: (x.T @ y).T, (True, False, True)),
        (lambda x, y: np.swapaxes(x @ np.reshape(y, (3, 2)), 0, 1), (False, False, True)),
    ],
)
def test_transposes_become_flags_of_products(f: Any, flags: tuple[bool, ...]) -> None:
    x, y = MATRIX, MATRIX + 1
    program = traced(f, x, y)
    after = passes.without_dead_code(passes.with_products(simplified(program)))
    assert names(after)[-1] == "product"
    assert after.calls[-1].args[2:] == flags
    check(program, after, x, y)


def test_a_product_is_computed_once_if_it_is_used_as_it_is_and_transposed() -> None:
    def f(x: Any) -> Any:
        y = x.T @ x
        return np.exp(y), np.sin(y.T)

    program = traced(f, MATRIX)
    after = passes.without_dead_code(passes.with_products(program))
    assert names(after).count("product") == 1
    check(program, after, MATRIX)


def test_products_of_vectors_and_stacks_stay() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    program = traced(lambda x, v: (np.matrix_transpose(x) @ x, v.T @ v), x, x[0, 0])
    assert names(passes.with_products(program)).count("np.matmul") == 2


def test_indices_become_positions_that_are_found_once() -> None:
    def f(x: Any, labels: Any) -> Any:
        y = np.exp(x).T
        rows = np.arange(2)
        picked = y[labels, rows]
        y[labels, rows] = picked - 1
        return picked, y

    labels = np.array([2, -1])
    program = traced(f, MATRIX, labels)
    after = program
    for each in (passes.indexed_flat, passes.without_repetition):
        after = each(after)
    assert names(after).count("positions") == 1
    assert {"items_at", "with_items_at"} <= set(names(after))
    check(program, after, MATRIX, labels)
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        evaluated(after, [MATRIX, np.array([0, 3])])


def test_rows_are_taken_by_checked_positions() -> None:
    program = traced(lambda x, at: x[at], MATRIX, np.array([1, -1, 0]))
    after = passes.indexed_flat(program)
    assert names(after) == ["positions", "rows_at"]
    check(program, after, MATRIX, np.array([1, -1, 0]))


def test_empty_and_mixed_indices_are_left_to_numpy() -> None:
    empty = np.zeros(0, int)
    program = traced(lambda x, at: (x[at], x[:, at], x[at, 0]), MATRIX, empty)
    assert names(passes.indexed_flat(program)) == ["getitem"] * 3


# ---- All of them


def test_passes_leave_the_program_that_they_are_given() -> None:
    program = traced(lambda x: (x * 1).sum() + np.exp(-x * x + x).sum(), np.ones(100_000))
    text = str(program)
    after = passes.optimized(program)
    assert str(program) == text
    assert str(after) != text
    check(program, after, np.linspace(-1, 1, 100_000))
