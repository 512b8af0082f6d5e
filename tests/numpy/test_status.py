"""The page on NumPy's functions, and what happens with those that have no derivative."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.numpy_protocol import differentiable, plain

DOCS = Path(__file__).parent.parent.parent / "docs"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("pages", DOCS / "numpy_functions.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = load()


def test_the_page_says_what_is_true() -> None:
    written = (DOCS / "numpy_functions.md").read_text(encoding="utf-8")
    if np.lib.NumpyVersion(np.__version__) < "2.4.0":
        pytest.skip("the page is that of NumPy 2.4, and older ones have fewer functions")
    assert written == PAGES.page(), "run python3 docs/numpy_functions.py"


def test_no_function_is_in_both_tables() -> None:
    assert not plain & differentiable.keys()


ERRORS = [
    (name, function)
    for module in (np, np.linalg, np.fft)
    for name, function in PAGES.functions(module)
    if PAGES.status(function) == "error" and not name.startswith("save")
]


@pytest.mark.parametrize("name", [name for name, _ in ERRORS])
def test_unsupported_functions_are_errors_that_name_them(name: str) -> None:
    function = dict(ERRORS)[name]
    arguments = (Value(np.ones(4)),) * (2 if name == "polydiv" else 1)
    if isinstance(function, np.ufunc):
        arguments = (Value(np.ones(4)),) * function.nin
    with pytest.raises(TypeError, match=rf"np\..*{function.__name__}|missing|argument"):
        function(*arguments)


def test_the_error_says_how_to_go_on_and_names_what_is_near() -> None:
    with pytest.raises(TypeError, match=r"np.roots has no derivative rules.*tg.primitive"):
        np.roots(Value(np.ones(4)))
    with pytest.raises(TypeError, match=r"np.polydiv .*there is np.poly"):
        np.polydiv(Value(np.ones(4)), Value(np.ones(2)))


def test_ufuncs_of_other_libraries_are_errors_that_name_ours() -> None:
    special = pytest.importorskip("scipy.special")
    for ufunc, hint in (
        (special.erf, "^erf has no .*there is tinygrad_nn.erf"),
        (special.expit, "^expit has no .*there is tinygrad_nn.sigmoid"),
        (special.gamma, "^gamma has no derivative rules here: define one with tg.primitive"),
    ):
        with pytest.raises(TypeError, match=hint):
            ufunc(Value(np.ones(4)))


def test_values_without_gradient_are_computed_as_arrays() -> None:
    x = Value(np.array([1.0, -3.0, 2.0]), requires_grad=False)
    np.testing.assert_array_equal(np.roots(x), [2, 1])
    with tg.no_grad():
        np.testing.assert_array_equal(np.roots(Value(x.data) * 1.0), [2, 1])


def test_arrays_of_values_inside_of_functions_that_are_differentiated() -> None:
    def f(x: Any) -> Any:
        pair = np.array([x[0], x[1] ** 2])
        matrix = np.array([[pair[0], 1.0], [2.0, x[1]]])
        return np.sin(pair) @ (matrix @ x) + np.sum(np.array([x, 2 * x]) * np.ones((2, 2)))

    def g(x: Any) -> Any:
        pair = np.stack([x[0], x[1] ** 2])
        rows = np.stack([np.stack([pair[0], Value(1.0)]), np.stack([Value(2.0), x[1]])])
        return np.sin(pair) @ (rows @ x) + 3 * np.sum(x)

    x = np.array([0.3, 0.7])
    np.testing.assert_allclose(tg.grad(f)(x), tg.grad(g)(x), rtol=1e-14)
    np.testing.assert_allclose(tg.hessian(f)(x), tg.hessian(g)(x), rtol=1e-13)
    np.testing.assert_array_equal(tg.jacobian(lambda x: np.array([x[1], 1.0]))(x), [[0, 1], [0, 0]])


def test_arrays_of_values_are_errors_elsewhere() -> None:
    v = Value(2.0)
    with pytest.raises(TypeError, match="would lose the gradient"):
        np.array([v, v])
    with pytest.raises(TypeError, match="object"):
        tg.multiply(v, np.array([object()]))
