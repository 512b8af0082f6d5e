"""Every primitive of the package: its rules are its derivatives, to second order.

A new primitive is tested here by being registered; what it declares is the domain to draw from.
"""

from typing import Any

import pytest
from hypothesis import given, settings

import tinygrad_nn as tg
from tinygrad_nn.testing import gradcheck
from tinygrad_nn.testing.strategies import calls

every_primitive = pytest.mark.parametrize(
    "operation",
    [p for p in tg.primitives.values() if p.forward.__module__.startswith("tinygrad_nn.")],
    ids=lambda operation: operation.name,
)


@every_primitive
def test_a_domain_is_declared(operation: Any) -> None:
    assert operation.domain is not None, "say where it is differentiable: @primitive(domain=...)"


@every_primitive
def test_rules_are_the_first_derivatives(operation: Any) -> None:
    @given(calls(operation))
    def check(drawn: Any) -> None:
        f, inputs = drawn
        assert gradcheck(f, *inputs)

    check()


@every_primitive
def test_derivatives_of_the_rules_are_the_second_derivatives(operation: Any) -> None:
    @settings(max_examples=settings.default.max_examples // 4)
    @given(calls(operation))
    def check(drawn: Any) -> None:
        f, inputs = drawn
        assert gradcheck(f, *inputs, order=2)

    check()
