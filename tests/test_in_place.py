"""Assignment in place: the gradients of the copies it stands for; only what is written is moved."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck


def address(x: Value) -> int:
    return int(x.data.__array_interface__["data"][0])


# ---- Values and gradients


def filled(x: Any) -> Any:
    out = Value(np.zeros((4, 3)))
    out[0] = x
    for i in range(1, 4):
        out[i] = np.tanh(out[i - 1] * 1.5)
    return out


def stacked(x: Any) -> Any:
    rows = [x]
    for _ in range(1, 4):
        rows.append(np.tanh(rows[-1] * 1.5))
    return np.stack(rows)


def test_arrays_made_like_a_value_are_filled_in_functions_of_arrays() -> None:
    def relaxed(f: Any) -> Any:
        u, twice = np.zeros_like(f), np.empty_like(f)
        for _ in range(5):
            u[1:-1] = 0.5 * (u[:-2] + u[2:] + f[1:-1])
        twice[...] = 2 * f
        level = np.full_like(f, 0.5)
        np.add.at(level, [0, 0], f[1:3])
        return (u * twice + level * np.ones_like(f)).sum()

    f = np.array([0.5, -1.0, 2.0, 1.5])
    assert tg.value_and_grad(relaxed)(f)[0] == relaxed(f)
    gradcheck(relaxed, f, order=2)
    assert isinstance(np.zeros_like(Value(f)), np.ndarray)  # elsewhere


def test_filling_row_by_row_is_stacking() -> None:
    x = np.array([0.5, -1.0, 2.0])
    np.testing.assert_array_equal(filled(Value(x)).data, stacked(x))
    weight = np.arange(12.0).reshape(4, 3)
    by_filling = tg.grad(lambda x: (filled(x) * weight).sum())(x)
    by_stacking = tg.grad(lambda x: (stacked(x) * weight).sum())(x)
    np.testing.assert_allclose(by_filling, by_stacking, rtol=1e-14)


def test_second_derivatives_of_assignments() -> None:
    gradcheck(lambda x: (filled(x) ** 2).sum(), np.array([0.5, -1.0, 2.0]), order=2)


def test_lists_with_values_are_assigned() -> None:
    def f(x: Any) -> Any:
        y = np.stack([x, x])
        y[0, :2] = x[1] * x[2], 2.0
        y[:, 1:] = [[x[0], 1], (3.0, x[0] ** 2)]
        return y * x

    gradcheck(f, np.array([0.5, -1.0, 2.0]), order=2)


def test_masked_product_and_sum() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[x.data > 0] *= 3
        y += x
        y[1] -= y[0] * y[0]
        return (y * y).sum()

    gradcheck(f, np.array([0.5, -1.0, 2.0]), order=2)


def test_put_and_partition_are_those_of_arrays() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.put([0, -1], [x[1, 0] * 2, 3.0])
        y[0].partition(1)
        return y

    x = np.array([[0.5, -1.0, 2.0], [4.0, 5.0, -3.0]])
    np.testing.assert_array_equal(f(Value(x)).data, [[8, -1, 2], [4, 5, 3]])  # no view here
    np.testing.assert_array_equal(f(x), [[-1, 2, 8], [4, 5, 3]])
    np.testing.assert_array_equal(tg.vjp(f, x)[0], f(x))
    gradcheck(lambda x: (f(x) * np.arange(6).reshape(2, 3)).sum(), x, order=2)


def test_numbers_are_rebound_as_those_of_numpy_are() -> None:
    def f(x: Any) -> Any:
        first = x * 1.0
        total, best = first, [first]
        total += 2.0
        total *= x
        best.append(total)
        return best[0] * best[1]

    assert tg.value_and_grad(f)(3.0) == (45.0, 3 * 3**2 + 4 * 3)  # x^2 (x + 2)
    assert f(3.0) == 45.0


def test_parameters_that_are_numbers_change_in_place() -> None:
    w = Value(2.0)
    held = [w]
    with tg.no_grad():
        w -= 0.5
    assert held[0] is w
    assert w.data == 1.5
    w.backward()
    with pytest.raises(RuntimeError, match="no_grad"):
        w -= 0.5


# ---- What is copied, and what is not


def test_nothing_is_copied_where_nobody_needs_the_old_content() -> None:
    x = Value(np.zeros((100, 10)))
    first = Value(np.ones(10))
    x[0] = first
    before = address(x)
    for i in range(1, 100):
        x[i] = np.sin(x[i - 1])  # whose rule needs the row
    assert address(x) == before


@pytest.mark.parametrize(
    "needed",
    [
        lambda x: x.data,
        lambda x: x.data[2:],
        lambda x: x[:],
        lambda x: x.detach(),
        lambda x: x * x,
        lambda x: x.reshape(2, 2),
        lambda x: np.exp(x),
    ],
)
def test_what_others_need_does_not_change(needed: Any) -> None:
    x = Value(np.arange(4.0)) * 1.0
    held = needed(x)
    before = np.array(held.data if isinstance(held, Value) else held)
    x[1] = 7.0
    after = held.data if isinstance(held, Value) else held
    np.testing.assert_array_equal(after, before)
    assert x.data[1] == 7.0


def test_what_rules_need_does_not_change() -> None:
    x = Value(np.arange(1.0, 5.0))
    y = np.exp(x)
    y[0] = 0.0
    y[1] = y[2] * y[3]
    y.sum().backward()
    e = np.exp(np.arange(1.0, 5.0))
    np.testing.assert_allclose(x.grad, [0, 0, e[2] + e[2] * e[3], e[3] + e[2] * e[3]])


def test_gradients_of_several_uses_do_not_mix() -> None:
    x = Value(np.arange(3.0))
    y = x + 0.0  # passes one gradient on to both
    z = y + y
    z[1] = 0.0
    (z.sum() + y[1]).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 1.0, 2.0])


def test_gradients_that_two_nodes_share_do_not_mix() -> None:
    a, b = Value(np.arange(3.0)), Value(np.ones(3))
    first = a[0]
    ((a + b).sum() + first).backward()  # the sum has passed one array on to both
    np.testing.assert_array_equal(a.grad, [2, 1, 1])
    np.testing.assert_array_equal(b.grad, [1, 1, 1])


def test_read_only_data_are_copied() -> None:
    x = Value(np.zeros(3)) * 1.0
    x.data.flags.writeable = False
    x[0] = 1.0
    np.testing.assert_array_equal(x.data, [1, 0, 0])


def test_gradient_that_the_caller_gives_is_not_changed() -> None:
    x = Value(np.zeros(3)) * 1.0
    x[1] = Value(2.0)
    gradient = np.ones(3)
    x.backward(gradient)
    np.testing.assert_array_equal(gradient, np.ones(3))


def test_kept_gradients_do_not_change() -> None:
    with tg.record():
        x = Value(np.zeros(3))
        y = x * 2.0
        before = y.__copy__()
        y[1] = Value(5.0)
    y.sum().backward()
    np.testing.assert_array_equal(before.grad, [1, 0, 1])
    np.testing.assert_array_equal(y.grad, [1, 1, 1])
    assert x.grad.tolist() == [2, 0, 2]


def test_assignment_that_fails_changes_nothing() -> None:
    x = Value(np.zeros((2, 3)))
    for value in (np.ones(4), "a", None, [1.0, [2.0]]):
        with pytest.raises((ValueError, TypeError)):
            x[0] = value
    with pytest.raises(IndexError):
        x[5] = 1.0
    leaf = Value(np.zeros(3))
    leaf.sum().backward()
    with pytest.raises(RuntimeError, match="this leaf has a gradient"):
        leaf[0] = 1.0
    np.testing.assert_array_equal(x.data, np.zeros((2, 3)))
    np.testing.assert_array_equal(leaf.data, np.zeros(3))


def test_elements_read_in_a_loop_give_the_gradient_of_the_whole() -> None:
    x = np.linspace(-1, 1, 50)
    gradient = tg.grad(lambda x: sum(np.sin(each) * k for k, each in enumerate(x)))(x)
    np.testing.assert_allclose(gradient, np.arange(50) * np.cos(x), rtol=1e-14)


def test_elements_read_twice_add_up() -> None:
    x = Value(np.arange(4.0))
    (x[[1, 1, 3]] * np.array([1.0, 10.0, 100.0]) + x[1]).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 14, 0, 100])
