"""Curves in one line of text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.-=+*%#"


def sparkline(values: Sequence[float], width: int, *, blocks: bool = True) -> str:
    """The values from left to right, in at most `width` characters: each is the mean of what falls into it.

    >>> sparkline([1, 2, 3, 8], 4)
    '▁▂▃█'
    """
    marks = BLOCKS if blocks else ASCII
    finite = [value for value in values if isfinite(value)]
    count = min(width, len(finite))
    if count < 1:
        return ""
    # What they differ by, as means of what is level would not be; halves, as the span of the largest has no number.
    finite = [value / 2 - finite[0] / 2 for value in finite]
    edges = [len(finite) * at // count for at in range(count + 1)]
    means = [sum(value / (b - a) for value in finite[a:b]) for a, b in pairwise(edges)]
    low, span = min(means), max(means) - min(means)
    return "".join(marks[round((mean - low) / span * (len(marks) - 1)) if span else 0] for mean in means)
