"""The cases: right and wrong derivatives, by what makes them hard to tell apart.

To add one, add it to its group. Its name must be new; `tests/test_checkers_benchmark.py` holds
every case's truth against JAX's own derivatives or, at a kink, against one-sided ones.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .case import Case, ignoring_g, one_entry_times, right, times, wrong
from .functions import (
    ABS,
    ABS_TO_1_5,
    AFFINE,
    ARCSIN,
    COLUMN_SCALED,
    COLUMN_SUMS,
    CONSTANT,
    COS,
    CROSS_ENTROPY,
    CUBE,
    CUMSUM,
    DETERMINANT,
    EXP,
    EXP_LESS_ONE,
    FLAT_SQUARE,
    FLOOR,
    HYPERBOLA,
    INVERSE,
    LAST_PICKS,
    LOG,
    LOGSUMEXP,
    MATMUL,
    MAX,
    MAXIMUM,
    MEAN,
    MEAN_AND_VARIANCE,
    NORM,
    NORM_WITH_0,
    ONE_HOT,
    PEAK,
    PIECEWISE,
    POWER,
    PRODUCT,
    QUOTIENT,
    RECIPROCAL,
    RELU,
    RIPPLED_LINE,
    SCALED,
    SHARP_SOFTPLUS,
    SIGMOID,
    SIN,
    SIN_AND_COS,
    SIN_IN_FLOAT32,
    SIN_OF_SQUARE,
    SMOOTH_ABS,
    SOFTMAX,
    SQRT,
    SQUARE,
    STEEP_TANH,
    SUM_OF_SOFTMAX,
    SUM_OF_SQUARES,
    TAKE,
    TANH,
    VARIANCE,
    VERSINE,
    X_LESS_SIN,
    X_LOG_X,
    abs_with,
    exp_of,
    first_max_vjp,
    input_of_scale,
    max_vjp,
    output_of_scale,
    relu_with,
    sin_above,
    sin_of,
    softmax,
)

V = np.array([0.3, -1.2, 0.8, 2.1])
U = np.array([1.4, 0.7, -0.6, 1.1])
POSITIVE = np.array([0.4, 1.3, 2.2, 0.9])
A = np.array([[0.5, -1.1, 0.2], [1.7, 0.4, -0.8]])
B = np.array([[0.9, 0.1], [-0.3, 1.2], [0.6, -1.5]])
SQUARE_A = np.array([[1.3, -0.4, 0.7], [0.2, 1.9, -1.1], [0.5, 0.8, 1.6]])
SQUARE_B = np.array([[0.6, 1.2, -0.3], [-0.9, 0.4, 1.1], [0.8, -0.2, 0.5]])
BIAS = np.array([0.1, -0.2])
COLUMN = np.array([[1.5], [-0.4]])
MANY = np.linspace(-1, 1, 20)

PLAIN_RIGHT = [
    right("sin", SIN, V),
    right("sin of a scalar", SIN, 0.7),
    right("sin x^2", SIN_OF_SQUARE, V),
    right("x^2 or sin x", PIECEWISE, V),
    right("product", PRODUCT, V, U),
    right("quotient", QUOTIENT, V, U),
    right("power", POWER, POSITIVE, U),
    right("affine", AFFINE, A, B, BIAS),
    right("column times rows", COLUMN_SCALED, A, COLUMN),
    right("array times scalar", SCALED, V, 0.7),
    right("sums of columns", COLUMN_SUMS, SQUARE_A),
    right("mean", MEAN, V),
    right("variance", VARIANCE, V),
    right("norm", NORM, V),
    right("softmax", SOFTMAX, V),
    right("logsumexp", LOGSUMEXP, V),
    right("cross-entropy", CROSS_ENTROPY, A),
    right("matmul", MATMUL, A, B),
    right("determinant", DETERMINANT, SQUARE_A),
    right("inverse", INVERSE, SQUARE_A),
    right("cumulative sum", CUMSUM, V),
    right("take", TAKE, V),
    right("sin and cos, two outputs", SIN_AND_COS, V),
    right("mean and variance, two outputs", MEAN_AND_VARIANCE, V),
]

PLAIN_WRONG = [
    wrong("cos: sign", COS, lambda xp, g, x: (g * xp.sin(x),), V),
    wrong("x^2: factor 2 missing", SQUARE, lambda xp, g, x: (g * x,), V),
    wrong("x^3: factor 3 missing", CUBE, lambda xp, g, x: (g * x * x,), V),
    wrong("sin x^2: no chain rule", SIN_OF_SQUARE, lambda xp, g, x: (g * xp.cos(x * x),), V),
    wrong("tanh: 1 - x^2", TANH, lambda xp, g, x: (g * (1 - x * x),), V),
    wrong("sigmoid: x (1 - x)", SIGMOID, lambda xp, g, x: (g * x * (1 - x),), V),
    wrong("product: inputs swapped", PRODUCT, lambda xp, g, x, y: (g * x, g * y), V, U),
    wrong("product: no gradient of y", PRODUCT, lambda xp, g, x, y: (g * y, None), V, U),
    wrong("quotient: sign of dy", QUOTIENT, lambda xp, g, x, y: (g / y, g * x / y**2), V, U),
    wrong("quotient: gradients swapped", QUOTIENT, lambda *a: QUOTIENT.vjp(*a)[::-1], V, U),
    wrong(
        "power: no log",
        POWER,
        lambda xp, g, x, y: (g * y * x ** (y - 1), g * x**y),
        *(POSITIVE, U),
    ),
    wrong(
        "affine: bias takes the first row",
        AFFINE,
        lambda xp, g, x, w, b: (g @ w.T, x.T @ g, g[0]),
        *(A, B, BIAS),
    ),
    wrong(
        "affine: bias takes the mean",
        AFFINE,
        lambda xp, g, x, w, b: (g @ w.T, x.T @ g, g.mean(axis=0)),
        *(A, B, BIAS),
    ),
    wrong(
        "column times rows: not summed",
        COLUMN_SCALED,
        lambda xp, g, x, c: (g * c, (g * x)[:, :1]),
        *(A, COLUMN),
    ),
    wrong(
        "array times scalar: mean",
        SCALED,
        lambda xp, g, x, c: (g * c, (g * x).mean()),
        *(V, 0.7),
    ),
    wrong(
        "sums of columns: wrong axis",
        COLUMN_SUMS,
        lambda xp, g, x: (g[:, None] * 2 * x,),
        SQUARE_A,
    ),
    wrong("mean: not divided", MEAN, lambda xp, g, x: (g * xp.ones_like(x),), V),
    wrong("variance: n - 1", VARIANCE, times(4 / 3, VARIANCE), V),
    wrong("norm: not divided", NORM, lambda xp, g, x: (g * x,), V),
    wrong("softmax: diagonal only", SOFTMAX, lambda xp, g, x: (g * softmax(xp, x),), V),
    wrong("logsumexp: not normalised", LOGSUMEXP, lambda xp, g, x: (g * xp.exp(x),), V),
    wrong(
        "cross-entropy: ignores g",
        CROSS_ENTROPY,
        lambda xp, g, x: ((softmax(xp, x) - ONE_HOT) / 2,),
        A,
    ),
    wrong("sin: ignores g", SIN, ignoring_g(SIN), V),
    wrong("sin: g squared", SIN, lambda xp, g, x: (g * g * xp.cos(x),), V),
    wrong("sin: positive g only", SIN, lambda xp, g, x: (xp.maximum(g, 0) * xp.cos(x),), V),
    wrong("matmul: not transposed", MATMUL, lambda xp, g, x, y: (g @ y, x.T @ g), *[SQUARE_A] * 2),
    wrong("matmul: wrong shape", MATMUL, lambda xp, g, x, y: (y @ g.T, x.T @ g), A, B),
    wrong("matmul: zero", MATMUL, times(0, MATMUL), SQUARE_A, SQUARE_B),
    wrong(
        "determinant: not transposed",
        DETERMINANT,
        lambda xp, g, x: (g * xp.linalg.det(x) * xp.linalg.inv(x),),
        SQUARE_A,
    ),
    wrong(
        "cumulative sum: off by one",
        CUMSUM,
        lambda xp, g, x: (2 * x * (g[::-1].cumsum()[::-1] - g),),
        V,
    ),
    wrong("take: off by one", TAKE, lambda xp, g, x: (xp.roll(TAKE.vjp(xp, g, x)[0], 1),), V),
    wrong(
        "take: repeated index counts once",
        TAKE,
        lambda xp, g, x: (2 * x * (LAST_PICKS.T @ g),),
        V,
    ),
    wrong("sum of squares: last entry 0", SUM_OF_SQUARES, one_entry_times(0, 3, SUM_OF_SQUARES), V),
    wrong(
        "sin and cos: one output forgotten",
        SIN_AND_COS,
        lambda xp, g, x: (g[0] * xp.cos(x),),
        V,
    ),
    wrong("x^2: NaN at 0", SQUARE, lambda xp, g, x: (g * 2 * x * x / x,), [0.0, 1.0, -2.0]),
]


def _scaled(what: str, function: Any, x: Any, factor: float) -> list[Case]:
    return [
        right(what, function, x),
        wrong(f"{what}: factor {factor}", function, times(factor, function), x),
    ]


SCALES = [
    case
    for scale, factor in ((1e-12, 2), (1e-6, 1.001), (1e12, 1.001))
    for case in (
        *_scaled(f"input of {scale:g}", input_of_scale(scale), scale * V, factor),
        *_scaled(f"output of {scale:g}", output_of_scale(scale), V, factor),
        *_scaled(f"gradient of {scale:g}", sin_of(scale), V / scale, factor),
    )
]
SCALES += [
    right("x^2 over 24 decades", SQUARE, [1e-12, 1.0, 1e12]),
    wrong(
        "x^2 over 24 decades: least entry twice",
        SQUARE,
        one_entry_times(2, 0, SQUARE),
        [1e-12, 1.0, 1e12],
    ),
    right("sum of squares over 9 decades", SUM_OF_SQUARES, [1e6, 1e-3]),
    wrong(
        "sum of squares over 9 decades: least entry twice",
        SUM_OF_SQUARES,
        one_entry_times(2, 1, SUM_OF_SQUARES),
        [1e6, 1e-3],
    ),
]

FULL_PERIODS = [0.1, 0.3, -0.7]  # whole numbers of periods of sin(2 pi 1e4 x), from 0
STEEP = [
    right("exp 50x", exp_of(50), 0.3 * V),
    wrong("exp 50x: factor 1.001", exp_of(50), times(1.001, exp_of(50)), 0.3 * V),
    wrong("exp 50x: factor 1.000002", exp_of(50), times(1.000002, exp_of(50)), 0.3 * V),
    right("tanh 1000x", STEEP_TANH, 1e-3 * V),
    right("1 / (1 + 1e6 x^2)", PEAK, 1e-3 * V),
    right("sin 1e4 x", sin_of(1e4), V),
    wrong("sin 1e4 x: factor 1.001", sin_of(1e4), times(1.001, sin_of(1e4)), V),
    wrong("sin 1e4 x: factor 1.000002", sin_of(1e4), times(1.000002, sin_of(1e4)), V),
    right("x + 1e-4 sin 1e4 x", RIPPLED_LINE, V),
    wrong("x + 1e-4 sin 1e4 x: slow part only", RIPPLED_LINE, lambda xp, g, x: (g,), V),
    right("sin 2 pi 1e4 x", sin_of(2e4 * np.pi), FULL_PERIODS),
    wrong("sin 2 pi 1e4 x: zero", sin_of(2e4 * np.pi), times(0, sin_of(1)), FULL_PERIODS),
    right("sigmoid at 30", SIGMOID, [30.0]),
    wrong("sigmoid at 30: factor 2", SIGMOID, times(2, SIGMOID), [30.0]),
]

SMALL_GRADIENTS = [
    right("1e-6 x^2", FLAT_SQUARE, POSITIVE),
    wrong("1e-6 x^2: factor 2", FLAT_SQUARE, times(2, FLAT_SQUARE), POSITIVE),
    right("cos at 1e-9", COS, [1e-9]),
    wrong("cos at 1e-9: zero", COS, times(0, COS), [1e-9]),
    right("x^2 at 0", SQUARE, [0.0, 1.0]),
    wrong("x^2 at 0: 1e-9", SQUARE, lambda xp, g, x: (g * (2 * x + 1e-9),), [0.0, 0.0]),
    right("x^3 at 0", CUBE, [0.0, 1.0]),
    right("sin at 0", SIN, [0.0, 0.0]),
    wrong("sin at 0: factor 1.001", SIN, times(1.001, SIN), [0.0, 0.0]),
    right("constant", CONSTANT, V),
    wrong("constant: 2e-6", CONSTANT, lambda xp, g, x: (2e-6 * g,), V),
    right("sum of softmax", SUM_OF_SOFTMAX, V),
    wrong(
        "sum of softmax: 1e-9", SUM_OF_SOFTMAX, lambda xp, g, x: (1e-9 * g * xp.ones_like(x),), V
    ),
]

SMALL_ERRORS = [
    wrong("sin: factor 1.0009", SIN, times(1.0009, SIN), V),
    wrong("sin of a scalar: factor 1.0009", SIN, times(1.0009, SIN), 0.7),
    wrong("sin: factor 1.000002", SIN, times(1.000002, SIN), V),
    wrong("matmul: factor 1.000002", MATMUL, times(1.000002, MATMUL), A, B),
    wrong("product: dy by 1.000002", PRODUCT, lambda xp, g, x, y: (g * y, 1.000002 * g * x), V, U),
    wrong(
        "sin: 1e-6 of the next entry's g",
        SIN,
        lambda xp, g, x: (g * xp.cos(x) + 1e-6 * xp.roll(g, -1),),
        V,
    ),
    wrong("sin: one entry of 20 by 1.000001", SIN, one_entry_times(1.000001, 7, SIN), MANY),
    wrong(
        "logsumexp: one entry of 20 by 1.0009",
        LOGSUMEXP,
        one_entry_times(1.0009, 13, LOGSUMEXP),
        MANY,
    ),
    wrong(
        "logsumexp: one entry of 20 by 1.000002",
        LOGSUMEXP,
        one_entry_times(1.000002, 13, LOGSUMEXP),
        MANY,
    ),
    wrong(
        "sum of squares: one entry of 20 more by 1e-6",
        SUM_OF_SQUARES,
        lambda xp, g, x: (g * (2 * x + 1e-6 * (xp.arange(20) == 4)),),
        MANY,
    ),
]

ZERO = np.array([0.0, 1.0, -1.0])
TIE = np.array([1.0, 0.5, 1.0])
KINKS = [
    right("relu at 0: 0", relu_with(0), ZERO),
    right("relu at 0: 0.5", relu_with(0.5), ZERO),
    right("relu at 0: 1", relu_with(1), ZERO),
    wrong("relu at 0: 2", RELU, relu_with(2).vjp, ZERO),
    wrong("relu at 0: -0.5", RELU, relu_with(-0.5).vjp, ZERO),
    right("abs at 0: 0", abs_with(0), ZERO),
    right("abs at 0: -1", abs_with(-1), ZERO),
    wrong("abs at 0: 1.5", ABS, abs_with(1.5).vjp, ZERO),
    right("max at a tie: shared", MAX, TIE),
    right("max at a tie: to the first", MAX._replace(vjp=first_max_vjp), TIE),
    wrong("max at a tie: to each", MAX, max_vjp, TIE),
    right("maximum at a tie: shared", MAXIMUM, ZERO, [0.0, 2.0, -3.0]),
    wrong(
        "maximum at a tie: to none",
        MAXIMUM,
        lambda xp, g, x, y: (g * xp.where(x > y, 1.0, 0.0), g * xp.where(y > x, 1.0, 0.0)),
        *(ZERO, [0.0, 2.0, -3.0]),
    ),
    right("norm at 0: 0", NORM_WITH_0, [0.0, 0.0]),
    wrong("norm at 0: NaN", NORM, NORM.vjp, [0.0, 0.0]),
]

NEAR_KINKS = [
    right("relu at 1e-7 and -1e-7", RELU, [1e-7, -1e-7]),
    wrong("relu at 1e-7: zero", RELU, times(0, RELU), [1e-7]),
    right("abs at -1e-6", ABS, [-1e-6]),
    right("sharp softplus at 1e-5", SHARP_SOFTPLUS, [1e-5, -2e-5]),
    wrong("sharp softplus at 1e-5: 0.7", SHARP_SOFTPLUS, lambda xp, g, x: (0.7 * g,), [1e-5]),
    right("sqrt(x^2 + 1e-12) at 3e-7", SMOOTH_ABS, [3e-7, -1e-6]),
    wrong(
        "sqrt(x^2 + 1e-12) at 3e-7: sign of x",
        SMOOTH_ABS,
        lambda xp, g, x: (g * xp.sign(x),),
        [3e-7],
    ),
    right("|x|^1.5 at 0", ABS_TO_1_5, [0.0, 1.0]),
    right("floor", FLOOR, V),
    wrong("floor: straight through", FLOOR, lambda xp, g, x: (g,), V),
]


def _float32(case: Case) -> Case:
    inputs = tuple(x.astype(np.float32) for x in case.inputs)
    return dataclasses.replace(case, name=f"float32 {case.name}", inputs=inputs)


FLOAT32 = [
    *map(
        _float32,
        [
            right("sin", SIN, V),
            right("exp at 5", EXP, [5.0]),
            right("matmul", MATMUL, A, B),
            right("softmax", SOFTMAX, V),
            right("logsumexp of 20", LOGSUMEXP, MANY),
            right("1e6 + sin", sin_above(1e6), V),
            wrong("sin: factor 2", SIN, times(2, SIN), V),
            wrong("sin: factor 1.001", SIN, times(1.001, SIN), V),
            wrong("softmax: factor 1.01", SOFTMAX, times(1.01, SOFTMAX), V),
            wrong(
                "matmul: not transposed",
                MATMUL,
                lambda xp, g, x, y: (g @ y, x.T @ g),
                *[SQUARE_A] * 2,
            ),
        ],
    ),
    right("sin computed in float32", SIN_IN_FLOAT32, V),
    wrong("sin computed in float32: factor 2", SIN_IN_FLOAT32, times(2, SIN_IN_FLOAT32), V),
]

OFFSETS = [
    right("1e6 + sin", sin_above(1e6), V),
    wrong("1e6 + sin: factor 1.001", sin_above(1e6), times(1.001, SIN), V),
    wrong("1e6 + sin: factor 1.000002", sin_above(1e6), times(1.000002, SIN), V),
    right("sqrt(x^2 + 1) - x at 1e4", HYPERBOLA, [1e4]),
    wrong("sqrt(x^2 + 1) - x at 1e4: factor 2", HYPERBOLA, times(2, HYPERBOLA), [1e4]),
    right("1 - cos x at 1e-4", VERSINE, [1e-4]),
    right("x - sin x at 0.1", X_LESS_SIN, [0.1]),
    wrong("x - sin x at 0.1: factor 1.001", X_LESS_SIN, times(1.001, X_LESS_SIN), [0.1]),
    right("exp x - 1 at 1e-10", EXP_LESS_ONE, [1e-10]),
    wrong("exp x - 1 at 1e-10: factor 1.001", EXP_LESS_ONE, times(1.001, EXP_LESS_ONE), [1e-10]),
]

SINGULARITIES = [
    right("log at 1e-8", LOG, [1e-8]),
    wrong("log at 1e-8: factor 1.001", LOG, times(1.001, LOG), [1e-8]),
    right("sqrt at 1e-10", SQRT, [1e-10]),
    wrong("sqrt at 1e-10: factor 2", SQRT, times(2, SQRT), [1e-10]),
    right("1/x at 1e-5", RECIPROCAL, [1e-5]),
    wrong("1/x at 1e-5: factor 1.001", RECIPROCAL, times(1.001, RECIPROCAL), [1e-5]),
    right("x log x at 1e-8", X_LOG_X, [1e-8]),
    right("arcsin at 1 - 1e-8", ARCSIN, [1 - 1e-8]),
]

# ---- What neither a function nor its derivative may do, even where the numbers come out right

_noise = np.random.default_rng(0)
IMMUTABLE = {"jax": "arrays of JAX cannot be changed"}
PURE = {"jax": "functions of JAX must be pure"}


def _noisy(value: Any) -> Any:
    return value + 1e-3 * _noise.standard_normal(value.shape)


def _noisy_sin(xp: Any, x: Any) -> Any:
    return _noisy(xp.sin(x))


def _doubling_square(xp: Any, x: Any) -> Any:
    x *= 2
    return x * x


def _shifting_softmax(xp: Any, x: Any) -> Any:
    x -= x.max()
    return xp.exp(x) / xp.exp(x).sum()


def _product_vjp_changing_g(xp: Any, g: Any, x: Any, y: Any) -> Any:
    dy = g * x
    g *= y
    return g, dy


def _square_vjp_changing_x(xp: Any, g: Any, x: Any) -> Any:
    x *= 2
    return (g * x,)


IMPURE = [
    wrong("random noise of 1e-3", SIN._replace(f=_noisy_sin), SIN.vjp, V, not_in=PURE),
    wrong(
        "random noise of 1e-3 in the gradient",
        SIN,
        lambda xp, g, x: (g * _noisy(xp.cos(x)),),
        V,
        not_in=PURE,
    ),
    wrong(
        "doubles its input in place",
        SQUARE._replace(f=_doubling_square),
        lambda xp, g, x: (g * 4 * x,),
        V,
        not_in=IMMUTABLE,
    ),
    wrong(
        "shifts its input in place",
        SOFTMAX._replace(f=_shifting_softmax),
        SOFTMAX.vjp,
        V,
        not_in=IMMUTABLE,
    ),
    wrong(
        "gradient changes its input in place", SQUARE, _square_vjp_changing_x, V, not_in=IMMUTABLE
    ),
    wrong("gradient changes g in place", PRODUCT, _product_vjp_changing_g, V, U, not_in=IMMUTABLE),
]

GROUPS = {
    "plain, right": PLAIN_RIGHT,
    "plain, wrong": PLAIN_WRONG,
    "scale": SCALES,
    "steep": STEEP,
    "small gradient": SMALL_GRADIENTS,
    "small error": SMALL_ERRORS,
    "kink": KINKS,
    "near a kink": NEAR_KINKS,
    "float32": FLOAT32,
    "offset": OFFSETS,
    "singularity": SINGULARITIES,
    "impure": IMPURE,
}

CASES = [
    dataclasses.replace(case, group=group) for group, cases in GROUPS.items() for case in cases
]
