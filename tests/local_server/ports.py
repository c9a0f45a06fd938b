"""The embedded server on a loopback port, in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.runtime.served import served


@contextmanager
def serving(directory: Path, api_key: str = "") -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server in another process, and a client of it."""
    with (
        served(directory, api_key=api_key) as (process, address),
        httpx.Client(base_url=f"{address}/api/v1/", timeout=30, trust_env=False) as client,
    ):
        yield process, client
