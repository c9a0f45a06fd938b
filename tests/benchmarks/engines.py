"""The embedded engine beside torch, on one thread and on as many as each chooses, on an idle machine and a busy one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.pairs import Figures
from tests.benchmarks.serving import ROOT, torch_python

TITLES = ("figure", "machine", "ours", "ours, threads as BLAS chooses", "torch, one thread", "torch, as it chooses")
MACHINES = ("idle", "busy")
_SPIN = "while True: pass"
_DEMO = "tinkex demo, s"


class Engine(NamedTuple):
    """A program that prints its figures, and the settings that it takes."""

    command: Sequence[str]
    settings: Mapping[str, str] = {}


def engines(*, torch: bool) -> list[Engine]:
    """In the order of the table's columns."""
    ours = (sys.executable, "-m", "tests.benchmarks.engine")
    found = [Engine(ours), Engine((*ours, "--threads"))]
    if torch:
        theirs = (torch_python(), "-W", "ignore", "tests/benchmarks/yardstick.py")
        found += [Engine(theirs, {"OMP_NUM_THREADS": "1"}), Engine(theirs)]
    return found


def compared(*, torch: bool) -> Iterator[tuple[str, ...]]:
    """Each figure on each machine, as soon as it is there."""
    for machine in MACHINES:
        with _load(busy=machine == "busy"):
            found = [_figures(each) for each in engines(torch=torch)]
            demo = _demo()
        yield from ((name, machine, *(_shown(each.get(name)) for each in found)) for name in found[0])
        yield (_DEMO, machine, _shown(demo), *[""] * (len(found) - 1))


@contextmanager
def _load(*, busy: bool) -> Generator[None]:
    """As many other processes as there are processors, if there are to be any, that do nothing but compute."""
    others = [subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range((os.cpu_count() or 1) if busy else 0)]
    try:
        yield
    finally:
        for each in others:
            each.kill()
            each.wait()


def _figures(engine: Engine) -> Figures:
    environment = {**os.environ, **engine.settings}
    ran = subprocess.run(engine.command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    milliseconds = found["forward_backward 8 x 128, ms"] + found["optim_step, rank 32, ms"]
    return {**found, "both as a step, per second": 1e3 / milliseconds}


def _demo() -> float:
    """Seconds that the whole demonstration takes in a process of its own: 150 steps, samples, a curve."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [str(Path(sys.executable).with_name("tinkex")), "demo", "--out", str(Path(folder) / "demo")]
        _ = subprocess.run(command, check=True, capture_output=True)
        return time.perf_counter() - begun


def _shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.1f}"
