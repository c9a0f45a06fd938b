"""Temporary folders, each deleted at the end by the process that made it: one that is forked off ends too."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path


def temporary(owner: object, prefix: str) -> tuple[Path, Callable[[], object]]:
    """A new folder that is there as long as its owner, and what deletes it before."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    return folder, weakref.finalize(owner, _delete, folder, os.getpid())


def _delete(folder: Path, maker: int) -> None:
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)
