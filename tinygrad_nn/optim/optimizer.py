"""What optimizers share: parameter groups, state, and their saving."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..traced import in_order, is_traced, order_of
from ..value import Value


class Optimizer:
    """Base class: holds the parameters in groups, each with its settings.

    `params` are Values, or dicts {"params": Values, setting: value} for groups with settings
    of their own. A subclass passes its settings' defaults and defines `_update`, the new data of
    one parameter.
    """

    param_groups: list[dict[str, Any]]

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.param_groups = []
        self.state: dict[Value, dict[str, Any]] = {}
        if isinstance(params, Value):
            raise TypeError("an optimizer takes a list of parameters; put the Value in one")
        if not isinstance(params, Iterable):
            raise TypeError(
                f"an optimizer takes a list of parameters, not {type(params).__name__}; "
                "pass model.parameters()"
            )
        given = list(params)
        if not given:
            raise ValueError("an optimizer needs at least one parameter; the list is empty")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)

    def __setattr__(self, name: str, attribute: Any) -> None:
        if name in vars(self).get("defaults", ()):
            raise AttributeError(
                f"{name} belongs to a group of parameters: "
                f"optimizer.param_groups[0][{name!r}] = {attribute!r}"
            )
        super().__setattr__(name, attribute)

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Add {"params": Values, ...} with settings that override the defaults."""
        params = group["params"]
        params = [params] if isinstance(params, Value) else list(params)
        unknown = set(group) - {"params"} - set(self.defaults)
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no setting {', '.join(sorted(unknown))}; "
                f"it has {', '.join(self.defaults)}"
            )
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for p in params:
            if not isinstance(p, Value):
                raise TypeError(
                    f"parameters are Values, not {type(p).__name__}; pass model.parameters()"
                )
            if p.dtype.kind != "f":
                raise TypeError(f"a parameter must be floating point, not {p.dtype}")
            if not p.is_leaf:
                raise ValueError("a parameter must be a leaf, not computed from other Values")
            if id(p) in known:
                raise ValueError("a parameter is listed twice")
            known.add(id(p))
            p._is_parameter = True
        settings = {**self.defaults, **{k: v for k, v in group.items() if k != "params"}}
        self._check(settings)
        self.param_groups.append({"params": params, **settings})

    def _check(self, settings: dict[str, Any]) -> None:
        """Raise ValueError for settings out of range."""
        for name in ("lr", "weight_decay", "eps"):
            if not settings.get(name, 0) >= 0:
                raise ValueError(f"{name} must be a number, not negative: {settings[name]}")

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.zero_grad()

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """State and settings, with parameters by number: plain data, ready for pickling."""
        numbers: dict[int, int] = {}
        for group in self.param_groups:
            for parameter in group["params"]:
                numbers[id(parameter)] = len(numbers)
        groups = [
            {**group, "params": [numbers[id(p)] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {numbers[id(p)]: copy.deepcopy(state) for p, state in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave, for parameters in the same order and shapes."""
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in groups]
        own_sizes = [len(group["params"]) for group in self.param_groups]
        if sizes != own_sizes:
            raise ValueError(
                f"the state has groups of {sizes} parameters, this optimizer of {own_sizes}"
            )
        for group in groups:
            if set(group) - {"params"} != set(self.defaults):
                raise ValueError(
                    f"the state has settings {sorted(set(group) - {'params'})}, "
                    f"this optimizer {sorted(self.defaults)}"
                )
            self._check(group)
        parameters = [p for group in self.param_groups for p in group["params"]]
        loaded = {}
        for number, state in state_dict["state"].items():
            if int(number) not in range(len(parameters)):
                raise ValueError(f"the state has a parameter {number}, there are {len(parameters)}")
            parameter = parameters[int(number)]
            loaded[parameter] = {
                name: _as_state(part, parameter, f"{name} of parameter {number}")
                for name, part in state.items()
            }
        for own, group in zip(self.param_groups, groups, strict=True):
            own.update({name: part for name, part in group.items() if name != "params"})
        self.state = loaded

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}("]
        for group in self.param_groups:
            settings = ", ".join(f"{k}={v}" for k, v in group.items() if k != "params")
            lines.append(f"  {len(group['params'])} parameters, {settings}")
        return "\n".join([*lines, ")"])


def _as_state(part: Any, parameter: Value, what: str) -> Any:
    """A copy of `part`; an array must have the parameter's shape, and gets its dtype and order."""
    if not isinstance(part, (np.ndarray, np.floating)):
        return copy.deepcopy(part)
    if part.shape != parameter.shape:
        raise ValueError(f"{what} is {part.shape} in the state, the parameter {parameter.shape}")
    return np.array(part, parameter.dtype, order=order_of(parameter.data))[()]


def gradient(parameter: Value) -> Any:
    """The gradient as an array, or None."""
    node = parameter._node
    g = None if node is None else node.grad
    return g.data if type(g) is Value else g


def minus(data: Any, step: Any) -> Any:
    """data - step, in the memory of `step`.

    Parameters get new arrays, and the old ones stay as they were for graphs and copies that
    hold them.
    """
    if type(step) is np.ndarray:
        return np.subtract(data, step, out=step)
    return in_order(data - step, order_of(step)) if is_traced(step) and step.ndim else data - step
