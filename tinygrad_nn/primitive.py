"""Primitives: differentiable operations, each a NumPy function with its derivative rules.

A rule is a vector-Jacobian product. Its first parameter is `g`, the gradient of the output;
the names of the others say what it needs: the forward function's own parameters, `out` for
its result, `x_shape` for the shape of a parameter `x` whose numbers are not needed and, where
the parameter is variadic, `index` for the position of the input in question. Only what
the rules of the inputs that require a gradient name is kept until the backward pass.

The same rules run on NumPy arrays (a backward pass) and on Values (a differentiable backward
pass); they are written with operators and `np.` functions, which understand both.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType, MappingProxyType
from typing import Any, ParamSpec

from .dispatch import dispatcher

P = ParamSpec("P")

Rule = Callable[..., Any]
Domain = Callable[[Any], Mapping[str, Any]]

_registry: dict[str, Primitive] = {}
primitives: Mapping[str, Primitive] = MappingProxyType(_registry)
"""Every primitive defined so far, by name."""


class Primitive:
    """A named operation: its forward function, and a derivative rule for each input.

    `inputs` are the parameters that have a rule, `needs` what each of these rules names
    besides `g`, `function` what runs and records the operation, `domain` draws arguments
    at which it is differentiable, and `complex` is whether the rules are for complex numbers too.
    Made by the decorator `primitive`.
    """

    OUT = -1

    def __init__(
        self,
        forward: Callable[..., Any],
        rules: Mapping[str, Rule],
        domain: Domain | None = None,
        complex: bool = False,
    ) -> None:
        self.complex = complex
        self.name = forward.__name__.lstrip("_")
        self.module: str = getattr(forward, "__module__", None) or "__main__"  # None: from exec
        self.forward = forward
        self.rules = rules
        self.domain = domain
        self.parameters = tuple(inspect.signature(forward).parameters.values())
        self.positions = {p.name: at for at, p in enumerate(self.parameters)}
        self.variadic = next((p.name for p in self.parameters if p.kind is p.VAR_POSITIONAL), None)
        self.inputs = tuple(p.name for p in self.parameters if p.name in rules)
        self._check()
        self.needs = {name: self._needs(name) for name in self.inputs}
        self.function: Callable[..., Any] = functools.update_wrapper(dispatcher(self), forward)
        self.function.primitive = self  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"<primitive {self.name}({', '.join(self.positions)})>"

    def _check(self) -> None:
        """Raise TypeError for a forward function or rules that cannot be a primitive's."""
        problem = ""
        if not self.forward.__name__.isidentifier():
            problem = "the function needs a name; use def, not lambda"
        elif not self.rules:
            problem = "it needs a derivative rule for at least one of its parameters"
        elif unknown := [name for name in self.rules if name not in self.positions]:
            problem = f"a rule for {unknown[0]!r}, but there is no such parameter"
        elif reserved := [name for name in ("out", "domain", "complex") if name in self.positions]:
            problem = f"no parameter can be named {reserved[0]}, which has a meaning of its own"
        elif self.variadic in self.rules and self.inputs[-1] != self.variadic:
            problem = f"no parameter after *{self.variadic} can have a rule"
        elif any(p.kind is p.VAR_KEYWORD for p in self.parameters):
            problem = "parameters must be listed, not taken as **keywords"
        if problem:
            raise TypeError(f"primitive {self.name}: {problem}")

    def _needs(self, name: str) -> tuple[str, ...]:
        named = _parameter_names(self.rules[name])
        allowed = {"out", *self.positions, *(f"{p}_shape" for p in self.positions)}
        if self.variadic == name:
            allowed.add("index")
        if named[:1] != ("g",) or not allowed.issuperset(named[1:]):
            raise TypeError(
                f"primitive {self.name}: the rule for {name!r} takes ({', '.join(named)}), but "
                f"should take g first, then any of {', '.join(sorted(allowed))}"
            )
        return named[1:]

    def input_name(self, slot: int) -> str:
        """How to call the input in `slot`: `x`, or `arrays[2]`."""
        if self.variadic is not None and slot >= self.positions[self.variadic]:
            return f"{self.variadic}[{slot - self.positions[self.variadic]}]"
        return self.parameters[slot].name

    def arguments(self, inputs: Iterable[Any]) -> list[tuple[inspect.Parameter, Any]]:
        """Inputs, one for each parameter, in the order of slots, each with its parameter."""
        given: list[tuple[inspect.Parameter, Any]] = []
        for parameter, argument in zip(self.parameters, inputs, strict=True):
            several = parameter.kind is parameter.VAR_POSITIONAL
            given += [(parameter, x) for x in (argument if several else [argument])]
        return given

    def sources(self, slot: int, needs: tuple[Any, ...]) -> list[int | tuple[int, ...] | None]:
        """For each thing the rule of the input in `slot` was given: the slot it came from."""
        name = self.input_name(slot).partition("[")[0]
        found: list[int | tuple[int, ...] | None] = []
        for need, given in zip(self.needs[name], needs, strict=True):
            if need == "out":
                found.append(self.OUT)
            elif need == self.variadic:
                start = self.positions[need]
                found.append(tuple(range(start, start + len(given))))
            else:
                found.append(self.positions[need] if need in self.rules else None)
        return found


def _parameter_names(rule: Rule) -> tuple[str, ...]:
    if type(rule) is FunctionType and not rule.__dict__:  # not wrapped, say
        code = rule.__code__
        if not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
            return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]  # faster
    return tuple(inspect.signature(rule).parameters)


def primitive(
    *functions: Any, domain: Domain | None = None, complex: bool = False, **rules: Rule
) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Make a NumPy function a differentiable operation.

    Keyword arguments give, for each differentiable parameter of the function, its derivative
    rule: a function of `g`, the gradient of the result, and of what else it names: the function's
    own parameters, `out` for its result, `x_shape` for the shape of parameter `x`. It is written
    with operators and `np.` functions, so that it can itself be differentiated: it is given
    arrays, and Values where second derivatives are asked for. It changes nothing that it is
    given. Where an input was broadcast, its gradient is summed over the repeated axes afterwards.
    `domain` says where the operation is differentiable, for tests (`tinygrad_nn.domains`).
    `complex=True` says that the rules hold for complex numbers too. The gradient of a real number
    by z = x + iy is dL/dx - i dL/dy here, so that the rules of a holomorphic function, as of a
    product, are those of the real one.

    The operation takes numbers, arrays and Values: with a Value among its inputs it returns a
    Value that remembers where it came from, and without one it returns what the function does.
    Raises TypeError if a rule names a thing that the operation does not have, and ValueError if
    the name is taken by another primitive.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> @tg.primitive(x=lambda g, x, out: g * out * (1 + np.log(x)))
    ... def self_power(x):
    ...     return x ** x
    >>> x = tg.Value(2.0)
    >>> y = self_power(x)
    >>> y.backward()
    >>> print(f"{y:.1f} {x.grad:.4f}")  # 4 (1 + ln 2)
    4.0 6.7726
    >>> print(f"{tg.grad(tg.grad(self_power))(2.0):.4f}")  # 4 (1 + ln 2)^2 + 2
    13.4670
    """
    if functions:
        raise TypeError("primitive takes its rules by name: @primitive(x=lambda g, x: ...)")

    def decorate(forward: Callable[P, Any]) -> Callable[P, Any]:
        operation = Primitive(forward, rules, domain, complex)
        known = _registry.get(operation.name)
        if known is not None and known.module != operation.module:
            raise ValueError(
                f"the name {operation.name!r} is taken by a primitive "
                f"of {known.module}; choose another"
            )
        _registry[operation.name] = operation
        return operation.function

    return decorate
