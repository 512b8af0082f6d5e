"""The gradient check: are derivatives what the function says they should be?"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from ..nest import flatten
from ..nn.module import Module
from ..value import Value
from ._blame import look_into_graph
from ._by_hand import ArraySubject
from ._check import Check
from ._subject import Leaves, Subject, ValueSubject
from .report import Finding, GradientMismatch, InconclusiveWarning, Report

Mode = Literal["full", "directional"]


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    grad: Callable[..., Any] | None = None,
    order: int = 1,
    wrt: int | str | Sequence[int | str] | None = None,
    mode: Mode = "full",
) -> Report:
    """Check the derivatives of `f` at `inputs` against numerical ones that know their own error.

    `f` is a function of Values: floating-point numbers and arrays among `inputs` (also inside of
    tuples, lists and dicts) come to it as Values, everything else as it is. Or, with `grad`, a
    NumPy function with a gradient written by hand: `grad(*inputs)` returns the gradient of the
    one number that `f` returns (a tuple of them, for several inputs), or, for an array, its
    Jacobian of shape `out.shape + x.shape`, or the derivative of an elementwise `f`.

    `wrt` names the inputs to check, by position or parameter name; all, if it is left out.
    `order=2` also checks the derivatives of the gradient. The mode "full" measures every
    derivative of every output by every element, "directional" those by each input all at once,
    along a random direction: a dozen evaluations of `f`, however many elements there are.

    Returns a `Report`, which is true if the derivatives are verified. Raises GradientMismatch, an
    AssertionError with the report, if one is wrong; warns (InconclusiveWarning) where the point
    allows no verdict. At a kink, every value between the slopes on both sides is right.

    A function of Values is also called once with plain arrays and numbers in place of them. What
    it returns then must be, to rounding, what it returns with Values: where it computes something
    else with arrays, as one that writes into a view may, its derivative is that of another
    function. Nothing is compared if it raises then, as `x.relu()` does, or returns no plain
    arrays or numbers, or not as many.

    No tolerances are to be set. A derivative is wrong if it differs by more than the estimated
    error of the numerical one and what rounding may add: 2e-7 of its size, 2e-5 where float32 is
    used inside. It is proven right if an error of one part in a million would have been seen (of
    one in a thousand in float32); the report says to what part of their size the derivatives are
    known, and which are too small beside the others to be seen. float32 inputs are checked in
    float64 where `f` allows. Where f raises ArithmeticError or ValueError beside the point it
    counts as undefined there.

    A warning fails no test. `assert gradcheck(...)` does, or pytest's option
    `-W error::tinygrad_nn.testing.InconclusiveWarning`. The mode "full" takes some twenty
    evaluations for each element, several hundred where something is wrong.

    >>> import numpy as np
    >>> from tinygrad_nn.testing import gradcheck
    >>> gradcheck(lambda x: (x.sin() * x).sum(), np.array([0.5, 2.0])).verdict
    'pass'
    >>> gradcheck(np.tanh, 0.5, grad=lambda x: 1 - np.tanh(x)).verdict
    Traceback (most recent call last):
    tinygrad_nn.testing.GradientMismatch: gradcheck of tanh: FAILED, 1 of 1 derivatives are wrong
    ...
    """
    _check_callable("gradcheck", f)
    name = getattr(f, "__name__", type(f).__name__)
    leaves, owners, build = _leaves(f, inputs)
    _refuse_masked(leaves)
    varied = _varied(leaves, owners, wrt)
    left_out = [] if wrt is not None else [*_not_floating(leaves)]
    if isinstance(f, Module) and any(True for _ in f.parameters()):
        left_out.append(f"the parameters of {name}, which gradcheck_module checks")

    def call(new: list[Any]) -> Any:
        return f(*build(new))

    if grad is None:
        leaves = [
            (path, Value(leaf, requires_grad=False) if _is_data(at, leaf, varied) else leaf)
            for at, (path, leaf) in enumerate(leaves)
        ]
        return _run(
            lambda: ValueSubject(name, leaves, varied, call, takes_arrays=None),
            order,
            mode,
            left_out,
        )
    if not callable(grad):
        raise TypeError(f"grad must be a function of the inputs, not {type(grad).__name__}")
    if order != 1:
        raise ValueError("order 2 needs a function of Values, not a gradient written by hand")
    derivative = grad

    def gradient(new: list[Any]) -> Any:
        return derivative(*build(new))

    chosen = list(dict.fromkeys(owners[at][1] for at in varied))
    arguments = (list(dict.fromkeys(argument for _, argument in owners)), chosen)

    def make() -> Subject:
        subject = ArraySubject(name, leaves, varied, call, gradient, arguments)
        subject.source = f"{getattr(grad, '__name__', type(grad).__name__)}()"
        return subject

    return _run(make, order, mode, left_out)


def gradgradcheck(f: Callable[..., Any], *inputs: Any, **options: Any) -> Report:
    """`gradcheck` with order 2: the first derivatives, and those of the gradient.

    >>> from tinygrad_nn.testing import gradgradcheck
    >>> gradgradcheck(lambda x: x**3, 2.0).verdict
    'pass'
    """
    return gradcheck(f, *inputs, **{"order": 2, **options})


def gradcheck_module(
    model: Module,
    *inputs: Any,
    loss: Callable[[Any], Any] | None = None,
    order: int = 1,
    mode: Mode = "full",
) -> Report:
    """Check the derivatives of `loss(model(*inputs))` by every parameter of `model`, by name.

    Without `loss`, of all outputs of the model. Inputs that are Values are checked as well. The
    check runs in float64, and leaves the model as it was. The rest is as in `gradcheck`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> from tinygrad_nn.testing import gradcheck_module
    >>> x = np.array([[1.0, 2.0], [-1.0, 0.5]])
    >>> report = gradcheck_module(nn.Linear(2, 1), x, loss=lambda out: (out**2).mean())
    >>> [line.name for line in report.inputs], report.verdict
    (['weight', 'bias'], 'pass')
    """
    if not isinstance(model, Module):
        raise TypeError(f"gradcheck_module takes a Module, not {model!r:.40}: try gradcheck")
    parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    leaves, _, build = _leaves(model.forward, inputs)
    varied = [
        at for at, (_, leaf) in enumerate(leaves) if isinstance(leaf, Value) and leaf.requires_grad
    ]
    places = [*range(len(parameters)), *(len(parameters) + at for at in varied)]
    if not places:
        raise TypeError(f"{type(model).__name__} has no parameters that require a gradient")

    def call(new: list[Any]) -> Any:
        replaced = _replaced([p for _, p in parameters], new[: len(parameters)])
        with _as_it_was(model), replaced:
            out = model(*build(new[len(parameters) :]))
            return out if loss is None else loss(out)

    name = type(model).__name__
    return _run(lambda: ValueSubject(name, [*parameters, *leaves], places, call), order, mode)


def _check_callable(checker: str, f: Any) -> None:
    if not callable(f):
        what = type(f).__name__
        raise TypeError(f"{checker} takes a function and its inputs, as in f, x; not {what}")


def _refuse_masked(leaves: Leaves) -> None:
    for name, leaf in leaves:
        if isinstance(leaf, np.ma.MaskedArray):
            raise TypeError(f"gradcheck: {name} is a masked array, whose mask would be lost")


def _not_floating(leaves: Leaves) -> Iterator[str]:
    """The arrays of integers or booleans, which are not checked."""
    for name, leaf in leaves:
        dtype = getattr(leaf, "dtype", None)
        if dtype is not None and np.ndim(leaf) and dtype.kind in "iub":
            yield f"{name} ({dtype})"


def _run(
    make: Callable[[], Subject], order: int, mode: Mode, left_out: Sequence[str] = ()
) -> Report:
    """Check what `make` returns; the report, or the exception that carries it."""
    __tracebackhide__ = True
    if mode not in ("full", "directional"):
        raise ValueError(f"mode must be 'full' or 'directional', not {mode!r}")
    if not isinstance(order, (int, np.integer)) or isinstance(order, bool) or order < 1:
        raise ValueError(f"order must be 1, 2, ..., not {order!r}")
    with np.errstate(all="ignore"):
        subject = make()
        report = Check(subject, order, mode).run()
        if left_out:
            report.findings.append(Finding("not checked", ", ".join(left_out), "pass"))
        if isinstance(subject, ValueSubject):
            look_into_graph(subject, report)
    if report.verdict == "fail":
        raise GradientMismatch(report)
    if report.verdict == "inconclusive":
        warnings.warn(InconclusiveWarning(str(report)), stacklevel=_callers_level())
    return report


def _callers_level() -> int:
    """How far up the stack, from `_run`, the first line outside of this module is."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        level, frame = level + 1, frame.f_back
    return level - 1


def _leaves(
    f: Callable[..., Any], inputs: Sequence[Any]
) -> tuple[Leaves, list[tuple[int, str]], Callable[..., Any]]:
    """The leaves of the inputs, the position and name of the input each is of, and what puts
    them together. Inputs are named as the parameters of `f`.
    """
    names = _parameter_names(f, len(inputs))
    parts = [flatten(x, name) for name, x in zip(names, inputs, strict=True)]
    leaves = [leaf for found, _ in parts for leaf in found]
    owners = [(at, names[at]) for at, (found, _) in enumerate(parts) for _ in found]

    def build(new: Sequence[Any]) -> list[Any]:
        rest = iter(new)
        return [rebuild([next(rest) for _ in found]) for found, rebuild in parts]

    return leaves, owners, build


def _parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    names: list[str] = []
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        parameters = ()  # type: ignore[assignment]
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}[{i}]" for i in range(count - len(names))]
        elif parameter.kind is not parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return [*names, *(f"input {at}" for at in range(len(names), count))][:count]


def _varied(
    leaves: Leaves,
    owners: Sequence[tuple[int, str]],
    wrt: int | str | Sequence[int | str] | None,
) -> list[int]:
    """The places of the leaves to differentiate by."""
    floating = [at for at, (_, leaf) in enumerate(leaves) if _is_floating(leaf)]
    if wrt is None:
        if not floating:
            given = (
                ", ".join(f"{name} is {_kind(leaf)}" for name, leaf in leaves) or "there is none"
            )
            raise TypeError(f"gradcheck: no input has floating-point numbers: {given}; pass floats")
        return floating
    chosen = [wrt] if isinstance(wrt, str) or not np.iterable(wrt) else list(wrt)
    if not all(isinstance(which, (int, np.integer, str)) for which in chosen):
        raise TypeError(f"gradcheck: wrt takes positions or names, not {wrt!r:.40}")
    if not chosen:
        raise ValueError("gradcheck: wrt names no input")
    varied: list[int] = []
    for which in chosen:
        mine = [at for at, owner in enumerate(owners) if which in owner]
        if not mine:
            known = ", ".join(dict.fromkeys(name for _, name in owners))
            raise ValueError(f"gradcheck: wrt={which!r}, but the inputs are {known}")
        if not set(mine) & set(floating):
            raise TypeError(
                f"gradcheck: wrt={which!r} is no floating-point number, array or Value that "
                "requires a gradient"
            )
        varied += [at for at in mine if at in floating and at not in varied]
    return varied


def _is_data(at: int, leaf: Any, varied: Sequence[int]) -> bool:
    """Whether the leaf is of numbers that the function shall see as a Value, but as a constant."""
    return at not in varied and not isinstance(leaf, Value) and _is_floating(leaf)


def _is_floating(leaf: Any) -> bool:
    if isinstance(leaf, Value):
        return leaf.requires_grad
    if isinstance(leaf, list):  # of numbers
        return np.asarray(leaf).dtype.kind == "f"
    return isinstance(leaf, float) or getattr(leaf, "dtype", np.dtype(int)).kind == "f"


def _kind(leaf: Any) -> str:
    dtype = getattr(leaf, "dtype", None)
    return type(leaf).__name__ if dtype is None else str(dtype)


@contextmanager
def _as_it_was(model: Module) -> Iterator[None]:
    """A context after which the model's attributes, and arrays in them, are what they were."""
    attributes = [(module, dict(vars(module))) for module in model.modules()]
    leaves = [x for _, own in attributes for _, x in flatten(own)[0]]
    arrays = [x.data if isinstance(x, Value) else x for x in leaves]
    held = [(x, x._data, x._node) for x in leaves if isinstance(x, Value)]
    copies = [(x, x.copy()) for x in arrays if isinstance(x, np.ndarray) and x.flags.writeable]
    try:
        yield
    finally:
        for module, own in attributes:
            vars(module).clear()
            vars(module).update(own)
        for value, data, node in held:
            value._data, value._node = data, node
        for array, copy in copies:
            array[...] = copy


@contextmanager
def _replaced(parameters: Sequence[Value], new: Sequence[Value]) -> Iterator[None]:
    """A context in which each parameter has the data of a new Value, and its place in the graph."""
    before = [(parameter._data, parameter._node) for parameter in parameters]
    for parameter, value in zip(parameters, new, strict=True):
        parameter._data, parameter._node = value._data, value._node
    try:
        yield
    finally:
        for parameter, (data, node) in zip(parameters, before, strict=True):
            parameter._data, parameter._node = data, node
