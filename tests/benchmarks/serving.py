"""Programs that a benchmark runs: the stub server on a free port, the environments of others, one scenario."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "benchmarks"
OFFICIAL_RELEASE = "0.38.0"
TORCH_RELEASE = "2.13.0"
PATIENCE = 300.0


def official_python() -> str:
    """A Python that has the official SDK."""
    return _python_with(f"tinker=={OFFICIAL_RELEASE}", f"official-{OFFICIAL_RELEASE}")


def torch_python() -> str:
    """A Python that has torch, and nothing else."""
    return _python_with(f"torch=={TORCH_RELEASE}", f"torch-{TORCH_RELEASE}")


def _python_with(requirement: str, name: str) -> str:
    """The Python of an environment that is made once."""
    folder = CACHE / name
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"Installing {requirement} into {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", requirement], check=True)
    return str(python)


@contextmanager
def stub_server(certificate: Path | None = None) -> Generator[str]:
    """The address of a stub server, over TLS with HTTP/2 when there is a certificate (`.pem`, with its key beside)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = ["tests.benchmarks.stub", str(port)] if certificate is None else _granian(port, certificate)
    server = subprocess.Popen([sys.executable, "-m", *program], cwd=ROOT)
    try:
        _wait_for(port)
        yield f"{'http' if certificate is None else 'https'}://localhost:{port}"
    finally:
        server.terminate()
        server.wait()


def _granian(port: int, certificate: Path) -> list[str]:
    secure = ["--ssl-certificate", str(certificate), "--ssl-keyfile", f"{certificate}.key"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--backlog", "4096"]
    kind = ["--interface", "asgi", "--loop", "uvloop", "--no-log"]
    return ["granian", *kind, *address, *secure, "tests.benchmarks.stub:app"]


def figures(python: str, surface: str, url: str, scenario: str, settings: Mapping[str, str]) -> dict[str, float]:
    """What the scenario measured in a fresh process."""
    command = [python, "-W", "ignore", "-m", "tests.benchmarks.scenarios", surface, url, scenario]
    environment = {**os.environ, **settings}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    if ran.returncode:
        print(f"{surface} {scenario} failed:\n{ran.stderr[-2000:]}", file=sys.stderr)
        return {}
    read: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return read


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("localhost", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"the stub server does not answer on port {port}")
