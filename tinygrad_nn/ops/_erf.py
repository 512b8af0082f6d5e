"""The error function, which NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

# Rational approximations of W. J. Cody's kind (Math. Comp. 23, 1969), with the coefficients
# of the Cephes library: near 0 erf(x) = x P(x^2) / Q(x^2), farther out
# erfc(x) = e^(-x^2) P(x) / Q(x). Highest power first.
_NEAR_P = (
    9.60497373987051638749e0,
    9.00260197203842689217e1,
    2.23200534594684319226e3,
    7.00332514112805075473e3,
    5.55923013010394962768e4,
)
_NEAR_Q = (
    1.0,
    3.35617141647503099647e1,
    5.21357949780152679795e2,
    4.59432382970980127987e3,
    2.26290000613890934246e4,
    4.92673942608635921086e4,
)
_FAR_P = (
    2.46196981473530512524e-10,
    5.64189564831068821977e-1,
    7.46321056442269912687e0,
    4.86371970985681366614e1,
    1.96520832956077098242e2,
    5.26445194995477358631e2,
    9.34528527171957607540e2,
    1.02755188689515710272e3,
    5.57535335369399327526e2,
)
_FAR_Q = (
    1.0,
    1.32281951154744992508e1,
    8.67072140885989742329e1,
    3.54937778887819891062e2,
    9.75708501743205489753e2,
    1.82390916687909736289e3,
    2.24633760818710981792e3,
    1.65666309194161350182e3,
    5.57535340817727675546e2,
)


def erf(x: Any) -> Any:
    """erf(x), elementwise, to a few units in the last place of x's dtype."""
    x = np.asarray(x)
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    if not x.ndim:
        return x.dtype.type(math.erf(x))
    size = np.minimum(np.abs(x.astype(np.promote_types(x.dtype, np.float32))), 6)
    near = size < 1
    out = np.empty_like(size)
    t = size[near]
    out[near] = t * np.polyval(_NEAR_P, t * t) / np.polyval(_NEAR_Q, t * t)
    t = size[~near]
    out[~near] = 1 - np.exp(-t * t) * np.polyval(_FAR_P, t) / np.polyval(_FAR_Q, t)
    return np.copysign(out, x).astype(x.dtype)
