"""Losses, as functions and as modules, against their formulas."""

import math

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.nn import functional as F  # noqa: N812

REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": np.asarray}
REDUCED = pytest.mark.parametrize("reduction", REDUCTIONS)

X = np.array([[0.3, -2.0, 1.5], [4.0, 0.1, -0.7]])
T = np.array([[0.1, 1.0, 1.5], [-1.0, 0.6, -0.2]])
D = X - T
P = np.array([[0.3, 0.9, 0.5], [0.01, 0.2, 0.75]])
Q = np.array([[0.0, 1.0, 0.25], [1.0, 0.0, 0.5]])
SIGNS = np.array([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]])
LABELS = np.array([2, 0])


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def huber(d, delta):
    return np.where(abs(d) <= delta, d * d / 2, delta * (abs(d) - delta / 2))


# Function, module, input, target, loss of each element, its derivative by the input.
CASES = {
    "mse": (F.mse_loss, nn.MSELoss, X, T, D**2, 2 * D),
    "half_mse": (F.half_mse_loss, nn.HalfMSELoss, X, T, D**2 / 2, D),
    "l1": (F.l1_loss, nn.L1Loss, X, T, abs(D), np.sign(D)),
    "huber": (F.huber_loss, nn.HuberLoss, X, T, huber(D, 1), np.clip(D, -1, 1)),
    "hinge": (
        F.hinge_loss,
        nn.HingeLoss,
        X,
        SIGNS,
        np.maximum(0, 1 - X * SIGNS),
        np.where(X * SIGNS < 1, -SIGNS, 0),
    ),
    "bce": (
        F.binary_cross_entropy,
        nn.BCELoss,
        P,
        Q,
        -Q * np.log(P) - (1 - Q) * np.log(1 - P),
        -Q / P + (1 - Q) / (1 - P),
    ),
    "bce_with_logits": (
        F.binary_cross_entropy_with_logits,
        nn.BCEWithLogitsLoss,
        X,
        Q,
        -Q * np.log(sigmoid(X)) - (1 - Q) * np.log(sigmoid(-X)),
        sigmoid(X) - Q,
    ),
    "cross_entropy": (
        F.cross_entropy,
        nn.CrossEntropyLoss,
        X,
        LABELS,
        -np.log(softmax(X))[[0, 1], LABELS],
        softmax(X) - np.eye(3)[LABELS],
    ),
    "nll": (F.nll_loss, nn.NLLLoss, X, LABELS, -X[[0, 1], LABELS], -np.eye(3)[LABELS]),
}
LOSS = pytest.mark.parametrize("loss", CASES)
ELEMENTWISE = [name for name in CASES if name not in ("cross_entropy", "nll")]


@LOSS
@REDUCED
def test_losses_compute_their_formula(loss, reduction):
    function, module, x, target, each, _ = CASES[loss]
    expected = REDUCTIONS[reduction](each)
    for out in (
        function(Value(x), target, reduction=reduction),
        module(reduction=reduction)(Value(x), target),
        function(x, target, reduction=reduction),
    ):
        assert out.shape == expected.shape
        np.testing.assert_allclose(getattr(out, "data", out), expected, rtol=1e-13, atol=1e-15)


@LOSS
@REDUCED
def test_gradients_of_losses_are_their_derivatives(loss, reduction):
    function, _, x, target, each, derivative = CASES[loss]
    value = Value(x)
    function(value, target, reduction=reduction).sum().backward()
    scale = 1 / each.size if reduction == "mean" else 1
    np.testing.assert_allclose(value.grad, scale * derivative, rtol=1e-12, atol=1e-15)


@LOSS
def test_losses_reduce_by_the_mean_unless_told_otherwise(loss):
    function, module, x, target, each, _ = CASES[loss]
    assert float(function(x, target)) == pytest.approx(each.mean(), rel=1e-13)
    assert float(module()(x, target)) == pytest.approx(each.mean(), rel=1e-13)


@LOSS
def test_losses_keep_float32(loss):
    function, _, x, target, _, _ = CASES[loss]
    if target.dtype.kind == "f":
        target = target.astype(np.float32)
    x = Value(x.astype(np.float32))
    out = function(x, target)
    out.backward()
    assert out.dtype == x.grad.dtype == np.float32


@LOSS
def test_an_unknown_reduction_is_refused(loss):
    function, module, x, target, _, _ = CASES[loss]
    with pytest.raises(ValueError, match="'average'"):
        function(x, target, reduction="average")
    with pytest.raises(ValueError, match="'average'"):
        module(reduction="average")


@pytest.mark.parametrize("loss", ELEMENTWISE)
def test_losses_of_numbers_never_broadcast(loss):
    function, module, *_ = CASES[loss]
    column, row = np.ones((4, 1)), np.ones(4)
    for call in (function, module()):
        with pytest.raises(tg.ShapeError, match=r"\(4, 1\).*\(4,\)"):
            call(Value(column), row)
        with pytest.raises(tg.ShapeError, match=r"\(4,\).*\(\)"):
            call(Value(row), 1.0)


@pytest.mark.parametrize("loss", ["mse", "half_mse", "l1", "huber"])
def test_losses_of_numbers_have_opposite_gradients_for_input_and_target(loss):
    function, _, x, target, _, derivative = CASES[loss]
    x, target = Value(x), Value(target)
    function(x, target, reduction="sum").backward()
    np.testing.assert_allclose(target.grad, -derivative, rtol=1e-13)


@pytest.mark.parametrize("loss", ["mse", "l1", "huber", "bce", "bce_with_logits"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_targets_may_be_integers_or_booleans(loss, dtype):
    function = CASES[loss][0]
    target = np.array([[1, 0, 1], [0, 1, 1]])
    x, same = Value(P), Value(P)
    out = function(x, target.astype(dtype))
    expected = function(same, target.astype(float))
    assert float(out) == pytest.approx(float(expected), rel=1e-14)
    out.backward()
    expected.backward()
    np.testing.assert_allclose(x.grad, same.grad, rtol=1e-14)


# ---- Huber


@pytest.mark.parametrize("delta", [0.25, 1.0, 3.0])
def test_huber_is_quadratic_to_delta_and_linear_beyond(delta):
    d = np.array([0.0, 0.1, -0.25, 1.0, -3.0, 10.0])
    x = Value(d)
    out = nn.HuberLoss("none", delta)(x, np.zeros(6))
    np.testing.assert_allclose(out.data, huber(d, delta), rtol=1e-14)
    out.sum().backward()
    np.testing.assert_allclose(x.grad, np.clip(d, -delta, delta), rtol=1e-14)


def test_huber_of_infinite_delta_is_half_the_squared_error():
    assert float(F.huber_loss(X, T, delta=math.inf)) == pytest.approx(np.mean(D**2) / 2)


@pytest.mark.parametrize("delta", [0.0, -1.0])
def test_huber_refuses_a_delta_that_is_not_positive(delta):
    with pytest.raises(ValueError, match="delta"):
        F.huber_loss(X, T, delta=delta)
    with pytest.raises(ValueError, match="delta"):
        nn.HuberLoss(delta=delta)


# ---- Hinge


@pytest.mark.parametrize("target", [[0.0, 1.0], [2.0, 1.0], [math.nan, 1.0]])
def test_hinge_refuses_targets_other_than_signs(target):
    with pytest.raises(ValueError, match="-1 or 1"):
        F.hinge_loss(Value([0.5, 0.5]), np.array(target))


# ---- Binary cross-entropy


@pytest.mark.parametrize("p", [-0.01, 1.01, math.nan])
def test_bce_refuses_what_is_no_probability_and_advises(p):
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits"):
        F.binary_cross_entropy(Value([p]), np.array([1.0]))


def test_bce_of_certainty_is_0_when_right_and_100_when_wrong():
    p = Value([0.0, 1.0, 0.0, 1.0])
    out = F.binary_cross_entropy(p, np.array([0.0, 1.0, 1.0, 0.0]), "none")
    np.testing.assert_array_equal(out.data, [0, 0, 100, 100])
    out.sum().backward()
    assert np.all(np.isfinite(p.grad))


def test_bce_with_extreme_logits_is_exact():
    z = np.array([1e4, -1e4, 1e4, -1e4, 1e300, 40.0])
    t = np.array([0.0, 1.0, 1.0, 0.0, 0.5, 1.0])
    x = Value(z)
    out = F.binary_cross_entropy_with_logits(x, t, "none")
    expected = [1e4, 1e4, 0, 0, 5e299, math.log1p(math.exp(-40))]
    np.testing.assert_allclose(out.data, expected, rtol=1e-14)
    out.sum().backward()
    np.testing.assert_allclose(x.grad, [1, -1, 0, 0, 0.5, 0], atol=1e-15)


@pytest.mark.parametrize("loss", ["bce", "bce_with_logits"])
def test_the_gradient_of_binary_cross_entropy_reaches_the_target(loss):
    function, _, x, target, _, _ = CASES[loss]
    target = Value(target)
    function(x, target, "sum").backward()
    # The loss is linear in t, with slope log(1 - p) - log p, which is minus the logit.
    logits = x if loss == "bce_with_logits" else np.log(P / (1 - P))
    np.testing.assert_allclose(target.grad, -logits, rtol=1e-12)


# ---- Cross-entropy: an independent reference, element by element


def reference(logits, target, weight=None, ignore_index=-100, reduction="mean", smoothing=0.0):
    """The definition, with classes on axis 1 (or the only one) moved last."""
    single = logits.ndim == 1
    x = logits[None] if single else np.moveaxis(logits, 1, -1)
    classes = x.shape[-1]
    w = np.ones(classes) if weight is None else weight
    log_p = np.log(softmax(x))
    if target.dtype.kind == "f":
        q = target[None] if single else np.moveaxis(target, 1, -1)
        q = (1 - smoothing) * q + smoothing / classes
        each, total = -(q * w * log_p).sum(-1), float(np.prod(x.shape[:-1]))
    else:
        labels = target[None] if single else target
        counted = labels != ignore_index
        safe = np.where(counted, labels, 0)
        q = (1 - smoothing) * np.eye(classes)[safe] + smoothing / classes
        each = np.where(counted, -(q * w * log_p).sum(-1), 0)
        total = (w[safe] * counted).sum()
    if reduction == "none":
        return each[0] if single else each
    return each.sum() / (total if reduction == "mean" else 1)


SHAPES = [(5, 4), (4,), (3, 4, 2), (2, 4, 3, 2)]
OPTIONS = pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight": np.array([0.5, 2.0, 0.0, 1.0])},
        {"ignore_index": 1},
        {"label_smoothing": 0.2},
        {
            "weight": np.array([0.5, 2.0, 0.3, 1.0]),
            "ignore_index": 1,
            "label_smoothing": 0.2,
        },
    ],
    ids=["plain", "weight", "ignore_index", "label_smoothing", "all"],
)


def example(shape, probabilities):
    rng = np.random.default_rng(4)
    logits = rng.normal(size=shape)
    if probabilities:
        return logits, softmax(rng.normal(size=shape), axis=min(1, len(shape) - 1))
    labels = rng.integers(0, 4, (shape[:1] + shape[2:]) if len(shape) > 1 else ())
    return logits, np.where(labels == 1, 3, labels) if labels.ndim == 0 else labels


@REDUCED
@OPTIONS
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("probabilities", [False, True], ids=["labels", "probabilities"])
def test_cross_entropy_follows_its_definition(shape, probabilities, options, reduction):
    logits, target = example(shape, probabilities)
    renamed = {"smoothing" if k == "label_smoothing" else k: v for k, v in options.items()}
    expected = reference(logits, target, reduction=reduction, **renamed)
    for out in (
        F.cross_entropy(Value(logits), target, reduction=reduction, **options),
        nn.CrossEntropyLoss(reduction=reduction, **options)(Value(logits), target),
    ):
        assert out.shape == np.shape(expected)
        np.testing.assert_allclose(out.data, expected, rtol=1e-12, atol=1e-14)


@REDUCED
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    "options", [{}, {"weight": np.array([0.5, 2.0, 0.3, 1.0])}, {"ignore_index": 1}], ids=str
)
def test_nll_of_log_softmax_is_cross_entropy(shape, options, reduction):
    logits, labels = example(shape, False)
    log_p = tg.log_softmax(logits, min(1, len(shape) - 1))
    expected = reference(logits, labels, reduction=reduction, **options)
    for out in (
        F.nll_loss(Value(log_p), labels, reduction=reduction, **options),
        nn.NLLLoss(reduction=reduction, **options)(Value(log_p), labels),
    ):
        np.testing.assert_allclose(out.data, expected, rtol=1e-12, atol=1e-14)


def test_the_gradient_of_cross_entropy_is_probability_minus_target():
    logits, q = example((5, 4), True)
    x = Value(logits)
    F.cross_entropy(x, q).backward()
    np.testing.assert_allclose(x.grad, (softmax(logits) - q) / 5, rtol=1e-12, atol=1e-16)


def test_ignored_examples_have_no_gradient_and_no_part_in_the_mean():
    logits = np.random.default_rng(5).normal(size=(3, 4))
    x = Value(logits)
    loss = F.cross_entropy(x, np.array([2, -100, 0]))
    loss.backward()
    expected = -np.log(softmax(logits))[[0, 2], [2, 0]].mean()
    assert float(loss) == pytest.approx(expected, rel=1e-13)
    np.testing.assert_array_equal(x.grad[1], np.zeros(4))
    target = np.eye(4)[[2, 0]]
    np.testing.assert_allclose(x.grad[[0, 2]], (softmax(logits)[[0, 2]] - target) / 2, rtol=1e-12)


@pytest.mark.parametrize("size", [1e3, 1e6, 1e300])
def test_cross_entropy_of_extreme_logits_neither_overflows_nor_underflows(size):
    x = Value([[size, 0.0, -size], [size, 0.0, -size]])
    loss = F.cross_entropy(x, np.array([0, 2]), reduction="none")
    np.testing.assert_array_equal(loss.data, [0, 2 * size])
    loss.sum().backward()
    np.testing.assert_array_equal(x.grad, [[0, 0, 0], [1, 0, -1]])


@pytest.mark.parametrize("size", [1e3, 1e4])
def test_cross_entropy_of_a_nearly_certain_answer_keeps_its_digits(size):
    # log(1 + e^-30), with a large common offset that is exact in floating point.
    x = Value([[size, size - 30]])
    loss = F.cross_entropy(x, np.array([0]))
    assert float(loss) == pytest.approx(math.log1p(math.exp(-30)), rel=1e-2)


def test_a_logit_of_minus_infinity_is_a_class_of_probability_0():
    x = Value([[-math.inf, 1.0, 2.0], [0.0, -math.inf, 0.0]])
    loss = F.cross_entropy(x, np.array([2, 0]), reduction="none")
    np.testing.assert_allclose(loss.data, [math.log1p(math.exp(-1)), math.log(2)], rtol=1e-14)
    loss.sum().backward()
    p = 1 / (1 + math.e)
    np.testing.assert_allclose(x.grad, [[0, p, -p], [-0.5, 0, 0.5]], rtol=1e-13)


def test_a_label_of_probability_0_costs_infinitely_much_and_has_a_finite_gradient():
    x = Value([[-math.inf, 1.0, 1.0]])
    loss = F.cross_entropy(x, np.array([0]))
    assert float(loss) == math.inf
    loss.backward()
    np.testing.assert_allclose(x.grad, [[-1, 0.5, 0.5]], rtol=1e-14)


@pytest.mark.parametrize("options", [{}, {"weight": [1.0, 1.0, 1.0]}, {"label_smoothing": 0.1}])
def test_an_ignored_example_may_hold_infinite_logits(options):
    logits = [[-math.inf, 0.0, 1.0], [1.0, 2.0, 0.5]]
    x, counted = Value(logits), Value(logits[1:])
    loss = F.cross_entropy(x, np.array([-100, 1]), **options)
    expected = F.cross_entropy(counted, np.array([1]), **options)
    assert float(loss) == pytest.approx(float(expected), rel=1e-14)
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(x.grad, [[0, 0, 0], *counted.grad], rtol=1e-13)


def test_an_ignored_example_may_hold_an_infinite_log_probability():
    x = Value([[-math.inf, 0.0], [-1.0, -2.0]])
    assert float(F.nll_loss(x, np.array([-100, 1]))) == 2.0


def test_a_class_of_probability_0_in_target_and_answer_costs_nothing():
    x = Value([[-math.inf, 0.0, 0.0]])
    loss = F.cross_entropy(x, np.array([[0.0, 0.5, 0.5]]))
    assert float(loss) == pytest.approx(math.log(2), rel=1e-14)
    loss.backward()
    np.testing.assert_allclose(x.grad, [[0, 0, 0]], atol=1e-15)


def test_the_mean_over_nothing_is_nan_as_in_numpy():
    x = Value([[0.0, 1.0]])
    with np.errstate(all="ignore"):
        assert math.isnan(F.cross_entropy(x, np.array([-100])))
    assert float(F.cross_entropy(x, np.array([-100]), reduction="sum")) == 0


@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1}, {"weight": [0.5, 2.0, 1.5]}])
def test_integer_logits_are_numbers_too(options):
    logits, labels = np.array([[0, 2, 1], [3, 0, 1]]), np.array([1, 2])
    expected = F.cross_entropy(logits.astype(float), labels, **options)
    assert float(F.cross_entropy(logits, labels, **options)) == pytest.approx(float(expected))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64])
def test_labels_may_be_of_any_integer_type(dtype):
    function, _, x, labels, each, _ = CASES["cross_entropy"]
    assert float(function(x, labels.astype(dtype))) == pytest.approx(each.mean(), rel=1e-13)
    assert float(function(x, labels.tolist())) == pytest.approx(each.mean(), rel=1e-13)


# ---- Cross-entropy: mistakes


LABELLED = pytest.mark.parametrize("function", [F.cross_entropy, F.nll_loss])


@LABELLED
@pytest.mark.parametrize(("labels", "wrong"), [([0, 3], "3"), ([-1, 2], "-1"), ([7, 0], "7")])
def test_labels_out_of_range_name_the_range_and_the_label(function, labels, wrong):
    with pytest.raises(ValueError, match=f"0 to 2.*{wrong}"):
        function(Value(X), np.array(labels))


@LABELLED
def test_labels_beside_ignored_ones_are_checked(function):
    with pytest.raises(ValueError, match=r"0 to 2.*9"):
        function(Value(X), np.array([-100, 9]))


@LABELLED
@pytest.mark.parametrize("dtype", [np.float64, np.float32, bool])
def test_labels_of_another_type_name_it(function, dtype):
    with pytest.raises(TypeError, match=f"integers.*{np.dtype(dtype)}"):
        function(Value(X), np.array([0, 1], dtype))


@LABELLED
@pytest.mark.parametrize("shape", [(3,), (2, 1), (), (2, 2)])
def test_labels_of_another_shape_name_both(function, shape):
    with pytest.raises(tg.ShapeError) as caught:
        function(Value(X), np.zeros(shape, int))
    assert function.__name__ in str(caught.value)
    assert str(shape) in str(caught.value)
    assert "(2,)" in str(caught.value)


def test_integers_in_the_shape_of_the_logits_are_no_probabilities():
    with pytest.raises(TypeError, match=r"probabilities.*int64"):
        F.cross_entropy(Value(X), np.eye(2, 3, dtype=np.int64))


@LABELLED
def test_a_scalar_input_has_no_classes(function):
    with pytest.raises(tg.ShapeError, match=function.__name__):
        function(Value(1.0), np.array(0))


@pytest.mark.parametrize(
    ("function", "options"),
    [
        (F.nll_loss, {}),
        (F.cross_entropy, {}),
        (F.cross_entropy, {"label_smoothing": 0.1}),
    ],
)
def test_a_weight_of_another_length_names_the_loss_and_both_lengths(function, options):
    with pytest.raises(tg.ShapeError) as caught:
        function(Value(X), LABELS, weight=np.ones(4), **options)
    for part in (function.__name__, "(4,)", "3"):
        assert part in str(caught.value)


@pytest.mark.parametrize("smoothing", [-0.1, 1.5, math.nan])
@pytest.mark.parametrize("target", [LABELS, softmax(X)], ids=["labels", "probabilities"])
def test_label_smoothing_is_between_0_and_1(smoothing, target):
    with pytest.raises(ValueError, match="label_smoothing"):
        F.cross_entropy(Value(X), target, label_smoothing=smoothing)
    with pytest.raises(ValueError, match="label_smoothing"):
        nn.CrossEntropyLoss(label_smoothing=smoothing)
