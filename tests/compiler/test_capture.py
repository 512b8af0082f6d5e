"""What a compiled function takes, uses, changes and returns is what the function itself does."""

import threading
import warnings
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import CaptureError, Value, nn, optim

X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


def counts(f: Any) -> tuple[int, int]:
    """Hits and misses."""
    info = f.cache_info()
    return info.hits, info.misses


# ---- Arguments


def test_keywords_nests_and_constants_are_told_apart() -> None:
    @tg.compile
    def f(x: Any, how: str = "twice", **named: Any) -> Any:
        total = x * 2 if how == "twice" else x
        return {"sum": total + named.get("y", 0), "pair": (total, how), "none": None}

    one, two = np.arange(2.0), np.array([10.0, 20.0])
    np.testing.assert_array_equal(f(one)["sum"], [0, 2])
    np.testing.assert_array_equal(f(one, "once")["sum"], [0, 1])
    np.testing.assert_array_equal(f(one, y=two)["sum"], [10, 22])
    np.testing.assert_array_equal(f(y=one, x=two)["sum"], [20, 41])
    assert f(two)["pair"][1] == "twice"
    assert f(two)["none"] is None
    np.testing.assert_array_equal(f(two)["pair"][0], [20, 40])
    assert counts(f) == (3, 4)


def test_lists_of_numbers_are_data() -> None:
    f = tg.compile(lambda xs, y: sum(x * y for x in xs))
    assert f([1.0, 2.0], 3.0) == 9
    assert f([2.0, 2.0], 4.0) == 16
    assert f([1.0, 2.0, 3.0], 1.0) == 6
    assert counts(f) == (1, 2)


def test_another_order_in_memory_is_another_program_with_the_same_sums() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 7)).astype(np.float32)
    f = tg.compile(lambda x: np.exp(x).sum())
    for each in (x, np.asfortranarray(x), x[::2], x):
        assert f(each) == np.exp(each).sum()
    assert counts(f) == (1, 3)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("given", [lambda x: x, lambda x: x.T, lambda x: x[::2, ::2]])
def test_data_that_are_set_keep_their_order_in_memory(given: Any, order: Any) -> None:
    x = np.random.default_rng(0).normal(size=(400, 400)).astype("f")
    weight = tg.Value(np.zeros_like(given(x), order=order))

    def step(x: Any) -> Any:
        weight.data = given(x * 2)
        return weight.data.sum()

    compiled = tg.compile(step)
    for each in (x, -x):
        expected, data = step(each), weight.data
        weight.data = np.zeros_like(data)
        assert compiled(each) == expected
        assert weight.data.strides == data.strides
        np.testing.assert_array_equal(weight.data, data)


def test_an_array_given_twice_is_one() -> None:
    def add(x: Any, y: Any) -> Any:
        x += y
        return x * 1.0

    f = tg.compile(add)
    one, two = np.ones(2), np.ones(2)
    np.testing.assert_array_equal(f(one, one), [2, 2])
    np.testing.assert_array_equal(f(one, two), [3, 3])
    np.testing.assert_array_equal(f(two, two), [2, 2])
    np.testing.assert_array_equal(one, [3, 3])


def test_an_argument_changed_in_place_is_changed() -> None:
    def double(x: Any) -> Any:
        x *= 2
        part = x[1:]
        part -= 1
        x[0] += 5
        return x.sum()

    f = tg.compile(double)
    eager, compiled = np.ones(3), np.ones(3)
    for _ in range(3):
        assert double(eager) == f(compiled)
        np.testing.assert_array_equal(compiled, eager)


def test_what_is_no_array_is_refused() -> None:
    class Foreign:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.ones(2)

    with pytest.raises(TypeError, match=r"argument x is a Foreign.*np\.asarray"):
        tg.compile(lambda x: x)(Foreign())


def test_another_dtype_is_another_program() -> None:
    f = tg.compile(lambda x: x / 3)
    for dtype in (np.float32, np.float64, np.int32, np.float32):
        x = np.arange(4, dtype=dtype)
        np.testing.assert_array_equal(f(x), x / 3)
        assert f(x).dtype == (x / 3).dtype
    assert f.cache_info().misses == 3


def test_values_with_and_without_gradient_are_told_apart() -> None:
    f = tg.compile(lambda a, b: (a * b).sum())
    one, two = Value([1.0, 2.0]), Value([3.0, 4.0], requires_grad=False)
    for _ in range(2):
        for a, b in ((one, two), (two, one), (two, two), (one * 2, two), (one, one)):
            result, expected = f(a, b), (a * b).sum()
            assert result.data == expected.data
            assert result.requires_grad == expected.requires_grad
            if result.requires_grad:
                one.zero_grad()
                expected.backward()
                gradient = one.grad
                one.zero_grad()
                result.backward()
                np.testing.assert_array_equal(one.grad, gradient)


def test_integers_that_vary_are_data_after_the_second_capture() -> None:
    f = tg.compile(lambda x, k: x * (1 - 0.9 * k / 100))
    for k in range(6):
        np.testing.assert_array_equal(f(np.ones(2), k), np.ones(2) * (1 - 0.9 * k / 100))
    assert counts(f) == (4, 2)


def test_a_number_that_decides_is_a_constant() -> None:
    f = tg.compile(lambda x, a: x * a if a > 0 else -x)
    for a in (1.0, -1.0, 1.0):
        np.testing.assert_array_equal(f(np.ones(2), a), [a, a])
    assert counts(f) == (1, 2)


# ---- What is used by name


def test_attributes_of_objects_and_modules_are_used_as_they_are() -> None:
    class Scaled:
        def __init__(self) -> None:
            self.weights = [np.ones(2), np.full(2, 2.0)]
            self.power = 2

        def __call__(self, x: Any) -> Any:
            return (x * self.weights[0] + self.weights[1]) ** self.power

    scaled = Scaled()
    f = tg.compile(scaled)
    np.testing.assert_array_equal(f(np.ones(2)), [9, 9])
    scaled.weights[0][:] = 2
    np.testing.assert_array_equal(f(np.ones(2)), [16, 16])
    scaled.weights[1] = np.zeros(2)
    np.testing.assert_array_equal(f(np.ones(2)), [4, 4])
    assert counts(f) == (2, 1)
    scaled.power = 3
    np.testing.assert_array_equal(f(np.ones(2)), [8, 8])
    assert counts(f) == (2, 2)


def test_a_list_that_grows_is_another_program() -> None:
    layers = [np.tanh]
    f = tg.compile(lambda x: layers[-1](x) if len(layers) > 1 else layers[0](x))
    x = np.ones(2)
    np.testing.assert_array_equal(f(x), np.tanh(x))
    layers.append(np.sin)
    np.testing.assert_array_equal(f(x), np.sin(x))


def test_a_state_that_the_function_keeps_goes_on() -> None:
    class Mean:
        def __init__(self) -> None:
            self.mean = 0.0

        def __call__(self, x: Any) -> Any:
            self.mean = 0.9 * self.mean + 0.1 * x.mean()
            return x - self.mean

    eager, other = Mean(), Mean()
    compiled = tg.compile(other)
    for at in range(5):
        np.testing.assert_array_equal(compiled(np.ones(2) * at), eager(np.ones(2) * at))
        assert other.mean == eager.mean
    assert compiled.cache_info().hits >= 2


def test_a_state_that_is_made_when_a_capture_is_given_up_is_made_once() -> None:
    weight = Value(np.ones(2))

    class Smooth:
        def __call__(self, x: Any) -> Any:
            (weight * x).sum().backward()  # adds to a gradient, which is found out late
            self.mean = self.mean * 0.5 + x if hasattr(self, "mean") else x * 1.0
            return self.mean

    eager, compiled = Smooth(), Smooth()
    take = tg.compile(compiled)
    for at in range(4):
        np.testing.assert_array_equal(take(np.full(2, at)), eager(np.full(2, at)))


def test_a_method_is_compiled_for_each_object() -> None:
    class Trainer:
        def __init__(self, start: float) -> None:
            self.weight = Value(np.full(2, start))

        @tg.compile
        def step(self, x: Any) -> Any:
            loss = ((self.weight * x) ** 2).sum()
            self.weight.zero_grad()
            loss.backward()
            self.weight.data -= 0.1 * self.weight.grad
            return loss

    for start in (1.0, 3.0):
        trainer = Trainer(start)
        expected = start
        for _ in range(3):
            assert trainer.step(np.ones(2)) == pytest.approx(2 * expected**2)
            expected -= 0.1 * 2 * expected
        np.testing.assert_allclose(trainer.weight.data, expected)


def test_frozen_parameters_get_no_gradient() -> None:
    layer = nn.Linear(4, 1, rng=np.random.default_rng(0))
    f = tg.compile(lambda x: (layer(x) ** 2).sum())
    f(X).backward()
    layer.weight.requires_grad = False
    layer.bias.zero_grad()
    f(X).backward()
    assert layer.weight.grad is None
    np.testing.assert_allclose(layer.bias.grad, 2 * layer(X).data.sum(0), rtol=1e-6)


# ---- Whole training steps


def train(compiled: bool, clip: Any, make_optimizer: Any) -> Any:
    """What seven steps of training leave and return."""
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 3, rng=rng)
    )
    optimizer = make_optimizer(model.parameters())
    labels = np.array([0, 1, 2, 0, 1, 2])

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        norm = clip(model.parameters())
        optimizer.step()
        return loss, norm

    take = tg.compile(step) if compiled else step
    found = []
    for at in range(7):
        if at == 4:
            model.eval()
        loss, norm = take(X, labels)
        found += [loss.data, norm]
        optimizer.param_groups[0]["lr"] *= 0.5
    state = [x for part in optimizer.state.values() for x in part.values()]
    return found, [p.data for p in model.parameters()], [p.grad for p in model.parameters()], state


@pytest.mark.parametrize(
    "clip",
    [
        lambda p: optim.clip_grad_norm_(p, 0.2),
        lambda p: optim.clip_grad_norm_(p, 1e6),
        lambda p: optim.clip_grad_value_(p, 0.01),
    ],
)
@pytest.mark.parametrize(
    "make_optimizer", [lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda p: optim.Adam(p, 0.01)]
)
def test_clipping_modes_and_rates_are_those_of_eager(clip: Any, make_optimizer: Any) -> None:
    eager, compiled = (train(each, clip, make_optimizer) for each in (False, True))
    for expected, found in zip(eager, compiled, strict=True):
        for x, y in zip(expected, found, strict=True):
            np.testing.assert_array_equal(y, x)
            assert type(y) is type(x)


def test_a_rate_that_the_step_changes_goes_on() -> None:
    weight = Value(np.ones(2))
    optimizer = optim.SGD([weight], lr=0.1)

    @tg.compile
    def step() -> None:
        loss = (weight**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.5

    for _ in range(3):
        step()
    assert optimizer.param_groups[0]["lr"] == 0.0125
    np.testing.assert_allclose(weight.data, 0.8 * 0.9 * 0.95, rtol=1e-15)


def test_model_and_optimizer_may_be_arguments() -> None:
    @tg.compile
    def step(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    target = X.sum(1, keepdims=True)
    for seed in (0, 1):
        model = nn.Linear(4, 1, rng=np.random.default_rng(seed))
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        losses = [float(step(model, optimizer, X, target)) for _ in range(20)]
        assert losses[-1] < 0.2 * losses[0]
    assert counts(step) == (38, 2)


def changes_between(optimizer: Any, weight: Any, at: int) -> Any:
    """What somebody does to an optimizer from outside, before call number `at`."""
    group = optimizer.param_groups[0]
    if at == 2:
        group["momentum"] = 0.5
    elif at == 5:
        group["nesterov"] = True
    elif at == 7:
        optimizer.state.clear()
    elif at == 10:
        optimizer.load_state_dict(optimizer.state_dict())
    elif at == 13:
        optimizer.add_param_group({"params": [weight], "lr": 0.3})
    elif at == 16:
        optimizer.param_groups[1]["params"].clear()


def test_an_optimizer_may_be_changed_between_calls() -> None:
    found = []
    for compiled in (False, True):
        one, two = Value(np.ones(2)), Value(np.full(2, 2.0))
        optimizer = optim.SGD([one], lr=0.1)

        def step(one: Any = one, two: Any = two, optimizer: Any = optimizer) -> None:
            loss = (one**2).sum() + (two**2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        take = tg.compile(step) if compiled else step
        for at in range(18):
            changes_between(optimizer, two, at)
            take()
        momenta = [x for state in optimizer.state.values() for x in state.values()]
        found.append((one.data, two.data, *momenta))
    np.testing.assert_array_equal(*found)


def test_checks_of_values_are_made_in_each_call() -> None:
    f = tg.compile(lambda x, y: nn.functional.cross_entropy(Value(x), y))
    for labels in ([0, 1], [1, 3], [2, -100], [-100, 3], [0, 0]):
        y, x = np.array(labels), X[:2]
        assert f(x, y).data == nn.functional.cross_entropy(Value(x), y).data


def test_checks_of_random_values_are_refused() -> None:
    weight = Value(np.ones(3))

    @tg.compile
    def step() -> None:
        nn.functional.dropout(weight, 0.5).sum().backward()
        optim.clip_grad_norm_([weight], 1.0, error_if_nonfinite=True)

    with pytest.raises(CaptureError, match=r"test_capture.py:\d+ decides by random numbers"):
        step()
    assert weight.grad is None


def test_gradients_cleared_by_the_step_are_cleared() -> None:
    weight = Value(np.ones(2))

    @tg.compile
    def step() -> None:
        (weight**2).sum().backward()
        weight.data = weight.data - weight.grad
        weight.zero_grad()

    step()
    step()
    assert weight.grad is None
    np.testing.assert_array_equal(weight.data, [1, 1])
    assert counts(step) == (1, 1)


def test_gradients_of_single_numbers_take_no_part() -> None:
    weight = Value(2.0)

    @tg.compile
    def step() -> None:
        weight.zero_grad()
        (weight**2).backward()

    step()
    step()
    assert weight.grad == 4
    assert "= weight.grad" not in step.program()
    assert "weight.grad = " in step.program()


def test_gradients_that_are_not_forgotten_accumulate() -> None:
    weight = Value(np.ones(2))
    step = tg.compile(lambda x: (weight * x).sum().backward())
    for at in range(1, 4):
        step(np.ones(2))
        np.testing.assert_array_equal(weight.grad, [at, at])
    weight.zero_grad()
    step(np.ones(2))
    np.testing.assert_array_equal(weight.grad, [1, 1])
    assert counts(step) == (2, 2)


def test_a_step_may_ask_whether_there_is_a_gradient() -> None:
    weight = Value(np.ones(2))

    @tg.compile
    def step() -> Any:
        was = weight.grad is None
        weight.zero_grad()
        (weight**2).sum().backward()
        return was

    assert [step(), step(), step()] == [True, False, False]


def test_a_gradient_in_memory_of_another_is_left_alone() -> None:
    weight = Value(np.ones((2, 3)))

    @tg.compile
    def step() -> None:
        weight.zero_grad()
        (weight**2).sum().backward()

    step()
    weight.grad = np.zeros((3, 2)).T
    step()
    assert weight.grad.flags.c_contiguous
    kept = weight.grad
    step()
    assert weight.grad is not kept


def test_old_arrays_stay_as_they_were() -> None:
    weight = Value(np.ones(3))
    optimizer = optim.SGD([weight], lr=0.25)

    @tg.compile
    def step() -> Any:
        loss = (weight**2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    kept = []
    for _ in range(5):
        kept.append((weight.data, weight.data.copy()))
        step()
        kept.append((weight.grad, weight.grad.copy()))
    for array, copy in kept:
        np.testing.assert_array_equal(array, copy)


# ---- Randomness


def test_a_generator_may_be_an_argument_an_attribute_or_replaced() -> None:
    class Noisy(nn.Module):
        def __init__(self, rng: Any) -> None:
            self.rng = rng

        def forward(self, x: Any) -> Any:
            return x + self.rng.normal(size=3)

    model = Noisy(np.random.default_rng(1))
    f = tg.compile(model)
    g = tg.compile(lambda x, rng: x + rng.normal(size=3))
    for seed in (1, 2):
        model.rng, rng, expected = (np.random.default_rng(seed) for _ in range(3))
        for _ in range(3):
            noise = expected.normal(size=3)
            np.testing.assert_array_equal(f(np.zeros(3)), noise)
            np.testing.assert_array_equal(g(np.zeros(3), rng), noise)
    assert counts(f) == counts(g) == (4, 2)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (
            lambda x, rng=np.random.default_rng(0): x + rng.normal(),  # noqa: B008
            "given by a default",
        ),
        (lambda x: x + np.random.default_rng(0).normal(), "makes a random number generator"),
        (lambda x: tg.manual_seed(0) or x, "calls manual_seed"),
    ],
)
def test_random_numbers_that_would_be_frozen_are_an_error(f: Any, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        tg.compile(f)(np.ones(2))


# ---- Results


def test_results_can_be_differentiated_outside() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(4, 8, rng=rng), nn.Tanh(), nn.Dropout(0.4), nn.Linear(8, 3))
    compiled = tg.compile(model)
    labels = np.array([0, 1, 2, 0, 1, 2])
    for run in range(3):
        found = []
        for f in (model, compiled):
            tg.manual_seed(run)
            x = Value(X)
            loss = nn.functional.cross_entropy(f(x), labels)
            for p in model.parameters():
                p.zero_grad()
            loss.backward()
            found.append([loss.data, x.grad, *(p.grad for p in model.parameters())])
        for expected, result in zip(*found, strict=True):
            np.testing.assert_array_equal(result, expected)
    assert compiled.cache_info().hits >= 2


def test_one_of_several_results_is_differentiated() -> None:
    weight = Value(np.array([1.0, 2.0]))
    f = tg.compile(lambda x: (weight * x, (weight**2).sum(), x + 1))
    first, second, third = f(np.array([3.0, 4.0]))
    second.backward()
    np.testing.assert_array_equal(weight.grad, [2, 4])
    weight.zero_grad()
    first.backward([1.0, 10.0])
    np.testing.assert_array_equal(weight.grad, [3, 40])
    np.testing.assert_array_equal(third, [4, 5])


def test_a_value_that_is_used_comes_back_itself() -> None:
    weight = Value(np.ones(2))
    f = tg.compile(lambda x: (weight, x * weight))
    assert f(np.ones(2))[0] is weight
    assert f(np.ones(2))[0] is weight


def test_transforms_take_compiled_functions_and_are_compiled() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(x) ** 2)

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(tg.grad(tg.compile(f))(x), tg.grad(f)(x))
    for transform in (tg.grad, tg.hessian, tg.jacobian):
        np.testing.assert_array_equal(tg.compile(transform(f))(x), transform(f)(x))
    compiled = tg.compile(lambda x, v: tg.hvp(f, (x,), (v,)))
    for scale in (1.0, 2.0):
        (found,) = compiled(x, scale * x)
        (expected,) = tg.hvp(f, (x,), (scale * x,))
        np.testing.assert_array_equal(found, expected)


def test_second_derivatives_through_a_compiled_function_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="compile the function that takes the second"):
        tg.hessian(tg.compile(lambda x: np.sum(np.sin(x))))(np.ones(2))


def test_inside_of_another_and_under_record_the_function_itself_is_called() -> None:
    inner = tg.compile(lambda x: x * 2)
    outer = tg.compile(lambda x: inner(x) + 1)
    np.testing.assert_array_equal(outer(np.ones(2)), [3, 3])
    assert counts(inner) == (0, 0)
    with tg.record():
        assert inner(Value(1.0))._node.primitive.name == "multiply"


def test_without_gradients_results_have_no_graph() -> None:
    weight = Value(np.ones(2))
    f = tg.compile(lambda x: (x * weight).sum())
    with tg.no_grad():
        assert not f(np.ones(2)).requires_grad
    assert f(np.ones(2)).requires_grad
    assert counts(f) == (0, 2)


def test_threads_share_a_program() -> None:
    f = tg.compile(lambda x: np.tanh(np.sin(x) * np.cos(x)) + np.exp(x))
    inputs = [np.full(20_000, at / 8) for at in range(8)]
    f(inputs[0])
    wrong = []

    def run(x: Any) -> None:
        expected = np.tanh(np.sin(x) * np.cos(x)) + np.exp(x)
        wrong.extend(1 for _ in range(20) if not np.array_equal(f(x), expected))

    threads = [threading.Thread(target=run, args=(x,)) for x in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_at_most_sixteen_programs_are_kept_and_many_are_warned_of() -> None:
    f = tg.compile(lambda x: x * 2)

    def grow() -> None:
        for size in range(1, 21):
            f(np.ones(size))

    with pytest.warns(RuntimeWarning, match=r"12 programs .* x \(float64 \(11,\), then float64"):
        grow()
    assert f.cache_info().currsize == f.cache_info().maxsize == 16
    f(np.ones(20))
    f(np.ones(5))  # the oldest of those kept, and now the latest
    f(np.ones(1))
    f(np.ones(5))
    assert counts(f) == (3, 21)


def test_what_cannot_be_compiled_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="compile takes a function, not int"):
        tg.compile(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="not the class Linear"):
        tg.compile(nn.Linear)
    with pytest.raises(TypeError, match="is a generator"):
        tg.compile(numbers)
    with pytest.raises(RuntimeError, match="before the first call"):
        tg.compile(lambda x: x).program()


def numbers() -> Any:
    yield 1


def test_a_compiled_model_has_what_the_model_has() -> None:
    model = nn.Linear(4, 2)
    compiled = tg.compile(model)
    assert list(compiled.parameters()) == list(model.parameters())
    compiled.eval()
    assert not model.training
    with pytest.raises(AttributeError):
        compiled.nothing  # noqa: B018


def test_errors_of_a_program_are_told_with_its_name_and_leave_weights_alone() -> None:
    layer = nn.Linear(4, 3, rng=np.random.default_rng(0))
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    @tg.compile
    def step(x: Any, labels: Any) -> Any:
        loss = nn.functional.cross_entropy(layer(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step(X, np.zeros(6, int))
    before = layer.weight.data.copy()
    with pytest.raises(IndexError) as caught:
        step(X, np.full(6, 3))
    assert "compile has made of step" in caught.value.__notes__[0]
    np.testing.assert_array_equal(layer.weight.data, before)


def test_an_error_after_an_update_finds_the_old_arrays_as_they_were() -> None:
    one, two = Value(np.ones((2, 2))), Value(np.ones((2, 2)))
    optimizer = optim.SGD([one], lr=0.5)

    @tg.compile
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        (one * two).sum().backward()
        optimizer.step()
        return np.linalg.inv(x)

    step(np.eye(2))
    step(np.eye(2))
    array, before = one.data, one.data.copy()
    with pytest.raises(np.linalg.LinAlgError):
        step(np.zeros((2, 2)))
    assert one.data is array
    np.testing.assert_array_equal(array, before)


def test_warnings_that_the_function_silences_are_silent() -> None:
    def f(x: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1 / x

    g = tg.compile(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            np.testing.assert_array_equal(g(np.zeros(2)), [np.inf, np.inf])
    loud = tg.compile(lambda x: 1 / x)
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="divide by zero"):
            loud(np.zeros(2))


def test_errors_of_the_function_are_its_own_and_change_nothing() -> None:
    weight = Value(np.ones(2))
    optimizer = optim.Adam([weight], lr=0.1)

    @tg.compile
    def step() -> None:
        (weight**2).sum().backward()
        optimizer.step()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        step()
    np.testing.assert_array_equal(weight.data, [1, 1])
    assert weight.grad is None
    assert not optimizer.state


def test_views_share_changes_as_those_of_numpy() -> None:
    def f(x: Any) -> Any:
        whole = x * 1.0
        row, column, turned = whole[0], whole[:, 1], whole.T
        inner = turned[1]
        row += 10
        column *= 2
        whole[1, 1] = -1
        part = row[1:]
        part[0] = 7
        return whole, row, column, turned, inner

    x = np.arange(6.0).reshape(2, 3)
    g = tg.compile(f)
    for scale in (1, 2):
        for expected, found in zip(f(x * scale), g(x * scale), strict=True):
            np.testing.assert_array_equal(found, expected)

    def in_place(x: Any) -> Any:
        x[0] += 1
        return x * 1

    once = tg.compile(in_place)
    once(x)
    assert once.program().count("with_item") == 1

    def written_through(x: Any) -> Any:
        whole = x * 1.0
        whole.T[0] = 5
        flat = whole.reshape(-1)
        turned = whole.swapaxes(0, 1)
        flat[4] = 8
        turned[2] += 1
        return whole, flat, turned

    for expected, found in zip(written_through(x), tg.compile(written_through)(x), strict=True):
        np.testing.assert_array_equal(found, expected)

    def by_squeezing(x: Any) -> Any:
        whole = x * 1.0
        np.squeeze(whole[None])[0] = 5
        return whole

    with pytest.raises(CaptureError, match=r"through a view made by np\.squeeze"):
        tg.compile(by_squeezing)(x)


def test_what_is_kept_out_of_reach_is_an_error() -> None:
    kept = [np.zeros(1)]

    class Unseen:
        def __call__(self, x: Any, keep: Any) -> Any:
            keep(x * 2)
            return x

    with pytest.raises(CaptureError, match=r"test_capture\.py:\d+ computed was put somewhere"):
        tg.compile(Unseen())(np.ones(2), kept.append)


class Counter:
    def __init__(self) -> None:
        self.calls = 0
        self.history: list[Any] = []

    def __call__(self, x: Any) -> Any:
        y = x * 2
        self.calls += 1
        return y

    def keep(self, x: Any) -> Any:
        y = x * 2
        self.history.append(y)
        return y


@pytest.mark.parametrize(
    ("f", "line", "message"),
    [
        (Counter(), Counter.__call__.__code__.co_firstlineno + 2, r"changes Counter\.calls"),
        (Counter().keep, Counter.keep.__code__.co_firstlineno + 2, r"changes self\.history"),
    ],
)
def test_a_change_of_anything_but_arrays_is_an_error_with_its_line(
    f: Any, line: int, message: str
) -> None:
    with pytest.raises(CaptureError, match=message) as caught:
        tg.compile(f)(np.ones(2))
    assert f"test_capture.py:{line} " in str(caught.value)
    owner = getattr(f, "__self__", f)
    assert owner.calls == 0
    assert owner.history == []
