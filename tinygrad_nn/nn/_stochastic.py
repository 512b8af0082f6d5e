"""Functions that draw at random, and two ways to gradients through what was drawn.

Straight through: the derivative of the sample by its expected value is taken as 1 (Y. Bengio,
N. Leonard, A. Courville, arXiv:1308.3432). Where the loss is linear in the sample, that is on
average the gradient of the expected loss; elsewhere it is biased, and of little variance.

By the score function, for any loss (R. J. Williams, Machine Learning 8 (1992) 229): the gradient
of E[loss] is E[loss grad log p(sample)]. It is right on average, and of much variance.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..random import generator
from ..value import Value
from ._reduction import as_float, data_of

Rng = np.random.Generator | None


def stochastic_binary(z: Any, *, rng: Rng = None) -> Any:
    """1 with probability 1 / (1 + e^-z), else 0, elementwise; straight through, a sigmoid.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.functional.stochastic_binary([-1000.0, 1000.0])
    array([0., 1.])
    """
    probability = ops.sigmoid(z)
    p = data_of(probability)
    return _straight_through(probability, generator(rng).random(p.shape) < p)


def stochastic_binary_log_prob(z: Any, sample: Any) -> Any:
    """The logarithm of the probability that `stochastic_binary` draws `sample`, elementwise."""
    s = _constant(sample)
    if not np.isin(s, (0, 1)).all():
        raise ValueError("stochastic_binary: a sample is of 0 and 1")
    z = as_float(z)
    return -ops.softplus((1 - 2 * s.astype(z.dtype)) * z)


def poisson_relu(z: Any, *, rng: Rng = None) -> Any:
    """A number of spikes, from the Poisson distribution of rate max(0, z), elementwise.

    Straight through, a relu.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> counts = nn.functional.poisson_relu(np.full(10_000, 3.0), rng=np.random.default_rng(0))
    >>> print(f"{counts.mean():.1f} {counts.var():.1f}")
    3.0 3.0
    """
    rate = ops.relu(as_float(z))
    finite = np.nan_to_num(data_of(rate), posinf=0)
    return _straight_through(rate, np.asarray(generator(rng).poisson(finite)))


def poisson_relu_log_prob(z: Any, sample: Any) -> Any:
    """The logarithm of the probability that `poisson_relu` draws `sample`, elementwise.

    It is s log r - r - log s! for the rate r = max(0, z), and -inf where r = 0 but s is not.
    """
    s = _constant(sample)
    if (s < 0).any() or (s != np.floor(s)).any():
        raise ValueError("poisson_relu: a sample is of whole numbers from 0")
    rate = ops.relu(as_float(z))
    log_factorial = np.vectorize(math.lgamma, otypes=[rate.dtype])(s + 1.0)
    s = s.astype(rate.dtype)
    with np.errstate(divide="ignore"):
        log_rate = ops.log(ops.where(s > 0, rate, 1.0))  # not needed where s is 0
    return ops.subtract(ops.subtract(ops.multiply(s, log_rate), rate), log_factorial)


def score_function(losses: Any, log_prob: Any) -> Any:
    """`losses`, with the gradient that their expected values have, by the score function.

    `losses` (...) are those of samples whose `log_prob`, of the same shape, depends on the
    parameters. The samples themselves must carry no gradient: `detach()` them. What is computed
    is loss exp(log_prob - its value): the losses, with derivatives of every order that are right
    on average (J. Foerster et al., arXiv:1802.05098). Subtracting a baseline from the losses that
    the samples do not depend on, such as their running mean, lowers the variance.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> neuron = nn.StochasticBinary(2)
    >>> x, target = np.ones((100, 2)), 1.0
    >>> s = neuron(x).detach()
    >>> losses = (s - target) ** 2
    >>> nn.functional.score_function(losses, neuron.log_prob(x, s)).mean().backward()
    """
    if np.shape(losses) != np.shape(log_prob):
        raise ShapeError(
            f"score_function: losses {np.shape(losses)} and log_prob {np.shape(log_prob)} must "
            "have one shape; sum log_prob over the neurons, for a loss of each example"
        )
    return ops.multiply(losses, ops.exp(_zero_of(log_prob)))


def _constant(sample: Any) -> Any:
    """A sample as an array."""
    if isinstance(sample, Value) and sample.requires_grad:
        raise TypeError("log_prob: the sample carries a gradient; detach() it where it is drawn")
    return data_of(sample)


def _straight_through(expected: Any, sample: Any) -> Any:
    """`sample`, with the gradient of `expected`."""
    return ops.add(sample.astype(data_of(expected).dtype), _zero_of(expected))


def _zero_of(x: Any) -> Any:
    """0, with the gradient of x; NaN where x is not finite."""
    with np.errstate(invalid="ignore"):
        return ops.subtract(x, x.data if isinstance(x, Value) else x)
