"""Whose code it is, and where."""

from __future__ import annotations

import sys
import types

from ..engine import short_path

_PACKAGE = __name__.partition(".")[0]


def root_of(module: str | None) -> str:
    """The package that a module is in."""
    return (module or "").partition(".")[0]


def is_own(code: types.CodeType, module: str | None) -> bool:
    """Whether code is the package's, other than an example in a docstring."""
    return root_of(module) == _PACKAGE and not code.co_filename.startswith("<doctest")


def is_library(module: str | None) -> bool:
    """Whether a module is Python's, NumPy's or this package's, whose objects are left alone."""
    root = root_of(module)
    return root in sys.stdlib_module_names or root in ("numpy", _PACKAGE)


def is_installed(code: types.CodeType) -> bool:
    """Whether code is that of an installed package, which is trusted."""
    return any(part in code.co_filename for part in ("site-packages", "dist-packages"))


def is_ours(frame: types.FrameType) -> bool:
    """Whether a frame runs the package's code."""
    return is_own(frame.f_code, frame.f_globals.get("__name__"))


def current_line() -> str:
    """The line that is being run outside of the package, of NumPy, and of Python's library."""
    frame = sys._getframe(1)
    while frame.f_back and (is_ours(frame) or _is_of_library(frame)):
        frame = frame.f_back
    return line_of(frame)


def _is_of_library(frame: types.FrameType) -> bool:
    module = frame.f_globals.get("__name__")
    return is_library(module) and root_of(module) != _PACKAGE


def line_of(frame: types.FrameType) -> str:
    """The file and line that a frame is at."""
    return f"{short_path(frame.f_code.co_filename)}:{frame.f_lineno}"
