"""Calls of functions to be differentiated: arguments, results, and the graph between them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import engine, modes, ops
from ..dispatch import gathered
from ..engine import Node
from ..errors import ShapeError
from ..nest import flatten
from ..traced import as_array
from ..value import Value, make_value

Argnums = int | str | Sequence[int | str]


class Argument:
    """One argument to differentiate by: its leaves, of which the floating-point ones vary."""

    def __init__(self, x: Any, name: str) -> None:
        named, self.build = flatten(x, name)
        self.leaves = [gathered(leaf) for _, leaf in named]
        alone = len(named) == 1 and named[0][1] is x
        pairs = zip(named, self.leaves, strict=True)
        variables = [variable(leaf, path, alone) for (path, _), leaf in pairs]
        # The function may assign to a variable, which gives it another node.
        self.nodes = [v if v is None else v._node for v in variables]
        self.inner = self.build(
            [x if v is None else v for x, v in zip(self.leaves, variables, strict=True)]
        )

    def like(self, found: dict[Node, Any]) -> Any:
        """Gradients in the shape of the argument: 0 where there is none, None for a constant."""
        return self.build([_gradient(node, found) for node in self.nodes])


def _gradient(node: Node | None, found: dict[Node, Any]) -> Any:
    if node is None:
        return None
    return found[node] if node in found else np.zeros(*node.describe())[()]


def variable(x: Any, name: str, alone: bool) -> Value | None:
    """`x` as a Value of its own, so that uses of `x` elsewhere are not counted.

    None for what is no floating-point number, which is an error where it is the whole argument.
    """
    if isinstance(x, Value):
        if x._node is not None:
            return ops.positive(x)  # type: ignore[no-any-return]
        x = x.data
    elif not alone and (isinstance(x, (bool, str, bytes)) or x is None or callable(x)):
        return None
    value = Value(x)
    if value._node is None:
        if alone:
            raise TypeError(f"{name} is {value.dtype}, which has no derivative; pass floats")
        return None
    value._node.keeps_grad = False  # it belongs to this call alone
    return value


class Call:
    """f(*args, **keywords), recorded, with the chosen arguments as variables.

    `nested` is whether the results may be differentiated further: when an argument was a Value
    that requires a gradient, or `f` uses one from outside.
    """

    def __init__(
        self,
        what: str,
        f: Callable[..., Any],
        argnums: Argnums,
        args: Sequence[Any],
        keywords: dict[str, Any],
        has_aux: bool = False,
    ) -> None:
        self.what = what
        if not callable(f):
            raise TypeError(f"{what} takes a function, not {type(f).__name__}")
        self.one = isinstance(argnums, str) or not isinstance(argnums, Sequence)
        chosen: Any = (argnums,) if self.one else argnums
        places = [_place(what, f, at, args, keywords) for at in chosen]
        if len(set(places)) < len(places):
            raise TypeError(f"{what}: argnums {argnums} name an argument twice")
        given: dict[Any, Any] = {**dict(enumerate(args)), **keywords}
        self.arguments = []
        traceable = modes.is_grad_enabled()
        with modes.like_arrays(tracing=True):
            for place in places:
                argument = Argument(given[place], f"{what}: argument {place!r}")
                self.arguments.append(argument)
                given[place] = argument.inner
            result = f(*[given[at] for at in range(len(args))], **{k: given[k] for k in keywords})
        self.aux = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise TypeError(f"{what}: with has_aux=True the function returns a pair")
            result, aux = result
            leaves, build = flatten(aux)
            self.aux = build([gathered(leaf) for _, leaf in leaves])
        nodes = [node for argument in self.arguments for node in argument.nodes]
        self.variables = [node for node in nodes if node is not None]
        named, self.build = flatten(result)
        self.outputs = [gathered(leaf) for _, leaf in named]
        self.roots = [x._node if isinstance(x, Value) else None for x in self.outputs]
        self.nested = traceable and (
            any(node.edges for node in self.variables) or self._uses_others()
        )

    def check_real(self) -> None:
        """Raise TypeError for complex results, of which no Jacobian is defined here."""
        if any(np.iscomplexobj(output) for output in self.outputs):
            raise TypeError(
                f"{self.what}: the function returned complex numbers; return their real and "
                "imaginary parts, np.real(z) and np.imag(z)"
            )

    def _uses_others(self) -> bool:
        """Whether anything from outside that requires a gradient went into the results."""
        roots = [root for root in self.roots if root is not None]
        if not self.variables:
            return any(root.edges for root in roots)
        seen = set(self.variables)
        oldest = min([node.number for node in self.variables])
        while roots:
            node = roots.pop()
            if node.number < oldest:
                return True
            for edge in node.edges:
                if edge[0] not in seen:
                    seen.add(edge[0])
                    roots.append(edge[0])
        return False

    def plain(self, tree: Any) -> Any:
        """A result as the caller gets it: with arrays for Values, unless it is nested."""
        if self.nested:
            return tree
        leaves, build = flatten(tree)
        return build([_own_data(leaf) if isinstance(leaf, Value) else leaf for _, leaf in leaves])

    @property
    def value(self) -> Any:
        """What the function returned."""
        return self.build([self.plain(output) for output in self.outputs])

    def pull(self, cotangents: Sequence[Any]) -> dict[Node, Any]:
        """The gradients of the variables, for those of the outputs."""
        roots, seeds = self._ends(cotangents, self.nested)
        return pull(roots, seeds, self.variables, self.nested)

    def gradients(self, cotangents: Sequence[Any]) -> dict[Node, Node]:
        """The nodes of the gradients of the variables, of those that depend on anything."""
        roots, seeds = self._ends(cotangents, graph=True)
        with modes.enable_grad():
            found = engine.backpropagate(roots, seeds, onto=self.variables, wrap=make_value)
        values = {node: g for node, g in found.items() if isinstance(g, Value)}
        return {node: g._node for node, g in values.items() if g._node is not None}

    def _ends(self, cotangents: Sequence[Any], graph: bool) -> tuple[list[Node], list[Any]]:
        """The nodes of the outputs that have one, and the gradients that start there."""
        pairs = [
            (root, _seed(cotangent, output, graph))
            for root, output, cotangent in zip(self.roots, self.outputs, cotangents, strict=True)
            if root is not None
        ]
        return [root for root, _ in pairs], [seed for _, seed in pairs]

    def like_arguments(self, found: dict[Node, Any]) -> Any:
        """Gradients as they are returned: of one argument, or a tuple."""
        parts = [argument.like(found) for argument in self.arguments]
        return parts[0] if self.one else tuple(parts)


def pull(
    roots: Sequence[Node], seeds: Sequence[Any], onto: Sequence[Node], graph: bool
) -> dict[Node, Any]:
    """The gradients of `onto`, for those of `roots`, as arrays of their own.

    They are Values that can be differentiated if `graph`.
    """
    if graph:
        with modes.enable_grad():
            found = engine.backpropagate(roots, seeds, onto=onto, wrap=make_value)
    else:
        found = engine.backpropagate(roots, seeds, onto=onto)
    own = engine.unshared(list(found.values()), seeds)
    return dict(zip(found, own, strict=True))


def is_numeric(x: Any) -> bool:
    """Whether x is a number or an array, which has derivatives or at least the derivative 0."""
    return isinstance(x, (Value, int, float, complex, np.generic, np.ndarray))


def _own_data(x: Value) -> Any:
    """The data, but not the array that the graph holds."""
    return x.data.copy() if isinstance(x.data, np.ndarray) else x.data


def _place(
    what: str, f: Callable[..., Any], at: Any, args: Sequence[Any], keywords: dict[str, Any]
) -> int | str:
    """Where an argument is: its position, or its name among the keywords."""
    if isinstance(at, str):
        if at in keywords:
            return at
        try:
            names = list(inspect.signature(f).parameters)
        except (TypeError, ValueError):
            names = []
        if at not in names[: len(args)]:
            raise TypeError(f"{what}: no argument {at!r} was given")
        return names.index(at)
    try:
        position = operator.index(at)
    except TypeError:
        what_it_is = type(at).__name__
        raise TypeError(
            f"{what}: argnums are positions or names of arguments, not {what_it_is}; "
            f"{what}(f) is a function, to be called with the arguments: {what}(f)(x)"
        ) from None
    if not -len(args) <= position < len(args):
        raise TypeError(
            f"{what}: argnums {at}, but {len(args)} positional arguments were given; what is to be "
            "differentiated by must be passed, also where it has a default"
        )
    return position % len(args)


def _seed(cotangent: Any, output: Value, graph: bool) -> Any:
    """A gradient of an output, checked, as a Value if `graph`."""
    shape = np.shape(cotangent)
    if shape != output.shape:
        raise ShapeError(f"a gradient of shape {shape} for a result of {output.shape}")
    if isinstance(cotangent, Value):
        if graph:
            same = cotangent.dtype == output.dtype
            return cotangent if same else ops.astype(cotangent, output.dtype)
        cotangent = cotangent.data
    array = as_array(cotangent).astype(output.dtype, copy=False)[()]
    return make_value(array, None) if graph else array
