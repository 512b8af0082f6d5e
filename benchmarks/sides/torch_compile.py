"""PyTorch as on the side torch, its losses compiled by torch.compile, which needs a C++ compiler.

Second derivatives are left out: compiled functions have none.
"""

import functools

import torch
import torch._inductor.config

from .torch import functions, networks

version = torch.__version__
torch._inductor.config.compile_threads = 1  # a pool of processes would take cores from others

mlp = functools.partial(networks.mlp, compiled=torch.compile)
digits_epoch = functools.partial(networks.digits_epoch, compiled=torch.compile)
moons_epoch = functools.partial(networks.moons_epoch, compiled=torch.compile)
rnn = functools.partial(networks.rnn, compiled=torch.compile)
elementwise = functools.partial(functions.elementwise, compiled=torch.compile)
logsumexp = functools.partial(functions.logsumexp, compiled=torch.compile)
