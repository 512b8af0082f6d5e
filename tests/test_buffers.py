"""Plain arrays that change after a function of arrays has computed with them."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

X = np.array([0.5, -1.0, 2.0])


def polynomial(x: Any) -> Any:
    weight, total = np.ones(3), 0.0
    for k in range(1, 4):
        weight[:] = k
        total = total + (weight * x**k).sum() + (x / weight).sum()
        weight += x.shape[0]
    return total


def masks(x: Any) -> Any:
    mask, places, total = np.zeros(3, bool), np.zeros(2, int), 0.0
    for k in range(3):
        mask[k] = True
        places[:] = k
        total = total + np.where(mask, x, x**2).sum() + (x[mask] ** 2).sum() + x[places, ...].prod()
        total = total + np.where(np.broadcast_to(mask, (2, 3)), x, x**3).sum()
    return total


def products(x: Any) -> Any:
    a, total = np.eye(3), 0.0
    for k in range(3):
        a[0, k] += 2
        total = total + np.einsum("i,ij,j->", x, a, x) + (a @ x).prod()
        total = total + np.linalg.solve(a, x).sum() + np.power(x, a[0].round()).sum()
        total = total + np.interp(x, [-3, 3], a[0, :2]).sum()
    return total


@pytest.mark.parametrize("f", [polynomial, masks, products])
def test_buffers_may_be_used_again(f: Callable[..., Any]) -> None:
    gradcheck(f, X, order=2)
    slope = tg.jvp(f, (X,), (np.ones(3),))[1]
    step = 1e-6
    assert slope == pytest.approx((f(X + step) - f(X - step)) / (2 * step), rel=1e-6)


def test_large_arrays_are_not_copied_and_cannot_change() -> None:
    large = np.ones(200_000)
    kept = []

    def sums(x: Any) -> Any:
        y = (x * large).sum()
        kept.append(large.flags.writeable)
        return y + (x * large).sum()

    def changes(x: Any) -> Any:
        y = (x * large).sum()
        large[0] = 2.0
        return y

    assert tg.grad(sums)(2.0) == 400_000
    assert kept == [False]
    assert large.flags.writeable
    with pytest.raises(ValueError, match="read-only") as caught:
        tg.grad(changes)(2.0)
    assert "change a copy of it" in caught.value.__notes__[0]
    assert large.flags.writeable
    assert large[0] == 1.0


@pytest.mark.parametrize("part", [lambda a: a[0], lambda a: a.T, lambda a: a.reshape(-1)])
def test_large_arrays_are_guarded_with_what_they_are_views_of(part: Callable[..., Any]) -> None:
    large = np.ones((2, 200_000))

    def changes(x: Any) -> Any:
        y = (x * part(large)).sum()
        large[0] = 2.0
        return y

    with pytest.raises(ValueError, match="read-only"):
        tg.grad(changes)(2.0)
    large[0, 0] = 3.0  # again


@pytest.mark.parametrize(
    "large",
    [
        np.frombuffer(bytearray(8 * 200_000)),
        pickle.loads(pickle.dumps(np.zeros(200_000))),
        np.zeros(400_000)[::2],
    ],
    ids=["buffer", "pickle", "view"],
)
def test_arrays_on_the_memory_of_others_are_as_before(large: Any) -> None:
    before = large.flags.writeable
    for _ in range(2):
        gradient = tg.grad(lambda x: (x * large[1:]).sum() + (x * large).sum())
        assert gradient(1.0) == 0.0
        assert large.flags.writeable == before
    assert float(Value(2.0)) == 2.0  # the thread is out of it


def test_an_array_that_does_not_change_is_copied_once() -> None:
    weight = np.eye(100)

    def f(x: Any) -> Any:
        kept = []
        for k in range(1, 4):
            y = weight @ x
            kept.append(y._node.edges[0][2][0])
            if k == 2:
                weight[0, 0] = 2.0
        assert kept[0] is kept[1] is not weight
        assert kept[2] is not kept[0]
        assert kept[0][0, 0] == 1
        return y.sum()

    assert tg.grad(f)(np.ones(100))[0] == 2.0


def test_large_arrays_stay_read_only_until_the_outer_function_is_done() -> None:
    large = np.ones(200_000)

    def f(x: Any) -> Any:
        inner = tg.grad(lambda y: (y * large).sum())(x)
        assert not large.flags.writeable
        return inner * x

    assert tg.grad(f)(2.0) == 200_000
    assert large.flags.writeable


def test_other_errors_have_no_advice() -> None:
    fixed = np.ones(3)
    fixed.flags.writeable = False

    def f(x: Any) -> Any:
        fixed[0] = 2.0
        return x

    with pytest.raises(ValueError, match="read-only") as caught:
        tg.grad(f)(1.0)
    assert not getattr(caught.value, "__notes__", [])


def test_elsewhere_nothing_is_copied() -> None:
    weight = np.ones(3)
    y = Value(X) * weight
    ((_, _, (needed,), _),) = y._node.edges
    assert needed is weight
    with tg.enable_grad():
        ((_, _, (needed,), _),) = (Value(X) * weight)._node.edges
    assert needed is weight


def test_enable_grad_in_a_function_keeps_copies() -> None:
    def f(x: Any) -> Any:
        weight = np.ones(3)
        with tg.no_grad(), tg.enable_grad():
            y = x * weight
        weight[:] = 5
        return y.sum()

    np.testing.assert_array_equal(tg.grad(f)(X), np.ones(3))
