"""Every primitive of the package: its rules are its derivatives, to second order.

A new primitive is tested here by being registered; what it declares is the domain to draw from.
"""

from typing import Any

import pytest
from derivatives import PRIMITIVES
from hypothesis import given, settings

from tinygrad_nn.testing import gradcheck
from tinygrad_nn.testing.strategies import calls

NO_FALSE_ALARM = "drawn cases of right rules proven right"

every_primitive = pytest.mark.parametrize("operation", PRIMITIVES, ids=lambda p: p.name)


@every_primitive
def test_a_domain_is_declared(operation: Any) -> None:
    assert operation.domain is not None, "say where it is differentiable: @primitive(domain=...)"


def check_drawn_cases(operation: Any, order: int, count: int) -> list[int]:
    """How many drawn cases are right, and of how many; together about `count` of all primitives."""
    right = []

    @settings(max_examples=max(settings.default.max_examples // 4, count // len(PRIMITIVES) + 1))
    @given(calls(operation))
    def check(drawn: Any) -> None:
        f, inputs = drawn
        right.append(bool(gradcheck(f, *inputs, order=order)))
        assert right[-1]

    check()
    return [sum(right), len(right)]


@every_primitive
def test_rules_are_the_first_derivatives(operation: Any, record_property: Any) -> None:
    record_property(NO_FALSE_ALARM, check_drawn_cases(operation, 1, 5_000))


@every_primitive
def test_derivatives_of_the_rules_are_the_second_derivatives(
    operation: Any, record_property: Any
) -> None:
    record_property(NO_FALSE_ALARM, check_drawn_cases(operation, 2, 1_500))
