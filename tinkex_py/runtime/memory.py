"""What the C library does with memory that was freed."""

from __future__ import annotations

_LARGEST = 8 << 20


def keep_what_is_freed() -> None:
    """Have glibc keep up to 16 MB of freed memory for what comes next, by the rule that it has for this.

    It takes twice the size of the largest block that was ever freed for what a program needs from time to time, and
    gives back what exceeds it. Where nothing large was freed before, each answer of a MB is given back to the kernel,
    and its pages are taken and cleared anew for the next one: 1 to 2 us for each 4 kB. So one block is freed here, of
    which no page is touched. What a user has set by `MALLOC_TRIM_THRESHOLD_` stays in force, and other C libraries
    take no notice.
    """
    _ = bytes(_LARGEST)
