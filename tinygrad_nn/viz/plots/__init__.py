"""Plots of training, of what models decide, and of what is inside them, on matplotlib.

Each function draws on `ax`, matplotlib Axes, or on those of a new figure, and returns them. The
colours are told apart by those who see few: of M. Okabe and K. Ito (Color Universal Design,
2008), viridis, cividis and RdBu.
"""

from .boundary import decision_boundary
from .confusion import confusion_matrix
from .distributions import histograms
from .losses import loss_curve
from .pictures import weights
from .surface import error_surface

__all__ = [
    "confusion_matrix",
    "decision_boundary",
    "error_surface",
    "histograms",
    "loss_curve",
    "weights",
]
