"""Reading and assigning parts of a Value, with every index NumPy takes."""

from typing import Any

import numpy as np
import pytest
from derivatives import check_gradients

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value

MASK = np.array([[True, False, True], [False, False, True]])

# Index, and shape of what is indexed.
INDICES: list[tuple[Any, tuple[int, ...]]] = [
    (0, (3,)),
    (-1, (3,)),
    (np.int64(1), (3,)),
    (1, (2, 3)),
    ((1, 2), (2, 3)),
    ((-1, -1), (2, 3)),
    (slice(None), (3,)),
    (slice(1, None), (3,)),
    (slice(None, None, -1), (3,)),
    (slice(0, 0), (3,)),
    ((slice(None), slice(0, 3, 2)), (2, 3)),
    ((0, slice(None, None, -2)), (2, 3)),
    (Ellipsis, (2, 3)),
    ((Ellipsis, 0), (2, 2, 3)),
    ((0, Ellipsis, 1), (2, 2, 3)),
    (None, (3,)),
    ((None, slice(None), None, 1), (2, 3)),
    ((Ellipsis, None), (2, 3)),
    ((), (2, 3)),
    ((), ()),
    (Ellipsis, ()),
    (None, ()),
    (MASK, (2, 3)),
    (MASK[0], (3,)),
    ((slice(None), MASK[0]), (2, 3)),
    (np.zeros((2, 3), bool), (2, 3)),
    ([True, False], (2, 3)),
    (True, (2, 3)),
    (False, (3,)),
    (np.bool_(True), ()),
    ([2, 0], (3,)),
    ([0, 0, 2, 0], (3,)),
    ([-1, 2], (3,)),
    ([], (3,)),
    (np.array([[0, 1], [1, 1]]), (2, 3)),
    (([0, 1, 0, 0], [2, 1, 2, 0]), (2, 3)),
    (([[0], [1]], [0, 0, 2]), (2, 3)),
    ((slice(None), [0, 2, 0]), (2, 3)),
    (([1, 1], slice(None, 2)), (2, 3)),
    ((0, [1, 1, 2]), (2, 3)),
    (([0, 1], Ellipsis, [0, 1]), (2, 2, 3)),
    ((slice(None), [0, 1], slice(None), [0, 1]), (2, 2, 2, 3)),
    ((None, [0, 0]), (3,)),
]
every_index = pytest.mark.parametrize(("index", "shape"), INDICES, ids=lambda part: str(part))


def numbered(*shape: int) -> Any:
    return np.asarray(np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape))[()]


@every_index
def test_indexing_is_that_of_numpy(index: Any, shape: tuple[int, ...]) -> None:
    x = numbered(*shape)
    want = np.asarray(x)[index]
    got = Value(x)[index]
    assert got.shape == want.shape
    assert type(got.data) is (np.ndarray if want.shape else np.float64)
    np.testing.assert_array_equal(got.data, want)


@every_index
def test_gradient_of_indexing_lands_where_it_was_read(index: Any, shape: tuple[int, ...]) -> None:
    x = Value(numbered(*shape))
    y = x[index]
    gradient = np.asarray(numbered(*y.shape))
    y.backward(gradient)
    want = np.zeros(shape)
    places = np.arange(want.size).reshape(shape)[index]
    for place, part in zip(np.ravel(places), np.ravel(gradient), strict=True):
        want.flat[place] += part
    np.testing.assert_array_equal(x.grad, want)


@every_index
def test_derivatives_of_indexing_are_right(index: Any, shape: tuple[int, ...]) -> None:
    check_gradients(lambda x: (x * x)[index], numbered(*shape) / 4, order=2, rtol=1e-5)


def assign(x: Value, value: Any, index: Any) -> Value:
    x = x * 1
    x[index] = value
    return x


@every_index
@pytest.mark.parametrize("kind", ["number", "array"])
def test_assignment_is_that_of_numpy_and_its_derivatives_are_right(
    index: Any, shape: tuple[int, ...], kind: str
) -> None:
    x = numbered(*shape)
    part = np.shape(np.asarray(x)[index])
    value: Any = 50.5 if kind == "number" else np.asarray(100 + numbered(*part))[()]
    want = np.array(x)
    want[index] = value
    got = Value(x)
    got[index] = Value(value)
    assert type(got.data) is (np.ndarray if shape else np.float64)
    np.testing.assert_array_equal(got.data, want)
    check_gradients(
        lambda x, value: assign(x * x, value * value, index), x / 4, value / 100, order=2, rtol=1e-5
    )


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 3), (2, 1), (1,), ()])
def test_assigned_values_are_broadcast_and_their_gradient_summed(shape: tuple[int, ...]) -> None:
    value = Value(np.asarray(numbered(*shape)))
    x = Value(np.zeros((2, 3)))
    x[...] = value
    want = np.zeros((2, 3))
    want[...] = value.data
    np.testing.assert_array_equal(x.data, want)
    (x * numbered(2, 3)).sum().backward()
    full = np.broadcast_to(np.reshape(np.arange(max(value.size, 1)), shape[-2:]), (2, 3))
    np.testing.assert_array_equal(
        np.ravel(value.grad), np.bincount(full.ravel(), numbered(2, 3).ravel())
    )


def test_of_several_values_assigned_to_one_place_the_last_gets_the_gradient() -> None:
    value = Value([10.0, 20.0, 30.0])
    x = Value([1.0, 2.0])
    start = x
    x = x * 1
    x[[0, 0, 1]] = value
    np.testing.assert_array_equal(x.data, [20, 30])
    x.backward([5.0, 7.0])
    np.testing.assert_array_equal(value.grad, [0, 5, 7])
    np.testing.assert_array_equal(start.grad, [0, 0])


def test_assignment_replaces_the_gradient_of_what_was_there() -> None:
    x = Value([1.0, 2.0, 3.0])
    y = x * 2
    y[1] = 7.0
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad, [8, 0, 24])


def test_assignment_takes_the_dtype_of_the_array() -> None:
    x = Value(np.zeros(2), dtype=np.float32)
    value = Value(0.1, dtype=np.float64)
    x[0] = value
    assert x.dtype == np.float32
    x.sum().backward()
    assert (value.grad, value.grad.dtype) == (1, np.float64)


def test_assignment_of_a_value_makes_a_constant_differentiable() -> None:
    x = Value(np.zeros(3), requires_grad=False)
    w = Value(2.0)
    x[1] = w * w
    assert x.requires_grad
    (x * np.array([1.0, 10.0, 100.0])).sum().backward()
    assert w.grad == 40


def test_integer_and_boolean_values_are_indices() -> None:
    x = Value([1.0, 2.0, 3.0])
    for index in (
        Value(np.array([2, 0])),
        Value(np.int64(1)),
        Value(np.array([True, False, True])),
        (Value(np.int64(1)),),
        x > 1.5,
    ):
        plain = index.data if isinstance(index, Value) else index
        plain = (index[0].data,) if isinstance(index, tuple) else plain
        np.testing.assert_array_equal(x[index].data, x.data[plain])
    y = x * 1
    y[Value(np.int64(1))] = 9.0
    np.testing.assert_array_equal(y.data, [1, 9, 3])


def test_floating_point_indices_are_errors() -> None:
    x = Value([1.0, 2.0, 3.0])
    with pytest.raises((IndexError, TypeError)):
        x[1.0]
    with pytest.raises((IndexError, TypeError)):
        x[Value(1.0)]
    with pytest.raises((IndexError, TypeError)):
        x[Value([1.0])]


def test_index_out_of_range_is_an_index_error() -> None:
    with pytest.raises(IndexError):
        Value([1.0, 2.0])[2]
    with pytest.raises(IndexError):
        Value([1.0, 2.0])[:, 0]


def test_assignment_of_a_wrong_shape_is_a_shape_error() -> None:
    x = Value(np.zeros((2, 3)))
    with pytest.raises(ShapeError, match=r"setitem.*\(4,\).*\(2, 3\)"):
        x[0] = np.ones(4)
    np.testing.assert_array_equal(x.data, np.zeros((2, 3)))


def test_setitem_as_a_function_leaves_its_argument_as_it_was() -> None:
    x = Value([1.0, 2.0])
    y = tg.setitem(x, 0, 5.0)
    np.testing.assert_array_equal(x.data, [1, 2])
    np.testing.assert_array_equal(y.data, [5, 2])


def test_scatter_is_the_transpose_of_indexing() -> None:
    index = np.array([0, 2, 0])
    np.testing.assert_array_equal(tg.scatter(np.array([1.0, 2.0, 3.0]), index, (4,)), [4, 0, 2, 0])
    check_gradients(lambda g: tg.scatter(g * g, index, (4,)), np.array([0.5, 0.6, 0.7]), order=2)
