"""Products: matmul, dot, tensordot, einsum."""

from typing import Any

import numpy as np
import pytest
from derivatives import check_gradients

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


def normal(*shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.normal(size=shape))[()] for shape in shapes]


def same(got: Any, want: Any) -> None:
    assert type(got.data) is (np.ndarray if np.shape(want) else np.float64)
    assert got.shape == np.shape(want)
    np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-14)


MATMUL = [
    ((3,), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3,)),
    ((2, 3), (3, 4)),
    ((3,), (2, 3, 4)),
    ((2, 4, 3), (3,)),
    ((2, 2, 3), (3, 4)),
    ((2, 3), (4, 3, 2)),
    ((4, 2, 3), (4, 3, 2)),
    ((1, 2, 3), (4, 3, 2)),
    ((4, 2, 3), (1, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((3,), (2, 2, 3, 1)),
    ((2, 2, 1, 3), (3,)),
    ((2, 0, 3), (3, 2)),
    ((0, 2, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((2, 2, 0), (0, 3)),
    ((2, 2, 3), (3, 0)),
    ((0,), (0,)),
]


@pytest.mark.parametrize(("a", "b"), MATMUL)
def test_matmul_of_every_combination_of_dimensions(a: Any, b: Any) -> None:
    x, y = normal(a, b)
    same(tg.matmul(Value(x), Value(y)), np.matmul(x, y))
    same(Value(x) @ y, x @ y)
    same(x @ Value(y), x @ y)
    check_gradients(tg.matmul, x, y, order=2)


def test_gradient_of_matmul_is_the_closed_form() -> None:
    x, y, g = normal((2, 3), (3, 4), (2, 4))
    a, b = Value(x), Value(y)
    (a @ b).backward(g)
    np.testing.assert_allclose(a.grad, g @ y.T)
    np.testing.assert_allclose(b.grad, x.T @ g)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ((32, 64), (128, 10), r"matmul: \(32, 64\) @ \(128, 10\): inner sizes 64 and 128 differ"),
        ((3,), (4,), r"matmul: \(3,\) @ \(4,\): inner sizes 3 and 4 differ"),
        ((2, 3), (4,), r"matmul: \(2, 3\) @ \(4,\): inner sizes 3 and 4 differ"),
        ((2, 2, 3), (3, 3, 2), r"matmul: \(2, 2, 3\) @ \(3, 3, 2\): .*batch"),
        ((), (3,), r"matmul: \(\) @ \(3,\): .*scalar"),
    ],
)
def test_matmul_says_which_shapes_do_not_fit(a: Any, b: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        Value(np.ones(a)) @ np.ones(b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((), ()),
        ((), (3,)),
        ((2, 3), ()),
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((2, 2, 3), (3,)),
        ((2, 2, 3), (3, 2)),
        ((3,), (2, 3, 2)),
        ((2, 3), (2, 3, 2)),
        ((2, 1, 3), (2, 3, 2)),
    ],
)
def test_dot_is_that_of_numpy(a: Any, b: Any) -> None:
    x, y = normal(a, b)
    same(tg.dot(Value(x), Value(y)), np.dot(x, y))
    same(Value(x).dot(y), np.dot(x, y))
    check_gradients(tg.dot, x, y, order=2)


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3), (2, 3), 2),
        ((2, 3), (3, 2), 1),
        ((2,), (3,), 0),
        ((2, 3, 2), (2, 3), ([0, 1], [0, 1])),
        ((2, 3, 2), (3, 2), ([1, 0], [0, 1])),
        ((2, 3, 4), (3, 2), ((-2,), (-2,))),
        ((2, 3), (4, 3), (1, 1)),
        ((), (), 0),
    ],
)
def test_tensordot_is_that_of_numpy(a: Any, b: Any, axes: Any) -> None:
    x, y = normal(a, b)
    same(tg.tensordot(Value(x), Value(y), axes), np.tensordot(x, y, axes))
    check_gradients(lambda x, y: tg.tensordot(x, y, axes), x, y, order=2)


@pytest.mark.parametrize("axes", [1, 3, ([0, 1], [0]), ([0], [1])])
def test_tensordot_says_which_axes_do_not_fit(axes: Any) -> None:
    with pytest.raises(ShapeError, match=r"tensordot.*\(2, 3\).*\(2, 4\)"):
        tg.tensordot(Value(np.ones((2, 3))), np.ones((2, 4)), axes)


EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij,jk", (2, 3), (3, 2)),
    ("ba,bc", (2, 3), (2, 2)),
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->ji", (2,), (3,)),
    ("ij->ji", (2, 3)),
    ("ij", (2, 3)),
    ("ji", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii->i", (3, 3)),
    ("ii", (3, 3)),
    ("iij->j", (2, 2, 3)),
    ("iii->i", (2, 2, 2)),
    ("ijij->ij", (2, 3, 2, 3)),
    ("ii,ij->j", (2, 2), (2, 3)),
    ("ij,j->i", (2, 3), (3,)),
    ("ij,k->ik", (2, 3), (2,)),
    ("ij,kl->", (2, 3), (2, 2)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    ("...ij,...jk->...ik", (2, 2, 3), (2, 3, 2)),
    ("...ij,...jk->...ik", (1, 2, 3), (2, 3, 2)),
    ("...ij,...jk->...ik", (2, 3), (2, 3, 2)),
    ("...ij,...jk", (2, 1, 2, 2), (3, 2, 2)),
    ("...i,...i->...", (2, 3), (2, 3)),
    ("...,...", (2, 3), (3,)),
    ("i...->...", (2, 3)),
    ("...i->i...", (2, 2, 3)),
    ("...ii->...", (2, 3, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
    ("i,i,i", (3,), (3,), (3,)),
    ("ij,ik,jk->", (2, 3), (2, 2), (3, 2)),
    ("i , j -> i j", (2,), (3,)),
    (",i->i", (), (3,)),
    ("...i->...", (3,)),
    ("aB,Bc", (2, 3), (3, 2)),
]


@pytest.mark.parametrize("case", EINSUM, ids=lambda case: " ".join(map(str, case)))
def test_einsum_is_that_of_numpy(case: Any) -> None:
    subscripts, *shapes = case
    operands = normal(*shapes)
    same(tg.einsum(subscripts, *map(Value, operands)), np.einsum(subscripts, *operands))
    check_gradients(lambda *operands: tg.einsum(subscripts, *operands), *operands, order=2)


def test_einsum_of_large_operands_is_right_too() -> None:
    x, y = normal((110, 100), (100, 120))
    a = Value(x)
    product = tg.einsum("ij,jk->ik", a, y)
    np.testing.assert_allclose(product.data, x @ y, rtol=1e-9, atol=1e-9)
    product.sum().backward()
    np.testing.assert_allclose(a.grad, np.broadcast_to(y.sum(1), x.shape), rtol=1e-9, atol=1e-9)


def test_einsum_of_one_value_with_arrays_keeps_float32() -> None:
    x = Value(np.ones((2, 3)), dtype=np.float32)
    y = tg.einsum("ii,ij->j", np.ones((2, 2), np.float32), x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("ij,jk->ik", [(2, 3), (4, 2)]), ("ij->i", [(2,)]), ("ij,jk->ik", [(2, 3)])],
)
def test_einsum_names_itself_where_shapes_do_not_fit(subscripts: str, shapes: Any) -> None:
    with pytest.raises(ShapeError, match="einsum"):
        tg.einsum(subscripts, *[Value(np.ones(shape)) for shape in shapes])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_keep_the_dtype(dtype: Any) -> None:
    x, y = Value(np.ones((2, 2)), dtype=dtype), Value(np.ones((2, 2)), dtype=dtype)
    for result in (x @ y, tg.dot(x, y), tg.tensordot(x, y, 1), tg.einsum("ij,jk", x, y)):
        assert result.dtype == dtype
        result.sum().backward()
        assert x.grad.dtype == y.grad.dtype == dtype


def test_products_without_a_value_are_plain() -> None:
    x = np.ones((2, 2))
    for result in (tg.matmul(x, x), tg.dot(x, x), tg.tensordot(x, x), tg.einsum("ij,jk", x, x)):
        assert not isinstance(result, Value)
