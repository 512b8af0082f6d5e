"""Benchmarks of tinygrad_nn beside other packages: `python -m benchmarks --help`."""

import os

# Where set, these hold NumPy's BLAS, and not the peers' own, to older kernels. BLAS reads them
# once, when NumPy is imported, and child processes inherit what is left here.
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)
