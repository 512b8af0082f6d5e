"""What the package asks of the C library's memory."""

import os
import platform
import subprocess
import sys

import pytest

PASSES = """
import resource
import numpy as np
{imports}

def passes():
    for _ in range(5):
        arrays = [np.ones(1 << 19) for _ in range(4)]  # 16 MiB
        del arrays

passes()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
passes()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_cleared(imports: str) -> int:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    environment["NUMPY_MADVISE_HUGEPAGE"] = "0"
    code = PASSES.format(imports=imports)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other libraries have other limits")
def test_freed_memory_is_kept_for_the_next_arrays() -> None:
    alone = pages_cleared("")  # all 20,480, where they are of 4 KiB
    assert pages_cleared("import tinygrad_nn") <= alone / 10
