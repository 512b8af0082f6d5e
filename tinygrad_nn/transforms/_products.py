"""Products with derivatives: of vectors with Jacobians, from either side, and with Hessians."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import Node
from ..errors import ShapeError
from ..nest import flatten
from ..traced import as_array
from ..value import Value, make_value
from ._calls import Call, is_numeric, pull
from ._gradients import ONE, check_number


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The value of f(*primals), and the function from the gradient of it to those of `primals`.

    That function takes what is like the value of `f`, and returns a tuple: the products of it
    with the Jacobians by each argument (vector-Jacobian products). It may be called many times.
    With `has_aux`, `f` returns a pair of its value and anything else, which comes last.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> value, pull = tg.vjp(np.sin, np.array([0.0, 1.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([1.        , 5.40302306]),)
    """
    call = Call("vjp", f, range(len(primals)), primals, {}, has_aux)

    def pull_back(cotangents: Any) -> Any:
        return call.like_arguments(call.pull(_leaves_like(call.outputs, cotangents, "vjp")))

    return (call.value, pull_back, call.plain(call.aux)) if has_aux else (call.value, pull_back)


def linearize(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of f(*primals), and its derivative there as a linear function.

    That function takes a tangent (a direction) for each argument and returns that of the value:
    the product of the Jacobian with it. `f` itself is called only once.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> value, push = tg.linearize(lambda x, y: x * y, 3.0, 4.0)
    >>> float(push(1.0, 0.0)), float(push(0.0, 1.0))
    (4.0, 3.0)
    """
    call = Call("linearize", f, range(len(primals)), primals, {})
    along = linear_map(call)

    def push(*tangents: Any) -> Any:
        if len(tangents) != len(primals):
            raise TypeError(f"linearize: {len(primals)} arguments, {len(tangents)} tangents")
        return call.build(along(_by_variable(call, tangents)))

    return call.value, push


def _by_variable(call: Call, tangents: Sequence[Any]) -> dict[Node, Any]:
    """The parts of the tangents of all arguments."""
    given: dict[Node, Any] = {}
    for argument, tangent in zip(call.arguments, tangents, strict=True):
        leaves = _leaves_like(argument.leaves, tangent, "a tangent")
        given |= {n: x for n, x in zip(argument.nodes, leaves, strict=True) if n is not None}
    return given


def linear_map(call: Call) -> Callable[[dict[Node, Any]], list[Any]]:
    """The function from tangents of a call's variables (0 where left out) to those of its outputs.

    The gradients of the variables are linear in those of the outputs: so their derivatives by
    these are the Jacobian itself, whatever the gradients are.
    """
    call.check_real()
    probes = [
        None if root is None else Value(np.zeros(out.shape, out.dtype))
        for out, root in zip(call.outputs, call.roots, strict=True)
    ]
    targets = [probe._node for probe in probes if probe is not None and probe._node is not None]
    gradients = call.gradients(probes)

    def along(given: dict[Node, Any]) -> list[Any]:
        back = _pull_tangents(given, gradients, targets, call.nested)
        return [
            back[probe._node]
            if probe is not None and probe._node in back
            else np.zeros(np.shape(out), getattr(out, "dtype", float))[()]
            if is_numeric(out)
            else None
            for out, probe in zip(call.outputs, probes, strict=True)
        ]

    return along


def _pull_tangents(
    given: dict[Node, Any], gradients: dict[Node, Node], onto: Sequence[Node], nested: bool
) -> dict[Node, Any]:
    """Pull tangents of variables back through the gradients of these, onto some nodes."""
    graph = nested or any(isinstance(x, Value) and x.requires_grad for x in given.values())
    tangents = {node: _tangent(x, node, graph) for node, x in given.items()}
    reached = [node for node in given if node in gradients]
    return pull([gradients[n] for n in reached], [tangents[n] for n in reached], onto, graph)


def _tangent(tangent: Any, node: Node, graph: bool) -> Any:
    shape, dtype = node.describe()
    if np.shape(tangent) != shape:
        raise ShapeError(f"a tangent of shape {np.shape(tangent)} for an argument of {shape}")
    if isinstance(tangent, Value):
        if graph:
            return tangent
        tangent = tangent.data
    array = as_array(tangent).astype(dtype, copy=False)[()]
    return make_value(array, None) if graph else array


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of f(*primals), and how it changes along `tangents`: forward mode.

    The second is the product of the Jacobian with the tangents, one for each argument.
    It is computed from the derivative rules alone, as a gradient of the gradient.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> value, tangent = tg.jvp(np.sin, (0.0,), (2.0,))
    >>> float(value), float(tangent)
    (0.0, 2.0)
    """
    _check_pairs("jvp", primals, tangents)
    value, push = linearize(f, *primals)
    return value, push(*tangents)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The product of the Hessian of `f`, which returns one number, with `tangents`.

    A tuple, with a part for each argument; the Hessian itself is never made.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.hvp(lambda x: (x ** 3).sum(), (np.array([1.0, 2.0]),), (np.array([1.0, 10.0]),))
    (array([  6., 120.]),)
    """
    _check_pairs("hvp", primals, tangents)
    call = Call("hvp", f, range(len(primals)), primals, {})
    check_number("hvp", call.build(call.outputs))
    # The Hessian, the Jacobian of the gradient, is symmetric: pulled back is pushed forward.
    given = _by_variable(call, tangents)
    found = _pull_tangents(given, call.gradients([ONE]), call.variables, call.nested)
    return call.like_arguments(found)


def ggnvp(
    f: Callable[..., Any],
    loss: Callable[[Any], Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
) -> Any:
    """The product of the generalised Gauss-Newton matrix of loss(f(*primals)) with `tangents`.

    The matrix is J' H J, of the Jacobian J of `f` and the Hessian H of `loss` at its value: the
    Hessian without the curvature of `f`, positive semidefinite for a convex loss. A tuple, with a
    part for each argument. (N. Schraudolph, Fast curvature matrix-vector products, 2002.)

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> square = lambda y: (y ** 2).sum() / 2
    >>> x = np.array([1.0, 2.0])
    >>> tg.ggnvp(np.square, square, (x,), (np.ones(2),))  # (2 x)^2
    (array([ 4., 16.]),)
    """
    _check_pairs("ggnvp", primals, tangents)
    value, push = linearize(f, *primals)
    (curved,) = hvp(loss, (value,), (push(*tangents),))
    return vjp(f, *primals)[1](curved)


def _check_pairs(what: str, primals: Any, tangents: Any) -> None:
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"{what}: {name} is a tuple, with one for each argument: ({name},)")
    if len(primals) != len(tangents):
        raise TypeError(f"{what}: {len(primals)} primals, {len(tangents)} tangents")


def _leaves_like(like: Sequence[Any], tree: Any, what: str) -> list[Any]:
    """The leaves of `tree`, as many as there are of what it is like."""
    if len(like) == 1:
        leaves = [leaf for _, leaf in flatten(tree)[0]]
        return leaves if len(leaves) == 1 else [tree]
    leaves = [leaf for _, leaf in flatten(tree)[0]]
    if len(leaves) != len(like):
        raise TypeError(f"{what}: {len(leaves)} parts for {len(like)}")
    return leaves
