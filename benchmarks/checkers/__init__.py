"""Gradient checkers on right and wrong derivatives: `python -m benchmarks.checkers --help`."""
