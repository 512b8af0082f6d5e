"""The error for a library that is not there."""

from __future__ import annotations


def missing(library: str, extra: str, what: str) -> ImportError:
    """An ImportError that says what to install."""
    return ImportError(f'{what} needs {library}: pip install "tinygrad-nn[{extra}]"', name=library)
