"""Environments of their own for what is run beside this package, made once and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(os.environ.get("TINKEX_INTEROP", Path.home() / ".cache" / "tinkex-interop"))
"""Where the environments are kept."""


def interpreter(name: str, *requirements: str, alone: Sequence[str] = ()) -> Path:
    """The Python of an environment that has the requirements, and those of `alone` without what they ask for.

    It is made when it isn't there.
    """
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / "made"
    wanted = "\n".join((*requirements, *alone))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"Making {folder}", file=sys.stderr, flush=True)
    run(sys.executable, "-m", "venv", "--clear", str(folder))
    install = (str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run(*install, *requirements)
    if alone:
        run(*install, "--no-deps", "--ignore-requires-python", *alone)
    _ = stamp.write_text(wanted)
    return python


def run(*command: str) -> None:
    """Run a command to its end; CalledProcessError when it fails."""
    _ = subprocess.run(command, check=True, stdout=sys.stderr)
