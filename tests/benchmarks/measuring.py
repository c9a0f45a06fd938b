"""What one scenario costs its process: processor time, wall time, memory. For any Python, with nothing installed."""

from __future__ import annotations

import gc
import json
import os
import resource
import ssl
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

_PAGE = resource.getpagesize()
_LINE = 100
_MOMENT = 0.02
_AT_REST = 0.1
"""The share of a moment for which a process at rest may work: it looks at signs of life now and then."""


def resident() -> float:
    """Megabytes that this process holds now; the file stays open, as it is looked at every few milliseconds."""
    return int(os.pread(_memory(), _LINE, 0).split()[1]) * _PAGE / 1e6


@cache
def _memory() -> int:
    return os.open("/proc/self/statm", os.O_RDONLY)


def processor() -> float:
    """Seconds of processor time that this process has used, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rest() -> None:
    """Wait until no thread of this process works: once numpy is loaded, those of its BLAS library spin for a while."""
    while True:
        before = processor()
        time.sleep(_MOMENT)
        if processor() - before < _AT_REST * _MOMENT:
            return


def ask(url: str, path: str, body: Mapping[str, object] | None = None, authority: str | None = None) -> dict[str, Any]:
    """The stub server's answer to a control request; `authority` is the file of whom to trust in its certificate."""
    data = None if body is None else json.dumps(body).encode()
    trust = ssl.create_default_context(cafile=authority)
    request = urllib.request.Request(url + path, data=data)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30, context=trust) as answer:  # noqa: S310
        read: dict[str, Any] = json.loads(answer.read())
        return read


class Peak(threading.Thread):
    """The most megabytes that the process held while this ran."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = resident()
        self._ended = threading.Event()

    def run(self) -> None:
        """Look every two milliseconds."""
        while not self._ended.wait(0.002):
            self.megabytes = max(self.megabytes, resident())

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


class Cost:
    """What was measured: seconds of processor and wall time, megabytes of growth at the peak."""

    cpu: float = 0.0
    wall: float = 0.0
    growth: float = 0.0


@contextmanager
def measured() -> Generator[Cost]:
    """Measure what happens inside."""
    _ = gc.collect()
    cost, peak, before = Cost(), Peak(), resident()
    peak.start()
    cpu, wall = processor(), time.perf_counter()
    yield cost
    cost.cpu, cost.wall = processor() - cpu, time.perf_counter() - wall
    peak.stop()
    cost.growth = peak.megabytes - before
