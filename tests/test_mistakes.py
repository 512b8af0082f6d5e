"""Mistakes that would lose a gradient without a word: each meets an error that says so."""

import math

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim
from tinygrad_nn.data import DataLoader

F = nn.functional


def updated_in_place(parameter):
    parameter -= 0.1


def assigned_to(parameter):
    parameter[...] = 0.0


@pytest.mark.parametrize("change", [updated_in_place, assigned_to])
@pytest.mark.parametrize(
    "leaf",
    [
        lambda: nn.Linear(2, 1).weight,
        lambda: next(nn.ModuleList([nn.Linear(2, 1)]).parameters()),
        lambda: optim.SGD([Value([1.0, 2.0])]).param_groups[0]["params"][0],
    ],
    ids=["attribute", "listed", "optimized"],
)
def test_a_parameter_changes_in_place_only_under_no_grad(leaf, change):
    parameter = leaf()
    before = np.array(parameter.data)
    with pytest.raises(RuntimeError, match="no_grad"):
        change(parameter)
    np.testing.assert_array_equal(parameter.data, before)
    with tg.no_grad():
        change(parameter)
    assert parameter.is_leaf
    assert parameter.requires_grad
    assert not np.array_equal(parameter.data, before)


def test_a_leaf_with_a_gradient_changes_in_place_only_under_no_grad():
    w = Value(1.0)
    (w * w).backward()
    with pytest.raises(RuntimeError, match="no_grad"):
        w -= 0.1 * w.grad
    with tg.no_grad():
        w -= 0.1 * w.grad
    assert float(w) == pytest.approx(0.8)


def test_a_leaf_that_is_no_parameter_can_be_filled_in_place():
    x, w = Value(np.zeros(3)), Value(2.0)
    for at in range(3):
        x[at] = at * w
    x.sum().backward()
    assert w.grad == 3


def test_reading_the_gradient_of_an_intermediate_warns():
    y = Value(2.0) * 3
    with pytest.warns(UserWarning, match="retain_grad"):
        assert y.grad is None


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * math.exp(x),
        lambda x: x * float(x),
        lambda x: x * int(x),
        lambda x: x * np.array([float(x)]).sum(),
    ],
)
def test_a_variable_does_not_become_a_python_number_while_it_is_differentiated(f):
    with pytest.raises(TypeError, match="lose the gradient"):
        tg.grad(f)(3.0)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.exp(np.array([x[0], 1.0])).sum(),
        lambda x: np.array([x[0], 1.0]).mean(),
        lambda x: np.mean([x[0], x[1]]),
        lambda x: np.linalg.det(np.array([[x[0], x[1]], [1.0, x[1]]])),
        lambda x: np.fft.fft(np.array([x[0], x[1]])).real.sum(),
        lambda x: x[0] * np.isnan(np.array([x[0], 1.0])).sum(),
    ],
)
def test_an_array_of_values_that_a_function_does_not_take_comes_with_advice(f):
    with pytest.raises((TypeError, ValueError)) as caught:
        tg.grad(f)(np.array([1.0, 2.0]))
    assert "make a Value of the list, with np.stack or np.block" in caught.value.__notes__[-1]
    with pytest.raises(TypeError) as caught:
        tg.grad(lambda x: x + len(None))(1.0)  # an error that has nothing to do with it
    assert not getattr(caught.value, "__notes__", [])


def test_filling_a_plain_array_comes_with_advice():
    def f(x):
        out = np.zeros(2)
        out[0] = x[1]
        return out.sum()

    advice = r"out = tg.Value\(np.zeros\(n\), requires_grad=False\), then out\[i\] = value"
    with pytest.raises(ValueError, match=advice):
        tg.grad(f)(np.array([1.0, 2.0]))


def test_what_is_a_copy_in_place_of_a_view_is_read_only():
    def f(x):
        alias = np.asarray(x)
        alias[0] = 2 * x[1]
        return (x**2).sum()

    with pytest.raises(ValueError, match="read-only") as caught:
        tg.grad(f)(np.array([1.0, 2.0]))
    assert "write to the Value" in caught.value.__notes__[0]
    f = lambda x: (np.asarray(x) * np.array(x)).sum()  # noqa: E731
    np.testing.assert_array_equal(tg.grad(f)(np.array([1.0, 2.0])), [2, 4])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.grad(lambda x: x.sum() > 0)(np.ones(2)), "returned bool, not a number"),
        (lambda: tg.grad(lambda x, y=2.0: x * y, argnums=1)(1.0), "also where it has a default"),
        (lambda: tg.vmap(np.sin, in_axes=None)(1.0), "in_axes is None for every argument"),
        (lambda: tg.grad(np.sum)(np.ones((1, 2)).view(np.matrix)), "no np.matrix, to which . is @"),
        (lambda: tg.grad(lambda x: np.mean([x[0], x[1]]))(np.ones(2)), "np.stack, of a list"),
    ],
)
def test_mistakes_in_calls_of_transforms(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_integers_stay_integers_as_those_of_numpy():
    f = lambda p: sum(p["w"] ** 2 * i for i in range(p["n"]))  # noqa: E731
    with pytest.raises(TypeError, match=r"keep integers as NumPy's, np.int64\(3\)"):
        tg.grad(f)({"w": 2.0, "n": 3})
    assert tg.grad(f)({"w": 2.0, "n": np.int64(3)}) == {"w": 12.0, "n": None}


@pytest.mark.parametrize("argnums", [np.array([1.0, 2.0]), 1.5, (0, None)])
def test_arguments_are_not_given_to_grad_itself(argnums):
    with pytest.raises(TypeError, match=r"argnums are positions or names .* grad\(f\)\(x\)"):
        tg.grad(lambda x: x * x, argnums)(2.0)


@pytest.mark.parametrize("transform", [tg.jacobian, lambda f: lambda x: tg.jvp(f, (x,), (x,))])
@pytest.mark.parametrize("f", [lambda x: np.exp(1j * x), lambda x: np.fft.rfft(x)])
def test_complex_results_have_no_jacobian(transform, f):
    with pytest.raises(TypeError, match=r"np\.real"):
        transform(f)(np.array([1.0, 2.0, 3.0]))


def test_a_variable_may_be_looked_at_while_it_is_differentiated():
    def f(x):
        assert x.item() == 3
        assert f"{x:.1f}" == "3.0"
        return x * x if x > 0 else -x

    assert tg.grad(f)(3.0) == 6


def test_a_value_is_a_number_again_after_a_transform_failed():
    with pytest.raises(ZeroDivisionError):
        tg.grad(lambda x: x * (1 // 0))(1.0)
    assert float(Value(2.0)) == 2


def test_a_rule_that_leaves_numpy_cannot_be_differentiated_again():
    @tg.primitive(x=lambda g, x: g * math.cos(x))
    def sine_by_math(x):
        return math.sin(x)

    assert tg.grad(sine_by_math)(0.5) == math.cos(0.5)
    with pytest.raises(TypeError, match="lose the gradient") as caught:
        tg.grad(tg.grad(sine_by_math))(0.5)
    assert "sine_by_math for x" in "".join(caught.value.__notes__)


def test_a_parameter_is_not_replaced_by_an_array():
    layer = nn.Linear(2, 1)
    with pytest.raises(TypeError, match=r"weight\.data"):
        layer.weight = np.zeros((1, 2))
    layer.bias = None  # this is how a layer goes without
    assert layer(np.ones((3, 2))).shape == (3, 1)


def test_a_parameter_is_not_replaced_by_a_result():
    layer = nn.Linear(2, 1)
    layer(np.ones((3, 2))).sum().backward()
    for context in (tg.enable_grad, tg.no_grad):
        with context(), pytest.raises(TypeError, match=r"no_grad\(\)"):
            layer.weight = layer.weight - 0.1 * layer.weight.grad
    layer.weight = Value(np.zeros((1, 2)))
    assert len(list(layer.parameters())) == 2


def test_an_attribute_does_not_hide_a_method_of_modules():
    with pytest.raises(AttributeError, match="parameters"):
        nn.Module().parameters = []


def test_settings_of_an_optimizer_are_set_in_its_groups():
    optimizer = optim.SGD([Value(1.0)], lr=0.1)
    with pytest.raises(AttributeError, match="param_groups"):
        optimizer.lr = 0.2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        (nn.Linear(2, 1), "model.parameters"),
        (nn.Linear(2, 1).named_parameters(), "model.parameters"),
        ([Value(np.array([1, 2]))], "int64"),
    ],
    ids=["module", "named", "integers"],
)
def test_what_cannot_be_optimized_is_refused(params, words):
    with pytest.raises(TypeError, match=words):
        optim.SGD(params)


@pytest.mark.parametrize("loss", [F.binary_cross_entropy, F.binary_cross_entropy_with_logits])
def test_binary_targets_are_from_0_to_1(loss):
    with pytest.raises(ValueError, match="from 0 to 1"):
        loss(Value([0.2, 0.7]), np.array([1.0, -1.0]))


def test_a_loss_is_not_given_its_data_when_it_is_made():
    with pytest.raises(TypeError, match="when it is called"):
        nn.CrossEntropyLoss(Value([[1.0, 2.0]]), np.array([1]))


def test_a_primitive_returns_one_array():
    @tg.primitive(x=lambda g: g)
    def twins(x):
        return x, x

    with pytest.raises(TypeError, match="one array or number, not tuple"):
        twins(Value([1.0]))


def test_primitive_wants_its_rules():
    with pytest.raises(TypeError, match="rules by name"):

        @tg.primitive
        def identity(x):
            return x


def test_arrays_are_not_changed_in_place_by_values():
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"a = a \+ v"):
        array += Value([1.0, 2.0])


def test_only_functions_have_derivatives():
    with pytest.raises(TypeError, match="function"):
        tg.grad(3.0)


def test_loading_wants_a_dict():
    with pytest.raises(TypeError, match=r"np\.load"):
        nn.Linear(2, 1).load_state_dict("weights.npz")


def test_arrays_make_a_data_set_first():
    with pytest.raises(TypeError, match="TensorDataset"):
        DataLoader((np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize(
    ("module", "words"),
    [([nn.ReLU()], "unpack"), (nn.ReLU, r"ReLU\(\)"), (F.relu, r"nn\.ReLU")],
    ids=["list", "class", "function"],
)
def test_sequential_wants_modules(module, words):
    with pytest.raises(TypeError, match=words):
        nn.Sequential(module)


def test_importing_everything_leaves_pythons_functions_alone():
    names: dict[str, object] = {}
    exec("from tinygrad_nn import *", names)
    assert "Value" in names
    assert not {"sum", "max", "min", "abs"} & set(names)


def test_complex_values_carry_no_gradient():
    with pytest.raises(TypeError, match="requires_grad=False"):
        Value(np.zeros(3, complex))

    def f(x):
        z = Value(np.zeros(2, complex), requires_grad=False)
        z[0] = x[0] + 1j * x[1]
        z[1] = np.exp(1j * x[0])
        return (z * np.conj(z)).real.sum()

    np.testing.assert_allclose(tg.grad(f)(np.array([1.0, 2.0])), [2, 4], atol=1e-15)
