"""The gradient check of modules, by the names of their parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import check, kinds, operation

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.testing import GradientMismatch, Report, gradcheck_module

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
LABELS = np.array([0, 1, 2, 1, 0])


def cross_entropy(logits: Any) -> Any:
    return nn.functional.cross_entropy(logits, LABELS)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3))


def names(report: Report) -> list[str]:
    return [line.name for line in report.inputs]


def snapshot(model: nn.Module) -> list[tuple[Any, ...]]:
    """All that a check must leave as it is; arrays by identity and by their numbers."""
    return [
        (name, id(p), id(p.data), p.data.copy().tolist(), p.dtype, id(p._node), p.requires_grad)
        for name, p in model.named_parameters()
    ]


@pytest.mark.parametrize("loss", [None, cross_entropy, lambda out: (out**2).mean()])
def test_every_parameter_is_checked_by_its_name(loss: Any) -> None:
    report = gradcheck_module(network(), X, loss=loss)
    assert report
    assert report.name == "Sequential"
    assert names(report) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [line.shape for line in report.inputs] == [(6, 4), (6,), (3, 6), (3,)]
    assert {line.dtype for line in report.inputs} == {"float32"}


def test_outputs_are_all_checked_without_a_loss() -> None:
    report = gradcheck_module(network(), X)
    assert report.inputs[1].checked == 6 * 5 * 3


def test_check_is_as_exact_as_in_float64() -> None:
    assert max(line.precision for line in gradcheck_module(network(), X).inputs) < 1e-6


def test_input_that_is_a_value_is_checked_too() -> None:
    report = gradcheck_module(network(), Value(X), loss=cross_entropy)
    assert names(report)[-1] == "x"
    assert names(gradcheck_module(network(), Value(X, requires_grad=False)))[-1] == "2.bias"


@pytest.mark.parametrize(("order", "mode"), [(2, "full"), (1, "directional"), (2, "directional")])
def test_orders_and_modes_are_those_of_gradcheck(order: int, mode: Any) -> None:
    report = gradcheck_module(network(), X, loss=cross_entropy, order=order, mode=mode)
    assert (report.orders, report.mode) == (tuple(range(1, order + 1)), mode)


# ---- Wrong gradients


def halved_times(x: Any, y: Any) -> Any:
    return x * y


half_the_gradient = operation(halved_times, x=lambda g, y: g * y, y=lambda g, x: g * x / 2)


class Scaled(nn.Module):
    """A linear layer whose outputs are scaled, with a wrong gradient of the scale."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)
        self.scale = Value(np.full(3, 2.0, np.float32))

    def forward(self, x: Any) -> Any:
        return half_the_gradient(self.linear(x), self.scale)


def test_parameter_with_a_wrong_gradient_is_named() -> None:
    with pytest.raises(GradientMismatch) as caught:
        gradcheck_module(nn.Sequential(Scaled(), nn.Tanh()), X, loss=cross_entropy)
    report = caught.value.report
    wrong = {line.name: line.wrong for line in report.inputs}
    assert wrong == {"0.scale": 3, "0.linear.weight": 0, "0.linear.bias": 0}
    assert {entry.input for entry in report.worst} == {"0.scale"}
    assert [(each.primitive, each.input) for each in report.culprits] == [("halved_times", "y")]


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = Value(np.ones((4, 3), np.float32))
        self.gain = Value(np.float32(2.0))

    def forward(self, x: Any) -> Any:
        return x @ self.weight * self.gain.detach()


def test_parameter_that_no_gradient_reaches_is_named() -> None:
    report = check(Detached(), X, by=gradcheck_module)
    assert (report.verdict, kinds(report)) == ("fail", {"missing gradient"})
    assert " gain " in report.findings[0].text


def test_parameter_that_is_not_used_is_right_to_have_no_gradient() -> None:
    class Unused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused = nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            return self.used(x)

    assert gradcheck_module(Unused(), X)


def test_dropout_in_training_is_not_deterministic_and_in_evaluation_right() -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 3))
    report = check(model, X, by=gradcheck_module)
    assert (report.verdict, kinds(report)) == ("fail", {"not deterministic"})
    assert "eval()" in report.findings[0].text
    model.eval()
    assert gradcheck_module(model, X)


# ---- Which parameters


def test_frozen_parameters_are_left_out() -> None:
    model = network()
    dict(model.named_parameters())["0.weight"].requires_grad = False
    assert names(gradcheck_module(model, X)) == ["0.bias", "2.weight", "2.bias"]


def test_shared_parameter_is_checked_once_with_all_its_uses() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.second.weight = self.first.weight

        def forward(self, x: Any) -> Any:
            return self.second(self.first(x).tanh())

    model = Tied()
    assert names(gradcheck_module(model, X)) == ["first.weight", "first.bias", "second.bias"]
    assert model.second.weight is model.first.weight


def test_model_without_parameters_is_an_error_unless_an_input_is_a_value() -> None:
    with pytest.raises(TypeError, match="Tanh has no parameters"):
        gradcheck_module(nn.Tanh(), X)
    assert names(gradcheck_module(nn.Tanh(), Value(X))) == ["x"]


def test_model_may_take_and_return_containers() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = Value(np.ones(4, np.float32))

        def forward(self, pair: Any, power: int) -> Any:
            return {"product": pair["a"] * self.weight, "sum": [(self.weight**power).sum()]}

    assert names(gradcheck_module(Pair(), {"a": Value(X), "b": X}, 3)) == ["weight", "pair['a']"]


# ---- The model afterwards


@pytest.mark.parametrize("mode", ["full", "directional"])
def test_model_is_left_as_it_was(mode: Any) -> None:
    model = network()
    before = snapshot(model)
    gradcheck_module(model, X, loss=cross_entropy, mode=mode)
    assert snapshot(model) == before
    assert all(p.grad is None for p in model.parameters())
    assert model.training


def test_model_is_left_as_it_was_after_a_mismatch() -> None:
    model = Scaled()
    before = snapshot(model)
    with pytest.raises(GradientMismatch):
        gradcheck_module(model, X)
    assert snapshot(model) == before


def test_model_is_left_as_it_was_after_an_exception() -> None:
    def fails(out: Any) -> Any:
        raise RuntimeError("no loss")

    model = network()
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="no loss"):
        gradcheck_module(model, X, loss=fails)
    assert snapshot(model) == before


def test_model_that_fails_on_a_later_call_is_left_as_it_was() -> None:
    calls = []

    def fails_later(out: Any) -> Any:
        calls.append(1)
        if len(calls) > 10:
            raise RuntimeError("no loss any more")
        return out.sum()

    model = network()
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="any more"):
        gradcheck_module(model, X, loss=fails_later)
    assert snapshot(model) == before


def test_gradients_that_were_there_stay() -> None:
    model = network()
    cross_entropy(model(X)).backward()
    before = [p.grad.copy() for p in model.parameters()]
    gradcheck_module(model, X, loss=cross_entropy)
    for p, grad in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.grad, grad)


def test_model_can_be_trained_after_a_check() -> None:
    model = network()
    gradcheck_module(model, X, loss=cross_entropy)
    optimizer = tg.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = cross_entropy(model(X))
        loss.backward()
        optimizer.step()
        losses.append(float(loss.data))
    assert losses == sorted(losses, reverse=True)


class Decaying(nn.Module):
    """A module that changes its parameter whenever it is called."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Value(np.ones(4, np.float32))

    def forward(self, x: Any) -> Any:
        self.weight.data[...] *= 0.5
        return x * self.weight


def test_model_that_changes_a_parameter_is_named_and_left_as_it_was() -> None:
    model = Decaying()
    report = check(model, X, by=gradcheck_module)
    assert (report.verdict, kinds(report)) == ("fail", {"changes its input"})
    assert report.findings[0].text.startswith("weight ")
    np.testing.assert_array_equal(model.weight.data, np.ones(4))


def test_check_inside_no_grad_is_the_same() -> None:
    with tg.no_grad():
        report = gradcheck_module(network(), X, loss=cross_entropy)
        assert not tg.is_grad_enabled()
    assert report
    assert sum(line.checked for line in report.inputs) == 24 + 6 + 18 + 3
