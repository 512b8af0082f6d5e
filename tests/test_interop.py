"""NumPy arrays, DLPack, SciPy's optimizers."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.interop import from_dlpack, scipy_objective


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-ncg", "trust-krylov"])
def test_scipy_minimizes_with_exact_derivatives(method: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    objective = scipy_objective(rosenbrock, np.array([-1.2, 1.0, 0.5]))
    keywords = {} if method == "BFGS" else {"hessp": objective.hessp}
    found = optimize.minimize(
        objective, objective.x0, jac=True, method=method, tol=1e-8, **keywords
    )
    np.testing.assert_allclose(found.x, np.ones(3), atol=1e-5)


def test_parameters_may_be_nested() -> None:
    start = {"w": np.ones((2, 3), np.float32), "b": 2.0, "list": [np.zeros(2), 1]}

    def f(p: Any, weight: float) -> Any:
        return (p["w"] ** 2).sum() * p["b"] + weight * p["list"][0].sum() * p["list"][1]

    objective = scipy_objective(f, start)
    assert objective.x0.tolist() == [1] * 6 + [2, 0, 0, 1]
    value, gradient = objective(objective.x0, 5.0)
    assert value == 12.0
    np.testing.assert_array_equal(gradient, [4] * 6 + [6, 5, 5, 0])
    back = objective.unflatten(np.arange(10.0))
    np.testing.assert_array_equal(back["w"], np.arange(6).reshape(2, 3))
    assert (back["b"], back["list"][1]) == (6.0, 9.0)
    direction = np.eye(10)[6]
    np.testing.assert_array_equal(
        objective.hessp(objective.x0, direction, 5.0), [2] * 6 + [0, 0, 0, 0]
    )


def test_gradient_is_an_array_of_its_own() -> None:
    objective = scipy_objective(rosenbrock, np.zeros(3))
    first = objective(np.zeros(3))[1]
    before = first.copy()
    objective(np.ones(3))
    np.testing.assert_array_equal(first, before)


def test_parameters_must_be_real_numbers() -> None:
    with pytest.raises(TypeError, match=r"x0\['name'\] is"):
        scipy_objective(rosenbrock, {"name": "text"})


def test_arrays_of_values_without_gradient_share_memory() -> None:
    v = Value(np.arange(3.0), requires_grad=False)
    assert np.shares_memory(np.asarray(v), v.data)
    assert np.shares_memory(np.from_dlpack(v), v.data)
    copy = from_dlpack(v.data)
    assert not np.shares_memory(copy.data, v.data)
    np.testing.assert_array_equal(copy.data, v.data)


def test_values_that_require_gradients_are_not_exported() -> None:
    v = Value(np.arange(3.0))
    for export in (np.asarray, np.from_dlpack, lambda v: v.numpy()):
        with pytest.raises(TypeError, match="would lose the gradient"):
            export(v)


@pytest.mark.peers
def test_dlpack_with_pytorch_both_ways() -> None:
    torch = pytest.importorskip("torch")
    v = Value(np.arange(3.0), requires_grad=False)
    tensor = torch.from_dlpack(v)
    tensor[0] = 7.0
    assert v.data[0] == 7.0
    np.testing.assert_array_equal(from_dlpack(torch.ones(2)).data, np.ones(2, np.float32))


# ---- Assigning to plain arrays


@pytest.mark.parametrize(
    "assign",
    [
        lambda a, v: a.__setitem__(slice(1, None), v),
        lambda a, v: a.__setitem__([0, 1], v),
        lambda a, v: np.full(3, v),
        lambda a, v: np.array([v, v]),
    ],
)
def test_values_do_not_vanish_in_arrays(assign: Any) -> None:
    with pytest.raises(TypeError, match=r"tg.Value\(np.zeros\(n\), requires_grad=False\)"):
        assign(np.zeros(3), Value(2.0))


def test_numbers_assigned_to_elements_do_not_vanish_either() -> None:
    array = np.zeros(3)
    with pytest.raises(ValueError, match="setting an array element") as error:
        array[0] = Value(2.0) * 3
    assert "tg.Value(np.zeros(n), requires_grad=False)" in str(error.value.__cause__)
    array[1] = float(Value(2.0))
    array[2] = Value(3.0, requires_grad=False)
    array[0] = Value(4.0).data
    np.testing.assert_array_equal(array, [4, 2, 3])


def test_sums_in_place_of_arrays_and_values() -> None:
    array = np.zeros(2)
    with pytest.raises(TypeError, match=r"write a = a \+ v"):
        array += Value(np.ones(2))
    v = Value(np.ones(2))
    w = v * 1.0
    w += np.ones(2)
    np.testing.assert_array_equal(w.data, [2, 2])
    gradient = tg.grad(lambda x: np.add(x, 1.0, out=Value(np.zeros(2))).sum())(np.ones(2))
    np.testing.assert_array_equal(gradient, [1, 1])


def test_lists_of_numbers_are_made_where_no_gradient_is_lost() -> None:
    assert Value(np.ones(2)).tolist() == [1, 1]
    with pytest.raises(TypeError, match="lose the gradient"):
        tg.grad(lambda x: sum(x.tolist()))(np.ones(2))


def test_python_s_divmod_and_round() -> None:
    x = Value(7.5)
    quotient, rest = divmod(x, 2.0)
    assert (quotient.data, rest.data, round(x, 0)) == (3.0, 1.5, 8.0)
    quotient, rest = divmod(20.0, x)
    assert (quotient.data, rest.data) == (2.0, 5.0)
