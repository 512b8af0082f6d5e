"""Corruptions of derivative rules: the mistakes that a gradient check has to find."""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.primitive import Primitive

Rule = Callable[..., Any]

MILLIONTH = 1e-6


@dataclass(frozen=True)
class Corruption:
    """A way to spoil a rule, of an operation for the input named; None where it does not apply.

    What it spoils shows in derivatives of `order`. If `silent`, it does not show in them.
    """

    name: str
    corrupt: Callable[[Primitive, str], Rule | None]
    order: int = 1
    silent: bool = False


@dataclass(frozen=True)
class Mutant:
    """An operation, and the same with its rule for one input corrupted."""

    right: Primitive
    wrong: Primitive
    input: str
    corruption: Corruption

    def __str__(self) -> str:
        return f"{self.right.name}.{self.input}: {self.corruption.name}"


def mutants(operation: Primitive, name: str) -> Iterator[Mutant]:
    """The operation with its rule for the input `name` corrupted in every way that applies."""
    for corruption in CORRUPTIONS:
        rule = corruption.corrupt(operation, name)
        if rule is not None:
            rules = {**operation.rules, name: rule}
            wrong = Primitive(operation.forward, rules, complex=operation.complex)
            yield Mutant(operation, wrong, name, corruption)


# ---- What the rule returns is changed

Change = Callable[[Any], Any]


def _result(change: Change) -> Callable[[Primitive, str], Rule]:
    def corrupt(operation: Primitive, name: str) -> Rule:
        rule = operation.rules[name]
        return functools.wraps(rule)(lambda *given: change(np.asarray(rule(*given))))

    return corrupt


def _last_entry(change: Change) -> Change:
    def changed(gradient: Any) -> Any:
        gradient, last = gradient.copy(), (-1,) * gradient.ndim
        gradient[last] = change(gradient[last])
        return gradient

    return changed


def _longest_axis(gradient: Any) -> int | None:
    return int(np.argmax(gradient.shape)) if gradient.ndim else None


def _transposed(gradient: Any) -> Any:
    return gradient.T.reshape(gradient.shape)


# ---- A broadcast input gets another gradient than the sum over its repetitions


def _instead_of_sum(pick: Callable[..., Any]) -> Callable[[Primitive, str], Rule | None]:
    def corrupt(operation: Primitive, name: str) -> Rule | None:
        if len(operation.inputs) == 1 and operation.name not in ("broadcast_to", "einsum"):
            return None
        rule, needs = operation.rules[name], _parameters(operation, name)
        names = list(dict.fromkeys([*needs, f"{name}_shape"]))

        def corrupted(*given: Any) -> Any:
            known = dict(zip(names, given, strict=True))
            gradient, shape = np.asarray(rule(*given[: len(needs)])), known[f"{name}_shape"]
            return _unbroadcast(
                gradient, shape[known["index"]] if "index" in known else shape, pick
            )

        return _with_parameters(names, corrupted)

    return corrupt


def _unbroadcast(gradient: Any, shape: tuple[int, ...], pick: Callable[..., Any]) -> Any:
    """The gradient of an array of `shape`, by `pick` along the axes over which to sum."""
    extra = gradient.ndim - len(shape)
    stretched = [extra + at for at, n in enumerate(shape) if n == 1 < gradient.shape[extra + at]]
    gradient = pick(gradient, axis=(*range(extra), *stretched))
    return gradient.reshape(gradient.shape[extra:])


def _first(gradient: Any, axis: tuple[int, ...]) -> Any:
    return gradient[tuple([slice(1) if at in axis else slice(None) for at in range(gradient.ndim)])]


def _mean(gradient: Any, axis: tuple[int, ...]) -> Any:
    return gradient.mean(axis=axis, keepdims=True)


# ---- The rule is given something else


def _parameters(operation: Primitive, name: str) -> list[str]:
    return ["g", *operation.needs[name]]


def _with_parameters(names: list[str], rule: Rule) -> Rule:
    """`rule` with a signature that asks for these."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(name, kind) for name in names]
    rule.__signature__ = inspect.Signature(parameters)
    return rule


def _other_input(operation: Primitive, name: str) -> str:
    """The next input of the operation that has a rule."""
    inputs = operation.inputs
    return inputs[(inputs.index(name) + 1) % len(inputs)]


def _other_rule(operation: Primitive, name: str) -> Rule | None:
    other = _other_input(operation, name)
    return None if other == name else operation.rules[other]


def _other_values(operation: Primitive, name: str) -> Rule | None:
    """The rule with two inputs, and their shapes, exchanged."""
    rule, needs = operation.rules[name], _parameters(operation, name)
    other = _other_input(operation, name)
    if operation.variadic == name:
        return _with_parameters(needs, lambda *given: rule(*_at_other_index(needs, given)))
    exchanged = {name: other, other: name}
    exchanged |= {f"{a}_shape": f"{b}_shape" for a, b in exchanged.items()}
    if other == name or not exchanged.keys() & set(needs):
        return None
    return _with_parameters([exchanged.get(x, x) for x in needs], lambda *given: rule(*given))


def _at_other_index(needs: list[str], given: tuple[Any, ...]) -> list[Any]:
    count = next(len(x) for x in given if isinstance(x, list))
    return [count - 1 - x if need == "index" else x for need, x in zip(needs, given, strict=True)]


def _ones_for_g(operation: Primitive, name: str) -> Rule:
    rule = operation.rules[name]
    return functools.wraps(rule)(lambda g, *needs: rule(np.ones_like(g), *needs))


def _changing_g(operation: Primitive, name: str) -> Rule:
    rule = operation.rules[name]

    @functools.wraps(rule)
    def corrupted(g: Any, *needs: Any) -> Any:
        gradient = np.array(rule(g, *needs))
        g += 1
        return gradient

    return corrupted


# ---- The rule cannot be differentiated


def _detached(x: Any) -> Any:
    if isinstance(x, list):
        return [_detached(part) for part in x]
    return x.detach() if isinstance(x, Value) else x


def _constant_inputs(operation: Primitive, name: str) -> Rule | None:
    if not {"out", *operation.inputs} & set(operation.needs[name]):
        return None
    rule = operation.rules[name]
    return functools.wraps(rule)(lambda g, *needs: rule(g, *[_detached(x) for x in needs]))


def _constant_g(operation: Primitive, name: str) -> Rule:
    rule = operation.rules[name]
    return functools.wraps(rule)(lambda g, *needs: rule(_detached(g), *needs))


CORRUPTIONS = [
    Corruption("sign", _result(lambda gradient: -gradient)),
    Corruption("factor 1.000002", _result(lambda gradient: gradient * (1 + 2 * MILLIONTH))),
    Corruption("factor 2", _result(lambda gradient: 2 * gradient)),
    Corruption("zero", _result(np.zeros_like)),
    Corruption("one entry", _result(_last_entry(lambda entry: entry * (1 + MILLIONTH)))),
    Corruption("NaN in one entry", _result(_last_entry(lambda entry: np.nan))),
    Corruption("float32", _result(lambda gradient: gradient.astype(np.float32)), silent=True),
    Corruption("shifted", _result(lambda gradient: np.roll(gradient, 1, _longest_axis(gradient)))),
    Corruption("reversed", _result(lambda gradient: np.flip(gradient, _longest_axis(gradient)))),
    Corruption("transposed", _result(_transposed)),
    Corruption("first instead of sum", _instead_of_sum(_first)),
    Corruption("mean instead of sum", _instead_of_sum(_mean)),
    Corruption("rule of another input", _other_rule),
    Corruption("values of other inputs", _other_values),
    Corruption("ones for g", _ones_for_g),
    Corruption("changing g", _changing_g, silent=True),
    Corruption("constant inputs", _constant_inputs, order=2),
    Corruption("constant g", _constant_g, order=2),
]


# ---- Whether a corruption shows


def shows(order: int, right: Callable[..., Any], wrong: Callable[..., Any], inputs: Any) -> bool:
    """Whether derivatives claimed for `wrong` and `right` differ, somewhere by a millionth."""
    derivatives = _first_derivatives if order == 1 else _second_derivatives
    expected = derivatives(right, inputs)
    try:
        with np.errstate(all="ignore"):
            found = derivatives(wrong, inputs)
    except (LookupError, TypeError, ValueError):
        return True
    return any(_differ(a, b) for a, b in zip(expected, found, strict=True))


def _differ(right: Any, wrong: Any) -> bool:
    largest = np.max(np.abs(right), initial=MILLIONTH)  # what is smaller is rounding
    seen = np.maximum(0.99 * MILLIONTH * np.abs(right), 0.01 * MILLIONTH * largest)
    return not np.all(np.abs(wrong - right) <= seen)


def _first_derivatives(f: Callable[..., Any], inputs: Any) -> list[Any]:
    """The gradients by each input: of each element of the output, and of a combination."""
    shape = np.shape(f(*inputs))
    readings = [*np.eye(math.prod(shape)), _weights(shape)]
    return [x for reading in readings for x in _gradients(f, reading.reshape(shape), inputs)]


def _second_derivatives(f: Callable[..., Any], inputs: Any) -> Any:
    """The gradients of a combination of all first derivatives, by each input and by g."""

    def combined(g: Any, *x: Any) -> Any:
        return sum((_weights(part.shape) * part).sum() for part in _gradients(f, g, x))

    g = _weights(np.shape(f(*inputs)))
    return tg.grad(combined, range(len(inputs) + 1))(g, *inputs)


def _gradients(f: Callable[..., Any], g: Any, inputs: Any) -> Any:
    return tg.grad(lambda *x: (g * f(*x)).sum(), range(len(inputs)))(*inputs)


def _weights(shape: tuple[int, ...]) -> Any:
    return np.random.default_rng(0).uniform(0.5, 1.5, shape)
