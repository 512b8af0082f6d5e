"""The error function and its complement, which NumPy lacks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..traced import as_array, one_call

# Rational approximations of W. J. Cody's kind (Math. Comp. 23, 1969), with the coefficients
# of the Cephes library: up to 1 erf(x) = x P(x^2) / Q(x^2), from there to 8 and beyond
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


_FARTHER_P = (
    5.64189583547755073984e-1,
    1.27536670759978104416e0,
    5.01905042251180477414e0,
    6.16021097993053585195e0,
    7.40974269950448939160e0,
    2.97886665372100240670e0,
)
_FARTHER_Q = (
    1.0,
    2.26052863220117276590e0,
    9.39603524938001434673e0,
    1.20489539808096656605e1,
    1.70814450747565897222e1,
    9.60896809063285878198e0,
    3.36907645100081516050e0,
)


@one_call
def erf(x: Any) -> Any:
    """erf(x), elementwise, to a few units in the last place of x's dtype."""
    x = _floating(x)
    if not x.ndim:
        return x.dtype.type(math.erf(x))
    size = _wide(np.abs(x))
    out = np.empty_like(size)
    near = size < 1
    out[near] = _near(size[near])
    out[~near] = 1 - _far(np.minimum(size[~near], 6))
    return np.copysign(out, x).astype(x.dtype)


@one_call
def erfc(x: Any) -> Any:
    """1 - erf(x), elementwise, to about x^2 units in the last place of x's dtype."""
    x = _floating(x)
    if not x.ndim:
        return x.dtype.type(math.erfc(x))
    wide = _wide(x)
    out = np.empty_like(wide)
    near = wide < 1
    out[near] = 1 - erf(wide[near])
    out[~near] = _far(np.minimum(wide[~near], 40))
    return out.astype(x.dtype)


def _floating(x: Any) -> Any:
    x = as_array(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _wide(x: Any) -> Any:
    return x.astype(np.promote_types(x.dtype, np.float32))


def _near(t: Any) -> Any:
    """erf(t) for t from 0 to 1."""
    return t * np.polyval(_NEAR_P, t * t) / np.polyval(_NEAR_Q, t * t)


def _far(t: Any) -> Any:
    """erfc(t) for t from 1."""
    far = np.polyval(_FAR_P, np.minimum(t, 8)) / np.polyval(_FAR_Q, np.minimum(t, 8))
    farther = np.polyval(_FARTHER_P, t) / np.polyval(_FARTHER_Q, t)
    return np.exp(-t * t) * np.where(t < 8, far, farther)
