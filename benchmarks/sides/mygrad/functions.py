"""Functions of tensors. MyGrad has no second derivatives."""

# mypy: disable-error-code="attr-defined,no-untyped-call,assignment,operator,arg-type"
from __future__ import annotations

from typing import Any

import mygrad as mg
import numpy as np

from ...job import Timed, derivatives
from ...work import Elementwise, LogSumExp


def elementwise(row: Elementwise) -> Timed:
    x = mg.tensor(row.data)

    def step() -> Any:
        value = (mg.tanh(2 * x + 1) * mg.exp(-(x**2))).sum()
        value.backward()
        return value, [x.grad]

    return derivatives(step)


def logsumexp(row: LogSumExp) -> Timed:
    """By its definition, as MyGrad has no function for it."""
    x, labels = row.data
    weight = mg.tensor(row.weight)
    examples = np.arange(row.examples)

    def step() -> Any:
        z = mg.matmul(x, weight)
        largest = z.data.max(axis=1)
        total = mg.exp(z - largest[:, None]).sum(axis=1)
        loss = (mg.log(total) + largest - z[examples, labels]).mean()
        loss.backward()
        return loss, [weight.grad]

    return derivatives(step)
