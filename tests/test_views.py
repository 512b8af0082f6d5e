"""In functions of arrays, views of Values share their changes, as NumPy's views do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.modes import like_arrays
from tinygrad_nn.testing import gradcheck

START = np.array([1.0, 2.0, 4.0, 3.0])


def test_real_arrays_are_their_own_real_part_and_conjugate() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        part, conjugate = y.real, y.conj()
        part *= 2.0
        conjugate[0] = 3.0 * y[1]
        return (y * y).sum()

    x = np.array([0.5, -1.0, 2.0])
    assert tg.value_and_grad(f)(x)[0] == f(x) == 36 + 4 + 16
    gradcheck(f, x, order=2)


def scale_a_slice(y: Any) -> Any:
    v = y[:2]
    v *= 3
    return y


def normalise_rows(y: Any) -> Any:
    a = y.reshape(2, 2)
    for row in a:
        row /= row.sum()
    return y


def write_through_two(y: Any) -> Any:
    a = y.reshape(2, 2)
    a[0][1] = y[2] * y[3]
    a.T[0] *= 2
    return a


def write_parts_of_a_split(y: Any) -> Any:
    a, b = np.split(y, 2)
    a += b
    b *= a
    return y


def read_after_the_whole_changed(y: Any) -> Any:
    part = y[1:]
    deeper = part[::-1]
    y[1] = 7 * y[0]
    y *= 2
    return part * deeper


def update_a_part(y: Any) -> Any:
    y[1:] += 2
    y[1:] += y[:-1] * y[0]
    return y


def write_with_out(y: Any) -> Any:
    np.add(y, 1, out=y[::-1])
    np.copyto(y[:2], y[2:])
    return y * y


def overlapping(y: Any) -> Any:
    a, b = y[1:][::-1][:2], y[2:]
    a *= b
    return y + b.sum()


def eliminate(y: Any) -> Any:
    a = y.reshape(2, 2)
    pivot, below = a[0], a[1]
    below -= pivot * (below[0] / pivot[0])
    diagonal = np.diagonal(a)
    a *= y[1]
    return diagonal.prod()


def sort_columns(y: Any) -> Any:
    a = y.reshape(2, 2)
    a[:, 1].sort()
    a.T[0].fill(y[3])
    return y


def write_to_the_elements(y: Any) -> Any:
    a = y.reshape(2, 2)
    a.flat[:: len(a) + 1] += y[1]
    a.flat[[1, 2]] = a.flat[3], 2.0
    b = a * 1.0
    b.flat = [1.0, 2.0, 3.0, y[0]]
    return y * sum(each**2 for each in b.T.flat) * len(a.flat)


def write_to_a_transposed_copy(y: Any) -> Any:
    a = y.reshape(2, 2).T.copy()
    flat = a.ravel()
    flat *= 5
    b = np.copy(y.reshape(2, 2).T)
    kept = b.ravel()
    kept *= 5
    return a + b


def peel(y: Any) -> Any:
    rest = y
    while len(rest):
        rest[0] *= y[3]
        rest = rest[1:]
    backwards = y[::-1][1:][::-2]  # y[0], y[2]
    backwards += backwards[::-1] * 2
    nothing = y[::-1][4:]
    y *= 3
    return np.concatenate([y, nothing])


def change_the_arguments_of_views(y: Any) -> Any:
    axes, shape = [1, 0], [2, 2]
    a = y.reshape(shape)
    b = a.transpose(axes)
    axes.sort()
    shape[0] = 4
    b[0, 1] *= 5
    a[0] *= b[1]
    return np.concatenate([y, b.ravel()])


def choose_all(y: Any) -> Any:
    a = y.reshape(2, 2)
    a[True] = a[1]
    a.flat[1:3] = a[:1]
    a.flat = y[:2] * a[0, 0]
    a[1] = np.array([a[0, 0], 2.0])
    return a


def copies(y: Any) -> Any:
    for copy in (y.copy(), y.flatten(), y[[0, 1]], y[y > 2], np.take(y, 1), y + 0, np.tile(y, 1)):
        copy *= 2
    a = y.reshape(2, 2)
    np.take(a, 0, axis=0)[:] = 0
    a.T.reshape(-1)[0] = 9  # no longer in order: a copy
    for grid in np.meshgrid(y, y):
        grid *= 2
    np.reshape(y, (2, 2), copy=True)[0] = 0
    return y


PROGRAMS = [
    scale_a_slice,
    normalise_rows,
    write_through_two,
    write_parts_of_a_split,
    read_after_the_whole_changed,
    update_a_part,
    write_with_out,
    overlapping,
    eliminate,
    sort_columns,
    write_to_the_elements,
    write_to_a_transposed_copy,
    peel,
    change_the_arguments_of_views,
    choose_all,
    copies,
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_that_write_to_views_do_what_numpy_does(program: Callable[..., Any]) -> None:
    with like_arrays():
        got = program(Value(START))
    np.testing.assert_allclose(got.data, program(START.copy()), rtol=1e-15)
    gradcheck(lambda x: program(x * 1.0), START, order=2)


# ---- Programs of random steps

N = 4


def steps() -> Any:
    """What to do with a list of arrays: (action, with which one, with which other one, where)."""
    number = st.integers(0, N - 1)
    places = st.one_of(
        number,
        st.slices(N),
        st.tuples(st.slices(N), number),
        st.lists(number, min_size=1, max_size=3),
        st.just(Ellipsis),
    )
    actions = ["write", "scale", "part", "turn", "flat", "read", "new", "whole", "self"]
    return st.lists(
        st.tuples(st.sampled_from(actions), st.integers(0, 9), st.integers(0, 9), places),
        min_size=2,
        max_size=12,
    )


TURNS: list[Callable[..., Any]] = [
    lambda a: a.T,
    np.flip,
    np.ravel,
    lambda a: np.expand_dims(a, 0),
    lambda a: np.atleast_2d(a)[:, ::2],
    lambda a: np.squeeze(a[None]),
    lambda a: np.array_split(a.reshape(-1), 2)[0],
    lambda a: np.rot90(np.atleast_2d(a)),
    lambda a: np.concatenate([a, a]),
    lambda a: np.moveaxis(a[..., None], -1, 0),
]


def run(program: Any, x: Any) -> list[Any]:
    """All arrays after a program; they are views of each other in many ways."""
    arrays = [x * 1.0, x[0] * 2.0]
    for action, at, other, where in program:
        a, b = arrays[at % len(arrays)], arrays[other % len(arrays)]
        if not np.size(b):
            continue
        where = where if np.ndim(a) == 2 or not isinstance(where, tuple) else where[0]
        if not np.ndim(a) or min(a.shape) < N:
            where = ...
        if action == "write" and np.ndim(a):
            a[where] = b.mean() + 0.5
        elif action == "scale" and np.ndim(a):
            a[where] *= b.sum() * 0.1
        elif action == "whole" and np.ndim(a):
            a += b.mean()
        elif action == "self" and np.ndim(a):
            a[...] = a[::-1]
        elif action == "part" and np.ndim(a):
            arrays.append(a[where])
        elif action == "turn" and np.ndim(a):
            arrays.append(TURNS[other % len(TURNS)](a))
        elif action == "flat":
            arrays.append(a.reshape(-1))
        elif action == "new":
            arrays.append(np.sin(b))
        else:
            arrays.append(a * a)
    return arrays


@given(steps())
def test_random_programs_do_what_numpy_does(program: Any) -> None:
    start = np.linspace(-1, 1, N * N).reshape(N, N)

    def total(x: Any) -> Any:
        parts = run(program, x)
        weights = [np.cos(k + np.arange(np.size(part))) for k, part in enumerate(parts)]
        return sum((p.reshape(-1) * w).sum() for p, w in zip(parts, weights, strict=True))

    with like_arrays():
        values = run(program, Value(start))
    for got, want in zip(values, run(program, start), strict=True):
        np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-14)
    direction = np.sin(np.arange(N * N)).reshape(N, N)
    slope = (tg.grad(total)(start) * direction).sum()
    step = 1e-5
    between = total(start + step * direction) - total(start - step * direction)
    assert slope == pytest.approx(between / (2 * step), rel=1e-5, abs=1e-5)


# ---- What is kept, and what is refused


def test_elsewhere_parts_are_values_of_their_own() -> None:
    x = Value(np.zeros((2, 2)))
    for part in (x[0], x[:], x.reshape(4), x.T):
        part[0] = 7.0
        part += 1.0
    np.testing.assert_array_equal(x.data, np.zeros((2, 2)))
    assert x.is_leaf


@like_arrays()
def test_parts_of_parameters_change_them_without_a_graph() -> None:
    weight = Value(np.zeros((2, 3)))
    weight.sum().backward()
    first = weight[0]
    with pytest.raises(RuntimeError, match="this leaf has a gradient"):
        first += 1.0
    assert not weight.data.any()
    assert not first.data.any()
    with tg.no_grad():
        first += 1.0
    np.testing.assert_array_equal(weight.data, [[1, 1, 1], [0, 0, 0]])
    assert weight.is_leaf
    first.sum().backward()  # it is still a part of the leaf
    np.testing.assert_array_equal(weight.grad, [[2, 2, 2], [1, 1, 1]])


def test_constants_written_without_a_graph_leave_the_rest_its_gradient() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        part = y[1:]
        with tg.no_grad():
            y[0] = 5.0
            part[1] = x[0] * 7
        return (y * y).sum()

    np.testing.assert_array_equal(tg.grad(f)(START), [0, 4, 0, 6])


@like_arrays()
def test_broadcast_arrays_are_read_only() -> None:
    x = Value(np.arange(3.0)) * 1.0
    repeated = x.broadcast_to((2, 3))
    diagonal = np.diag(np.outer(x, x))
    x[0] = 5.0
    np.testing.assert_array_equal(repeated.data, [[5, 1, 2]] * 2)
    for view in (repeated, diagonal):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1.0


@like_arrays()
def test_a_write_that_fails_changes_nothing() -> None:
    x = Value(np.arange(3.0)) * 1.0
    part = x[:2]
    for change in (lambda: part.__iadd__(np.ones((2, 2))), lambda: part.__setitem__(0, "a")):
        with pytest.raises((ValueError, TypeError)):
            change()
    np.testing.assert_array_equal(x.data, [0, 1, 2])
    np.testing.assert_array_equal(part.data, [0, 1])


@like_arrays()
def test_views_that_are_gone_are_forgotten() -> None:
    x = Value(np.zeros((10, 3)))
    kept = [x[i] for i in range(10)]
    for _ in range(1000):
        x[0]
    assert len(x._views) < 200
    x += 1.0
    assert all(part.data.tolist() == [1, 1, 1] for part in kept)


@like_arrays()
@like_arrays()
def test_views_of_other_rows_are_left_alone() -> None:
    x = Value(np.ones((4, 3))) * 1.0
    rows = [x[0], x[-1], x[1, :2], x[-4], x[1:3]]
    before = [row._node for row in rows]
    rows[1] *= 2
    assert [row._node is node for row, node in zip(rows, before, strict=True)] == [1, 0, 1, 1, 0]
    x[-4, 1:] = 5.0
    assert [row.data.tolist() for row in rows] == [
        *([1, 5, 5], [2, 2, 2], [1, 1], [1, 5, 5], [[1, 1, 1], [1, 1, 1]])
    ]


@like_arrays()
def test_a_loop_over_rows_that_changes_them_copies_only_rows() -> None:
    x = Value(np.ones((50, 4))) * 1.0
    before = x.data.__array_interface__["data"]
    for row in x:
        row /= row.sum()
    assert x.data.__array_interface__["data"] == before
    np.testing.assert_allclose(x.data, np.full((50, 4), 0.25))
