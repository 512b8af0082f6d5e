"""Every primitive, with its derivatives, gives compiled what it gives eagerly, to the last bit."""

import warnings
from typing import Any

import numpy as np
import pytest
from derivatives import PRIMITIVES
from hypothesis import given, settings

import tinygrad_nn as tg
from tinygrad_nn.testing.strategies import calls


@pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda primitive: primitive.name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_compiled_value_and_gradient_are_those_of_eager(primitive: Any) -> None:
    @settings(max_examples=max(1, settings.default.max_examples // 20))
    @given(calls(primitive))
    def check(drawn: Any) -> None:
        f, inputs = drawn

        def size(*inputs: Any) -> Any:
            return (abs(f(*inputs)) ** 2).sum()

        both = tg.value_and_grad(size, argnums=tuple(range(len(inputs))))
        compiled = tg.compile(both)
        arrays = [np.asarray(x) for x in inputs]
        for scale in (1, 0.75):
            arrays = [x * x.dtype.type(scale) if x.dtype.kind in "fc" else x for x in arrays]
            value, gradients = both(*arrays)
            found_value, found = compiled(*arrays)
            np.testing.assert_array_equal(found_value, value)
            for expected, gradient in zip(gradients, found, strict=True):
                np.testing.assert_array_equal(gradient, expected)
                assert gradient.dtype == expected.dtype
        assert compiled.cache_info().misses == 1

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check()
