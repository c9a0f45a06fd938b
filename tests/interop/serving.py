"""Servers to run programs against, each in a process of its own: the embedded one, and those by other teams.

The latter are as their packages have them, on a CPU, with one tiny random model that all of them hold.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from tests.interop.environments import FOLDER, interpreter, run

SERVERS = Path(__file__).parent / "servers"
KEY = "tml-interoperation"
EMBEDDED = """
import sys
from tinkex_py.local.asgi import serve
serve(directory=sys.argv[1], api_key=sys.argv[2])
"""
STARTING = 120
"""Seconds until a server answers."""

MACHINERY = ("torch==2.13.0", "transformers>=5.5.3,<6", "peft==0.20.0", "accelerate>=1.0", "uvicorn>=0.30", "httpx")


class Served(Struct, frozen=True, kw_only=True):
    """A server that answers: where, the base model to ask it for, and the folder that it keeps things in."""

    address: str
    base_model: str
    folder: Path


class Foreign(Struct, frozen=True, kw_only=True):
    """A server by another team: what it needs, and what it is asked for."""

    launcher: str
    requirements: Sequence[str]
    alone: Sequence[str]
    base_model: str | None = None
    """What it calls the model; None for the folder that the model is in."""


FOREIGN = {
    "TuFT 0.2.2": Foreign(
        launcher="tuft",
        requirements=(
            *MACHINERY,
            "fastapi>=0.133,<0.137",
            "tinker>=0.25,<0.26",
            "typer",
            "omegaconf",
            "ray>=2.50",
            "opentelemetry-sdk",
            "opentelemetry-exporter-otlp",
            "opentelemetry-instrumentation-fastapi>=0.41b0",
            "opentelemetry-instrumentation-logging>=0.41b0",
            "psutil",
            "nvidia-ml-py>=13",
        ),
        alone=("tuft==0.2.2",),  # it pins vllm and another torch, which need an accelerator
        base_model="Qwen/Qwen3-0.6B",
    ),
    "hatchery 0.3.0": Foreign(
        launcher="hatchery",
        requirements=(*MACHINERY, "fastapi>=0.110", "pydantic", "msgpack", "aiosqlite", "structlog"),
        alone=("hatchery-client==0.2.0", "hatchery-core==0.3.0"),  # likewise
    ),
}


@contextmanager
def embedded() -> Generator[Served]:
    """The embedded engine on a port."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-u", "-c", EMBEDDED, folder, KEY]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                address = process.stdout.readline().strip()
                yield Served(address=address, base_model="tinkex/tiny-english", folder=Path(folder))
            finally:
                process.terminate()


@contextmanager
def foreign(name: str) -> Generator[Served]:
    """That server, once it answers."""
    server = FOREIGN[name]
    python = interpreter(server.launcher, *server.requirements, alone=server.alone)
    model, port = _model(python), _free_port()
    with tempfile.TemporaryDirectory() as folder:
        launcher = str(SERVERS / f"{server.launcher}_on_cpu.py")
        command = [str(python), launcher, str(port), str(model), KEY, folder]
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        log = FOLDER / f"{server.launcher}.log"
        with (
            log.open("wb") as written,
            subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT) as process,
        ):
            try:
                address = f"http://127.0.0.1:{port}"
                _wait(process, address, log)
                yield Served(address=address, base_model=server.base_model or str(model), folder=Path(folder))
            finally:
                process.terminate()


def _model(python: Path) -> Path:
    """The folder of the tiny model, which is written when it isn't there."""
    folder = FOLDER / "model"
    if not (folder / "config.json").exists():
        run(str(python), str(SERVERS / "tiny_model.py"), str(folder))
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Until the server is well; RuntimeError when it ends before, or takes too long."""
    for _ in range(STARTING):
        try:
            with urllib.request.urlopen(f"{address}/api/v1/healthz", timeout=5):  # noqa: S310 - it is on this machine
                return
        except OSError:
            time.sleep(1)
        if process.poll() is not None:
            break
    raise RuntimeError(f"the server does not answer; {log} ends: {log.read_text()[-2000:]}")
