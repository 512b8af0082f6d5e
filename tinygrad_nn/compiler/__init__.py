"""Functions as programs: what they compute is captured once, improved, and run again."""

from .compile import CacheInfo, Compiled, compile

__all__ = ["CacheInfo", "Compiled", "compile"]
