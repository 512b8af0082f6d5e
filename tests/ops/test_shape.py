"""Operations that move elements: each is NumPy's, and its gradient moves them back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from derivatives import check_gradients

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


def numbered(*shape: int) -> Any:
    return np.asarray(np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape))[()]


# Each is called with the package, then with NumPy, for `xp`.
CASES: dict[str, tuple[Callable[[Any, Any], Any], tuple[int, ...]]] = {
    "reshape": (lambda xp, x: xp.reshape(x, (3, 2)), (2, 3)),
    "reshape -1": (lambda xp, x: xp.reshape(x, (-1, 2)), (2, 3)),
    "reshape to one axis": (lambda xp, x: xp.reshape(x, -1), (2, 3)),
    "reshape of a scalar": (lambda xp, x: xp.reshape(x, (1, 1)), ()),
    "reshape to a scalar": (lambda xp, x: xp.reshape(x, ()), (1, 1)),
    "reshape of nothing": (lambda xp, x: xp.reshape(x, (3, 0)), (0, 2)),
    "transpose": (lambda xp, x: xp.transpose(x), (2, 3, 4)),
    "transpose axes": (lambda xp, x: xp.transpose(x, (1, 2, 0)), (2, 3, 4)),
    "transpose negative axes": (lambda xp, x: xp.transpose(x, (-1, 0, 1)), (2, 3, 4)),
    "transpose negative axes of a cube": (lambda xp, x: xp.transpose(x, (-1, 0, 1)), (2, 2, 2)),
    "transpose mixed axes of a cube": (lambda xp, x: xp.transpose(x, (1, -1, 0)), (2, 2, 2)),
    "transpose of a vector": (lambda xp, x: xp.transpose(x), (3,)),
    "moveaxis": (lambda xp, x: xp.moveaxis(x, 0, -1), (2, 3, 4)),
    "moveaxis several": (lambda xp, x: xp.moveaxis(x, (0, -1), (-1, 0)), (2, 3, 4)),
    "moveaxis out of order": (lambda xp, x: xp.moveaxis(x, (2, 0), (0, 1)), (2, 3, 4)),
    "swapaxes": (lambda xp, x: xp.swapaxes(x, 0, 2), (2, 3, 4)),
    "swapaxes negative": (lambda xp, x: xp.swapaxes(x, -1, 0), (2, 3, 4)),
    "expand_dims": (lambda xp, x: xp.expand_dims(x, 1), (2, 3)),
    "expand_dims negative": (lambda xp, x: xp.expand_dims(x, -1), (2, 3)),
    "expand_dims several": (lambda xp, x: xp.expand_dims(x, (0, -1)), (2, 3)),
    "expand_dims of a scalar": (lambda xp, x: xp.expand_dims(x, 0), ()),
    "squeeze": (lambda xp, x: xp.squeeze(x), (1, 2, 1)),
    "squeeze axis": (lambda xp, x: xp.squeeze(x, 0), (1, 2, 1)),
    "squeeze negative axis": (lambda xp, x: xp.squeeze(x, axis=-1), (1, 2, 1)),
    "squeeze axes": (lambda xp, x: xp.squeeze(x, (0, 2)), (1, 2, 1)),
    "squeeze to a scalar": (lambda xp, x: xp.squeeze(x), (1, 1)),
    "broadcast_to": (lambda xp, x: xp.broadcast_to(x, (2, 3)), (3,)),
    "broadcast_to inner": (lambda xp, x: xp.broadcast_to(x, (4, 2, 3)), (2, 1)),
    "broadcast_to of a scalar": (lambda xp, x: xp.broadcast_to(x, (2, 3)), ()),
    "broadcast_to nothing": (lambda xp, x: xp.broadcast_to(x, (0, 3)), (1, 3)),
    "pad": (lambda xp, x: xp.pad(x, 1), (2, 3)),
    "pad pair": (lambda xp, x: xp.pad(x, (1, 2)), (2, 3)),
    "pad pairs": (lambda xp, x: xp.pad(x, ((1, 0), (0, 2))), (2, 3)),
    "pad one pair": (lambda xp, x: xp.pad(x, ((1, 2),)), (2, 3)),
    "pad constant": (lambda xp, x: xp.pad(x, 1, constant_values=5.0), (3,)),
    "pad by nothing": (lambda xp, x: xp.pad(x, 0), (3,)),
    "flip": (lambda xp, x: xp.flip(x), (2, 3)),
    "flip axis": (lambda xp, x: xp.flip(x, 0), (2, 3)),
    "flip negative axis": (lambda xp, x: xp.flip(x, -1), (2, 3)),
    "flip axes": (lambda xp, x: xp.flip(x, (0, 2)), (2, 3, 2)),
    "tile": (lambda xp, x: xp.tile(x, 2), (3,)),
    "tile a scalar": (lambda xp, x: xp.tile(x, 3), ()),
    "tile more axes": (lambda xp, x: xp.tile(x, (2, 1, 2)), (2, 3)),
    "tile fewer axes": (lambda xp, x: xp.tile(x, 2), (2, 3)),
    "tile zero times": (lambda xp, x: xp.tile(x, (0, 1)), (2, 3)),
    "repeat": (lambda xp, x: xp.repeat(x, 2), (2, 3)),
    "repeat axis": (lambda xp, x: xp.repeat(x, 3, axis=1), (2, 3)),
    "repeat each": (lambda xp, x: xp.repeat(x, [1, 0, 2], axis=-1), (2, 3)),
    "repeat a scalar": (lambda xp, x: xp.repeat(x, 3), ()),
    "take": (lambda xp, x: xp.take(x, [0, 5, 0]), (2, 3)),
    "take axis": (lambda xp, x: xp.take(x, [2, 0, 2], axis=1), (2, 3)),
    "take negative axis": (lambda xp, x: xp.take(x, [1, -1], axis=-2), (2, 3)),
    "take a matrix of indices": (lambda xp, x: xp.take(x, [[0, 1], [1, 1]], axis=1), (2, 3)),
    "take one": (lambda xp, x: xp.take(x, 1, axis=0), (2, 3)),
    "take nothing": (lambda xp, x: xp.take(x, np.zeros(0, int), axis=0), (2, 3)),
    "take_along_axis": (
        lambda xp, x: xp.take_along_axis(x, np.array([[2, 0, 2], [1, 1, 1]]), axis=1),
        (2, 3),
    ),
    "take_along_axis first": (
        lambda xp, x: xp.take_along_axis(x, np.array([[0, 1, 0]]), axis=0),
        (2, 3),
    ),
    "take_along_axis broadcast": (
        lambda xp, x: xp.take_along_axis(x, np.array([[2, 2]]), axis=-1),
        (2, 3),
    ),
    "concatenate": (lambda xp, x: xp.concatenate([x, 2 * x, x[:1]]), (2, 3)),
    "concatenate axis": (lambda xp, x: xp.concatenate([x, x[:, :1]], axis=1), (2, 3)),
    "concatenate negative axis": (lambda xp, x: xp.concatenate((x, x), axis=-1), (2, 3)),
    "concatenate flat": (lambda xp, x: xp.concatenate([x, x[0]], axis=None), (2, 3)),
    "concatenate with nothing": (lambda xp, x: xp.concatenate([x, x[:0]]), (2, 3)),
    "concatenate with an array": (lambda xp, x: xp.concatenate([np.ones((1, 3)), x]), (2, 3)),
    "stack": (lambda xp, x: xp.stack([x, 3 * x]), (2, 3)),
    "stack axis": (lambda xp, x: xp.stack([x, x, x], axis=1), (2, 3)),
    "stack negative axis": (lambda xp, x: xp.stack([x, np.ones((2, 3))], axis=-1), (2, 3)),
    "stack scalars": (lambda xp, x: xp.stack([x, x * x, 1.0]), ()),
    "split": (lambda xp, x: xp.split(x, 3)[1], (6, 2)),
    "split at indices": (lambda xp, x: xp.split(x, [1, 4], axis=-1)[1], (2, 6)),
    "split last": (lambda xp, x: xp.split(x, [1, 4], axis=1)[2], (2, 6)),
}
every_case = pytest.mark.parametrize(("call", "shape"), CASES.values(), ids=CASES.keys())


@every_case
def test_values_are_those_of_numpy(call: Any, shape: tuple[int, ...]) -> None:
    x = numbered(*shape)
    got, want = call(tg, Value(x)), call(np, x)
    assert isinstance(got, Value)
    assert got.shape == np.shape(want)
    assert type(got.data) is (np.ndarray if np.shape(want) else np.float64)
    np.testing.assert_array_equal(got.data, want)


@every_case
def test_first_and_second_derivatives_are_right(call: Any, shape: tuple[int, ...]) -> None:
    check_gradients(lambda x: call(tg, x * x), numbered(*shape) / 4, order=2, rtol=1e-5)


@every_case
def test_float32_is_kept(call: Any, shape: tuple[int, ...]) -> None:
    x = Value(numbered(*shape), dtype=np.float32)
    y = call(tg, x)
    # What is joined with float64 becomes float64, and its gradient comes back as float32.
    assert y.dtype == call(np, x.data).dtype
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == np.float32
    assert x.grad.shape == x.shape


def test_methods_take_shapes_and_axes_as_numpy_does() -> None:
    x = numbered(2, 3, 1)
    v = Value(x)
    pairs = [
        (v.reshape(3, 2), x.reshape(3, 2)),
        (v.reshape((3, -1)), x.reshape((3, -1))),
        (v.transpose(), x.transpose()),
        (v.transpose(2, 0, 1), x.transpose(2, 0, 1)),
        (v.transpose((1, 0, 2)), x.transpose((1, 0, 2))),
        (v.T, x.T),
        (v.mT, x.mT),
        (v.flatten(), x.flatten()),
        (v.squeeze(-1), x.squeeze(-1)),
        (v.swapaxes(0, 1), x.swapaxes(0, 1)),
        (v.repeat(2, axis=0), x.repeat(2, axis=0)),
        (v.take([0, 2], axis=1), x.take([0, 2], axis=1)),
        (v.moveaxis(0, -1), np.moveaxis(x, 0, -1)),
        (v.expand_dims(0), np.expand_dims(x, 0)),
        (v.broadcast_to((2, 3, 4)), np.broadcast_to(x, (2, 3, 4))),
        (v.pad(1), np.pad(x, 1)),
        (v.flip(1), np.flip(x, 1)),
        (v.tile(2), np.tile(x, 2)),
        (v.split(3, axis=1)[2], np.split(x, 3, axis=1)[2]),
        (
            v.take_along_axis(np.zeros((2, 1, 1), int), axis=1),
            np.take_along_axis(x, np.zeros((2, 1, 1), int), axis=1),
        ),
    ]
    for got, want in pairs:
        assert got.requires_grad
        np.testing.assert_array_equal(got.data, want, strict=True)


def test_split_returns_every_part_and_concatenate_undoes_it() -> None:
    x = Value(numbered(6, 2))
    parts = tg.split(x, [2, 3])
    assert [part.shape for part in parts] == [(2, 2), (1, 2), (3, 2)]
    whole = tg.concatenate(parts)
    np.testing.assert_array_equal(whole.data, x.data)
    (whole * x.data).sum().backward()
    np.testing.assert_array_equal(x.grad, x.data)


@pytest.mark.parametrize("indices", [[0, 4], [4, 2], [-2], [9]])
def test_split_at_odd_indices_is_that_of_numpy(indices: list[int]) -> None:
    x = numbered(5)
    for got, want in zip(tg.split(Value(x), indices), np.split(x, indices), strict=True):
        np.testing.assert_array_equal(got.data, want)


def test_gradient_of_repeated_elements_is_summed() -> None:
    x = Value([1.0, 2.0, 3.0])
    x.take([0, 2, 0, 0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 0, 1])
    x.zero_grad()
    x.tile(4).sum().backward()
    np.testing.assert_array_equal(x.grad, [4, 4, 4])


def test_each_array_of_a_concatenation_gets_its_part_of_the_gradient() -> None:
    a, b = Value(np.ones((1, 2))), Value(np.ones((2, 2)))
    tg.concatenate([a, np.ones((1, 2)), b]).backward(numbered(4, 2))
    np.testing.assert_array_equal(a.grad, [[1, 2]])
    np.testing.assert_array_equal(b.grad, [[5, 6], [7, 8]])


WRONG: dict[str, tuple[Callable[[Value], Any], str]] = {
    "reshape": (lambda x: x.reshape(4, 2), r"reshape.*\(2, 3\)"),
    "transpose": (lambda x: tg.transpose(x, (0, 1, 2)), r"transpose.*\(2, 3\)"),
    "squeeze": (lambda x: x.squeeze(0), r"squeeze.*\(2, 3\)"),
    "broadcast_to": (lambda x: x.broadcast_to((2, 4)), r"broadcast_to.*\(2, 3\)"),
    "concatenate": (
        lambda x: tg.concatenate([x, np.ones((2, 4))]),
        r"concatenate.*\(2, 3\).*\(2, 4\)",
    ),
    "stack": (lambda x: tg.stack([x, np.ones((3, 2))]), r"stack.*\(2, 3\).*\(3, 2\)"),
    "split": (lambda x: tg.split(x, 2, axis=1), r"split.*3.*2 equal"),
    "moveaxis": (lambda x: tg.moveaxis(x, (0, 1), 0), "moveaxis"),
    "take_along_axis": (lambda x: x.take_along_axis([0], 0), r"take_along_axis.*\(2, 3\)"),
}


@pytest.mark.parametrize(("call", "message"), WRONG.values(), ids=WRONG.keys())
def test_shapes_that_do_not_fit_are_named(call: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        call(Value(np.ones((2, 3))))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tg.take(x, [0], axis=2),
        lambda x: tg.take(x, [0], axis=-3),
        lambda x: tg.repeat(x, 2, axis=2),
        lambda x: tg.flip(x, 2),
        lambda x: tg.swapaxes(x, 0, 2),
        lambda x: tg.moveaxis(x, 2, 0),
        lambda x: tg.expand_dims(x, 4),
        lambda x: tg.squeeze(x, 2),
        lambda x: tg.concatenate([x, x], axis=2),
        lambda x: tg.stack([x, x], axis=4),
        lambda x: tg.split(x, 1, axis=2),
        lambda x: tg.cumsum(x, axis=2),
        lambda x: tg.take_along_axis(x, np.zeros((2, 3), int), axis=2),
    ],
)
def test_axes_out_of_range_are_errors(call: Any) -> None:
    with pytest.raises((ValueError, IndexError)):
        call(Value(np.ones((2, 3))))


def test_plain_arrays_stay_plain() -> None:
    x = np.ones((2, 3))
    for result in (
        tg.concatenate([x, x]),
        tg.stack([x]),
        tg.take(x, [0]),
        tg.pad(x, 1),
        tg.flip(x),
    ):
        assert type(result) is np.ndarray
