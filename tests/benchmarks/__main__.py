"""Run every benchmark: `make bench`."""

from __future__ import annotations

from tests.benchmarks import bench_engine, bench_start

bench_start.main()
bench_engine.main()
