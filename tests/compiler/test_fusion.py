"""Fusion of elementwise calls, and the loops over blocks that run them: to the last bit."""

from typing import Any

import numpy as np
import pytest
from traced_programs import assert_equal, check, names, traced

from tinygrad_nn.compiler import passes
from tinygrad_nn.compiler.blocks import BLOCK, broadcast, indices
from tinygrad_nn.compiler.numpy_executor import executor
from tinygrad_nn.compiler.program import evaluated

RNG = np.random.default_rng(0)
UFUNCS = [
    f
    for f in dict.fromkeys(f for f in vars(np).values() if isinstance(f, np.ufunc))
    if f.nout == 1
    and f.signature is None
    and any(set(of.split("->")[0]) <= set("fd") for of in f.types)
]


def fused(program: Any) -> Any:
    return passes.fused(program, least=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda ufunc: ufunc.__name__)
def test_ufuncs_give_the_same_wherever_a_block_begins_and_ends(ufunc: Any, dtype: Any) -> None:
    """What fusion relies on: an element depends on nothing but the operands in its place."""
    operands = [RNG.normal(size=300).astype(dtype) for _ in range(ufunc.nin)]
    operands[0][-4:] = [np.inf, -np.inf, np.nan, -0.0]
    with np.errstate(all="ignore"):
        whole = ufunc(*operands)
        for first in (*range(17), 250):
            for count in (1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 50):
                part = ufunc(*(x[first : first + count] for x in operands))
                assert_equal([part], [whole[first : first + count]])
    if ufunc.nin == 2:
        whole = _quietly(ufunc, operands[0], operands[1][5])
        for count in range(1, 40):
            part = _quietly(ufunc, operands[0][:count], operands[1][5])
            assert_equal([part], [whole[:count]])


def _quietly(ufunc: Any, *operands: Any) -> Any:
    with np.errstate(all="ignore"):
        return ufunc(*operands)


def elementwise(x: Any) -> Any:
    y = np.tanh(2 * x + 1) * np.exp(-np.square(x))
    return y, np.where(y > 0, y, x) / (1 + np.abs(x)) + (x > 0) * x


SIZES = [2, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", SIZES)
def test_blocks_of_any_length_give_the_same(n: int, dtype: Any) -> None:
    x = RNG.normal(size=n).astype(dtype)
    program = traced(elementwise, x)
    after = fused(program)
    assert names(after) == ["fused", "getitem", "getitem"]
    check(program, after, x)
    run = executor(after)
    for scale in (1, -2):
        assert_equal(run([scale * x]), evaluated(program, [scale * x]))


def affine(x: Any, row: Any, column: Any, number: Any) -> Any:
    return np.maximum(x * row + column, number) - row


@pytest.mark.parametrize("shape", [(3, 5), (5, 3 * BLOCK), (300, 400), (4, 70, 200), (1, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operands_that_are_repeated_may_be_in_a_loop(shape: Any, dtype: Any) -> None:
    inputs = [RNG.normal(size=s).astype(dtype) for s in (shape, shape[-1:], (*shape[:-1], 1), ())]
    program = traced(affine, *inputs)
    after = fused(program)
    assert names(after) == ["fused"]
    assert_equal(executor(after)(inputs), evaluated(program, inputs))


def test_transposed_arrays_are_gone_through_in_their_order_in_memory() -> None:
    x = RNG.normal(size=(300, 200)).T
    program = traced(lambda x: np.exp(x * 2) + x, x)
    after = fused(program)
    found, expected = executor(after)([x]), evaluated(program, [x])
    assert_equal(found, expected)
    assert found[0].strides == expected[0].strides


def test_arrays_with_gaps_may_be_given() -> None:
    program = traced(lambda x: np.exp(x * 2) + x, np.ones(20_000))
    x = RNG.normal(size=40_000)[::2]
    assert_equal(executor(fused(program))([x]), evaluated(program, [x]))


def test_an_array_that_is_read_in_another_order_too_is_not_written_to() -> None:
    def f(x: Any) -> Any:
        y = np.cumsum(x, axis=0)
        return np.sum(np.exp(-y) * 2 + y.T, axis=0)

    x = RNG.normal(size=(200, 200))
    program = traced(f, x)
    assert_equal(executor(fused(program))([x]), evaluated(program, [x]))


def test_what_is_summed_in_between_parts_the_calls() -> None:
    def f(x: Any) -> Any:
        y = np.exp(x - x.max())
        return np.log(y / y.sum()) * 2

    x = RNG.normal(size=30_000)
    program = traced(f, x)
    after = fused(program)
    expected = ["fused", "np.add.reduce", "fused"]
    assert [name for name in names(after) if name in expected] == expected
    assert_equal(executor(after)([x]), evaluated(program, [x]))


def test_what_is_needed_later_only_is_computed_later() -> None:
    def f(x: Any, w: Any) -> Any:
        y = np.tanh(x) * 2
        slope = 1 - y * y
        return (y @ w) * slope

    x, w = RNG.normal(size=(50, 50)), RNG.normal(size=(50, 50))
    after = fused(traced(f, x, w))
    first, *_, last = (call.function.program for call in after.calls if names_fused(call))
    assert len(first.outputs) == 1
    assert [call.function for call in last.calls] == [np.multiply, np.subtract, np.multiply]


def names_fused(call: Any) -> bool:
    return hasattr(call.function, "program")


def test_calls_that_share_nothing_are_apart() -> None:
    program = traced(lambda x, y: (np.exp(x) + 1, np.exp(y) + 1), np.ones(5), np.ones(5))
    assert names(fused(program)) == ["fused", "fused"]


def test_small_arrays_are_left_alone() -> None:
    program = traced(elementwise, np.ones(1000))
    assert names(passes.fused(program)) == names(program)


@pytest.mark.parametrize("dtype", [np.float16, np.complex128])
def test_types_whose_bits_depend_on_place_are_left_alone(dtype: Any) -> None:
    program = traced(lambda x: np.exp(x) * x, np.ones(10, dtype))
    assert names(fused(program)) == ["np.exp", "np.multiply"]


def test_the_text_shows_what_is_inside() -> None:
    text = str(fused(traced(lambda x: np.exp(x) * x, np.ones(3))))
    assert text.splitlines() == [
        "%0 = x0  # float64 3",
        "%2 = fused(%0)                                                # float64 3",
        "    %0 = operand  # float64 3",
        "    %1 = np.exp(%0)                                               # float64 3",
        "    %2 = np.multiply(%1, %0)                                      # float64 3",
        "    return %2",
        "return %2",
    ]


@pytest.mark.parametrize(
    ("shape", "layout", "most"),
    [
        ((7,), (0,), 3),
        ((4, 6), (0, 1), 6),
        ((4, 6), (1, 0), 5),
        ((2, 3, 4), (2, 0, 1), 7),
        ((3, 1), (0, 1), 2),
    ],
)
def test_blocks_cover_an_array_once(shape: Any, layout: Any, most: int) -> None:
    times = np.zeros(shape, int)
    for index in indices(shape, layout, most):
        assert times[index].size <= most
        times[index] += 1
    assert (times == 1).all()


def test_a_repeated_operand_gives_its_part_to_each_block() -> None:
    x, row, column = np.zeros((4, 6)), np.arange(6), np.arange(4)[:, None]
    for index in indices(x.shape, (0, 1), 3):
        part = row[broadcast(index, (6,))] + column[broadcast(index, (4, 1))]
        np.testing.assert_array_equal(part, (row + column)[index])
