"""Comparison with PyTorch: values, gradients, losses, optimizers, initialisation, checkpoints."""

import functools
import itertools
import math

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim

torch = pytest.importorskip("torch", reason="compares with PyTorch, which is not installed")
pytestmark = pytest.mark.peers

F = torch.nn.functional
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.2, 3.0, size=shape)


def compare(ours, theirs, *arrays):
    """The results of both functions, and their gradients by all `arrays`, are equal."""
    values = [Value(array) for array in arrays]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    out, expected = ours(*values), theirs(*tensors)
    assert out.shape == tuple(expected.shape)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), **TOLERANCE)
    g = numbers(*out.shape, seed=99)
    out.backward(g)
    expected.backward(torch.tensor(g))
    for value, tensor in zip(values, tensors, strict=True):
        wanted = np.zeros(value.shape) if tensor.grad is None else tensor.grad.numpy()
        np.testing.assert_allclose(value.grad, wanted, **TOLERANCE)


# ---- Primitives

X = np.concatenate([numbers(4, 5), [[0.0, -0.0, 1.0, -1.0, 5.0]]])
TIES = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, -1.0, 5.0]])
ZEROS = np.array([[0.0, 2.0, 3.0], [0.0, 0.0, 4.0], [1.5, -2.0, 0.5]])
INDEX = np.array([0, 2, 2, -1, 0])

UNARY = {
    "exp": (tg.exp, torch.exp, X),
    "expm1": (tg.expm1, torch.expm1, X),
    "log": (tg.log, torch.log, positive(3, 4)),
    "log1p": (tg.log1p, torch.log1p, positive(3, 4) - 1.1),
    "sqrt": (tg.sqrt, torch.sqrt, positive(3, 4)),
    "square": (tg.square, torch.square, X),
    "sin": (tg.sin, torch.sin, X),
    "cos": (tg.cos, torch.cos, X),
    "tanh": (tg.tanh, torch.tanh, X),
    "erf": (tg.erf, torch.erf, np.linspace(-6, 6, 101)),
    "erfc": (tg.erfc, torch.erfc, np.linspace(-6, 20, 101)),
    "abs": (tg.abs, torch.abs, X),
    "sign": (tg.sign, torch.sign, X),
    "negative": (tg.negative, torch.neg, X),
    "positive": (tg.positive, torch.positive, X),
    "astype": (lambda x: tg.astype(x, np.float64), lambda x: x.double(), X),
}
ACTIVATIONS = {
    "relu": (tg.relu, F.relu),
    "leaky_relu": (tg.leaky_relu, F.leaky_relu),
    "leaky_relu 0.3": (lambda x: tg.leaky_relu(x, 0.3), lambda x: F.leaky_relu(x, 0.3)),
    "elu": (tg.elu, F.elu),
    "elu 1.7": (lambda x: tg.elu(x, 1.7), lambda x: F.elu(x, 1.7)),
    "gelu": (tg.gelu, F.gelu),
    "gelu tanh": (lambda x: tg.gelu(x, "tanh"), lambda x: F.gelu(x, approximate="tanh")),
    "silu": (tg.silu, F.silu),
    # PyTorch returns x itself above its threshold, which is 20 unless set higher.
    "softplus": (tg.softplus, lambda x: F.softplus(x, threshold=1e3)),
    "sigmoid": (tg.sigmoid, torch.sigmoid),
    "tanh": (tg.tanh, torch.tanh),
    "softmax": (tg.softmax, lambda x: torch.softmax(x, -1)),
    "softmax 0": (lambda x: tg.softmax(x, 0), lambda x: torch.softmax(x, 0)),
    "log_softmax": (tg.log_softmax, lambda x: torch.log_softmax(x, -1)),
    "log_softmax 0": (lambda x: tg.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0)),
}
REDUCTIONS = {
    "sum": (tg.sum, torch.sum, X),
    "sum 0": (lambda x: tg.sum(x, 0), lambda x: x.sum(0), X),
    "sum keepdims": (
        lambda x: tg.sum(x, (0, 2), keepdims=True),
        lambda x: x.sum((0, 2), keepdim=True),
        numbers(2, 3, 4),
    ),
    "mean": (tg.mean, torch.mean, X),
    "mean 1": (lambda x: tg.mean(x, 1), lambda x: x.mean(1), X),
    "prod": (tg.prod, torch.prod, positive(3, 4)),
    "prod 1": (lambda x: tg.prod(x, 1), lambda x: x.prod(1), numbers(3, 4)),
    "prod with zeros": (lambda x: tg.prod(x, -1), lambda x: x.prod(-1), ZEROS),
    "prod of all with a zero": (tg.prod, torch.prod, ZEROS[0]),
    "prod keepdims": (lambda x: tg.prod(x, 0, True), lambda x: x.prod(0, keepdim=True), ZEROS),
    "cumsum 0": (lambda x: tg.cumsum(x, 0), lambda x: x.cumsum(0), X),
    "cumsum -1": (lambda x: tg.cumsum(x, -1), lambda x: x.cumsum(-1), X),
    "cumsum flat": (tg.cumsum, lambda x: x.reshape(-1).cumsum(0), X),
    "logsumexp": (tg.logsumexp, lambda x: torch.logsumexp(x, (0, 1)), X),
    "logsumexp 1": (lambda x: tg.logsumexp(x, 1), lambda x: torch.logsumexp(x, 1), X),
    "logsumexp large": (
        lambda x: tg.logsumexp(x, 0, True),
        lambda x: torch.logsumexp(x, 0, True),
        1e3 * X,
    ),
    "max ties": (lambda x: tg.max(x, 1), lambda x: x.amax(1), TIES),
    "max of all": (tg.max, torch.amax, TIES),
    "max keepdims": (lambda x: tg.max(x, 0, True), lambda x: x.amax(0, True), TIES),
    "min ties": (lambda x: tg.min(x, 1), lambda x: x.amin(1), TIES),
    "min of all": (tg.min, torch.amin, TIES),
    "max of two axes": (
        lambda x: tg.max(x, (0, 2)),
        lambda x: x.amax((0, 2)),
        np.round(numbers(2, 3, 4)),
    ),
}
SHAPES = {
    "reshape": (lambda x: tg.reshape(x, (2, -1)), lambda x: x.reshape(2, -1)),
    "transpose": (lambda x: tg.transpose(x, (2, 0, 1)), lambda x: x.permute(2, 0, 1)),
    "broadcast_to": (
        lambda x: tg.broadcast_to(x, (5, 2, 3, 4)),
        lambda x: x.broadcast_to((5, 2, 3, 4)),
    ),
    "concatenate": (
        lambda x: tg.concatenate([x, 2 * x, x[:, :1]], 1),
        lambda x: torch.cat([x, 2 * x, x[:, :1]], 1),
    ),
    "stack": (lambda x: tg.stack([x, x * x], -1), lambda x: torch.stack([x, x * x], -1)),
    "split": (lambda x: tg.split(x, [1, 3], -1)[1], lambda x: x.tensor_split([1, 3], -1)[1]),
    "moveaxis": (lambda x: tg.moveaxis(x, 0, -1), lambda x: x.moveaxis(0, -1)),
    "swapaxes": (lambda x: tg.swapaxes(x, 0, 2), lambda x: x.swapaxes(0, 2)),
    "expand_dims": (lambda x: tg.expand_dims(x, 1), lambda x: x.unsqueeze(1)),
    "squeeze": (lambda x: tg.squeeze(x[:1], 0), lambda x: x[:1].squeeze(0)),
    "pad": (
        lambda x: tg.pad(x, ((0, 0), (1, 0), (2, 3)), 7.0),
        lambda x: F.pad(x, (2, 3, 1, 0), value=7.0),
    ),
    "flip": (lambda x: tg.flip(x, (0, 2)), lambda x: x.flip((0, 2))),
    "tile": (lambda x: tg.tile(x, (2, 1, 3)), lambda x: x.tile((2, 1, 3))),
    "repeat": (lambda x: tg.repeat(x, 3, 1), lambda x: x.repeat_interleave(3, 1)),
    "repeat each": (
        lambda x: tg.repeat(x, [2, 0, 1], 1),
        lambda x: x.repeat_interleave(torch.tensor([2, 0, 1]), 1),
    ),
    "take": (
        lambda x: tg.take(x, [2, 0, 2], 1),
        lambda x: x.index_select(1, torch.tensor([2, 0, 2])),
    ),
    "take_along_axis": (
        lambda x: tg.take_along_axis(x, np.ones((2, 3, 2), int), -1),
        lambda x: torch.take_along_dim(x, torch.ones((2, 3, 2), dtype=int), -1),
    ),
}
INDEXES = {
    "number": 1,
    "slice": slice(None, None, 2),
    "ellipsis": (Ellipsis, 0),
    "new axis": (None, 1),
    "mask": np.arange(15).reshape(5, 3) % 2 == 0,
    "duplicates": INDEX,
    "duplicate pairs": (INDEX, np.array([1, 1, 1, 0, 1])),
    "array and slice": (slice(1, 3), np.array([0, 0, 2])),
    "two-dimensional": INDEX[:4].reshape(2, 2),
}


@pytest.mark.parametrize(("ours", "theirs", "x"), UNARY.values(), ids=UNARY)
def test_elementwise_functions_equal_those_of_pytorch(ours, theirs, x):
    compare(ours, theirs, x)


@pytest.mark.parametrize(("ours", "theirs"), ACTIVATIONS.values(), ids=ACTIVATIONS)
@pytest.mark.parametrize("x", [X, 30 * X, numbers(2, 3, 4)], ids=["small", "large", "3 axes"])
def test_activations_equal_those_of_pytorch(ours, theirs, x):
    compare(ours, theirs, x)


@pytest.mark.parametrize(
    ("module", "theirs"),
    [
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.LeakyReLU(), torch.nn.LeakyReLU()),
        (nn.ELU(), torch.nn.ELU()),
        (nn.GELU(), torch.nn.GELU()),
        (nn.SiLU(), torch.nn.SiLU()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.Tanh(), torch.nn.Tanh()),
        (nn.Softplus(), torch.nn.Softplus()),
        (nn.Softmax(dim=1), torch.nn.Softmax(dim=1)),
        (nn.LogSoftmax(dim=1), torch.nn.LogSoftmax(dim=1)),
        (nn.Identity(), torch.nn.Identity()),
        (nn.Flatten(), torch.nn.Flatten()),
        (nn.Flatten(0, 1), torch.nn.Flatten(0, 1)),
    ],
    ids=lambda module: type(module).__name__,
)
def test_modules_have_the_defaults_of_pytorch(module, theirs):
    compare(module, theirs, numbers(3, 4, 2))


@pytest.mark.parametrize(("ours", "theirs", "x"), REDUCTIONS.values(), ids=REDUCTIONS)
def test_reductions_equal_those_of_pytorch(ours, theirs, x):
    compare(ours, theirs, x)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("axis", [None, 0, (0, 2)], ids=str)
@pytest.mark.parametrize("ddof", [0, 1, 2])
@pytest.mark.parametrize("keepdims", [False, True])
def test_variances_with_correction_equal_those_of_pytorch(name, axis, ddof, keepdims):
    dim = (0, 1, 2) if axis is None else axis
    compare(
        lambda x: getattr(tg, name)(x, axis, ddof, keepdims),
        lambda x: getattr(torch, name)(x, dim, correction=ddof, keepdim=keepdims),
        numbers(4, 3, 5),
    )


def test_std_of_equal_numbers_has_gradient_0_as_in_pytorch():
    compare(lambda x: tg.std(x, 1), lambda x: x.std(1, correction=0), np.ones((2, 3)))


@pytest.mark.parametrize(("ours", "theirs"), SHAPES.values(), ids=SHAPES)
def test_shape_operations_equal_those_of_pytorch(ours, theirs):
    compare(ours, theirs, numbers(2, 3, 4))


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_indexing_equals_that_of_pytorch(index):
    compare(lambda x: x[index], lambda x: x[index], numbers(5, 3))


@pytest.mark.parametrize(
    "index", [1, slice(None, None, 2), (Ellipsis, 0), np.array([0, 2, -1]), (np.array([0, 3]), 1)]
)
def test_assignment_equals_that_of_pytorch(index):
    x = numbers(5, 3)

    def assign(x, value):
        y = x * 1
        y[index] = value
        return y

    compare(assign, assign, x, numbers(*x[index].shape, seed=1))
    compare(assign, assign, x, numbers(seed=1))


BINARY = {
    "add": (tg.add, torch.add),
    "subtract": (tg.subtract, torch.sub),
    "multiply": (tg.multiply, torch.mul),
    "divide": (tg.divide, torch.div),
    "maximum": (tg.maximum, torch.maximum),
    "minimum": (tg.minimum, torch.minimum),
    "remainder": (tg.remainder, torch.remainder),
    "where": (
        lambda x, y: tg.where(x.data > 0, x, y),
        lambda x, y: torch.where(x > 0, x, y),
    ),
    "power": (lambda x, y: tg.abs(x) ** y, lambda x, y: x.abs() ** y),
}


@pytest.mark.parametrize(("ours", "theirs"), BINARY.values(), ids=BINARY)
@pytest.mark.parametrize(
    ("a", "b"), [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3)), ((), ())]
)
def test_binary_operations_broadcast_as_in_pytorch(ours, theirs, a, b):
    compare(ours, theirs, numbers(*a), numbers(*b, seed=1) + 3)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_of_two_arrays_share_the_gradient_as_in_pytorch(name):
    compare(getattr(tg, name), getattr(torch, name), TIES, TIES[::-1].copy())


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 0.5, -1, -1.5])
def test_powers_equal_those_of_pytorch(exponent):
    compare(lambda x: x**exponent, lambda x: x**exponent, positive(3, 4))


def test_powers_of_zero_equal_those_of_pytorch():
    x, y = np.array([0.0, 0.0, 2.0, 0.0]), np.array([2.0, 1.0, 0.0, 0.0])
    compare(lambda x, y: x**y, lambda x, y: x**y, x, y)


@pytest.mark.parametrize("limits", [(-1.0, 1.0), (None, 0.5), (0.0, None), (1.0, 5.0)])
def test_clip_equals_clamp_on_and_off_its_limits(limits):
    compare(lambda x: tg.clip(x, *limits), lambda x: torch.clamp(x, *limits), X)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((2, 3), (5, 3, 4)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
    ],
    ids=str,
)
def test_matrix_products_equal_those_of_pytorch(a, b):
    compare(tg.matmul, torch.matmul, numbers(*a), numbers(*b, seed=1))


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("i,j->ij", [(2,), (3,)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("ij->j", [(2, 3)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij,ij->i", [(2, 3), (2, 3)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
    ],
    ids=str,
)
def test_einstein_sums_equal_those_of_pytorch(subscripts, shapes):
    arrays = [numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    compare(lambda *x: tg.einsum(subscripts, *x), lambda *x: torch.einsum(subscripts, *x), *arrays)


@pytest.mark.parametrize(
    ("axes", "shape"),
    [(0, (2,)), (1, (5, 2)), (2, (4, 5, 2)), (([0, 2], [2, 1]), (2, 5, 3))],
    ids=str,
)
def test_tensor_products_equal_those_of_pytorch(axes, shape):
    compare(
        lambda x, y: tg.tensordot(x, y, axes),
        lambda x, y: torch.tensordot(x, y, dims=axes),
        numbers(3, 4, 5),
        numbers(*shape, seed=1),
    )


@pytest.mark.parametrize("leading", [(), (4,), (2, 4)], ids=str)
def test_linear_equals_that_of_pytorch(leading):
    compare(tg.linear, F.linear, numbers(*leading, 3), numbers(2, 3, seed=1), numbers(2, seed=2))
    compare(tg.linear, F.linear, numbers(*leading, 3), numbers(2, 3, seed=1))


def test_second_derivatives_equal_those_of_pytorch():
    def ours(x):
        x = Value(x)
        (tg.gelu(x) * tg.log_softmax(tg.silu(x))).sum().backward(create_graph=True)
        gradient, x.grad = x.grad, None
        (gradient * gradient).sum().backward()
        return x.grad

    def theirs(x):
        x = torch.tensor(x, requires_grad=True)
        y = (F.gelu(x) * torch.log_softmax(F.silu(x), -1)).sum()
        (gradient,) = torch.autograd.grad(y, x, create_graph=True)
        return torch.autograd.grad((gradient**2).sum(), x)[0].numpy()

    np.testing.assert_allclose(ours(X), theirs(X), **TOLERANCE)


# ---- Losses

REDUCED = pytest.mark.parametrize("reduction", ["mean", "sum", "none"])


@REDUCED
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_losses_of_numbers_equal_those_of_pytorch(name, reduction):
    x = 2 * numbers(6, 3)
    t = numbers(6, 3, seed=1)
    x[0], x[1] = t[0], t[1] + 1  # no error, and an error of exactly delta
    compare(
        lambda x, t: getattr(nn.functional, name)(x, t, reduction=reduction),
        lambda x, t: getattr(F, name)(x, t, reduction=reduction),
        x,
        t,
    )


@REDUCED
@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5])
def test_huber_equals_that_of_pytorch(delta, reduction):
    t = numbers(6, 3, seed=1)
    compare(
        lambda x: nn.functional.huber_loss(x, t, reduction=reduction, delta=delta),
        lambda x: F.huber_loss(x, torch.tensor(t), reduction=reduction, delta=delta),
        2 * numbers(6, 3),
    )


@REDUCED
def test_binary_cross_entropy_equals_that_of_pytorch(reduction):
    p = np.concatenate([np.random.default_rng(0).uniform(size=50), [1e-9, 1 - 1e-9, 0.0, 1.0]])
    t = np.random.default_rng(1).uniform(size=54)
    t[:20] = t[:20].round()
    t[-2:] = 0.0, 1.0
    compare(
        lambda p: nn.functional.binary_cross_entropy(p, t, reduction=reduction),
        lambda p: F.binary_cross_entropy(p, torch.tensor(t), reduction=reduction),
        p,
    )


def test_binary_cross_entropy_of_wrong_certainty_equals_that_of_pytorch():
    p, t = np.array([0.0, 1.0]), np.array([1.0, 0.0])
    x, y = Value(p), torch.tensor(p, requires_grad=True)
    ours = nn.functional.binary_cross_entropy(x, t)
    theirs = F.binary_cross_entropy(y, torch.tensor(t))
    ours.backward()
    theirs.backward()
    assert float(ours) == theirs.item() == 100
    # Both limit the denominator p (1 - p) to 1e-12, which PyTorch rounds to float32.
    np.testing.assert_allclose(x.grad, y.grad.numpy(), rtol=1e-7)


@REDUCED
def test_binary_cross_entropy_with_logits_equals_that_of_pytorch(reduction):
    t = np.random.default_rng(1).uniform(size=(9, 5))
    compare(
        lambda z, t: nn.functional.binary_cross_entropy_with_logits(z, t, reduction=reduction),
        lambda z, t: F.binary_cross_entropy_with_logits(z, t, reduction=reduction),
        np.linspace(-300, 300, 45).reshape(9, 5),
        t,
    )


CLASSES = 4
WEIGHT = np.array([0.5, 2.0, 0.0, 1.3])
LOGIT_SHAPES = pytest.mark.parametrize(
    "shape", [(6, CLASSES), (CLASSES,), (3, CLASSES, 5), (2, CLASSES, 3, 2)], ids=str
)


def label_shape(shape):
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def as_tensor(weight):
    return None if weight is None else torch.tensor(weight)


@REDUCED
@LOGIT_SHAPES
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@pytest.mark.parametrize("ignore_index", [-100, 1, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.15, 1.0])
@pytest.mark.parametrize("size", [1.0, 50.0])
def test_cross_entropy_of_labels_equals_that_of_pytorch(
    shape, weight, ignore_index, smoothing, size, reduction
):
    labels = np.random.default_rng(2).integers(0, CLASSES, label_shape(shape))
    if labels.ndim == 0:
        labels = np.array(3)
    elif ignore_index < 0:
        labels.flat[0] = ignore_index
    compare(
        lambda x: nn.functional.cross_entropy(
            x, labels, weight, ignore_index, reduction, label_smoothing=smoothing
        ),
        lambda x: F.cross_entropy(
            x,
            torch.tensor(labels),
            as_tensor(weight),
            ignore_index=ignore_index,
            reduction=reduction,
            label_smoothing=smoothing,
        ),
        size * numbers(*shape),
    )


@REDUCED
@LOGIT_SHAPES
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@pytest.mark.parametrize("smoothing", [0.0, 0.15, 1.0])
def test_cross_entropy_of_probabilities_equals_that_of_pytorch(shape, weight, smoothing, reduction):
    q = torch.softmax(torch.tensor(numbers(*shape, seed=3)), min(1, len(shape) - 1)).numpy()
    compare(
        lambda x, q: nn.functional.cross_entropy(
            x, q, weight, reduction=reduction, label_smoothing=smoothing
        ),
        lambda x, q: F.cross_entropy(
            x, q, as_tensor(weight), reduction=reduction, label_smoothing=smoothing
        ),
        numbers(*shape),
        q,
    )


@REDUCED
@LOGIT_SHAPES
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["even", "weighted"])
@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_nll_equals_that_of_pytorch(shape, weight, ignore_index, reduction):
    labels = np.random.default_rng(2).integers(0, CLASSES, label_shape(shape))
    if labels.ndim == 0:
        labels = np.array(3)
    compare(
        lambda x: nn.functional.nll_loss(x, labels, weight, ignore_index, reduction),
        lambda x: F.nll_loss(
            x,
            torch.tensor(labels),
            as_tensor(weight),
            ignore_index=ignore_index,
            reduction=reduction,
        ),
        numbers(*shape),
    )


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_an_ignored_row_with_infinite_logits_has_no_loss_as_in_pytorch(smoothing):
    logits = np.array([[-math.inf, 0.0, 1.0], [1.0, 2.0, 0.5]])
    labels = np.array([-100, 1])
    x, y = Value(logits), torch.tensor(logits, requires_grad=True)
    ours = nn.functional.cross_entropy(x, labels, label_smoothing=smoothing)
    theirs = F.cross_entropy(y, torch.tensor(labels), label_smoothing=smoothing)
    assert float(ours) == pytest.approx(theirs.item(), rel=1e-12)
    ours.backward()
    theirs.backward()
    np.testing.assert_allclose(x.grad[1], y.grad[1].numpy(), rtol=1e-12)


# ---- Clipping


@pytest.mark.parametrize("norm_type", [0.5, 1, 2, 3.5, math.inf])
@pytest.mark.parametrize("max_norm", [0.1, 5.0, 1e3])
def test_clipping_by_norm_equals_that_of_pytorch(norm_type, max_norm):
    shapes = [(3, 4), (5,), ()]
    gradients = [numbers(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    values = [Value(np.zeros(shape)) for shape in shapes]
    tensors = [torch.zeros(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    for value, tensor, g in zip(values, tensors, gradients, strict=True):
        value.grad, tensor.grad = g, torch.tensor(g)
    norm = optim.clip_grad_norm_(values, max_norm, norm_type)
    expected = torch.nn.utils.clip_grad_norm_(tensors, max_norm, norm_type)
    assert norm == pytest.approx(expected.item(), rel=1e-12)
    for value, tensor in zip(values, tensors, strict=True):
        np.testing.assert_allclose(value.grad, tensor.grad.numpy(), **TOLERANCE)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_clipping_of_gradients_that_are_not_finite_equals_that_of_pytorch(bad):
    value, tensor = Value(np.zeros(2)), torch.zeros(2, dtype=torch.float64, requires_grad=True)
    value.grad, tensor.grad = np.array([bad, 1.0]), torch.tensor([bad, 1.0], dtype=torch.float64)
    with np.errstate(invalid="ignore"):
        norm = optim.clip_grad_norm_([value], 1.0)
    expected = torch.nn.utils.clip_grad_norm_([tensor], 1.0)
    np.testing.assert_array_equal(norm, expected.item())
    np.testing.assert_array_equal(value.grad, tensor.grad.numpy())


def test_clipping_by_value_equals_that_of_pytorch():
    value = Value(np.zeros((3, 4)))
    value.grad = numbers(3, 4)
    tensor = torch.zeros((3, 4), dtype=torch.float64, requires_grad=True)
    tensor.grad = torch.tensor(value.grad)
    optim.clip_grad_value_([value], 0.5)
    torch.nn.utils.clip_grad_value_([tensor], 0.5)
    np.testing.assert_array_equal(value.grad, tensor.grad.numpy())


# ---- Checkpoints


def classifiers(dtype=np.float64):
    """The same network here and there, each with numbers of its own."""
    theirs = torch.nn.Sequential(
        torch.nn.Flatten(),
        torch.nn.Linear(6, 8),
        torch.nn.GELU(),
        torch.nn.Sequential(torch.nn.Linear(8, 5, bias=False), torch.nn.Tanh()),
        torch.nn.Linear(5, 3),
    ).to(torch.float64 if dtype is np.float64 else torch.float32)
    ours = nn.Sequential(
        nn.Flatten(),
        nn.Linear(6, 8, dtype=dtype),
        nn.GELU(),
        nn.Sequential(nn.Linear(8, 5, bias=False, dtype=dtype), nn.Tanh()),
        nn.Linear(5, 3, dtype=dtype),
    )
    return ours, theirs


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_state_dict_of_pytorch_loads_by_name_and_gives_the_same_outputs(dtype, tolerance):
    ours, theirs = classifiers(dtype)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict(state)
    x = numbers(7, 2, 3).astype(dtype)
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours(x).data, expected, rtol=tolerance, atol=tolerance)


def test_our_state_dict_loads_into_pytorch():
    ours, theirs = classifiers()
    state = {name: torch.tensor(array) for name, array in ours.state_dict().items()}
    theirs.load_state_dict(state)
    x = numbers(7, 2, 3)
    with torch.no_grad():
        expected = theirs(torch.tensor(x)).numpy()
    np.testing.assert_allclose(ours(x).data, expected, **TOLERANCE)


def test_attributes_lists_and_dicts_are_named_as_in_pytorch():
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 3)])
            self.heads = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 1)})
            self.scale = torch.nn.Parameter(torch.ones(()))

        def forward(self, x):
            for layer in self.layers:
                x = torch.relu(layer(x))
            return self.scale * self.heads["a"](x)

    class Ours(nn.Module):
        def __init__(self):
            self.layers = [nn.Linear(2, 2), nn.Linear(2, 3)]
            self.heads = {"a": nn.Linear(3, 1)}
            self.scale = Value(1.0)

        def forward(self, x):
            for layer in self.layers:
                x = tg.relu(layer(x))
            return self.scale * self.heads["a"](x)

    ours, theirs = Ours(), Theirs()
    ours.load_state_dict(theirs.state_dict())
    assert set(ours.state_dict()) == set(theirs.state_dict())
    x = numbers(4, 2).astype(np.float32)
    expected = theirs(torch.tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours(x).data, expected, rtol=1e-5, atol=1e-6)


# ---- Optimizers: a hundred steps on a small network


def networks():
    ours = nn.MLP(3, [8, 2], activation="tanh", dtype=np.float64)
    for seed, p in enumerate(ours.parameters()):
        p.data = 0.5 * numbers(*p.shape, seed=seed)
    first, second = torch.nn.Linear(3, 8).double(), torch.nn.Linear(8, 2).double()
    theirs = torch.nn.Sequential(first, torch.nn.Tanh(), second)
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    with torch.no_grad():
        for p, q in pairs:
            q.copy_(torch.tensor(p.data))
    return ours, theirs, pairs


def assert_train_alike(make_ours, make_theirs, max_norm=None):
    ours, theirs, pairs = networks()
    x, labels = numbers(16, 3, seed=7), np.arange(16) % 2
    optimizer = make_ours([p for p, _ in pairs])
    reference = make_theirs([q for _, q in pairs])
    for _ in range(100):
        loss = nn.functional.cross_entropy(ours(x), labels)
        optimizer.zero_grad()
        loss.backward()
        expected = F.cross_entropy(theirs(torch.tensor(x)), torch.tensor(labels))
        reference.zero_grad()
        expected.backward()
        if max_norm is not None:
            optim.clip_grad_norm_(ours.parameters(), max_norm)
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), max_norm)
        optimizer.step()
        reference.step()
        assert float(loss) == pytest.approx(expected.item(), rel=1e-10, abs=1e-10)
    for p, q in pairs:
        np.testing.assert_allclose(p.data, q.detach().numpy(), **TOLERANCE)


SGD_SETTINGS = [
    {
        "lr": 0.1,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": weight_decay,
        "nesterov": nesterov,
    }
    for momentum, dampening, weight_decay, nesterov in itertools.product(
        (0.0, 0.9), (0.0, 0.4), (0.0, 0.05), (False, True)
    )
    if not nesterov or (momentum and not dampening)
]
ADAM_SETTINGS = [
    {"lr": 0.01, "betas": betas, "eps": eps, "weight_decay": weight_decay}
    for betas, eps, weight_decay in itertools.product(
        ((0.9, 0.999), (0.7, 0.95)), (1e-8, 1e-3), (0.0, 0.1)
    )
]


@pytest.mark.parametrize("settings", SGD_SETTINGS, ids=str)
def test_a_hundred_steps_of_sgd_equal_those_of_pytorch(settings):
    assert_train_alike(
        functools.partial(optim.SGD, **settings), functools.partial(torch.optim.SGD, **settings)
    )


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("settings", [{}, *ADAM_SETTINGS], ids=str)
def test_a_hundred_steps_of_adam_equal_those_of_pytorch(name, settings):
    assert_train_alike(
        functools.partial(getattr(optim, name), **settings),
        functools.partial(getattr(torch.optim, name), **settings),
    )


def in_groups(make, **settings):
    def made(params):
        first, *others = params
        groups = [{"params": [first], "lr": 0.02, "weight_decay": 0.1}, {"params": others}]
        return make(groups, **settings)

    return made


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_a_hundred_steps_in_groups_with_clipping_equal_those_of_pytorch(name):
    assert_train_alike(
        in_groups(getattr(optim, name), lr=0.05),
        in_groups(getattr(torch.optim, name), lr=0.05),
        max_norm=0.3,
    )


def defaults(optimizer):
    return {k: v for k, v in optimizer.param_groups[0].items() if k != "params"}


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_defaults_of_optimizers_are_those_of_pytorch(name):
    ours = defaults(getattr(optim, name)([Value(1.0)]))
    theirs = defaults(getattr(torch.optim, name)([torch.ones(1, requires_grad=True)]))
    assert ours == {name: theirs[name] for name in ours}


# ---- Initialisation


@pytest.mark.parametrize("nonlinearity", ["linear", "sigmoid", "tanh", "relu", "leaky_relu"])
def test_gains_equal_those_of_pytorch(nonlinearity):
    gain = nn.init.calculate_gain(nonlinearity)
    assert gain == pytest.approx(torch.nn.init.calculate_gain(nonlinearity), rel=1e-15)


@pytest.mark.parametrize("slope", [0.0, 0.2, 1.0, math.sqrt(5)])
def test_gains_of_leaky_relu_equal_those_of_pytorch(slope):
    gain = nn.init.calculate_gain("leaky_relu", slope)
    expected = torch.nn.init.calculate_gain("leaky_relu", slope)
    assert gain == pytest.approx(expected, rel=1e-15)


INITIALISATIONS = [
    ("xavier_uniform_", {}),
    ("xavier_uniform_", {"gain": 2.0}),
    ("xavier_normal_", {}),
    ("xavier_normal_", {"gain": 2.0}),
    *[
        (f"kaiming_{kind}_", settings)
        for kind in ("uniform", "normal")
        for settings in (
            {},
            {"a": math.sqrt(5)},
            {"mode": "fan_out"},
            {"nonlinearity": "relu"},
            {"nonlinearity": "tanh", "mode": "fan_out"},
        )
    ],
]


@pytest.mark.parametrize("shape", [(200, 100), (60, 30, 3, 2)], ids=str)
@pytest.mark.parametrize(("name", "settings"), INITIALISATIONS)
def test_initialisations_have_the_spread_of_pytorch(name, settings, shape):
    ours = getattr(nn.init, name)(Value(np.zeros(shape)), **settings).data
    torch.manual_seed(0)
    theirs = torch.zeros(shape, dtype=torch.float64)
    getattr(torch.nn.init, name)(theirs, **settings)
    theirs = theirs.numpy()
    assert ours.std() == pytest.approx(theirs.std(), rel=0.04)
    if "uniform" in name:  # more than 10,000 numbers reach close to the bounds
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=3e-3)


@pytest.mark.parametrize("n_in", [1, 9, 400])
def test_linear_layers_start_as_those_of_pytorch(n_in):
    ours, theirs = nn.Linear(n_in, 2000), torch.nn.Linear(n_in, 2000)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        bound = np.abs(q.detach().numpy()).max()
        assert np.abs(p.data).max() == pytest.approx(bound, rel=0.02)
        assert p.data.std() == pytest.approx(bound / math.sqrt(3), rel=0.06)
