"""Environments of their own for what is run beside this package, made once and kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("TINKEX_INTEROP", Path.home() / ".cache" / "tinkex-interop"))
"""Where the environments are kept."""


def interpreter(name: str, *requirements: str) -> Path:
    """The Python of an environment that has the requirements; it is made when it isn't there."""
    folder = FOLDER / name
    python, stamp = folder / "bin" / "python", folder / "made"
    if stamp.exists() and stamp.read_text() == "\n".join(requirements):
        return python
    print(f"Making {folder}", file=sys.stderr, flush=True)
    run(sys.executable, "-m", "venv", "--clear", str(folder))
    run(str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *requirements)
    _ = stamp.write_text("\n".join(requirements))
    return python


def run(*command: str) -> None:
    """Run a command to its end; CalledProcessError when it fails."""
    _ = subprocess.run(command, check=True, stdout=sys.stderr)
