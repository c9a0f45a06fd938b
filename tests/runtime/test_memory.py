"""What becomes of memory that was freed: looked at in a process of its own, as the C library remembers."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
from tinkex_py.runtime.memory import keep_what_is_freed

if sys.argv[1] == "keep":
    keep_what_is_freed()
for _ in range(3):  # what is freed last teaches the library how much to keep
    del [bytearray(1 << 20) for _ in range(4)][:]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    del [bytearray(1 << 20) for _ in range(4)][:]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(argument: str) -> int:
    """Pages that the kernel had to bring for 20 times 4 MB."""
    ran = subprocess.run([sys.executable, "-c", _PROGRAM, argument], capture_output=True, text=True, check=True)
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have rules of their own")
def test_answers_take_the_memory_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"):
        monkeypatch.delenv(name, raising=False)
    assert 10 * faults("keep") < faults("as it is")
