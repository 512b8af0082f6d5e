"""What functions do to Values, compiled: other names, views, buffers, orders in memory, text."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import CaptureError, Value, nn, optim

SQUARE = np.array([[1.0, -2.0], [3.0, 4.0]])
WEIGHT = Value([1.0, 2.0])


def assert_same(found: Any, expected: Any) -> None:
    if isinstance(expected, (tuple, list)):
        assert len(found) == len(expected)
        for x, y in zip(found, expected, strict=True):
            assert_same(x, y)
        return
    assert type(found) is type(expected)
    x, y = (each.data if isinstance(each, Value) else each for each in (found, expected))
    np.testing.assert_array_equal(x, y, strict=True)


# ---- In place


def with_another_name(x: Any) -> Any:
    h = x * WEIGHT
    other = h
    h += 1
    return h * other


def by_a_helper(x: Any) -> Any:
    def double(h: Any) -> None:
        h *= 2

    h = x * WEIGHT
    double(h)
    return h


def in_a_list(x: Any) -> Any:
    parts = [x * WEIGHT, x - WEIGHT]
    parts[0] += parts[1]
    first = parts[0]
    parts[0] -= 1
    return first * parts[1]


def of_numbers(x: Any) -> Any:
    total = (x * WEIGHT).sum()
    before = total
    total += 1  # of numbers, other names keep theirs
    return total * before


def filled(x: Any) -> Any:
    out = Value(np.zeros((2, 2)), requires_grad=False)
    out[0, 0] = x[0, 0]
    out[1] = 2 * x[1]
    out[0] += out[1]
    return out


def masked(x: Any) -> Any:
    h = x * WEIGHT
    h[x > 0] *= 2
    h[h > 5] = h[h > 5] - 1
    return h


@pytest.mark.parametrize(
    "f", [with_another_name, by_a_helper, in_a_list, of_numbers, filled, masked]
)
def test_values_are_changed_in_place_as_they_are_eagerly(f: Callable[[Any], Any]) -> None:
    compiled = tg.compile(f)
    for x in (SQUARE, -SQUARE, SQUARE + 1, SQUARE):
        found, expected = compiled(x), f(x)
        assert_same(found, expected)
        if expected.requires_grad:
            gradients = []
            for result in (found, expected):
                WEIGHT.zero_grad()
                result.sum().backward()
                gradients.append(WEIGHT.grad)
            np.testing.assert_array_equal(*gradients)


def by_a_view(a: Any) -> Any:
    a = a * 1
    row = a[0]
    row *= 2
    return (a**2).sum()


def by_views_of_views(a: Any) -> Any:
    a = a * 1
    for row in a:
        row /= (row**2).sum()
    first, last = np.split(a, 2)
    first += last
    rest = a[0][1:]
    rest -= a[1, 0]
    return (a**3).sum()


def by_a_mask(a: Any) -> Any:
    a = a * 1
    a[a > 0] *= 2
    return (a**2).sum()


def by_a_buffer(a: Any) -> Any:
    out = np.zeros_like(a)
    out[0] = a[1]
    for i in range(1, len(a)):
        out[i] = out[i - 1] * a[i]
    return (out**2).sum()


TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": tg.grad,
    "value_and_grad": tg.value_and_grad,
    "hessian": tg.hessian,
    "jvp": lambda f: lambda x: tg.jvp(f, (x,), (np.ones_like(x),)),
    "checkpoint": lambda f: tg.grad(lambda x: tg.checkpoint(f)(x)),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("f", [by_a_view, by_views_of_views, by_a_mask, by_a_buffer])
def test_views_and_buffers_are_differentiated_as_they_are_eagerly(f: Any, transform: Any) -> None:
    compiled = tg.compile(transform(f))
    for x in (SQUARE, 2 * SQUARE, SQUARE):
        assert_same(compiled(x), transform(f)(x))
    assert_same(tg.grad(tg.compile(f))(SQUARE), tg.grad(f)(SQUARE))


def test_a_value_is_a_copy_of_what_it_is_made_of_and_set_to() -> None:
    weight = Value(np.zeros(2))

    def f(x: Any) -> Any:
        x = x * 1
        made = Value(x)
        weight.data = x
        weight.grad = x
        x += 1
        return made * 1, weight.data * 1, weight.grad * 1, x

    compiled = tg.compile(f)
    for x in SQUARE:
        assert_same(compiled(x), f(x))


def test_a_model_can_be_copied_inside() -> None:
    model, x = nn.Linear(3, 2), np.ones((4, 3), np.float32)

    def f(x: Any) -> Any:
        other = copy.deepcopy(model)
        other.weight.data = other.weight.data * 2
        return other(x).data, model(x).data

    compiled = tg.compile(f)
    for _ in range(3):
        assert_same(compiled(x), f(x))
        model.weight.data = model.weight.data + 1


def test_an_argument_that_is_returned_is_that_of_the_call() -> None:
    f = tg.compile(lambda v: (v, v * 2, [v]))
    for content in (1.0, 2.0, 3.0):
        v = Value([content])
        same, double, (again,) = f(v)
        assert same is again is v
        assert_same(double.data, np.array([2 * content]))
        double.backward()
        np.testing.assert_array_equal(v.grad, [2])


# ---- Text


@pytest.mark.parametrize("write", [str, repr, lambda v: f"{v}", lambda v: f"{v:.3f}"])
def test_text_of_a_value_is_refused(write: Callable[[Any], str]) -> None:
    with pytest.raises(CaptureError, match=r"test_values_in_programs.*makes text"):
        tg.compile(lambda x: write((x * WEIGHT).sum()))(SQUARE)


# ---- Order in memory


def penalty(model: Any) -> Any:
    return np.sqrt((model.weight**2).sum())


def decay(model: Any) -> Any:
    return 0.1 * (model.weight**2).sum()


def of_transposes(model: Any) -> Any:
    return (model.weight @ model.weight.T).tanh().mean() + np.abs(model.weight.T).max()


def of_parts(model: Any) -> Any:
    return (model.weight[:, ::2] * model.weight[:, 1::2]).sum() + (model.weight[1:4] ** 3).mean()


@pytest.mark.parametrize("extra", [penalty, decay, of_transposes, of_parts])
@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
        lambda p: optim.Adam(p),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_arrays_lie_in_memory_as_they_do_eagerly(
    whole: bool, make_optimizer: Any, extra: Any
) -> None:
    """Or else later sums of them would be rounded otherwise."""

    def train(compile: Callable[[Any], Any]) -> tuple[list[Any], Any]:
        tg.manual_seed(0)
        model = nn.Linear(40, 30)
        optimizer = make_optimizer(model.parameters())

        def loss_of(x: Any) -> Any:
            return (model(x) ** 2).mean() + extra(model)

        def update(loss: Any) -> Any:
            optimizer.zero_grad()
            loss.backward()
            norm = optim.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.data, norm

        loss_of = loss_of if whole else compile(loss_of)
        step = compile(lambda x: update(loss_of(x))) if whole else lambda x: update(loss_of(x))
        rng = np.random.default_rng(1)
        results = [step(rng.normal(size=(8, 40)).astype(np.float32)) for _ in range(4)]
        return results, model.weight

    (results, weight), (expected, eager) = train(tg.compile), train(lambda f: f)
    assert results == expected
    for found, other in ((weight.data, eager.data), (weight.grad, eager.grad)):
        assert found.strides == other.strides
        np.testing.assert_array_equal(found, other)


def test_weights_that_are_tied_lie_in_memory_as_they_do_eagerly() -> None:
    def train(compile: Callable[[Any], Any]) -> tuple[list[Any], Value]:
        weight = Value(np.random.default_rng(0).normal(size=(90, 60)))
        optimizer = optim.SGD([weight], lr=0.1)

        def step(x: Any) -> Any:
            loss = ((x @ weight).tanh() @ weight.T).mean() + 0.01 * (weight**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.data

        step = compile(step)
        return [step(np.full((8, 90), 0.1 * i)) for i in range(4)], weight

    (found, weight), (expected, other) = train(tg.compile), train(lambda f: f)
    assert found == expected
    assert weight.data.strides == other.data.strides
    np.testing.assert_array_equal(weight.data, other.data)


LARGE = np.random.default_rng(2).normal(size=(400, 300)).astype(np.float32)


def of_a_part(x: Any) -> Any:
    return (x * Value(LARGE))[::2, :100].sum()


def of_what_is_written(x: Any) -> Any:
    def written(scale: Any) -> Any:
        y = Value(x, requires_grad=False)
        y[:, ::2] = scale
        return (y * LARGE).sum()

    return tg.grad(written)(np.float32(2))


def of_joined(x: Any) -> Any:
    first, second = tg.Value(x), tg.Value(x)
    (tg.concatenate([first, second], axis=1) * np.hstack([LARGE, LARGE])).sum().backward()
    return first.grad.sum(), second.grad.sum()


@pytest.mark.parametrize("f", [of_a_part, of_what_is_written, of_joined])
def test_sums_of_parts_are_rounded_as_they_are_eagerly(f: Any) -> None:
    compiled = tg.compile(f)
    for x in (LARGE, -LARGE):
        assert_same(compiled(x), f(x))


def test_a_weight_of_another_order_is_updated_as_it_is_eagerly() -> None:
    weights = [Value(LARGE), Value(LARGE)]

    def step_of(weight: Any) -> Callable[[Any], Any]:
        optimizer = optim.SGD([weight], lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            (tg.linear(x, weight) ** 2).sum().backward()
            optimizer.step()
            return (weight.data**2).sum()

        return step

    compiled, eager = tg.compile(step_of(weights[0])), step_of(weights[1])
    for _ in range(3):
        assert compiled(LARGE[:9] / 1e3) == eager(LARGE[:9] / 1e3)
        assert weights[0].data.strides == weights[1].data.strides


def test_arrays_of_the_program_are_indexed_by_what_is_computed() -> None:
    def f(x: Any, values: Any) -> Any:
        def put(values: Any) -> Any:
            out = np.zeros_like(values)
            out[x > 0] = values[x > 0]
            return out.sum() + Value(np.arange(4.0), requires_grad=False)[x > 0].sum()

        return tg.value_and_grad(put)(values)

    compiled = tg.compile(f)
    for x in ([1.0, -1, 1, -1], [-1.0, 2, 3, -4], [1.0, 1, 1, -1]):
        assert_same(compiled(np.array(x), SQUARE[0].repeat(2)), f(np.array(x), SQUARE[0].repeat(2)))
