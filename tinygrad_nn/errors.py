"""Exceptions of the package's own."""


class ShapeError(ValueError):
    """Shapes that do not fit together; the message names the operation and the shapes."""

    __module__ = "tinygrad_nn"  # where users find it
