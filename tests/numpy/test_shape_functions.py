"""NumPy's functions that move, join, repeat and pad elements, on Values."""

from typing import Any

import numpy as np
import numpy_calls
import pytest
from numpy_calls import check_derivatives, check_values

from tinygrad_nn import Value

ARRAYS = {**numpy_calls.ARRAYS, "one": numpy_calls.ARRAYS["c"][:1, :, :1]}

MOVES = """
np.ravel(a)
np.ravel(c, order="F")
np.ravel(a.T, order="K")
np.ravel(a.T, "A")
np.reshape(c, (4, -1))
np.reshape(c, (4, 6), order="F")
np.reshape(a.T, (2, 3), "A")
np.reshape(x, (1, 1), order="F")
np.atleast_1d(x)
np.atleast_1d(x, v)
np.atleast_2d(x, v, a)
np.atleast_3d(x, v, a, c)
np.expand_dims(a, (0, -1))
np.squeeze(one)
np.squeeze(one, axis=0)
np.transpose(c)
np.transpose(a=c, axes=(1, -1, 0))
np.permute_dims(c, (1, 2, 0))
np.matrix_transpose(c)
np.moveaxis(c, [0, 1], [-1, -2])
np.rollaxis(c, 2)
np.rollaxis(c, 0, 3)
np.rollaxis(c, -1, -2)
np.rollaxis(c, 1, 1)
np.swapaxes(c, 0, -1)
np.flip(m=c, axis=(0, 2))
np.flip(c)
np.fliplr(a)
np.flipud(a)
np.lib.stride_tricks.sliding_window_view(v, 2)
np.lib.stride_tricks.sliding_window_view(c, (2, 2), axis=(0, -1))
np.rot90(a)
np.rot90(c, k=-1, axes=(1, 2))
np.roll(a, 2)
np.roll(a, -1, axis=1)
np.roll(c, (1, 2), axis=(0, 2))
np.concatenate([a, b])
np.concat([a, b, a], axis=-1)
np.concatenate((a, [[1, 2, 3]]), axis=None)
np.concatenate([a, b], dtype=np.float64)
np.concatenate(a)
np.stack([a, b], axis=-1)
np.stack((x, 2.0, x))
np.stack([a, b], dtype="f4", casting="unsafe")
np.vstack([u, a])
np.vstack((u, u), dtype=np.float64)
np.hstack([v, u])
np.hstack([a, b])
np.hstack([x, u])
np.dstack([u, u])
np.dstack((a, b))
np.column_stack([u, u])
np.column_stack((u, a.T))
np.append(a, b)
np.append(a, [u], axis=0)
np.append(v, [x, x])
np.block([[a, b], [b, a]])
np.block([u, v])
np.block([[a, np.ones((2, 1))], [np.zeros((1, 4))]])
np.block([[[c]], [[c]]])
np.block(a)
np.split(v, 2)
np.split(c, [1, 2], axis=1)
np.array_split(v, 3)
np.array_split(v, [1, 3, 7])
np.array_split(a, 2, axis=-1)
np.hsplit(v, 2)
np.hsplit(a, [1])
np.vsplit(a, 2)
np.dsplit(c, [1, 3])
np.broadcast_to(a, (2, 2, 3))
np.broadcast_arrays(u, a, x)
np.tile(a, (2, 1, 2))
np.tile(A=x, reps=3)
np.repeat(a, 2)
np.repeat(a, [1, 0, 2], axis=1)
np.resize(a, (3, 3))
np.resize(v, 2)
np.meshgrid(u, v)
np.meshgrid(u, v, indexing="ij", sparse=True)
np.meshgrid(u, [1.0, 2.0], v, copy=False)
np.meshgrid(u)
np.kron(a, u)
np.kron(u, v)
np.kron(c, a)
np.kron(a, x)
np.diag(u)
np.diag(u, -2)
np.diag(a, k=1)
np.diagflat(a, 1)
np.diagonal(c)
np.diagonal(c, offset=-1, axis1=2, axis2=0)
np.tril(a)
np.tril(c, -1)
np.triu(c, k=1)
np.tril(u)
np.insert(v, 1, x)
np.insert(a, 1, u, axis=0)
np.insert(a, [0, 2], [x, 3.0])
np.insert(a, [0, 2], b[:, :2], axis=1)
np.insert(c, 1, v, axis=1)
np.delete(v, 1)
np.delete(c, [0, -1], axis=2)
np.delete(a, slice(0, 2), 1)
np.trim_zeros(np.concatenate([[0.0, 0.0], v, [0.0]]))
np.trim_zeros(np.concatenate([[0.0, 0.0], v, [0.0]]), "f")
np.trim_zeros(np.concatenate([[0.0, 0.0], v, [0.0]]), "b")
np.copy(a)
np.full_like(a, x)
np.full_like(a, u)
np.full_like(a, x, dtype=np.float64, shape=(2, 1))
np.pad(v, 2)
np.pad(a, ((1, 0), (2, 1)), constant_values=3)
np.pad(a, 1, constant_values=((1, 2), (3, 4)))
np.pad(a, (1, 2), "edge")
np.pad(a, 1, "reflect")
np.pad(v, (7, 4), "reflect")
np.pad(a, [(1, 1), (3, 2)], "symmetric")
np.pad(a, 4, "wrap")
np.pad(c, 1, "maximum")
np.pad(a, ((1, 0), (2, 1)), "minimum")
np.pad(v, 3, "maximum", stat_length=2)
np.pad(a, 1, "minimum", stat_length=((1, 2), (2, 9)))
""".strip().splitlines()

COMPUTES = """
np.vander(u)
np.vander(u, 2)
np.vander(u, N=5, increasing=True)
np.pad(v, (2, 3), "linear_ramp", end_values=(5, -4))
np.pad(a, ((2, 1), (0, 3)), "linear_ramp", end_values=((1, 2), (3, 4)))
np.pad(a, 2, "mean")
np.pad(c, 1, "mean", stat_length=2)
np.pad(a, 1, "median")
np.pad(v, 3, "reflect", reflect_type="odd")
np.pad(a, (2, 1), "symmetric", reflect_type="odd")
np.pad(v, (5, 0), "symmetric", reflect_type="odd")
np.pad(v, (0, 9), "reflect", reflect_type="odd")
np.pad(one, 1, "reflect", reflect_type="odd")
""".strip().splitlines()

every_call = pytest.mark.parametrize("code", MOVES + COMPUTES)


@every_call
def test_values_are_those_of_numpy(code: str) -> None:
    check_values(code, ARRAYS, rtol=0.0 if code in MOVES else 1e-15)


@every_call
def test_first_and_second_derivatives_are_right(code: str) -> None:
    check_derivatives(code, ARRAYS)


@pytest.mark.parametrize(
    "code",
    [
        "np.shape(a)",
        "np.zeros_like(a)",
        "np.ones_like(a, shape=3)",
        "np.empty_like(a).shape",
        "np.full_like(a, 2)",
        "np.iscomplexobj(a)",
        "np.isrealobj(a)",
        "np.iscomplex(a)",
        "np.tril_indices_from(a)",
    ],
)
def test_results_that_are_constant_but_for_jumps_are_plain(code: str) -> None:
    got = eval(code, {"np": np, "a": Value(ARRAYS["a"])})
    assert not isinstance(got, Value)
    if "empty" not in code:
        np.testing.assert_array_equal(got, eval(code, {"np": np, "a": ARRAYS["a"]}))


@pytest.mark.skipif(not hasattr(np, "unstack"), reason="since NumPy 2.1")
def test_what_is_new_in_numpy_2_1() -> None:
    for code in ["np.unstack(c, axis=1)", "np.unstack(v)", "np.reshape(a, 6, copy=True)"]:
        check_values(code, ARRAYS)
        check_derivatives(code, ARRAYS)
    assert np.astype(Value([1.0]), np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.reshape(Value(np.ones((2, 3)).T), 6, copy=False)


# ---- Padding with Values


@pytest.mark.parametrize("code", ["(u[0], 2.0)", "((u[0], u[1]), (2.0, u[2]))", "u[1]"])
@pytest.mark.parametrize("mode", ["constant", "linear_ramp"])
def test_what_is_padded_with_may_be_a_value(code: str, mode: str) -> None:
    option = {"constant": "constant_values", "linear_ramp": "end_values"}[mode]
    call = f"np.pad(a, ((1, 2), (0, 2)), {mode!r}, {option}={code})"
    check_values(call, ARRAYS, rtol=1e-15)
    check_derivatives(call, ARRAYS)


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
@pytest.mark.parametrize("widths", [(0, 0), (1, 0), (3, 3), (0, 11), (8, 5)])
def test_odd_reflections_repeat_as_often_as_needed(mode: str, widths: Any) -> None:
    x = np.array([1.0, 2.0, 5.0, 3.0])
    got = np.pad(Value(x), widths, mode, reflect_type="odd")
    np.testing.assert_array_equal(got.data, np.pad(x, widths, mode, reflect_type="odd"))


def test_padding_by_axes_in_a_dict() -> None:
    a = ARRAYS["a"]
    got = np.pad(Value(a), {-1: (1, 2)}, "edge")
    np.testing.assert_array_equal(got.data, np.pad(a, [(0, 0), (1, 2)], "edge"))


def test_padding_with_anything_keeps_the_middle() -> None:
    got = np.pad(Value([1.0, 2.0]), 1, "empty")
    assert got.data[1:3].tolist() == [1, 2]


@pytest.mark.parametrize("mode", ["mean", "median", "maximum", "linear_ramp"])
def test_padded_whole_numbers_stay_whole(mode: Any) -> None:
    x = np.array([3, -2, 7, 7])
    got = np.pad(Value(x), (1, 3), mode)
    want = np.pad(x, (1, 3), mode)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.data, want)


def test_widths_of_padding_are_whole() -> None:
    with pytest.raises(TypeError, match="integer"):
        np.pad(Value([1.0]), 1.0)


def test_padding_by_a_function_is_refused() -> None:
    with pytest.raises(TypeError, match="mode"):
        np.pad(Value([1.0]), 1, lambda *_: None)


# ---- Edges


@pytest.mark.parametrize(
    "code",
    [
        "np.roll(e, 1)",
        "np.ravel(e, 'F')",
        "np.resize(e, 3)",
        "np.tril(e)",
        "np.diag(e[0:0, 0])",
        "np.delete(e, [], 1)",
        "np.kron(e, e)",
        "np.array_split(e, 2)",
        "np.trim_zeros(e[:, 0])",
        "np.trim_zeros(z)",
        "np.vander(e[:, 0])",
        "np.vander(z, 0)",
        "np.hstack([e, e])",
        "np.pad(e, ((0, 0), (1, 1)), 'edge')",
    ],
)
def test_arrays_without_elements(code: str) -> None:
    check_values(code, {"e": np.empty((0, 3)), "z": np.zeros(3)})


@pytest.mark.parametrize(
    "code",
    [
        "np.matrix_transpose(v)",
        "np.vsplit(v, 2)",
        "np.dsplit(v, 2)",
        "np.hsplit(v[0], 2)",
        "np.vander(v[:, None])",
        "np.meshgrid(v, indexing='yx')",
        "np.rollaxis(v, 1)",
        "np.pad(v, -1, 'reflect', reflect_type='odd')",
        "np.pad(v, (0, -1))",
        "np.pad(v, 1, 'mean', stat_length=-1)",
        "np.pad(v[:0], 1, 'mean')",
        "np.pad(v[:0], 1, 'linear_ramp')",
        "np.vander(v, -1)",
        "np.diag(v[:, None, None])",
    ],
)
def test_what_numpy_refuses_is_refused(code: str) -> None:
    for v in (np.ones(4), Value(np.ones(4))):
        with pytest.raises(ValueError):  # noqa: PT011
            eval(code, {"np": np, "v": v})


def test_lists_of_values_are_joined_with_arrays() -> None:
    x, u = Value(2.0), np.array([3.0, 4.0])
    v = Value(u)
    for function in (np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.concatenate):
        np.testing.assert_array_equal(function([v, [x, 1]]).data, function([u, [2.0, 1.0]]))
    np.testing.assert_array_equal(np.append([x, 1], v).data, [2, 1, 3, 4])


def test_casting_is_checked() -> None:
    x = Value([1.0])
    with pytest.raises(TypeError, match="cannot cast"):
        np.concatenate([x, x], dtype=np.float32, casting="safe")
    assert np.hstack([x, x], dtype=np.int64, casting="unsafe").dtype == np.int64


@pytest.mark.parametrize("function", [np.concatenate, np.stack])
def test_casting_is_for_out_too(function: Any) -> None:
    x, whole = Value([1.5], requires_grad=False), Value(np.array([2]))
    out = Value(np.zeros(function([x, x]).shape, int))
    assert function([x, whole], out=out, casting="unsafe") is out
    assert out.data.ravel().tolist() == [1, 2]
    with pytest.raises(TypeError, match="cannot cast"):
        function([x, whole], out=out)
    with pytest.raises(TypeError, match="cannot keep the gradient"):
        function([Value([1.5]), [2]], out=out, casting="unsafe")


def test_out_takes_the_result() -> None:
    for call in [np.stack, np.concatenate]:
        x = Value([1.0, 2.0])
        out = Value(np.zeros(call([x, x]).shape), requires_grad=False)
        assert call([x, x], out=out) is out
        out.sum().backward()
        assert x.grad.tolist() == [2, 2]
