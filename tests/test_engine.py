"""The backward pass, modes, record(), and what a graph costs."""

import gc
import threading
import tracemalloc
import weakref
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value

# ---- backward


def test_backward_of_a_scalar_starts_from_one() -> None:
    x = Value(3.0)
    (x * x).backward()
    assert x.grad == 6
    assert type(x.grad) is np.float64


def test_backward_of_one_element_needs_no_gradient() -> None:
    x = Value([[3.0]])
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [[6.0]], strict=True)


def test_backward_of_several_elements_without_gradient_is_a_shape_error() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\).*gradient"):
        (Value([1.0, 2.0, 3.0]) * 2).backward()
    with pytest.raises(ShapeError, match=r"\(0,\)"):
        Value(np.ones(0)).backward()


def test_gradients_are_added_in_the_array_that_arrived_first() -> None:
    made: list[int] = []

    def noted(array: Any) -> Any:
        made.append(id(array))
        return array

    @tg.primitive(x=lambda g: noted(2 * g))
    def doubled_and_noted(x: Any) -> Any:
        return 2 * x

    x = Value([1.0, 2.0])
    (doubled_and_noted(x) + doubled_and_noted(x)).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [4.0, 40.0])
    assert id(x.grad) == made[0]


def test_gradients_that_others_hold_are_not_added_to() -> None:
    held: list[Any] = []

    @tg.primitive(x=lambda g: held.append(2 * g) or held[-1])
    def doubled_and_told(x: Any) -> Any:
        return 2 * x

    x = Value([1.0, 2.0])
    given = np.array([1.0, 10.0])
    (doubled_and_told(x) + x + doubled_and_told(x)).backward(given)
    np.testing.assert_array_equal(x.grad, [5.0, 50.0])
    np.testing.assert_array_equal(held, [[2.0, 20.0], [2.0, 20.0]])
    np.testing.assert_array_equal(given, [1.0, 10.0])
    (x + x + 2 * x).backward(given)
    np.testing.assert_array_equal(given, [1.0, 10.0])


@pytest.mark.parametrize("wrap", [list, np.array, Value, lambda g: np.array(g, np.float32)])
def test_backward_takes_the_gradient_of_what_follows(wrap: Any) -> None:
    x = Value([1.0, 2.0])
    (x * x).backward(wrap([10.0, 100.0]))
    np.testing.assert_array_equal(x.grad, [20, 400])
    assert x.grad.dtype == np.float64


def test_gradient_of_a_wrong_shape_is_an_error() -> None:
    with pytest.raises(ShapeError, match=r"\(3,\).*\(2,\)"):
        (Value([1.0, 2.0]) * 2).backward([1.0, 2.0, 3.0])
    with pytest.raises(ShapeError, match=r"\(\).*\(2,\)"):
        (Value([1.0, 2.0]) * 2).backward(1.0)


def test_backward_of_what_requires_no_gradient_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="backward"):
        Value(1.0, requires_grad=False).backward()
    with pytest.raises(RuntimeError, match="backward"):
        (Value(1.0) * 2).detach().backward()


def test_backward_of_a_leaf_is_the_gradient_itself() -> None:
    x = Value([1.0, 2.0])
    x.backward([3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [3, 4])


def test_gradients_accumulate_until_zero_grad() -> None:
    x = Value(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12
    (x * 2).backward()
    assert x.grad == 14
    x.zero_grad()
    assert x.grad is None
    y.backward()
    assert x.grad == 6


def test_values_used_many_times_sum_their_gradients() -> None:
    x = Value(2.0)
    y = x * x
    z = y * y + y + x  # x^4 + x^2 + x
    z.backward()
    assert x.grad == 4 * 8 + 2 * 2 + 1


def test_diamonds_are_passed_once() -> None:
    x = Value(1.0)
    y = x
    for _ in range(200):  # 2^200 paths
        y = (y + y) / 2
    y.backward()
    assert x.grad == 1


def test_only_leaves_keep_their_gradient() -> None:
    x = Value(2.0)
    y = x * x
    z = y * 3
    z.backward()
    for intermediate in (y, z):
        with pytest.warns(UserWarning, match="retain_grad"):
            assert intermediate.grad is None
    assert y.is_leaf is False
    assert x.is_leaf is True


def test_retain_grad_keeps_the_gradient_of_an_intermediate() -> None:
    x = Value([1.0, 2.0])
    y = x * x
    z = y.sum()
    y.retain_grad()
    z.retain_grad()
    z.backward()
    np.testing.assert_array_equal(y.grad, [1, 1])
    assert z.grad == 1
    with pytest.raises(RuntimeError, match="retain_grad"):
        Value(1.0, requires_grad=False).retain_grad()


def test_inputs_that_do_not_require_a_gradient_get_none() -> None:
    x, c = Value(2.0), Value(5.0, requires_grad=False)
    (x * c).backward()
    assert x.grad == 5
    assert c.grad is None


def test_frozen_leaf_gets_no_gradient() -> None:
    w = Value(2.0)
    w.requires_grad = False
    y = Value(3.0) * w
    y.backward()
    assert w.grad is None
    w.requires_grad = True
    (w * 2).backward()
    assert w.grad == 2


# ---- Several roots


def test_backward_of_several_roots_sums_them() -> None:
    x = Value([1.0, 2.0])
    shared = x * x
    tg.backward([shared.sum(), (shared * x).sum()])
    np.testing.assert_array_equal(x.grad, [2 + 3, 4 + 12])


def test_backward_of_several_roots_takes_a_gradient_for_each() -> None:
    x = Value([1.0, 2.0])
    tg.backward([x * 2, x.sum()], [[1.0, 10.0], None])
    np.testing.assert_array_equal(x.grad, [3, 21])


def test_roots_may_be_the_same_or_one_inside_another() -> None:
    x = Value(3.0)
    y = x * x
    tg.backward([y, y * 2, y])
    assert x.grad == 4 * 6
    x.zero_grad()
    tg.backward([x, y])
    assert x.grad == 7


def test_one_root_alone_is_a_list_of_one() -> None:
    x = Value(3.0)
    tg.backward(x * x)
    assert x.grad == 6


def test_roots_and_gradients_must_match() -> None:
    x = Value(1.0)
    with pytest.raises(ValueError, match=r"2 Values but 1"):
        tg.backward([x * 2, x * 3], [1.0])
    with pytest.raises(TypeError, match="float"):
        tg.backward([1.0])


# ---- Memory of gradients is nobody else's


def arrays_of(*values: Any) -> list[np.ndarray]:
    return [v for v in values if isinstance(v, np.ndarray)]


@pytest.mark.parametrize(
    "compute",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a + b + a,
        lambda a, b: tg.where(True, a, b) + b,
        lambda a, b: a.reshape(2, 2).T.reshape(4) + b,
        lambda a, b: a[::-1] + b,
        lambda a, b: a.broadcast_to((4,)) + b,
        lambda a, b: +a + b,
        lambda a, b: tg.concatenate([a, b])[:4],
        lambda a, b: tg.stack([a, b])[1] + a,
        lambda a, b: a.astype(np.float64) + b,
        lambda a, b: a * 1.0 + b * 1.0,
        lambda a, b: a.reshape(2, 2) + b.reshape(2, 2),
        lambda a, b: a[None].T + b.expand_dims(1),
        lambda a, b: tg.concatenate([a, b]),
        lambda a, b: a.sum() + b.sum(),
        lambda a, b: a.sum(keepdims=True) + b,
    ],
)
def test_gradients_share_memory_with_nothing(compute: Any) -> None:
    a, b = Value(np.arange(4.0)), Value(np.arange(4.0))
    y = compute(a, b)
    given = np.ones(y.shape)
    y.retain_grad()
    y.backward(given)
    arrays = arrays_of(a.grad, b.grad, y.grad, given, a.data, b.data, y.data)
    count = len(arrays_of(a.grad, b.grad, y.grad))
    grads, others = arrays[:count], arrays[count:]
    for i, one in enumerate(grads):
        assert one.flags.writeable
        for other in grads[i + 1 :] + others:
            assert not np.shares_memory(one, other)


def test_a_transpose_that_a_rule_makes_and_nobody_else_has_is_not_copied() -> None:
    made = []

    def rule(g: Any) -> Any:
        made.append(weakref.ref(whole := 2 * g.T))
        return whole.T

    @tg.primitive(x=rule)
    def double(x: Any) -> Any:
        return 2 * x

    x = Value(np.ones((2, 3)))
    double(x).sum().backward()
    assert x.grad.base is not None
    assert x.grad.base is made[0]()
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 2))


def test_a_view_that_a_rule_keeps_the_whole_of_is_copied() -> None:
    kept = np.full((3, 2), 2.0)

    @tg.primitive(x=lambda g: kept.T)
    def double(x: Any) -> Any:
        return 2 * x

    x, y = Value(np.ones((2, 3))), Value(np.ones((2, 3)))
    (double(x) + double(y)).sum().backward()
    assert x.grad.flags.f_contiguous
    x.grad[...] = 0
    assert (kept == 2).all()
    assert (y.grad == 2).all()


def test_gradient_of_a_leaf_is_not_the_gradient_passed() -> None:
    x, given = Value([1.0, 2.0]), np.array([3.0, 4.0])
    x.backward(given)
    given[0] = 100
    np.testing.assert_array_equal(x.grad, [3, 4])


def test_gradient_passed_is_not_changed_by_accumulation() -> None:
    x, given = Value([1.0, 2.0]), np.array([3.0, 4.0])
    y = x + 0.0
    y.backward(given)
    y.backward(given)
    x.grad += 1
    np.testing.assert_array_equal(given, [3, 4])


def test_earlier_gradient_is_not_changed_by_a_later_pass() -> None:
    x = Value([1.0, 2.0])
    y = x * 2
    y.sum().backward()
    first = x.grad
    y.sum().backward()
    np.testing.assert_array_equal(first, [2, 2])
    np.testing.assert_array_equal(x.grad, [4, 4])


def test_differentiable_gradients_of_two_leaves_are_two_values() -> None:
    x, y = Value([1.0, 2.0]), Value([3.0, 4.0])
    given = Value([1.0, 1.0])
    (x + y).backward(given, create_graph=True)
    x.grad += 1.0
    np.testing.assert_array_equal(y.grad.data, [1, 1])
    np.testing.assert_array_equal(given.data, [1, 1])


def test_gradient_assigned_must_fit() -> None:
    x = Value([1.0, 2.0], dtype=np.float32)
    x.grad = [3.0, 4.0]
    assert x.grad.dtype == np.float32
    (x * 1).sum().backward()
    np.testing.assert_array_equal(x.grad, [4, 5])
    with pytest.raises(ShapeError):
        x.grad = np.ones(3)
    x.grad = None
    assert x.grad is None


@pytest.mark.parametrize("dtypes", [(np.float32, np.float64), (np.float64, np.float32)])
@pytest.mark.parametrize("shapes", [((), ()), ((), (3,)), ((1,), (2, 3)), ((2, 1), (3,))])
def test_gradient_has_shape_and_dtype_of_its_value_in_mixed_graphs(
    dtypes: Any, shapes: Any
) -> None:
    x, y = (Value(np.ones(shape), dtype=dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
    for compute in (tg.add, tg.subtract, tg.multiply, tg.divide, tg.power, tg.maximum):
        x.zero_grad()
        y.zero_grad()
        compute(x * 2, y).sum().backward()
        for v in (x, y):
            assert v.grad.shape == v.shape
            assert v.grad.dtype == v.dtype
            assert isinstance(v.grad, np.ndarray) == bool(v.shape)


# ---- Higher order


def test_create_graph_makes_gradients_that_can_be_differentiated() -> None:
    x = Value(2.0)
    (x**4).backward(create_graph=True)
    first = x.grad
    assert isinstance(first, Value)
    assert float(first) == 32
    x.zero_grad()
    first.backward(create_graph=True)
    second = x.grad
    assert float(second) == 48
    x.zero_grad()
    second.backward()
    assert x.grad == 48
    assert not isinstance(x.grad, Value)


def test_without_create_graph_gradients_are_plain() -> None:
    x = Value([2.0])
    (x * x).backward()
    assert type(x.grad) is np.ndarray


def test_gradient_penalty_differentiates_by_the_parameters() -> None:
    w, x = Value([2.0, 3.0]), Value([5.0, 7.0])
    ((w * x) ** 2).sum().backward(create_graph=True)  # d/dx = 2 w^2 x
    penalty = (x.grad**2).sum()  # 4 w^4 x^2
    w.zero_grad()
    penalty.backward()
    np.testing.assert_allclose(w.grad, 16 * np.array([8, 27]) * np.array([25, 49]))


def test_create_graph_differentiates_by_the_gradient_passed() -> None:
    x, g = Value([1.0, 2.0]), Value([3.0, 4.0])
    (x * x).backward(g, create_graph=True)
    gradient = x.grad
    gradient.sum().backward()
    np.testing.assert_array_equal(g.grad, [2, 4])


# ---- Modes


def test_no_grad_records_nothing() -> None:
    x = Value(2.0)
    with tg.no_grad():
        assert not tg.is_grad_enabled()
        y = x * 3
        assert isinstance(y, Value)
    assert tg.is_grad_enabled()
    assert not y.requires_grad
    assert (x * 3).requires_grad


def test_values_made_under_no_grad_are_leaves_that_require_gradients() -> None:
    with tg.no_grad():
        x = Value(2.0)
    (x * x).backward()
    assert x.grad == 4


def test_enable_grad_undoes_no_grad() -> None:
    x = Value(2.0)
    with tg.no_grad():
        with tg.enable_grad():
            assert tg.is_grad_enabled()
            y = x * 3
        z = x * 3
    assert y.requires_grad
    assert not z.requires_grad


def test_modes_end_with_an_exception() -> None:
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert tg.is_grad_enabled()


def test_modes_are_decorators() -> None:
    @tg.no_grad()
    def evaluate(x: Value) -> Value:
        return x * 3

    @tg.enable_grad()
    def differentiate(x: Value) -> Value:
        return x * 3

    x = Value(2.0)
    for _ in range(2):
        assert not evaluate(x).requires_grad
        with tg.no_grad():
            assert differentiate(x).requires_grad
            assert not tg.is_grad_enabled()
        assert tg.is_grad_enabled()


def test_enable_grad_as_a_decorator_does_not_end_recording() -> None:
    @tg.enable_grad()
    def triple(x: Value) -> Value:
        return x * 3

    with tg.record():
        y = triple(Value(2.0))
    y.backward()
    assert y.grad == 1


def test_modes_are_per_thread() -> None:
    x = Value(2.0)
    seen = {}

    def work() -> None:
        seen["enabled"] = tg.is_grad_enabled()
        seen["recorded"] = (x * 3).requires_grad
        with tg.no_grad():
            inside.set()
            leave.wait(10)
            seen["inside"] = (x * 3).requires_grad

    inside, leave = threading.Event(), threading.Event()
    with tg.no_grad():
        thread = threading.Thread(target=work)
        thread.start()
        assert inside.wait(10)
        with tg.enable_grad():
            assert (x * 3).requires_grad
        leave.set()
        thread.join()
    assert seen == {"enabled": True, "recorded": True, "inside": False}
    assert tg.is_grad_enabled()


def test_threads_differentiate_at_once() -> None:
    results: dict[int, Any] = {}

    def work(n: int) -> None:
        for _ in range(20):
            x = Value(np.full(3, float(n)))
            y = x
            for _ in range(20):
                y = y * x / x
            y.sum().backward()
            results[n] = x.grad

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for gradient in results.values():
        np.testing.assert_allclose(gradient, np.ones(3))


# ---- record


def test_record_keeps_values_inputs_and_the_source_line() -> None:
    x = Value([1.0, 2.0])
    with tg.record():
        y = x * 3.0  # this line
        z = y.sum()
    trace = y._node.trace
    assert trace.value is y.data
    assert trace.inputs[0] is x.data
    assert trace.inputs[1] == 3.0
    assert trace.filename == __file__
    with open(__file__) as source:
        assert "this line" in source.readlines()[trace.line - 1]
    assert z._node.trace.line == trace.line + 1


def test_record_finds_the_line_outside_the_package() -> None:
    x = Value(np.ones((2, 2, 2)))
    with tg.record():
        composed = tg.dot(x, x)
        by_numpy = np.exp(x)
        by_method = x.flatten()
    lines = [v._node.trace.line for v in (composed, by_numpy, by_method)]
    assert lines == [lines[0], lines[0] + 1, lines[0] + 2]
    assert {v._node.trace.filename for v in (composed, by_numpy, by_method)} == {__file__}


def test_record_keeps_intermediate_gradients() -> None:
    x = Value([1.0, 2.0])
    with tg.record():
        y = x * 3.0
        z = (y * y).sum()
    z.backward()
    np.testing.assert_array_equal(y.grad, [6, 12])
    assert z.grad == 1
    np.testing.assert_array_equal(x.grad, [18, 36])


def test_outside_record_nodes_have_no_trace() -> None:
    y = Value(1.0) * 2
    assert not hasattr(y._node, "trace")
    with tg.record():
        pass
    y = Value(1.0) * 2
    assert not hasattr(y._node, "trace")
    y.backward()
    assert y._node.grad is None


def test_record_is_a_decorator() -> None:
    @tg.record()
    def triple(x: Value) -> Value:
        return x * 3

    y = triple(Value(1.0))
    y.backward()
    assert y.grad == 1
    assert y._node.trace.value == 3


# ---- Cost


def test_a_chain_of_a_million_operations_is_differentiated_and_freed() -> None:
    x = Value(1.0)
    y = x
    for _ in range(1_000_000):
        y = y + 1e-6
    y.backward()
    assert float(y) == pytest.approx(2.0)
    assert x.grad == 1
    del y  # by reference counts, one node inside the other


def test_a_long_chain_can_be_differentiated_twice() -> None:
    x = Value(1.5)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    (y * y).backward(create_graph=True)
    first = x.grad
    x.zero_grad()
    first.backward()
    assert float(first) == 3
    assert x.grad == 2


def recorded_memory(operations: int) -> int:
    x = Value(np.ones(100))
    tracemalloc.start()
    try:
        y = x
        for _ in range(operations):
            y = tg.tanh(y)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_memory_of_a_graph_is_linear_in_its_operations() -> None:
    # Differences, since the first operations reuse memory that Python has set aside.
    sizes = [recorded_memory(n * 4_000) for n in (1, 2, 4)]
    ratio = (sizes[2] - sizes[1]) / (sizes[1] - sizes[0])
    assert 1.9 < ratio < 2.1
    assert sizes[2] / 16_000 < 800 + 700  # the output kept, and a node


def test_a_chain_of_additions_keeps_no_arrays() -> None:
    tracemalloc.start()
    try:
        y = Value(np.ones(10_000))
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(100):
            y = y + 1.0
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 2 * 80_000  # of 100 results, the last one and no other


def train(steps: int) -> None:
    rng = np.random.default_rng(0)
    w1, w2 = Value(rng.normal(size=(3, 8))), Value(rng.normal(size=(8, 1)))
    x, target = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    for _ in range(steps):
        loss = ((tg.tanh(x @ w1) @ w2 - target) ** 2).mean()
        loss.backward()
        with tg.no_grad():
            for w in (w1, w2):
                w -= 0.01 * w.grad
                w.zero_grad()


def _kept(x: Any) -> Any:
    return x


def test_training_leaves_no_reference_cycles() -> None:
    train(3)
    gc.collect()
    gc.disable()
    try:
        train(10)
        assert gc.collect() == 0
        tg.primitive(x=lambda g: g)(_kept)(Value(1.0))
        assert gc.collect() == 0
        f = lambda x: tg.tanh(x * x).sum()  # noqa: E731
        tg.grad(lambda x: tg.grad(f)(x).sum())(np.ones(3))
        assert gc.collect() == 0
        with tg.record():
            y = tg.exp(Value(np.ones(3))).sum()
        y.backward()
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_thousand_training_steps_leave_memory_flat_without_the_collector() -> None:
    train(3)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        train(10)
        before = tracemalloc.get_traced_memory()[0]
        train(1_000)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert grown < 5_000


def test_errors_leave_no_reference_cycles() -> None:
    def fail() -> None:
        with suppress(ShapeError):
            Value(np.ones((2, 3))) @ np.ones((2, 3))

    fail()
    gc.collect()
    gc.disable()
    try:
        fail()
        assert gc.collect() == 0
    finally:
        gc.enable()
