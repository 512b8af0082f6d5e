"""Value: construction, operators, Python's and NumPy's protocols."""

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value

# ---- Construction


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, np.float64),
        (1.5, np.float64),
        (10**20, np.float64),
        ([1, 2], np.float64),
        ([], np.float64),
        ([[1.0], [2.0]], np.float64),
        ((1, 2.5), np.float64),
        (np.float32(1), np.float32),
        (np.ones(2, np.float32), np.float32),
        (np.float16(1), np.float16),
        (np.float64(1), np.float64),
    ],
)
def test_floating_point_and_python_numbers_require_a_gradient(data: Any, dtype: Any) -> None:
    v = Value(data)
    assert v.dtype == dtype
    assert v.requires_grad
    assert v.is_leaf
    assert v.grad is None
    np.testing.assert_array_equal(v.data, data)
    assert v.shape == np.shape(data)
    assert type(v.data) is (np.ndarray if np.shape(data) else dtype)


@pytest.mark.parametrize(
    "data", [np.array([1, 2]), np.int32(3), np.array([True]), True, [True, False], np.uint8(1)]
)
def test_integers_and_booleans_stay_and_carry_no_gradient(data: Any) -> None:
    v = Value(data)
    assert v.dtype == np.asarray(data).dtype
    assert not v.requires_grad
    with pytest.raises(TypeError, match="floating-point"):
        Value(data, requires_grad=True)
    with pytest.raises(TypeError, match="require a gradient"):
        v.requires_grad = True


def test_dtype_and_requires_grad_can_be_chosen() -> None:
    assert Value(1, dtype=np.float32).data.dtype == np.float32
    assert Value([1, 2], dtype=int).dtype == int
    assert Value(np.array([1, 2]), dtype=np.float64).requires_grad
    assert not Value(1.0, requires_grad=False).requires_grad


def test_zero_dimensional_arrays_become_scalars() -> None:
    assert type(Value(np.array(2.0)).data) is np.float64
    assert type(Value(np.array(2, np.int16)).data) is np.int16


def test_data_is_copied() -> None:
    x = np.ones(2)
    v = Value(x)
    x[0] = 5
    np.testing.assert_array_equal(v.data, [1, 1])


@pytest.mark.parametrize(
    "wrong",
    [
        *("text", "1.5", b"1", 1j, None, object(), {}, {1.0}, ["a"], [None], np.array([1j])),
        *(np.datetime64("2020-01-01"), [Value(1.0)], Value(1.0), lambda: 1),
    ],
)
def test_what_is_not_real_numbers_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Value(wrong)


@pytest.mark.parametrize("wrong", ["1.5", ["1", "2"], np.array([1 + 1j]), np.array(["3"])])
def test_a_dtype_does_not_make_numbers_of_text_or_complex(wrong: Any) -> None:
    with pytest.raises(TypeError):
        Value(wrong, dtype=np.float64)


def test_attributes_are_those_of_the_array() -> None:
    v = Value(np.ones((2, 3), np.float32))
    assert (v.shape, v.ndim, v.size, v.dtype) == ((2, 3), 2, 6, np.float32)
    s = Value(2.5)
    assert (s.shape, s.ndim, s.size, s.item()) == ((), 0, 1, 2.5)
    assert type(s.item()) is float


def test_data_of_a_leaf_can_be_set() -> None:
    v = Value(np.ones(2, np.float32))
    new = np.array([3.0, 4.0])
    v.data = new
    new[0] = 9
    np.testing.assert_array_equal(v.data, np.array([3, 4], np.float32), strict=True)
    with pytest.raises(ShapeError):
        v.data = np.ones(3)
    with pytest.raises(RuntimeError, match="computed"):
        (v * 2).data = np.ones(2)
    s = Value(1.0)
    s.data = 2
    assert type(s.data) is np.float64


@pytest.mark.parametrize("order", ["C", "F"])
def test_data_that_are_set_are_laid_out_as_those_before(order: Any) -> None:
    v = Value(np.zeros((3, 2), order=order))
    for new in (np.arange(6.0).reshape(3, 2), np.arange(6.0).reshape(2, 3).T, [[1, 2]] * 3):
        v.data = new
        assert v.data.flags.c_contiguous == (order == "C")
        np.testing.assert_array_equal(v.data, new)


def test_requires_grad_can_be_set_on_leaves_only() -> None:
    y = Value(1.0) * 2
    with pytest.raises(RuntimeError, match="leaves"):
        y.requires_grad = False


def test_detach_leaves_the_graph() -> None:
    x = Value([1.0, 2.0])
    y = x * 2
    d = y.detach()
    assert not d.requires_grad
    assert y.requires_grad
    np.testing.assert_array_equal(d.data, y.data)
    (x * d).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


# ---- Operators

BINARY = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
]
A = np.array([[1.0, 2.5, 3.0]])
B = np.array([[2.0], [1.5]])


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize(
    "other", [2, 2.5, True, B, np.float64(1.5), np.array([1, 2, 3]), [1, 2, 3]]
)
def test_operators_and_reflected_operators_are_those_of_numpy(op: Any, other: Any) -> None:
    v = Value(A)
    for got, want in [
        (op(v, other), op(A, other)),
        (op(other, v), op(other, A)),
        (op(v, Value(other)), op(A, np.asarray(other))),
    ]:
        assert isinstance(got, Value)
        assert got.requires_grad
        np.testing.assert_allclose(got.data, want, rtol=1e-15)


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("other", [3, 2.5, np.float64(2.5), np.int64(2)])
def test_operators_between_scalars_give_numpy_scalars(op: Any, other: Any) -> None:
    for got, want in [
        (op(Value(1.5), other), op(1.5, other)),
        (op(other, Value(1.5)), op(other, 1.5)),
    ]:
        assert isinstance(got, Value)
        assert type(got.data) is np.float64
        assert float(got) == pytest.approx(float(want), rel=1e-15)


@pytest.mark.parametrize(
    ("op", "by_x", "by_y"),
    [
        (operator.add, 1, 1),
        (operator.sub, 1, -1),
        (operator.mul, 2.5, 7),
        (operator.truediv, 1 / 2.5, -7 / 2.5**2),
        (operator.floordiv, 0, 0),
        (operator.mod, 1, -2),
        (operator.pow, 2.5 * 7**1.5, 7**2.5 * np.log(7)),
    ],
)
def test_gradients_of_operators_and_reflected_operators(op: Any, by_x: float, by_y: float) -> None:
    x, y = Value(7.0), Value(2.5)
    op(x, y).backward()
    assert (x.grad, y.grad) == (pytest.approx(by_x), pytest.approx(by_y))
    x.zero_grad()
    y.zero_grad()
    op(x, 2.5).backward()
    op(7.0, y).backward()
    assert (x.grad, y.grad) == (pytest.approx(by_x), pytest.approx(by_y))


def test_matmul_operator_and_its_reflection() -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(3.0)
    for got in (Value(a) @ b, a @ Value(b), Value(a) @ Value(b), a.tolist() @ Value(b)):
        np.testing.assert_array_equal(got.data, a @ b)
        assert got.requires_grad


def test_unary_operators() -> None:
    v = Value([-1.5, 2.0])
    for got, want, slope in [
        (-v, [1.5, -2], [-1, -1]),
        (+v, [-1.5, 2], [1, 1]),
        (abs(v), [1.5, 2], [-1, 1]),
    ]:
        np.testing.assert_array_equal(got.data, want)
        v.zero_grad()
        got.sum().backward()
        np.testing.assert_array_equal(v.grad, slope)


@pytest.mark.parametrize(
    "compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
)
def test_comparisons_return_boolean_arrays(compare: Any) -> None:
    x, y = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    want = compare(x, y)
    for got in (compare(Value(x), Value(y)), compare(Value(x), y), compare(x, Value(y))):
        assert type(got) is np.ndarray
        assert got.dtype == bool
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(compare(Value(x), 2), compare(x, 2))
    np.testing.assert_array_equal(compare(2, Value(x)), compare(2, x))
    assert isinstance(compare(Value(1.0), 2.0), np.bool_)


def test_comparison_with_something_else_does_not_crash_membership_of_lists() -> None:
    x, y = Value(1.0), Value(2.0)
    assert x in [x, y]
    assert y in [x, y]
    assert Value(3.0) not in [x, y]
    assert {x: "a", y: "b"}[x] == "a"


def test_sum_of_a_list_of_values() -> None:
    parts = [Value(1.0), Value(2.0), Value(4.0)]
    total = sum(parts)
    assert isinstance(total, Value)
    total.backward()
    assert float(total) == 7
    assert [part.grad for part in parts] == [1, 1, 1]


# ---- In place


@pytest.mark.parametrize(
    ("op", "other"),
    [
        (operator.iadd, 3.0),
        (operator.isub, 3.0),
        (operator.imul, 3.0),
        (operator.itruediv, 4.0),
        (operator.ifloordiv, 2.0),
        (operator.imod, 2.0),
        (operator.ipow, 2.0),
        (operator.imatmul, np.array([[0.0, 1.0], [2.0, 0.0]])),
    ],
)
def test_in_place_operators_leave_aliases_and_are_differentiable(op: Any, other: Any) -> None:
    start = np.array([[1.5, 2.5], [3.5, 4.5]])
    x = Value(start)
    y = x * 1.0
    views = [y[:], y.reshape(4), y.T, y.detach(), +y, copy.copy(y), y.broadcast_to((2, 2))]
    before = [np.array(view.data) for view in views]
    z = y
    z = op(z, other)
    assert z is y
    want = op(start.copy(), other)
    np.testing.assert_allclose(y.data, want)
    for view, then in zip(views, before, strict=True):
        np.testing.assert_array_equal(view.data, then)
    outer = {operator.imatmul: operator.matmul, operator.ipow: operator.pow}.get(op)
    functional = outer or getattr(operator, op.__name__[1:])
    y.sum().backward()
    got, x.grad = x.grad, None
    functional(x * 1.0, other).sum().backward()
    np.testing.assert_array_equal(got, x.grad)
    x.grad = None
    sum((view * 1.0).sum() for view in views if view.requires_grad).backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 2), 6))


def test_assignment_leaves_aliases_as_they_were() -> None:
    x = Value(np.arange(4.0))
    y = x * 1.0
    views = [y[:], y.reshape(2, 2), y.detach(), y[::-1], copy.copy(y)]
    before = [np.array(view.data) for view in views]
    data = y.data
    y[1] = 100.0
    y[:2] += 1.0
    np.testing.assert_array_equal(y.data, [1, 101, 2, 3])
    np.testing.assert_array_equal(data, [0, 1, 2, 3])
    for view, then in zip(views, before, strict=True):
        np.testing.assert_array_equal(view.data, then)
    (views[0] * views[0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 2, 4, 6])


def test_changing_a_view_leaves_its_source() -> None:
    x = Value(np.zeros((2, 2)))
    for view in (x[0], x[:], x.reshape(4), x.detach(), x.T):
        view[0] = 7.0
        view += 1.0
    np.testing.assert_array_equal(x.data, np.zeros((2, 2)))
    assert x.is_leaf


def test_what_was_computed_before_an_in_place_change_keeps_its_gradient() -> None:
    x = Value([1.0, 2.0])
    y = x * 1.0
    square = y * y
    y += 10.0
    square.sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])


def test_in_place_change_of_a_leaf_leaves_the_leaf_in_the_graph() -> None:
    x = Value([1.0, 2.0])
    leaf = copy.copy(x)
    x *= 3.0
    assert not x.is_leaf
    x.sum().backward()
    np.testing.assert_array_equal(leaf.grad, [3, 3])
    np.testing.assert_array_equal(leaf.data, [1, 2])


def test_under_no_grad_in_place_keeps_a_leaf_a_leaf() -> None:
    x = Value([1.0, 2.0])
    (x * 2).sum().backward()
    with tg.no_grad():
        x -= 0.5
        x[0] = 7.0
    assert x.is_leaf
    assert x.requires_grad
    np.testing.assert_array_equal(x.data, [7, 1.5])
    np.testing.assert_array_equal(x.grad, [2, 2])
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, [16, 5])


def test_in_place_must_keep_shape_and_dtype() -> None:
    x = Value(np.ones(3))
    with pytest.raises(ShapeError, match=r"\(2, 3\).*\(3,\)"):
        x += np.ones((2, 3))
    count = Value(np.array([1, 2]))
    with pytest.raises(TypeError, match=r"float64.*int64"):
        count += 1.5
    np.testing.assert_array_equal(x.data, np.ones(3))


def test_in_place_with_an_array_on_the_left_is_an_error() -> None:
    a = np.ones(2)
    with pytest.raises(TypeError):
        a += Value([1.0, 2.0])
    np.testing.assert_array_equal(a, [1, 1])


# ---- Python's protocols


def test_length_and_iteration_are_over_the_first_axis() -> None:
    x = Value(np.arange(6.0).reshape(3, 2))
    assert len(x) == 3
    rows = list(x)
    assert [row.shape for row in rows] == [(2,)] * 3
    (rows[0].sum() + 5 * rows[2].sum()).backward()
    np.testing.assert_array_equal(x.grad, [[1, 1], [0, 0], [5, 5]])
    a, b = Value([1.0, 2.0])
    assert (float(a), float(b)) == (1, 2)


def test_scalars_have_no_length_and_cannot_be_iterated() -> None:
    with pytest.raises(TypeError):
        len(Value(1.0))
    with pytest.raises(TypeError, match="scalar"):
        iter(Value(1.0))


def test_conversion_to_python_numbers() -> None:
    assert float(Value(2.5)) == 2.5
    assert type(float(Value(2.5))) is float
    assert int(Value(2.5)) == 2
    assert type(int(Value(2.5))) is int
    assert bool(Value(0.0)) is False
    assert bool(Value([3.0])) is True
    assert ["a", "b", "c"][Value(np.int64(1))] == "b"
    assert operator.index(Value(np.array(2))) == 2


def test_conversions_that_make_no_sense_are_errors() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Value([1.0, 2.0]))
    with pytest.raises(TypeError):
        float(Value([1.0, 2.0]))
    with pytest.raises(TypeError):
        int(Value([1.0, 2.0]))
    with pytest.raises(TypeError):
        operator.index(Value(1.0))
    with pytest.raises(TypeError):
        operator.index(Value([1.0, 2.0]))


def test_format_is_that_of_the_number() -> None:
    assert f"{Value(3.14159):.2f}" == "3.14"
    assert f"{Value(np.int64(42)):5d}" == "   42"
    assert f"{Value(1.0)}" == repr(Value(1.0))
    assert str(Value(1.0)) == repr(Value(1.0))


def test_repr_shows_data_dtype_and_place_in_the_graph() -> None:
    x = Value([1.5, 2.0], dtype=np.float32)
    assert repr(x).startswith("Value(")
    for text in (repr(x), repr(x * 2)):
        assert "float32" in text
    assert "1.5" in repr(x)
    assert "3." in repr(x * 2)
    assert "multiply" in repr(x * 2)
    assert "multiply" not in repr(x)
    assert "requires_grad=False" in repr(x.detach())
    assert "int64" in repr(Value(np.int64(3)))


def test_contains_asks_for_an_equal_element() -> None:
    x = Value([1.0, 2.0])
    assert 2 in x
    assert 3 not in x
    assert Value(1.0) in x


def test_hash_is_by_identity() -> None:
    x, y = Value(1.0), Value(1.0)
    assert len({x, y}) == 2
    assert hash(x) == hash(x)
    x += 1.0
    assert x in {x}


def test_copy_shares_the_place_in_the_graph_but_not_changes() -> None:
    x = Value([1.0, 2.0])
    y = x * 2
    z = copy.copy(y)
    assert z is not y
    z[0] = 9.0
    np.testing.assert_array_equal(y.data, [2, 4])
    copy.copy(y).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])


def test_deepcopy_is_an_independent_leaf_with_its_gradient() -> None:
    x = Value([1.0, 2.0], dtype=np.float32)
    (x * x).sum().backward()
    twin = copy.deepcopy(x)
    np.testing.assert_array_equal(twin.data, x.data, strict=True)
    np.testing.assert_array_equal(twin.grad, x.grad, strict=True)
    assert not np.shares_memory(twin.data, x.data)
    assert not np.shares_memory(twin.grad, x.grad)
    (twin * 10).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 4])
    frozen = copy.deepcopy(Value(1.0, requires_grad=False))
    assert not frozen.requires_grad
    counts = copy.deepcopy(Value(np.array([1, 2])))
    assert counts.dtype == np.array([1]).dtype


def test_deepcopy_of_a_list_copies_a_shared_value_once() -> None:
    x = Value(1.0)
    first, second = copy.deepcopy([x, x])
    assert first is second
    assert first is not x


@pytest.mark.parametrize(
    "data", [np.float64(1.5), np.float32(1.5), np.ones((2, 3), np.float32), np.array([1, 2]), True]
)
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_keeps_data_dtype_and_requires_grad(data: Any, protocol: int) -> None:
    x = Value(data)
    twin = pickle.loads(pickle.dumps(x, protocol))
    assert type(twin.data) is type(x.data)
    np.testing.assert_array_equal(twin.data, x.data, strict=True)
    assert twin.requires_grad == x.requires_grad
    assert not pickle.loads(pickle.dumps(x.detach(), protocol)).requires_grad


def test_values_in_a_graph_are_not_pickled_or_deepcopied() -> None:
    y = Value(1.0) * 2
    with pytest.raises(TypeError, match="detach"):
        pickle.dumps(y)
    with pytest.raises(TypeError, match="detach"):
        copy.deepcopy(y)


# ---- NumPy's protocols

UFUNCS = [
    *("exp", "expm1", "log", "log1p", "sqrt", "square", "sin", "cos", "tanh"),
    *("absolute", "fabs", "sign", "negative", "positive"),
]
UFUNCS2 = [
    *("add", "subtract", "multiply", "divide", "floor_divide", "remainder", "power"),
    *("maximum", "minimum"),
]
NAMES = {"absolute": "abs", "fabs": "abs"}


@pytest.mark.parametrize("name", UFUNCS)
def test_numpy_ufuncs_of_one_value_are_the_primitives(name: str) -> None:
    x = np.array([0.5, 1.5])
    y = getattr(np, name)(Value(x))
    assert isinstance(y, Value)
    assert y._node.primitive is tg.primitives[NAMES.get(name, name)]
    np.testing.assert_allclose(y.data, getattr(np, name)(x))


@pytest.mark.parametrize("name", [*UFUNCS2, "matmul"])
def test_numpy_ufuncs_of_two_values_are_the_primitives(name: str) -> None:
    x, y = np.array([0.5, 1.5]), np.array([2.0, 3.0])
    function = getattr(np, name)
    for result in (function(Value(x), y), function(x, Value(y)), function(Value(x), Value(y))):
        assert result._node.primitive is tg.primitives[name]
        np.testing.assert_allclose(result.data, function(x, y))


@pytest.mark.parametrize(
    "call",
    [
        lambda v: np.where(v > 1, v, 0.0),
        lambda v: np.clip(v, 0.6, 1.2),
        lambda v: np.clip(v, a_min=0.6, a_max=1.2),
        lambda v: np.clip(v, 0.6, None),
        lambda v: np.sum(v, axis=0, keepdims=True),
        lambda v: np.mean(v, axis=(0, 1)),
        lambda v: np.prod(v),
        lambda v: np.max(v, axis=-1),
        lambda v: np.min(v),
        lambda v: np.amax(v, axis=0),
        lambda v: np.var(v, axis=1, ddof=1),
        lambda v: np.std(v),
        lambda v: np.cumsum(v, axis=1),
        lambda v: np.dot(v, np.ones(3)),
        lambda v: np.einsum("ij->j", v),
        lambda v: np.tensordot(v, np.ones((3, 2)), 1),
        lambda v: np.reshape(v, (3, 2)),
        lambda v: np.transpose(v),
        lambda v: np.transpose(v, axes=(1, 0)),
        lambda v: np.moveaxis(v, 0, 1),
        lambda v: np.swapaxes(v, 0, 1),
        lambda v: np.expand_dims(v, axis=0),
        lambda v: np.squeeze(v[None], axis=0),
        lambda v: np.broadcast_to(v, (4, 2, 3)),
        lambda v: np.concatenate([v, np.ones((1, 3))], axis=0),
        lambda v: np.stack([v, v], axis=1),
        lambda v: np.split(v, 3, axis=1)[1],
        lambda v: np.pad(v, ((1, 0), (0, 1))),
        lambda v: np.flip(v, axis=1),
        lambda v: np.tile(v, (2, 1)),
        lambda v: np.repeat(v, 2, axis=0),
        lambda v: np.take(v, [0, 0], axis=1),
        lambda v: np.take_along_axis(v, np.array([[0], [2]]), axis=1),
        lambda v: np.float64(2) * v,
        lambda v: np.ones(3) - v,
    ],
)
def test_numpy_functions_of_values_are_differentiable(call: Any) -> None:
    x = np.array([[0.5, 1.0, 1.5], [2.0, 0.7, 0.9]])
    y = call(Value(x))
    assert isinstance(y, Value)
    assert y.requires_grad
    np.testing.assert_allclose(y.data, call(x), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (np.roots, "np.roots"),
        (np.unpackbits, "np.unpackbits"),
        (lambda v: np.full_like(np.zeros(2), v[0, 0]), "full_like|copyto"),
        (lambda v: np.copyto(np.zeros((2, 2)), v), "copyto"),
    ],
)
def test_unsupported_numpy_functions_are_errors_that_name_the_function(
    call: Any, name: str
) -> None:
    with pytest.raises(TypeError, match=name):
        call(Value(np.eye(2)))


def test_out_and_where_of_ufuncs_are_errors() -> None:
    v, out = Value([1.0, 2.0]), np.zeros(2)
    with pytest.raises(TypeError, match="exp"):
        np.exp(v, out=out)
    with pytest.raises(TypeError, match="exp"):
        np.exp(v, where=[True, False])
    np.testing.assert_array_equal(out, [0, 0])


def test_functions_without_derivative_give_plain_arrays() -> None:
    v = Value([1.5, -2.5])
    for got, want in [
        (np.isfinite(v), [True, True]),
        (np.floor(v), [1, -3]),
        (np.argmax(v), 0),
        (np.argsort(v), [1, 0]),
        (np.greater(v, 0), [True, False]),
        (np.zeros_like(v), [0, 0]),
    ]:
        assert not isinstance(got, Value)
        np.testing.assert_array_equal(got, want)
    assert np.shape(v) == (2,)
    assert np.ndim(v) == 1
    assert np.allclose(v, [1.5, -2.5])


def test_array_of_a_value_that_requires_a_gradient_is_an_error() -> None:
    x = Value([1.0, 2.0])
    for convert in (np.asarray, np.array, lambda v: np.array([v, v]), Value.numpy):
        with pytest.raises(TypeError, match="gradient"):
            convert(x)
    with pytest.raises(TypeError, match="gradient"):
        np.array([Value(1.0), Value(2.0)])


def test_array_of_a_value_without_gradient_is_its_data() -> None:
    x = Value([1.0, 2.0], requires_grad=False)
    np.testing.assert_array_equal(np.asarray(x), [1, 2])
    assert np.asarray(x, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(x), x.data)
    np.testing.assert_array_equal(x.numpy(), [1, 2])
    np.testing.assert_array_equal(np.asarray(Value(np.array([1, 2]))), [1, 2])
