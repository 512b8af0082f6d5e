"""What the gradient check takes, and what it leaves as it was."""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from checking import X, check, kinds, verdict

import tinygrad_nn as tg
from tinygrad_nn import Value, testing
from tinygrad_nn.testing import GradientMismatch, gradcheck, gradgradcheck

A = np.array([[0.5, -1.0, 2.0], [1.5, 3.0, 0.3]])
B = np.array([[1.0, 0.2], [-0.4, 1.1], [0.7, -2.0]])


def product(x: Any, y: Any) -> Any:
    return np.sum(x * y)


# ---- Gradients by hand


def test_gradient_of_a_number_by_one_input() -> None:
    report = gradcheck(lambda x: np.sum(x**3), A, grad=lambda x: 3 * x**2)
    assert [(line.name, line.checked) for line in report.inputs] == [("x", 6)]
    assert verdict(lambda x: np.sum(x**3), A, grad=lambda x: 3 * x) == "fail"


@pytest.mark.parametrize("kind", [tuple, list])
def test_gradients_by_several_inputs_are_a_tuple(kind: Any) -> None:
    assert gradcheck(product, X, X + 1, grad=lambda x, y: kind((y, x)))
    assert verdict(product, X, X + 1, grad=lambda x, y: kind((x, y))) == "fail"


def test_derivative_of_an_elementwise_function_has_the_shape_of_its_input() -> None:
    assert gradcheck(np.tanh, A, grad=lambda x: 1 - np.tanh(x) ** 2)
    assert verdict(np.tanh, A, grad=lambda x: 1 - np.tanh(x)) == "fail"


def test_jacobian_has_the_axes_of_the_output_then_those_of_the_input() -> None:
    def by_a(a: Any, b: Any) -> Any:  # out[i, j] by a[k, l]
        return np.einsum("ik,lj->ijkl", np.eye(2), b)

    def by_b(a: Any, b: Any) -> Any:
        return np.einsum("ik,jl->ijkl", a, np.eye(2))

    assert gradcheck(np.matmul, A, B, grad=lambda a, b: (by_a(a, b), by_b(a, b)))
    report = check(np.matmul, A, B, grad=lambda a, b: (by_a(a, b), 2 * by_b(a, b)))
    assert {entry.input for entry in report.worst} == {report.inputs[1].name}
    assert gradcheck(np.sin, X, grad=lambda x: np.diag(np.cos(x)))


def test_function_of_numbers_with_math_is_checked() -> None:
    def f(radius: float, height: float) -> float:
        return math.pi * radius**2 * math.sqrt(height)

    def df(radius: float, height: float) -> tuple[float, float]:
        by_height = math.pi * radius**2 / (2 * math.sqrt(height))
        return 2 * math.pi * radius * math.sqrt(height), by_height

    report = gradcheck(f, 1.5, 2.0, grad=df)
    assert [line.name for line in report.inputs] == ["radius", "height"]
    assert verdict(f, 1.5, 2.0, grad=lambda r, h: (df(r, h)[0], df(r, h)[0])) == "fail"


def test_lists_of_numbers_are_arrays() -> None:
    assert gradcheck(lambda x: np.sum(np.sin(x)), [0.5, 1.0], grad=np.cos)
    assert gradcheck(lambda w: np.sum(np.asarray(w) ** 2), [[1.0, 2], [3, 4]], grad=lambda w: 2 * w)


def test_lists_of_integers_are_integers() -> None:
    report = gradcheck(lambda x, shape: x.reshape(shape).sum(), X, [3, 1])
    assert [line.name for line in report.inputs] == ["x"]
    with pytest.raises(TypeError, match="x is list"):
        gradcheck(lambda x: x, [1, 2, 3])


def test_gradient_may_be_of_integers_or_a_python_number() -> None:
    assert gradcheck(lambda x: 3 * np.sum(x), X, grad=lambda x: np.array([3, 3, 3]))
    assert gradcheck(lambda x: 3 * x, 2.0, grad=lambda x: 3)
    assert verdict(lambda x: 3 * x, 2.0, grad=lambda x: 2) == "fail"


@pytest.mark.parametrize(
    ("f", "inputs", "grad", "hint"),
    [
        (lambda w: np.sum(A @ w), (B,), lambda w: (A.T @ np.ones((2, 2))).T, "transposed"),
        (
            lambda x, b: np.sum((x + b) ** 2),
            (A, np.ones(3)),
            lambda x, b: (2 * (x + b), 2 * (x + b)),
            "is the sum over axis 0 missing",
        ),
        (
            lambda x, b: np.sum((x + b) ** 2),
            (A, np.ones((2, 1))),
            lambda x, b: (2 * (x + b), 2 * (x + b)),
            "is the sum over axis 1 missing",
        ),
        (
            lambda x, c: np.sum(x * c),
            (X, 2.0),
            lambda x, c: (c + 0 * x, x),
            "is the sum over axis 0 missing",
        ),
        (lambda x: np.sum(x**2), (X,), lambda x: np.sum(2 * x), "has shape (), not (3,)"),
        (
            product,
            (X, X),
            lambda x, y: x * y,
            "grad returned one gradient, but the inputs are x, y",
        ),
        (
            product,
            (X, X),
            lambda x, y: (y, x, y),
            "grad returned 3 gradients, but the inputs are x, y",
        ),
    ],
)
def test_gradient_of_the_wrong_shape_is_named_with_a_hint(
    f: Any, inputs: Any, grad: Any, hint: str
) -> None:
    report = check(f, *inputs, grad=grad)
    assert (report.verdict, kinds(report)) == ("fail", {"shape"})
    assert hint in report.findings[0].text


def test_wrong_shape_of_a_jacobian_says_what_it_should_be() -> None:
    report = check(lambda x: A @ x, X, grad=lambda x: A.sum(axis=0))
    assert kinds(report) == {"shape"}
    assert "(2, 3)" in report.findings[0].text
    report = check(lambda x: A @ x, X, grad=lambda x: A.T)
    assert kinds(report) == {"shape"}
    assert "transposed" in report.findings[0].text


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, object, bool])
def test_gradient_of_the_wrong_dtype_is_named(dtype: Any) -> None:
    report = check(lambda x: np.sum(x**2), X, grad=lambda x: (2 * x).astype(dtype))
    assert (report.verdict, kinds(report)) == ("fail", {"dtype"})
    assert np.dtype(dtype).name in report.findings[0].text


def softmax(logits: Any) -> Any:
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exp / exp.sum(axis=1, keepdims=True)


class Layers(NamedTuple):
    w1: Any
    b1: Any
    w2: Any
    b2: Any


def normal(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape)


class TestNetworkByHand:
    """A network of two layers with softmax and cross-entropy, in plain NumPy."""

    x = normal(6, 4)
    labels = np.array([0, 2, 1, 1, 0, 2])
    layers = Layers(normal(4, 5), normal(5), normal(5, 3), normal(3))

    def loss(self, layers: Layers) -> Any:
        hidden = np.tanh(self.x @ layers.w1 + layers.b1)
        p = softmax(hidden @ layers.w2 + layers.b2)
        return -np.log(p[np.arange(6), self.labels]).mean()

    def gradient(self, layers: Layers) -> Layers:
        hidden = np.tanh(self.x @ layers.w1 + layers.b1)
        d_logits = (softmax(hidden @ layers.w2 + layers.b2) - np.eye(3)[self.labels]) / 6
        d_hidden = (d_logits @ layers.w2.T) * (1 - hidden**2)
        return Layers(
            self.x.T @ d_hidden, d_hidden.sum(axis=0), hidden.T @ d_logits, d_logits.sum(axis=0)
        )

    @pytest.mark.parametrize("mode", ["full", "directional"])
    def test_right_gradients_pass(self, mode: Any) -> None:
        assert gradcheck(self.loss, self.layers, grad=self.gradient, mode=mode)

    def test_parameters_are_named_by_their_fields(self) -> None:
        report = gradcheck(self.loss, self.layers, grad=self.gradient)
        assert [line.name for line in report.inputs] == [
            "layers.w1",
            "layers.b1",
            "layers.w2",
            "layers.b2",
        ]

    @pytest.mark.parametrize("name", Layers._fields)
    def test_wrong_gradient_of_one_parameter_is_named(self, name: str) -> None:
        def wrong(layers: Layers) -> Layers:
            right = self.gradient(layers)
            return right._replace(**{name: getattr(right, name) * 1.001})

        report = check(self.loss, self.layers, grad=wrong)
        assert {line.name for line in report.inputs if line.wrong} == {f"layers.{name}"}
        assert report.pattern == f"layers.{name} is off by a factor 1.001"

    def test_sum_instead_of_the_mean_is_named(self) -> None:
        def wrong(layers: Layers) -> list[Any]:
            return [6 * g for g in self.gradient(layers)]

        assert check(self.loss, self.layers, grad=wrong).pattern == "off by a factor 6"

    def test_bias_gradient_that_is_not_summed_over_the_batch_is_named(self) -> None:
        def wrong(layers: Layers) -> Layers:
            return self.gradient(layers)._replace(b1=np.ones((6, 5)))

        report = check(self.loss, self.layers, grad=wrong)
        assert kinds(report) == {"shape"}
        assert "layers.b1" in report.findings[0].text
        assert "is the sum over axis 0 missing" in report.findings[0].text


# ---- Nested inputs


def test_nested_inputs_are_named_by_their_paths() -> None:
    def f(p: Any, scale: Any) -> Any:
        return (p["w"] * p["layers"][0]).sum() * scale + p["layers"][1]

    report = gradcheck(f, {"w": X, "layers": (X + 1, 2.0)}, 3.0)
    assert [line.name for line in report.inputs] == [
        "p['w']",
        "p['layers'][0]",
        "p['layers'][1]",
        "scale",
    ]


def test_gradients_by_hand_are_nested_like_the_inputs() -> None:
    def f(p: Any, scale: Any) -> Any:
        return np.sum(p["w"] * p["b"]) * scale

    def right(p: Any, scale: Any) -> Any:
        return {"w": scale * p["b"], "b": scale * p["w"]}, np.sum(p["w"] * p["b"])

    p = {"w": X, "b": X + 1}
    assert gradcheck(f, p, 2.0, grad=right)
    assert verdict(f, p, 2.0, grad=lambda p, s: (right(p, s)[0], 1.0)) == "fail"


def test_gradients_by_hand_are_found_by_their_keys() -> None:
    def f(p: Any) -> Any:
        return np.sum(p["w"] * p["b"] ** 2)

    def gradient(p: Any) -> Any:
        return {"b": 2 * p["w"] * p["b"], "w": p["b"] ** 2}

    assert gradcheck(f, {"w": X, "b": X + 1}, grad=gradient)


def test_variadic_function_names_its_inputs_by_position() -> None:
    report = gradcheck(lambda *xs: sum(x * x for x in xs).sum(), X, X + 1)
    assert [line.name for line in report.inputs] == ["xs[0]", "xs[1]"]


# ---- Which inputs


def weighted(x: Any, y: Any, n: int = 2) -> Any:
    return (x**n * y).sum()


@pytest.mark.parametrize(
    ("wrt", "names"),
    [
        (None, ["x", "y"]),
        (0, ["x"]),
        (1, ["y"]),
        ("y", ["y"]),
        ([0, 1], ["x", "y"]),
        (("y", "x"), ["y", "x"]),
        ([0, "x"], ["x"]),
    ],
)
def test_inputs_are_chosen_by_position_or_name(wrt: Any, names: list[str]) -> None:
    report = gradcheck(weighted, X, X + 1, 3, wrt=wrt)
    assert [line.name for line in report.inputs] == names


def test_all_leaves_of_a_chosen_input_are_checked() -> None:
    report = gradcheck(lambda p, q: p[0] * p[1] * q, (2.0, 3.0), 4.0, wrt="p")
    assert [line.name for line in report.inputs] == ["p[0]", "p[1]"]


def test_error_in_an_input_that_is_not_chosen_does_not_matter() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y.detach()

    assert gradcheck(f, X, X, wrt="x")
    assert verdict(f, X, X) == "fail"


def test_gradient_by_hand_may_be_of_the_chosen_inputs_or_of_all() -> None:
    assert gradcheck(product, X, X + 1, wrt="y", grad=lambda x, y: x)
    assert gradcheck(product, X, X + 1, wrt="y", grad=lambda x, y: (y, x))
    assert verdict(product, X, X + 1, wrt="y", grad=lambda x, y: y) == "fail"


def test_inputs_that_are_not_floating_point_come_as_they_are() -> None:
    seen: list[Any] = []

    def f(x: Any, n: int, flags: Any, name: str) -> Any:
        seen.append((type(n), flags.dtype, name))
        return (x**n)[flags].sum()

    flags = np.array([True, False, True])
    assert gradcheck(f, X, 3, flags, "a")
    assert set(seen) == {(int, np.dtype(bool), "a")}


def test_value_without_gradient_is_not_checked() -> None:
    report = gradcheck(lambda x, y: x * y, X, Value(X, requires_grad=False))
    assert [line.name for line in report.inputs] == ["x"]


def test_unknown_input_is_an_error_that_lists_the_known() -> None:
    for wrt in ("z", 3, -1, ["x", "z"]):
        with pytest.raises(ValueError, match="the inputs are x, y, n"):
            gradcheck(weighted, X, X, 3, wrt=wrt)


def test_choosing_no_input_is_an_error() -> None:
    with pytest.raises((ValueError, TypeError), match="wrt"):
        gradcheck(weighted, X, X, 3, wrt=[])


@pytest.mark.parametrize(
    "n", [3, np.array([1, 2, 3]), "text", None, Value(2.0, requires_grad=False)]
)
def test_input_without_a_derivative_cannot_be_chosen(n: Any) -> None:
    with pytest.raises(TypeError, match="'n' is no floating-point"):
        gradcheck(lambda x, n: x.sum(), X, n, wrt="n")


@pytest.mark.parametrize("inputs", [(), (3,), (np.arange(3),), ("text",), (np.zeros(2, complex),)])
def test_nothing_to_differentiate_by_is_an_error(inputs: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"no input has floating-point numbers: .*; pass floats"):
        gradcheck(lambda *x: 1.0, *inputs)


# ---- What f returns


@pytest.mark.parametrize("out", [None, "text", 3, np.arange(3), True, ()])
def test_function_that_returns_no_floating_point_number_is_an_error(out: Any) -> None:
    for options in ({}, {"grad": np.zeros_like}):
        with pytest.raises(TypeError, match="<lambda> returned no floating-point"):
            gradcheck(lambda x: out, X, **options)


def test_integers_beside_floats_in_the_output_are_left_out() -> None:
    report = gradcheck(lambda x: (x * 2, x.data.argmax(), "text"), X)
    assert [line.checked for line in report.inputs] == [9]


def test_exception_at_the_point_is_the_callers() -> None:
    def fails(x: Any) -> Any:
        raise ZeroDivisionError("at the point")

    for options in ({}, {"grad": np.zeros_like}):
        with pytest.raises(ZeroDivisionError, match="at the point"):
            gradcheck(fails, X, **options)


@pytest.mark.parametrize(
    "error", [ValueError, ZeroDivisionError, OverflowError, FloatingPointError]
)
def test_exception_beside_the_point_is_the_end_of_the_domain(error: type[Exception]) -> None:
    def log(x: Any) -> Any:
        if np.any(x <= 0):
            raise error("outside")
        return np.log(x)

    assert gradcheck(log, np.array([1e-3, 1.0]), grad=lambda x: 1 / x)


@pytest.mark.parametrize(
    ("f", "x", "checked"),
    [
        (lambda x: x * 2, np.zeros(0), 0),
        (lambda x: x.sum(), np.zeros((0, 3)), 0),
        (lambda x: x * 2, np.zeros((2, 0)), 0),
    ],
)
def test_empty_arrays_have_no_derivatives_to_check(f: Any, x: Any, checked: int) -> None:
    report = gradcheck(f, x)
    assert (report.verdict, [line.checked for line in report.inputs]) == ("pass", [checked])
    assert gradcheck(lambda x, y: x.sum() + y * y, x, 2.0).inputs[1].checked == 1


# ---- Options


@pytest.mark.parametrize("mode", ["fast", "", None, "FULL"])
def test_unknown_mode_is_an_error(mode: Any) -> None:
    with pytest.raises(ValueError, match="'full' or 'directional'"):
        gradcheck(lambda x: x * 2, X, mode=mode)


@pytest.mark.parametrize("order", [0, -1, 1.5, "2", None])
def test_impossible_order_is_an_error(order: Any) -> None:
    with pytest.raises(ValueError, match="order"):
        gradcheck(lambda x: x * 2, X, order=order)


@pytest.mark.parametrize("by", [gradcheck, gradgradcheck])
def test_second_order_of_a_gradient_by_hand_is_an_error(by: Any) -> None:
    with pytest.raises(ValueError, match="function of Values"):
        by(np.sin, X, grad=np.cos, **({"order": 2} if by is gradcheck else {}))


def test_too_many_derivatives_are_an_error_that_names_the_way_out() -> None:
    with pytest.raises(ValueError, match="mode='directional'"):
        gradcheck(lambda x: x * x, np.ones(4000))
    assert gradcheck(lambda x: x * x, np.ones(4000), mode="directional")


def test_checker_is_reached_through_the_package() -> None:
    assert tg.testing is testing
    assert testing.gradcheck is gradcheck
    assert issubclass(testing.GradientMismatch, AssertionError)
    assert issubclass(testing.InconclusiveWarning, UserWarning)


# ---- Nothing leaks


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("mode", ["full", "directional"])
def test_inputs_are_left_as_they_were(order: int, mode: Any) -> None:
    x, v = A.copy(), Value(B)
    node = v._node
    gradcheck(lambda x, v: (x @ v).tanh(), x, v, order=order, mode=mode)
    np.testing.assert_array_equal(x, A)
    np.testing.assert_array_equal(v.data, B)
    assert v._node is node
    assert v.grad is None


def test_every_call_gets_arrays_of_its_own() -> None:
    x, v, seen = X.copy(), Value(X), []

    def f(x: Any) -> Any:
        seen.append(x.data if isinstance(x, Value) else x)
        return (x * x).sum()

    gradcheck(f, x, grad=lambda x: 2 * x)
    gradcheck(f, v)
    arrays = [x, v.data, *seen]
    assert len({array.__array_interface__["data"] for array in arrays}) == len(arrays)


def test_function_that_keeps_its_input_does_no_harm() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        for old in kept:
            old[...] = np.nan
        kept.append(x)
        return np.sum(x * x)

    assert gradcheck(f, X, grad=lambda x: 2 * x)


def test_probing_outside_of_the_domain_warns_of_nothing() -> None:
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        assert gradcheck(np.log, 1e-3, grad=lambda x: 1 / x)
        assert gradcheck(lambda x: x.sqrt() + 1 / x, 1e-3, order=2)
        assert gradcheck(lambda x: (300 * x).exp(), 1.0)


def test_settings_of_numpy_are_restored() -> None:
    with np.errstate(divide="raise", over="ignore"):
        before = np.geterr()
        gradcheck(lambda x: x.log(), 1e-3)
        verdict(lambda x: x * x.detach(), X)
        assert np.geterr() == before


def test_check_inside_no_grad_is_the_same_and_leaves_it_so() -> None:
    with tg.no_grad():
        assert gradcheck(lambda x: x.sin(), X, order=2)
        assert verdict(lambda x: x * x.detach(), X) == "fail"
        assert not tg.is_grad_enabled()
    assert tg.is_grad_enabled()


def test_mode_is_restored_after_an_exception() -> None:
    def fails(x: Any) -> Any:
        raise RuntimeError

    with tg.no_grad():
        with pytest.raises(RuntimeError):
            gradcheck(fails, X)
        assert not tg.is_grad_enabled()


def test_checks_run_in_threads() -> None:
    verdicts: dict[int, str] = {}

    def run(n: int) -> None:
        f: Callable[[Any], Any] = (lambda x: x**n) if n % 2 else (lambda x: x.detach() * x)
        verdicts[n] = verdict(f, X)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {1: "pass", 2: "fail", 3: "pass", 4: "fail"}


def test_closure_over_a_leaf_leaves_it_without_a_gradient() -> None:
    weight = Value([1.0, 2.0, 3.0])
    assert gradcheck(lambda x: x * weight, X)
    assert weight.grad is None


def test_checks_are_reproducible_and_leave_random_numbers_alone() -> None:
    def mismatch() -> str:
        with pytest.raises(GradientMismatch) as caught:
            gradcheck(lambda x: x * x.detach(), X, mode="directional")
        return str(caught.value)

    assert mismatch() == mismatch()
    tg.manual_seed(0)
    undisturbed = tg.nn.Linear(2, 2).weight.data
    tg.manual_seed(0)
    mismatch()
    np.testing.assert_array_equal(tg.nn.Linear(2, 2).weight.data, undisturbed)
