"""`python -m tests.fuzz`: every target under a coverage-guided fuzzer for a bounded time.

What makes a target fail is written to tests/fuzz/vectors/, where tests/fuzz/test_vectors.py finds it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["tinkex_py"]):
    from tests.fuzz.targets import SEEDS, TARGETS

VECTORS = Path(__file__).parent / "vectors"


def fuzz(name: str, seconds: int) -> int:
    """One target, in a process of its own, because the fuzzer ends its process."""
    with TemporaryDirectory() as corpus:
        for place, seed in enumerate(SEEDS.get(name, ())):
            (Path(corpus) / str(place)).write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz", "--target", name, "--seconds", str(seconds), "--corpus", corpus]
        return subprocess.run(command, check=False).returncode


def main() -> int:
    """0 when no target failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--corpus", help="a folder to begin with")
    given = parser.parse_args()
    if given.corpus is None:
        names = TARGETS if given.target is None else [given.target]
        return max(fuzz(name, given.seconds) for name in names)
    artifacts = f"-artifact_prefix={VECTORS}/{given.target}-"
    options = [f"-max_total_time={given.seconds}", "-max_len=4096", "-rss_limit_mb=1024", "-timeout=10", artifacts]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", given.corpus], TARGETS[given.target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
