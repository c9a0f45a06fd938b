"""The embedded server in a process of its own, which may be killed and started again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = """
import sys
from tinkex_py.local.asgi import serve
print(serve(directory=sys.argv[1], port=int(sys.argv[2]), api_key=sys.argv[3] or None))
"""


@contextmanager
def served(directory: Path, port: int = 0, api_key: str = "") -> Generator[tuple[subprocess.Popen[str], str]]:
    """The server and its address; it is killed at the end if it still is there."""
    command = [sys.executable, "-u", "-c", PROGRAM, str(directory), str(port), api_key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()
