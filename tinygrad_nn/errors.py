"""Exceptions of the package's own."""


class ShapeError(ValueError):
    """Shapes that do not fit together; the message names the operation and the shapes."""

    __module__ = "tinygrad_nn"  # where users find it


class CaptureError(TypeError):
    """What a function does that a compiled one would not do again, or not in the same way."""

    __module__ = "tinygrad_nn"
