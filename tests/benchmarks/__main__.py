"""Every benchmark: `make bench`. Without `--quick` the embedded engine's come first."""

from __future__ import annotations

import sys

from tests.benchmarks import bench_engine, bench_start, client

if "--quick" not in sys.argv:
    bench_start.main()
    bench_engine.main()
client.main()
