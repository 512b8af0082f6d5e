"""Hypothesis strategies for tests of derivatives.

They draw arrays, axes, indices and operands at which derivatives can be compared: small shapes,
and numbers of bounded magnitude that are far from kinks and short to write. A counterexample
shrinks to the fewest elements and the simplest numbers that show the failure.

>>> from hypothesis import given
>>> import tinygrad_nn as tg
>>> from tinygrad_nn.domains import nonzero
>>> from tinygrad_nn.testing import strategies
>>> @given(strategies.values(numbers=nonzero))
... def test_gradient_of_the_sum_of_absolute_values_is_the_sign(x):
...     tg.abs(x).sum().backward()
...     assert np.array_equal(x.grad, np.sign(x.data))
>>> test_gradient_of_the_sum_of_absolute_values_is_the_sign()

The sets of numbers (`real`, `positive`, `Reals(away_from=(1, 2))` …) are in `tinygrad_nn.domains`.
`calls` draws calls of a primitive from the domain that it declares. A gradcheck may take longer
than the 200 ms that Hypothesis allows an example: pass `@settings(deadline=None)` to such tests.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..domains import Reals, real
from ..primitive import Domain, Primitive
from ..value import Value
from ._graph import parts_of

try:
    import hypothesis.extra.numpy as hnp
    import hypothesis.strategies as st
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    raise ImportError(
        'tinygrad_nn.testing.strategies needs Hypothesis: pip install "tinygrad-nn[testing]"'
    ) from error

__all__ = [
    "arrays",
    "arrays_with_axis",
    "arrays_with_index",
    "axes",
    "broadcastable_shapes",
    "calls",
    "einsum_operands",
    "indices",
    "matmul_operands",
    "shapes",
    "shapes_broadcastable_to",
    "values",
]

Shape = tuple[int, ...]
Array = np.ndarray[Any, np.dtype[Any]]


# ---- Shapes


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 3
) -> SearchStrategy[Shape]:
    """Shapes of small arrays, from () to (3, 3, 3).

    >>> from hypothesis import find
    >>> find(shapes(), lambda shape: len(shape) == 2)
    (1, 1)
    """
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


def broadcastable_shapes(
    count: int, max_dims: int = 3, max_side: int = 3
) -> SearchStrategy[tuple[Shape, ...]]:
    """As many shapes, which broadcast with one another.

    >>> from hypothesis import find
    >>> find(broadcastable_shapes(2), lambda drawn: len(drawn[0]) > len(drawn[1]))
    ((1,), ())
    """
    equal = shapes(max_dims=max_dims, max_side=max_side).map(lambda shape: (shape,) * count)
    different = hnp.mutually_broadcastable_shapes(
        num_shapes=count, max_dims=max_dims, max_side=max_side
    )
    return equal | different.map(lambda drawn: drawn.input_shapes)


def shapes_broadcastable_to(shape: Shape) -> SearchStrategy[Shape]:
    """Shapes of arrays that `np.broadcast_to(array, shape)` takes.

    >>> from hypothesis import find
    >>> find(shapes_broadcastable_to((2, 3)), lambda drawn: True)
    ()
    """
    return st.tuples(
        st.integers(0, len(shape)), st.tuples(*[st.sampled_from([1, n]) for n in shape])
    ).map(lambda drawn: drawn[1][len(shape) - drawn[0] :])


# ---- Arrays


def arrays(
    shape: int | Shape | SearchStrategy[Shape] | None = None,
    numbers: Reals = real,
    unique: bool = False,
    dtype: Any = np.float64,
) -> SearchStrategy[Array]:
    """Arrays of `shape` (None: any of `shapes()`), their elements from a set of numbers.

    With `unique`, no two elements are equal.

    >>> from hypothesis import find
    >>> find(arrays(3, unique=True), lambda x: True)
    array([ 0.,  1., -1.])
    """
    representable = np.array(numbers.grid, dtype).tolist()
    return hnp.arrays(
        dtype,
        shapes() if shape is None else shape,
        elements=st.sampled_from(representable),
        fill=st.nothing(),
        unique=unique,
    )


def values(
    shape: int | Shape | SearchStrategy[Shape] | None = None,
    numbers: Reals = real,
    unique: bool = False,
    dtype: Any = np.float64,
) -> SearchStrategy[Value]:
    """Values of the same arrays as `arrays` draws.

    >>> from hypothesis import find
    >>> find(values(2, dtype=np.float32), lambda x: True)
    Value([0., 0.], dtype=float32)
    """
    return arrays(shape, numbers, unique, dtype).map(Value)


# ---- Axes and indices


def axes(ndim: int) -> SearchStrategy[int | tuple[int, ...] | None]:
    """What reductions take as `axis`: None, an axis from either end, or a tuple of axes.

    >>> from hypothesis import find
    >>> find(axes(2), lambda axis: isinstance(axis, int) and axis < 0)
    -1
    """
    numbered = st.integers(-ndim, ndim - 1) if ndim else st.nothing()
    return st.none() | numbered | hnp.valid_tuple_axes(ndim)


@st.composite
def arrays_with_axis(
    draw: st.DrawFn, numbers: Reals = real, unique: bool = False
) -> tuple[Array, int | tuple[int, ...] | None]:
    """An array, and some of `axes` of it.

    >>> from hypothesis import find
    >>> find(arrays_with_axis(), lambda drawn: drawn[1] == (1,))
    (array([[0.]]), (1,))
    """
    shape = draw(shapes())
    axis = draw(axes(len(shape)))
    return draw(arrays(shape, numbers, unique)), axis


def indices(shape: Shape) -> SearchStrategy[Any]:
    """Indices of all kinds into an array of `shape`, which select at least one element.

    Integers, slices, None and Ellipsis; arrays of integers, also beside those; and masks.

    >>> from hypothesis import find
    >>> find(indices((3,)), lambda index: isinstance(index, np.ndarray))
    array([False, False,  True])
    """
    kinds: list[SearchStrategy[Any]] = [hnp.basic_indices(shape, allow_newaxis=True, max_dims=4)]
    if shape:
        integers = hnp.integer_array_indices(shape, result_shape=shapes(0, 2))
        kinds += [integers, _masks(shape), _mixed(shape)]
    return st.one_of(kinds).filter(lambda index: bool(np.empty(shape)[index].size))


def _masks(shape: Shape) -> SearchStrategy[Array]:
    """Boolean arrays over the leading axes of an array of `shape`."""
    leading = st.sampled_from([shape[: k + 1] for k in range(len(shape))])
    return leading.flatmap(lambda part: hnp.arrays(bool, part, fill=st.nothing()))


@st.composite
def _mixed(draw: st.DrawFn, shape: Shape) -> tuple[Any, ...]:
    """For each axis an integer, a slice or an array of integers; None or Ellipsis between them."""
    result = draw(shapes(1, 2))
    slices = st.sampled_from([slice(None), slice(-1, None), slice(None, None, -1)])

    def parts(side: int) -> SearchStrategy[Any]:
        positions = st.integers(-side, side - 1)
        return st.one_of(positions, slices, hnp.arrays(np.intp, result, elements=positions))

    index = [draw(parts(side)) for side in shape]
    at = draw(st.integers(0, len(shape)))
    index[at:at] = draw(st.sampled_from([[], [None], [...]]))
    return tuple(index)


@st.composite
def arrays_with_index(draw: st.DrawFn, numbers: Reals = real) -> tuple[Array, Any]:
    """An array, and some of `indices` into it.

    >>> from hypothesis import find
    >>> find(arrays_with_index(), lambda drawn: drawn[1] is None)
    (array(0.), None)
    """
    shape = draw(shapes())
    index = draw(indices(shape))
    return draw(arrays(shape, numbers)), index


# ---- Operands


@st.composite
def matmul_operands(draw: st.DrawFn, numbers: Reals = real) -> tuple[Array, Array]:
    """Two arrays that `np.matmul` takes: vectors, matrices, and stacks of them that broadcast.

    >>> from hypothesis import find
    >>> find(matmul_operands(), lambda drawn: drawn[0].shape == (2, 3))
    (array([[0., 0., 0.],
           [0., 0., 0.]]), array([0., 0., 0.]))
    """
    batch = draw(st.sampled_from([0, 2]))  # at most so many axes before those of the product
    drawn = draw(
        hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, max_dims=batch, max_side=3)
    )
    x, y = drawn.input_shapes
    return draw(arrays(x, numbers)), draw(arrays(y, numbers))


_TERMS = ["".join(letters) for n in range(4) for letters in itertools.product("ijk", repeat=n)]


@st.composite
def einsum_operands(draw: st.DrawFn, numbers: Reals = real) -> tuple[str, list[Array]]:
    """Subscripts, and one to three arrays to which `np.einsum` can apply them.

    With letters in several operands, in one of them twice or in only one; an ellipsis; axes of
    length 1 that broadcast; and an explicit or implicit output.

    >>> from hypothesis import find
    >>> find(einsum_operands(), lambda drawn: "..." in drawn[0])
    ('...', [array(0.)])
    """
    terms = draw(st.lists(st.sampled_from(_TERMS), min_size=1, max_size=3))
    letters = sorted(set("".join(terms)))
    lengths = {c: draw(st.integers(1, 3)) for c in letters}
    stretched = draw(st.sampled_from(["", *letters]))
    batches = draw(broadcastable_shapes(len(terms), max_dims=1, max_side=2))
    inputs, shapes = [], []
    for term, batch in zip(terms, batches, strict=True):
        here = lengths | {draw(st.sampled_from(["", stretched])): 1}
        axes, shape = list(term), [here[c] for c in term]
        if draw(st.booleans()):
            at = draw(st.integers(0, len(term)))
            axes[at:at], shape[at:at] = ["..."], batch
        inputs.append("".join(axes))
        shapes.append(tuple(shape))
    subscripts = ",".join(inputs)
    if draw(st.booleans()):
        kept = [c for c in letters if draw(st.booleans())] + ["..."] * ("..." in subscripts)
        subscripts += "->" + "".join(draw(st.permutations(kept)))
    return subscripts, [draw(arrays(shape, numbers)) for shape in shapes]


# ---- Calls of primitives


class Draw:
    """What a domain draws with: `draw.name(...)` draws from the strategy `name(...)`.

    That is one of this module, else of `hypothesis.extra.numpy`, else of Hypothesis itself.
    """

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def __call__(self, strategy: SearchStrategy[Any]) -> Any:
        """Draw from any strategy."""
        return self._draw(strategy)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        libraries = ((__all__, globals()), (hnp.__all__, vars(hnp)), (st.__all__, vars(st)))
        for names, strategies in libraries:
            if name in names:
                return lambda *args, **options: self(strategies[name](*args, **options))
        raise AttributeError(f"there is no strategy named {name!r} to draw from")


class Call:
    """A call of a primitive as a function of its differentiable inputs: a function and a point.

    The inputs are the floating-point arrays among `arguments` for which the primitive has a
    rule; the other arguments are fixed.
    """

    def __init__(self, operation: Primitive, arguments: Mapping[str, Any]) -> None:
        names = [x for x in operation.inputs if _is_floating(arguments.get(x))]
        names.sort(key=lambda name: name == operation.variadic)
        self._operation = operation
        self._arguments = arguments
        self._forward = inspect.signature(operation.forward)
        self._names = names
        self.__name__ = operation.name
        self.__signature__ = inspect.Signature([self._parameter(name) for name in names])

    def _parameter(self, name: str) -> inspect.Parameter:
        kinds = inspect.Parameter
        variadic = name == self._operation.variadic
        return kinds(name, kinds.VAR_POSITIONAL if variadic else kinds.POSITIONAL_OR_KEYWORD)

    @property
    def inputs(self) -> list[Array]:
        """The arrays that were drawn for the differentiable inputs."""
        drawn = [self._arguments[name] for name in self._names]
        return [x for part in drawn for x in (part if isinstance(part, list) else [part])]

    def __call__(self, *inputs: Any) -> Any:
        given = list(inputs)
        call = self._forward.bind_partial()
        call.arguments.update(self._arguments)
        for name in self._names:
            variadic = name == self._operation.variadic
            call.arguments[name] = given if variadic else given.pop(0)
        result = self._operation.function(*call.args, **call.kwargs)
        return result if any(map(np.iscomplexobj, inputs)) else parts_of(result)

    def __repr__(self) -> str:
        parts = [str(parameter) for parameter in self.__signature__.parameters.values()]
        parts += [f"{name}={x!r}" for name, x in self._arguments.items() if name not in self._names]
        return f"{self.__name__}({', '.join(parts)})"


def _is_floating(argument: Any) -> bool:
    """Whether `argument` is a floating-point array, or a list of such arrays."""
    if isinstance(argument, list):
        return all(_is_floating(x) for x in argument)
    return isinstance(argument, np.ndarray) and argument.dtype.kind == "f"


@st.composite
def _calls(draw: st.DrawFn, operation: Primitive, domain: Domain) -> tuple[Call, list[Array]]:
    arguments = domain(Draw(draw))
    if unknown := [name for name in arguments if name not in operation.positions]:
        raise TypeError(
            f"the domain of {operation.name} draws {unknown[0]!r}, but it has no such parameter"
        )
    call = Call(operation, arguments)
    return call, call.inputs


def calls(operation: Primitive | Callable[..., Any]) -> SearchStrategy[tuple[Call, list[Array]]]:
    """(f, inputs): calls of a primitive, drawn from its domain.

    f is a function of those inputs alone that are floating-point arrays and have a derivative
    rule, and has the call's other arguments fixed. So `gradcheck(f, *inputs)` checks all rules.
    Raises ValueError if the primitive declares no domain, and TypeError for what is no primitive.

    >>> from hypothesis import find
    >>> import tinygrad_nn as tg
    >>> find(calls(tg.log), lambda drawn: True)
    (log(x), [array(1.)])
    """
    operation = getattr(operation, "primitive", operation)
    if not isinstance(operation, Primitive):
        raise TypeError(f"calls takes a primitive, not {operation!r}")
    if operation.domain is None:
        raise ValueError(
            f"primitive {operation.name} declares no domain to draw inputs from: give it one, as "
            "@primitive(..., domain=elementwise(x=real)); the words are in tinygrad_nn.domains"
        )
    return _calls(operation, operation.domain)
