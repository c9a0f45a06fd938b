"""What importing costs, in fresh processes (on Linux): `python -m tests.benchmarks`."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

RUNS = 7
PROGRAMS = {
    "python alone": "",
    "import tinkex_py": "import tinkex_py",
    "ServiceClient": "from tinkex_py import ServiceClient",
    "ServiceClient.local()": "from tinkex_py import ServiceClient; ServiceClient.local()",
}
MEASURE = (
    "import time; start = time.perf_counter()\n{}\nseconds = time.perf_counter() - start\n"
    "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
    "print(seconds, int(peak.split()[1]) / 1024)"
)


def main() -> None:
    """Print the median of several fresh processes: milliseconds, and megabytes at the most."""
    for name, program in PROGRAMS.items():
        runs = [_run(program) for _ in range(RUNS)]
        milliseconds, megabytes = (median(figures) for figures in zip(*runs, strict=True))
        print(f"{name:24} {1000 * milliseconds:7.1f} ms {megabytes:6.1f} MB")


def _run(program: str) -> tuple[float, float]:
    command = [sys.executable, "-c", MEASURE.format(program)]
    seconds, megabytes = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(seconds), float(megabytes)
