"""The command on a real pseudo-terminal: what a person sees, of any width, who may type and press Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.cli.running import COMMAND, ENVIRONMENT

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_PATIENCE = 60.0
NOTHING: Mapping[str, str] = {}


class Seen(NamedTuple):
    """How a command ended, and everything that it wrote."""

    status: int
    raw: str

    @property
    def text(self) -> str:
        """Without colours and movements."""
        return _CODES.sub("", self.raw).replace("\r\n", "\n")


class Terminal:
    """A running command; what it writes is read as it comes."""

    def __init__(self, process: int, master: int) -> None:
        self._process = process
        self._master = master
        self.raw = ""

    def until(self, text: str) -> None:
        """Read until it has written that, or has ended."""
        self._read(lambda: text in self.raw)

    def press(self, keys: str) -> None:
        """Type keys, of which Ctrl-C is one."""
        _ = os.write(self._master, keys.encode())

    def ended(self) -> Seen:
        """Wait for its end."""
        self._read(lambda: False)
        _, status = os.waitpid(self._process, 0)
        os.close(self._master)
        return Seen(os.waitstatus_to_exitcode(status), self.raw)

    def hang_up(self) -> None:
        """Close the terminal, and wait for the command's end."""
        os.close(self._master)
        _ = os.waitpid(self._process, 0)

    def _read(self, enough: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not enough():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._master], [], [], left)[0]:
                os.kill(self._process, signal.SIGKILL)
                raise AssertionError(f"nothing more came within {_PATIENCE:g} s after: {self.raw[-500:]}")
            try:
                chunk = os.read(self._master, 65536)
            except OSError:  # the other end is closed
                return
            if not chunk:
                return
            self.raw += chunk.decode("utf-8", "replace")


def opened(
    *words: str, folder: Path, environment: Mapping[str, str] = NOTHING, width: int = 80, before: str = ""
) -> Terminal:
    """The command, begun on a terminal of that width; `before` is Python that is run first."""
    kept = {name: text for name, text in ENVIRONMENT.items() if name != "COLUMNS"}
    process, master = pty.fork()
    if process == 0:
        os.chdir(folder)
        command = [*COMMAND[:-1], before + COMMAND[-1]]
        os.execve(command[0], [*command, *words], {**kept, "TERM": "xterm-256color", **environment})
    _ = fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    return Terminal(process, master)


def seen(*words: str, folder: Path, environment: Mapping[str, str] = NOTHING, width: int = 80) -> Seen:
    """The command from beginning to end."""
    return opened(*words, folder=folder, environment=environment, width=width).ended()
