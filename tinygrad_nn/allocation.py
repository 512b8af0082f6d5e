"""How the C library gets memory for large arrays.

glibc returns large blocks to the system as soon as they are freed, and the system clears every
page of the next ones: a pass through the graph, which makes and frees arrays all the time, can
spend half of its time on that. What is freed once raises both limits, "mmap threshold" and "trim
threshold", to its size and twice that (mallopt(3)); so one block that is never touched is enough.
"""

from __future__ import annotations

import numpy as np

# glibc does not raise the limits further than to 32 MiB, with what it adds to a block.
_LARGEST = (1 << 25) - (1 << 16)


def keep_freed_memory() -> None:
    """Let up to 64 MiB of freed memory be kept for the next arrays, where the C library can.

    Whoever has set the limits (MALLOC_TRIM_THRESHOLD_, say) keeps them.
    """
    np.empty(_LARGEST, np.uint8)
