"""Locks on files: what only one thread of one process may do at a time is done by whoever holds the lock.

A process that ends, however it does, leaves no lock behind, and one that is forked off has none of its parent's.
On a file system without locks everybody gets it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from returns.result import Failure, Success

from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome
from tinkex_py.types.files import failed, reason

T = TypeVar("T")


def hold(file: Path, busy: str) -> Outcome[Callable[[], None], FileFailed]:
    """Lock the file, and return what unlocks it; where somebody else holds it, the failure says `busy`."""
    match _held(file, busy):
        case Success(opened):
            _HELD.add(opened)
            return Success(partial(_release, file, opened))
        case Failure() as failure:
            return failure


def _release(file: Path, opened: BinaryIO) -> None:
    if opened in _HELD:
        _HELD.remove(opened)
        _let_go(file, opened)


_HELD: set[BinaryIO] = set()
"""The files that this process holds."""


def _leave() -> None:
    """A process that was forked off shares the locks until it closes the files, and would keep them after the other."""
    for opened in _HELD:
        opened.close()
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave)


def alone(file: Path, busy: str, work: Callable[[], Outcome[T]]) -> Outcome[T]:
    """Do the work while the file is locked, then remove it; where somebody else holds it, the failure says `busy`."""
    held = hold(file, busy)
    if isinstance(held, Failure):
        return held
    try:
        return work()
    finally:
        held.unwrap()()


def _held(file: Path, busy: str) -> Outcome[BinaryIO, FileFailed]:
    """The file, opened and locked.

    Whoever held it before may have removed it between the two: a lock on a file without a name keeps nobody away, so
    the file is opened anew.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        while True:
            opened = file.open("ab")
            if not _locked(opened):
                opened.close()
                return Failure(FileFailed(message=busy, path=str(file)))
            if _has_name(opened, file):
                return Success(opened)
            opened.close()
    except OSError as error:
        return Failure(failed(file, f"can't be used: {reason(error)}; give another directory"))


def _has_name(opened: BinaryIO, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(opened.fileno()), file.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _locked(opened: BinaryIO) -> bool:
        try:
            msvcrt.locking(opened.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _let_go(file: Path, opened: BinaryIO) -> None:
        """An open file can't be removed here, by nobody: what others have opened meanwhile stays."""
        opened.close()
        with suppress(OSError):
            file.unlink()

else:
    import fcntl

    def _locked(opened: BinaryIO) -> bool:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # the file system has no locks
            return True
        return True

    def _let_go(file: Path, opened: BinaryIO) -> None:
        """The name goes while it is locked, so it is nobody else's; a forked child may have the file open yet."""
        with suppress(OSError):
            file.unlink()
        with suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_UN)
        opened.close()
