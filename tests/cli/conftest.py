"""One embedded server for all tests of the command line, with a run, checkpoints and a session in it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.cli.running import COMMAND, ENVIRONMENT, Stock, is_ours, stocked


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stock]:
    folder = tmp_path_factory.mktemp("served")
    words = [*COMMAND, "serve", "--port", "0", "--directory", str(folder), "--format", "jsonl"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as served:
        assert served.stdout is not None
        yield stocked(served.stdout.readline())
        served.terminate()


HEARD: dict[str, signal.Handlers | Callable[[int, FrameType | None], object]] = {
    "SIGINT": signal.default_int_handler,
    "SIGHUP": signal.SIG_DFL,
}


@pytest.fixture(scope="session", autouse=True)
def signals_are_heard() -> Iterator[None]:
    """By the programs begun here: a shell has those in its background ignore Ctrl-C, nohup a closed terminal."""
    numbers = {getattr(signal, name): handler for name, handler in HEARD.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    for number, handler in before.items():
        _ = signal.signal(number, handler)


@pytest.fixture(autouse=True)
def nobody_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server, no key, no width and no wish for colours of this machine reaches a test."""
    for name in filter(is_ours, [*os.environ]):
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")  # one that is dumb has 80 columns, whatever else is said
    monkeypatch.setenv("TINKEX_CREDENTIALS_FILE", str(tmp_path / "credentials.json"))
    monkeypatch.chdir(tmp_path)
