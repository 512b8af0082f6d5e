"""NumPy's ufuncs on Values: values, derivatives, limits, options and methods."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

rng = np.random.default_rng(0)


def drawn(low: float, high: float, *shape: int) -> Any:
    return rng.uniform(low, high, shape)


SMALL = drawn(-0.9, 0.9, 2, 3)
LARGE = drawn(1.1, 5, 2, 3)
ANY = drawn(-2, 2, 2, 3)

UNARY: dict[Any, Any] = {
    np.tan: drawn(-1.4, 1.4, 2, 3),
    np.arcsin: SMALL,
    np.arccos: SMALL,
    np.arctan: ANY,
    np.sinh: ANY,
    np.cosh: ANY,
    np.arcsinh: ANY,
    np.arccosh: LARGE,
    np.arctanh: SMALL,
    np.exp2: ANY,
    np.log2: LARGE,
    np.log10: LARGE,
    np.cbrt: np.array([[-27.0, 2.0, -0.5]]),
    np.reciprocal: LARGE,
    np.degrees: ANY,
    np.rad2deg: ANY,
    np.radians: ANY,
    np.deg2rad: ANY,
    np.fabs: ANY,
    np.negative: ANY,
    np.sqrt: LARGE,
}
BINARY: dict[Any, Any] = {
    np.arctan2: (ANY, LARGE),
    np.hypot: (ANY, LARGE),
    np.logaddexp: (ANY, 3 * ANY[0]),
    np.logaddexp2: (ANY, 3 * ANY[0]),
    np.float_power: (LARGE, ANY[0]),
    np.fmax: (ANY, ANY[:, ::-1] + 0.1),
    np.fmin: (ANY, ANY[:, ::-1] + 0.1),
    np.fmod: (drawn(5.1, 5.9, 2, 3) * [1, -1, 1], np.array([3.0, -3.0, -2.0])),
    np.copysign: (ANY, ANY[:, ::-1]),
    np.heaviside: (ANY, ANY[0]),
    np.add: (ANY, ANY[0]),
}
EVERY = {**{f: (x,) for f, x in UNARY.items()}, **BINARY}
every_ufunc = pytest.mark.parametrize("function", EVERY, ids=lambda f: f.__name__)


def same(got: Any, want: Any, rtol: float = 1e-14) -> None:
    """Values, shape and dtype as NumPy's; a rounding of the last digit is allowed."""
    got = got.data if isinstance(got, Value) else got
    assert np.shape(got) == np.shape(want)
    assert np.asarray(got).dtype == np.asarray(want).dtype
    if np.asarray(want).dtype == np.float32:
        rtol = max(rtol, 3e-7)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


@every_ufunc
def test_values_are_those_of_numpy(function: Any) -> None:
    inputs = EVERY[function]
    np.testing.assert_array_equal(function(*map(Value, inputs)).data, function(*inputs))
    firsts = [x.flat[0] for x in inputs]
    assert function(*map(Value, firsts)).data == function(*firsts)
    assert type(function(*map(Value, firsts)).data) is np.float64


@every_ufunc
def test_derivatives_to_second_order(function: Any) -> None:
    assert gradcheck(function, *EVERY[function], order=2)


@every_ufunc
def test_single_precision_is_kept(function: Any) -> None:
    inputs = [x.astype(np.float32) for x in EVERY[function]]
    values = [Value(x) for x in inputs]
    y = function(*values)
    same(y, function(*inputs))
    y.sum().backward()
    assert [v.grad.dtype for v in values] == [np.float32] * len(values)
    wide = [Value(x.astype(float)) for x in inputs]
    function(*wide).sum().backward()
    for v, w in zip(values, wide, strict=True):
        np.testing.assert_allclose(v.grad, w.grad, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_a_number_or_an_array_on_either_side(function: Any) -> None:
    x, y = BINARY[function]
    same(function(Value(x), y), function(x, y))
    same(function(x, Value(y)), function(x, y))
    same(function(Value(x), 1.5), function(x, 1.5))
    same(function(1.5, Value(y)), function(1.5, y))
    narrow = x.astype(np.float32)
    same(function(Value(narrow), 1.5), function(narrow, 1.5))


# ---- Near limits


def gradient(function: Any, *inputs: float) -> list[float]:
    values = [Value(x) for x in inputs]
    function(*values).backward()
    return [float(v.grad) for v in values]


def curvature(function: Any, x: float) -> float:
    return float(tg.grad(tg.grad(function))(x))


def test_slopes_keep_their_digits_next_to_poles() -> None:
    near = 1 - 2.0**-40  # 1 - x is exactly 2^-40, 1 + x is 2 - 2^-40
    product = 2.0**-40 * (2 - 2.0**-40)
    assert gradient(np.arctanh, near) == pytest.approx([1 / product], rel=1e-15)
    assert gradient(np.arcsin, near) == pytest.approx([product**-0.5], rel=1e-15)
    assert gradient(np.arccos, near) == pytest.approx([-(product**-0.5)], rel=1e-15)
    past = 1 + 2.0**-40
    want = (2.0**-40 * (2 + 2.0**-40)) ** -0.5
    assert gradient(np.arccosh, past) == pytest.approx([want], rel=1e-15)


def test_hypot_and_arctan2_do_not_overflow_and_do_not_underflow() -> None:
    for size in (1e300, 1e-300):
        assert gradient(np.hypot, 3 * size, 4 * size) == pytest.approx([0.6, 0.8], rel=1e-15)
        turned = gradient(np.arctan2, 3 * size, 4 * size)
        assert turned == pytest.approx([0.16 / size, -0.12 / size], rel=1e-14)


def test_at_the_origin_hypot_and_arctan2_have_gradient_0() -> None:
    assert gradient(np.hypot, 0.0, 0.0) == [0, 0]
    assert gradient(np.arctan2, 0.0, 0.0) == [0, 0]


def test_arcsinh_of_large_numbers() -> None:
    assert gradient(np.arcsinh, 1e200) == pytest.approx([1e-200], rel=1e-15)


INF = np.inf


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("x", "y", "want"),
    [
        (-INF, 5.0, [0, 1]),
        (5.0, -INF, [1, 0]),
        (INF, 5.0, [1, 0]),
        (5.0, INF, [0, 1]),
        (-INF, INF, [0, 1]),
        (INF, INF, [0.5, 0.5]),
        (-INF, -INF, [0.5, 0.5]),
        (1e4, 1e4, [0.5, 0.5]),
        (-2000.0, 2000.0, [0, 1]),
    ],
)
def test_logaddexp_at_infinity(function: Any, x: float, y: float, want: list[float]) -> None:
    assert gradient(function, x, y) == want
    second = float(tg.grad(tg.grad(lambda x: function(x, y)))(x))
    if np.isinf([x, y]).any() or want != [0.5, 0.5]:
        assert second == 0
    else:
        assert second == pytest.approx(0.25 if function is np.logaddexp else 0.25 * np.log(2))


def test_weights_of_logaddexp_are_exact_beside_large_numbers() -> None:
    x, y = np.float32(10_000), np.float32(10_002)
    assert gradient(np.logaddexp, x, y) == pytest.approx([0.1192029220, 0.8807970780], rel=1e-6)
    far = gradient(np.logaddexp, 0.0, 40.0)
    assert far == pytest.approx([np.exp(-40), 1], rel=1e-13)


def test_cube_roots_of_negative_numbers() -> None:
    assert gradient(np.cbrt, -8.0) == pytest.approx([1 / 12])
    assert curvature(np.cbrt, -8.0) == pytest.approx(2 / 9 / 32)


@pytest.mark.parametrize(
    ("function", "x", "y", "want"),
    [
        (np.fmax, 1.0, np.nan, [1, 0]),
        (np.fmin, 1.0, np.nan, [1, 0]),
        (np.fmax, np.nan, 1.0, [0, 1]),
        (np.fmin, np.nan, np.nan, [0, 0]),
        (np.fmax, 2.0, 2.0, [0.5, 0.5]),
        (np.fmin, 2.0, 2.0, [0.5, 0.5]),
        (np.copysign, 0.0, -1.0, [0, 0]),
        (np.copysign, -2.0, -0.0, [1, 0]),
        (np.heaviside, 0.0, 0.5, [0, 1]),
        (np.fmod, 7.0, -3.0, [1, 2]),
        (np.fmod, -7.0, -3.0, [1, -2]),
    ],
)
def test_kinks_and_nan(function: Any, x: float, y: float, want: list[float]) -> None:
    assert gradient(function, x, y) == want


def test_float_power_is_in_double_precision() -> None:
    x = Value(np.array([1.5, 2.0], np.float32))
    y = np.float_power(x, 2)
    same(y, np.float_power(x.data, 2))
    y.sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [3, 4])
    same(np.float_power(2, x), np.float_power(2, x.data))
    same(np.float_power([2, 3], x), np.float_power([2, 3], x.data))


# ---- Two results, or whole numbers among the inputs


def test_ldexp() -> None:
    exponents = np.array([1, -2, 0])
    same(np.ldexp(Value(ANY), exponents), np.ldexp(ANY, exponents))
    same(np.ldexp(Value(ANY), Value(exponents)), np.ldexp(ANY, exponents))
    assert gradcheck(lambda x: np.ldexp(x, exponents), ANY, order=2)


@pytest.mark.parametrize("function", [np.frexp, np.modf], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_parts_of_numbers(function: Any, dtype: Any) -> None:
    x = np.array([0.0, -0.0, 5.75, -5.75, 1e-30, -INF, np.nan], dtype)
    parts = function(Value(x))
    assert type(parts) is tuple
    for got, want in zip(parts, function(x), strict=True):
        same(got, want)
        data = got.data if isinstance(got, Value) else got
        np.testing.assert_array_equal(np.signbit(data), np.signbit(want))
    assert [isinstance(part, Value) for part in parts] == [True, False]
    assert gradcheck(lambda x: function(x)[0], np.array([5.75, -5.7, 0.1]), order=2)


def test_divmod() -> None:
    x, y = BINARY[np.fmod]
    for got, want in zip(np.divmod(Value(x), y), np.divmod(x, y), strict=True):
        same(got, want)
    assert gradcheck(lambda x, y: np.divmod(x, y)[1], x, y, order=2)


# ---- Products of vectors


@pytest.mark.parametrize(
    ("name", "x_shape", "y_shape"),
    [
        ("vecdot", (3,), (3,)),
        ("vecdot", (2, 3), (4, 1, 3)),
        ("matvec", (2, 3), (3,)),
        ("matvec", (4, 2, 3), (4, 3)),
        ("vecmat", (2,), (2, 3)),
        ("vecmat", (4, 2), (4, 2, 3)),
    ],
)
def test_products_of_vectors(name: str, x_shape: Any, y_shape: Any) -> None:
    if not hasattr(np, name):
        pytest.skip("not in this NumPy")
    function = getattr(np, name)
    x, y = drawn(-1, 1, *x_shape), drawn(-1, 1, *y_shape)
    same(function(Value(x), Value(y)), function(x, y))
    same(function(Value(x), y.tolist()), function(x, y))
    assert gradcheck(function, x, y, order=2)
    z = function(Value(x) * (1 + 0.5j), y * (2 - 1j))
    np.testing.assert_allclose(z.data, function(x * (1 + 0.5j), y * (2 - 1j)), rtol=1e-13)


def test_vecdot_along_another_axis() -> None:
    x, y = drawn(-1, 1, 3, 2), drawn(-1, 1, 3, 2)
    same(np.vecdot(Value(x), y, axis=0), np.vecdot(x, y, axis=0))
    with pytest.raises(TypeError, match="axes"):
        np.vecdot(Value(x), y, axes=[0, 0, ()])


# ---- Without derivative


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (np.less_equal, (ANY, 0.5)),
        (np.not_equal, (ANY, ANY[0])),
        (np.isfinite, (ANY,)),
        (np.signbit, (ANY,)),
        (np.rint, (ANY,)),
        (np.logical_xor, (ANY, 0)),
        (np.gcd, (np.array([12, 18]), 8)),
        (np.lcm, (np.array([12, 18]), 8)),
        (np.bitwise_and, (np.array([12, 18]), 8)),
        (np.bitwise_count, (np.array([12, 18]),)),
        (np.invert, (np.array([12, 18]),)),
        (np.left_shift, (np.array([12, 18]), 2)),
        (np.right_shift, (np.array([12, 18]), 2)),
    ],
    ids=lambda x: getattr(x, "__name__", ""),
)
def test_results_without_derivative_are_arrays(function: Any, inputs: Any) -> None:
    got = function(Value(inputs[0]), *inputs[1:])
    assert isinstance(got, np.ndarray)
    same(got, function(*inputs))


def test_whole_numbers_are_needed_where_numpy_needs_them() -> None:
    with pytest.raises(TypeError):
        np.gcd(Value(1.5), 2)


# ---- out=, where=, dtype=


def test_a_value_as_out_takes_the_gradient() -> None:
    def f(x: Any, y: Any) -> Any:
        v = Value(np.zeros((2, 3)))
        result = np.arctan2(x, y, out=v)
        assert result is v
        return v * x

    assert gradcheck(f, ANY, LARGE, order=2)
    v = Value(np.zeros((2, 3)))
    np.add(Value(ANY), LARGE, out=v)
    same(v, ANY + LARGE)


def test_an_input_can_be_out() -> None:
    def f(x: Any) -> Any:
        v = x * 1.0
        np.multiply(v, v, out=v)
        np.sinh(v, out=v, where=np.array([True, False, True]))
        return v

    assert gradcheck(f, ANY, order=2)


def test_an_array_as_out_is_an_error_that_says_what_to_write() -> None:
    a = np.zeros((2, 3))
    with pytest.raises(TypeError, match=r"out = tg\.Value\(np\.zeros"):
        np.add(Value(ANY), 1, out=a)
    with pytest.raises(TypeError, match=r"a = a \+ v"):
        a += Value(ANY)
    with pytest.raises(TypeError, match=r"a = a \+ v"):
        np.subtract(Value(ANY), 1, a)
    np.testing.assert_array_equal(a, 0)


def test_an_array_takes_what_needs_no_gradient() -> None:
    a = np.zeros((2, 3))
    v = Value(ANY, requires_grad=False)
    assert np.tan(v, out=a) is a
    np.testing.assert_array_equal(a, np.tan(ANY))
    a += v
    np.testing.assert_array_equal(a, np.tan(ANY) + ANY)


@pytest.mark.parametrize("wrap", [Value, lambda x: Value(x, requires_grad=False), np.array])
def test_out_takes_no_result_of_another_kind(wrap: Any) -> None:
    x, whole = wrap(LARGE), Value(np.zeros((2, 3), int))
    for call in (
        lambda: np.add(x, 1, out=whole),
        lambda: np.floor(x, out=whole),
        lambda: np.subtract.reduce(x[None], out=whole),
        lambda: np.clip(x, 0, 1, out=whole),
        lambda: np.divmod(x, 2, out=(None, whole)),
    ):
        with pytest.raises(TypeError, match=r"annot cast .*int64.* rule 'same_kind'"):
            call()
    with pytest.raises(TypeError, match="complex128 to out= of float64"):
        np.add(x, 1j, out=Value(np.zeros((2, 3))))
    np.testing.assert_array_equal(whole.data, 0)


def test_out_takes_another_precision_and_whole_numbers() -> None:
    single = Value(np.zeros((2, 3), np.float32))
    np.add(Value(LARGE), 1, out=single)
    same(single, (LARGE + 1).astype(np.float32))
    np.add(np.arange(3), Value([1, 2, 3], dtype=int), out=single)
    np.testing.assert_array_equal(single.data, [[1, 3, 5]] * 2)
    short = Value(np.zeros(3, np.int8))
    np.greater(Value(LARGE[0]), 2, out=short)
    np.testing.assert_array_equal(short.data, LARGE[0] > 2)


def test_two_results_go_to_two_places() -> None:
    whole, rest = Value(np.zeros((2, 3))), Value(np.zeros((2, 3)))
    results = np.divmod(Value(ANY), 0.75, out=(whole, rest))
    assert results[0] is whole
    assert results[1] is rest
    same(rest, ANY % 0.75)
    _, same_rest = np.divmod(Value(ANY), 0.75, out=(None, rest))
    assert same_rest is rest


def test_where_leaves_out_elements_outside_of_the_domain() -> None:
    x = np.array([[0.5, -1.0, 2.0], [0.0, 3.0, -2.0]])

    chosen = x > 0

    def f(x: Any) -> Any:
        return np.log(x, out=Value(np.full((2, 3), 7.0)), where=chosen)

    want = np.log(x, out=np.full((2, 3), 7.0), where=chosen)
    same(f(Value(x)), want)
    assert gradcheck(f, x, order=2)
    np.testing.assert_array_equal(tg.grad(lambda x: f(x).sum())(x)[x <= 0], 0)


def test_where_is_broadcast_and_keeps_single_precision() -> None:
    x = ANY.astype(np.float32)
    mask = np.array([True, False, True])
    start = np.ones((2, 3), np.float32)
    got = np.divide(Value(x), 3, out=Value(start), where=mask)
    same(got, np.divide(x, 3, out=start.copy(), where=mask))
    got = np.multiply(Value(2.0), Value(ANY[0]), out=Value(np.ones((2, 3))), where=mask)
    same(got, np.multiply(2.0, ANY[0], out=np.ones((2, 3)), where=mask))


def test_where_needs_out() -> None:
    with pytest.raises(TypeError, match="needs out="):
        np.log(Value(ANY), where=ANY > 0)
    with pytest.raises(TypeError, match="cannot cast"):
        np.log(Value(LARGE), out=Value(np.ones((2, 3), int)), where=LARGE > 2)


def test_where_leaves_the_rest_of_out_to_functions_without_derivative() -> None:
    mask = ANY > 0
    for function in (np.floor, np.rint):
        v = Value(ANY)
        assert function(v, out=v, where=mask) is v
        same(v, function(ANY, out=ANY.copy(), where=mask))


def test_casting_is_that_of_the_caller() -> None:
    whole = Value(np.zeros((2, 3), int))
    constant = Value(LARGE, requires_grad=False)
    for x in (constant, LARGE):
        assert np.add(x, Value(1.0, requires_grad=False), out=whole, casting="unsafe") is whole
        np.testing.assert_array_equal(whole.data, np.trunc(LARGE + 1))
    np.floor(constant, out=whole, casting="unsafe")
    np.testing.assert_array_equal(whole.data, np.floor(LARGE))
    with pytest.raises(TypeError, match="cannot keep the gradient"):
        np.add(Value(LARGE), 1, out=whole, casting="unsafe")
    with pytest.raises(TypeError, match="rule 'safe'"):
        np.add(Value(LARGE), 1, out=Value(np.zeros((2, 3), np.float32)), casting="safe")
    got = np.add(Value(np.arange(3)), 1.5, dtype=int, casting="unsafe")
    same(got, np.add(np.arange(3), 1.5, dtype=int, casting="unsafe"))


def test_fabs_is_floating_point_and_not_of_complex_numbers() -> None:
    whole = np.array([-2, 3])
    same(np.fabs(Value(whole)), np.fabs(whole))
    assert gradient(np.fabs, 0.0) == [0]
    with pytest.raises(TypeError, match="complex"):
        np.fabs(Value(ANY) * 1j)


def test_dtype_is_that_of_the_computation() -> None:
    x, y = ANY.astype(np.float32), LARGE
    same(np.add(Value(ANY), y, dtype=np.float32), np.add(ANY, y, dtype=np.float32))
    same(np.multiply(Value(x), 0.1, dtype=np.float64), np.multiply(x, 0.1, dtype=np.float64))
    same(np.ldexp(Value(x), 2, dtype=np.float64), np.ldexp(x, 2, dtype=np.float64))
    assert gradcheck(lambda x: np.add(x, 1, dtype=np.longdouble), ANY)
    with pytest.raises(TypeError, match="Cannot cast"):
        np.add(Value(ANY), 1, dtype=np.int64)


def test_unknown_options_are_refused() -> None:
    with pytest.raises(TypeError, match="signature"):
        np.add(Value(ANY), 1, signature="dd->d")


# ---- Methods

POSITIVE = drawn(0.5, 2, 3, 4)
FOLDS = [
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.maximum, np.minimum),
    *(np.fmax, np.fmin, np.hypot, np.logaddexp, np.logaddexp2, np.arctan2, np.copysign),
]


def folded(function: Any, x: Any, axis: int, keepdims: bool = False) -> Any:
    """function.reduce, which NumPy gets wrong for power and arctan2 along contiguous axes."""
    x = np.moveaxis(x, axis, 0)
    result = functools.reduce(function, list(x))
    return np.expand_dims(result, axis) if keepdims else result


def of_values(function: Any) -> Any:
    """The function with Values for arrays, which NumPy gets wrong for power and arctan2."""
    return lambda x: function(x if isinstance(x, Value) else Value(x))


every_fold = pytest.mark.parametrize("function", FOLDS, ids=lambda f: f.__name__)


@every_fold
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduce(function: Any, axis: int, keepdims: bool) -> None:
    def reduced(x: Any) -> Any:
        return function.reduce(x, axis=axis, keepdims=keepdims)

    for x in (POSITIVE, POSITIVE.astype(np.float32)):
        same(reduced(Value(x)), folded(function, x, axis, keepdims), 10 * np.finfo(x.dtype).eps)
        if function not in (np.power, np.arctan2):
            same(reduced(Value(x)), reduced(x), 10 * np.finfo(x.dtype).eps)
    if not keepdims:
        assert gradcheck(of_values(reduced), POSITIVE, order=2, mode="directional")


@every_fold
def test_reduce_is_over_the_first_axis_and_takes_initial_and_dtype(function: Any) -> None:
    x = Value(POSITIVE)
    same(function.reduce(x), function.reduce(POSITIVE))
    same(function.reduce(x, initial=1.5), function.reduce(POSITIVE, initial=1.5))
    single = function.reduce(x, dtype=np.float32)
    same(single, function.reduce(POSITIVE, dtype=np.float32), 1e-6)


@pytest.mark.parametrize(
    "function",
    [np.add, np.multiply, np.maximum, np.fmin, np.hypot, np.logaddexp, np.logaddexp2],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("axis", [None, (0, 1), (-1, 0), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduce_over_several_axes(function: Any, axis: Any, keepdims: bool) -> None:
    want = function.reduce(POSITIVE, axis=axis, keepdims=keepdims)
    same(function.reduce(Value(POSITIVE), axis=axis, keepdims=keepdims), want)
    assert gradcheck(lambda x: function.reduce(x, axis=axis), POSITIVE)


@pytest.mark.parametrize(
    "function",
    [np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.logaddexp],
    ids=lambda f: f.__name__,
)
def test_reduce_where(function: Any) -> None:
    mask = POSITIVE > 1
    options: dict[str, Any] = {"where": mask, "initial": 0.7, "axis": 1}
    same(function.reduce(Value(POSITIVE), **options), function.reduce(POSITIVE, **options))
    assert gradcheck(lambda x: function.reduce(x, **options), POSITIVE, order=2, mode="directional")


def test_reduce_over_no_axes_starts_from_the_identity_or_the_initial_value() -> None:
    same(np.hypot.reduce(Value(ANY), axis=()), np.hypot.reduce(ANY, axis=()))
    want = np.subtract.reduce(ANY, axis=(), initial=2.0)
    same(np.subtract.reduce(Value(ANY), axis=(), initial=2.0), want)


def test_reduce_of_nothing_is_the_identity_or_an_error() -> None:
    nothing = np.ones((0, 3))
    for function in (np.add, np.multiply, np.hypot, np.logaddexp, np.logaddexp2):
        same(function.reduce(Value(nothing)), function.reduce(nothing))
    for function in (np.subtract, np.maximum, np.fmax):
        with pytest.raises(ValueError, match=r"nothing|zero-size"):
            function.reduce(Value(nothing))
        want = function.reduce(nothing, initial=2.0)
        same(function.reduce(Value(nothing), initial=2.0), want)


def test_reduce_of_one_element_starts_from_the_identity() -> None:
    x = np.array([-2.0])
    same(np.hypot.reduce(Value(x)), np.hypot.reduce(x))
    same(np.hypot.reduceat(Value(x), [0]), np.hypot.reduceat(x, [0]))
    assert gradcheck(np.hypot.reduce, x)


def test_reduce_that_numpy_refuses() -> None:
    with pytest.raises(ValueError, match="order matters"):
        np.subtract.reduce(Value(POSITIVE), axis=None)
    with pytest.raises(TypeError, match="where="):
        np.subtract.reduce(Value(POSITIVE), where=POSITIVE > 1)
    for wrong in (np.exp.reduce, np.divmod.reduce, np.exp.accumulate):
        with pytest.raises(ValueError, match="only supported"):
            wrong(Value(POSITIVE))
    with pytest.raises(ValueError, match="axis"):
        np.subtract.reduce(Value(POSITIVE), axis=2)


def test_reduce_into_out() -> None:
    v = Value(np.zeros(4))
    assert np.add.reduce(Value(POSITIVE), out=v) is v
    same(v, POSITIVE.sum(0))
    with pytest.raises(TypeError, match="lose the gradient"):
        np.add.reduce(Value(POSITIVE), out=np.zeros(4))


@every_fold
@pytest.mark.parametrize("axis", [0, -1])
def test_accumulate(function: Any, axis: int) -> None:
    def accumulated(x: Any) -> Any:
        return function.accumulate(x, axis=axis)

    same(accumulated(Value(POSITIVE)), accumulated(POSITIVE))
    same(accumulated(Value(POSITIVE.astype(np.float32))), accumulated(POSITIVE.astype(np.float32)))
    assert gradcheck(accumulated, POSITIVE, order=2, mode="directional")


def test_running_extrema_follow_the_first_of_equal_elements() -> None:
    x = np.array([1.0, 3.0, 3.0, 2.0, np.nan, 5.0])
    for function in (np.maximum, np.minimum):
        np.testing.assert_array_equal(function.accumulate(Value(x)).data, function.accumulate(x))
    by_x = tg.grad(lambda x: np.maximum.accumulate(x)[:4].sum())(x)
    np.testing.assert_array_equal(by_x, [1, 3, 0, 0, 0, 0])


def test_accumulate_of_nothing() -> None:
    nothing = np.ones((0, 3))
    for function in (np.add, np.multiply, np.maximum, np.subtract):
        same(function.accumulate(Value(nothing)), function.accumulate(nothing))


@every_fold
@pytest.mark.parametrize("axis", [0, 1])
def test_reduceat(function: Any, axis: int) -> None:
    indices = [0, 2, 1]

    def reduced(x: Any) -> Any:
        return function.reduceat(x, indices, axis=axis)

    parts = [np.moveaxis(POSITIVE, axis, 0)[a:b] for a, b in [(0, 2), (2, 3), (1, None)]]
    want = np.stack([folded(function, part, 0) for part in parts], axis)
    same(reduced(Value(POSITIVE)), want)
    assert gradcheck(of_values(reduced), POSITIVE, order=2, mode="directional")


def test_reduceat_at_no_index_and_at_wrong_ones() -> None:
    same(np.add.reduceat(Value(POSITIVE), []), np.add.reduceat(POSITIVE, []))
    for index in (-1, 3):
        with pytest.raises(IndexError, match=str(index)):
            np.add.reduceat(Value(POSITIVE), [0, index])


@pytest.mark.parametrize("function", [np.subtract, np.arctan2], ids=lambda f: f.__name__)
def test_outer(function: Any) -> None:
    x, y = POSITIVE[0], POSITIVE[1:]
    for a, b in [(Value(x), Value(y)), (x, Value(y)), (Value(x), y), (x.tolist(), Value(y))]:
        same(function.outer(a, b), function.outer(x, y))
    same(function.outer(Value(x), 2.0), function.outer(x, 2.0))
    assert gradcheck(function.outer, x, y, order=2)
    for got, want in zip(np.divmod.outer(Value(x), y), np.divmod.outer(x, y), strict=True):
        same(got, want)


AT: list[tuple[Any, Any, Callable[[Any], tuple[Any, ...]]]] = [
    (np.add, [0, 2, 0], lambda b: (b,)),
    (np.subtract, [0, 2, 0], lambda b: (b,)),
    (np.multiply, [0, 2, 0, 0], lambda b: (np.concatenate([b, b[:1]]),)),
    (np.power, ([0, 1, 0],), lambda b: (b,)),
    (np.divide, slice(1, 4), lambda b: (b,)),
    (np.hypot, np.array([True, False, True, True]), lambda b: (b,)),
    (np.square, [1, 1, 0], lambda _: ()),
    (np.exp, 3, lambda _: ()),
]


@pytest.mark.parametrize(("function", "index", "operands"), AT)
def test_at(function: Any, index: Any, operands: Any) -> None:
    a, b = POSITIVE[0], POSITIVE[1, :3]

    def changed(a: Any, b: Any) -> Any:
        a = a * 1.0
        function.at(a, index, *operands(b))
        return a

    np.testing.assert_allclose(changed(Value(a), Value(b)).data, changed(a, b), rtol=1e-15)
    assert gradcheck(changed, a, b, order=2, wrt=None if operands(b) else 0)


def test_at_of_rows_and_with_a_number() -> None:
    for function in (np.add, np.multiply):
        want = POSITIVE.copy()
        function.at(want, [0, 0, 2], 1.5)
        v = Value(POSITIVE)
        function.at(v, [0, 0, 2], 1.5)
        same(v, want)


def test_at_cannot_write_a_value_into_an_array() -> None:
    a = np.zeros(3)
    with pytest.raises(TypeError, match=r"a = tg\.Value\(a\)"):
        np.add.at(a, [0, 0], Value(1.0))
    np.add.at(a, [0, 0], Value(1.0, requires_grad=False))
    np.testing.assert_array_equal(a, [2, 0, 0])
