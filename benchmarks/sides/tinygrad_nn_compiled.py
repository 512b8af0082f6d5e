"""This package as on the side tinygrad_nn, its steps compiled by tinygrad_nn.compile."""

import functools

import tinygrad_nn as tg

from .tinygrad_nn import functions, networks, scalars

version = tg.__version__

mlp = functools.partial(networks.mlp, compiled=tg.compile)
digits_epoch = functools.partial(networks.digits_epoch, compiled=tg.compile)
moons_epoch = functools.partial(networks.moons_epoch, compiled=tg.compile)
rnn = functools.partial(networks.rnn, compiled=tg.compile)
elementwise = functools.partial(functions.elementwise, compiled=tg.compile)
logsumexp = functools.partial(functions.logsumexp, compiled=tg.compile)
hvp = functools.partial(functions.hvp, compiled=tg.compile)
chain = functools.partial(scalars.chain, compiled=tg.compile)
moons_scalar = functools.partial(scalars.moons_scalar, compiled=tg.compile)
