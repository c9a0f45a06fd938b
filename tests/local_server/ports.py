"""The embedded server on a loopback port, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

PROGRAM = """
import sys
from tinkex_py.local.asgi import serve
print(serve(directory=sys.argv[1], api_key=sys.argv[2] or None))
"""


@contextmanager
def serving(directory: Path, api_key: str = "") -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """A server in another process, and a client of it."""
    command = [sys.executable, "-u", "-c", PROGRAM, str(directory), api_key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        try:
            with httpx.Client(base_url=f"{address}/api/v1/", timeout=30, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()
