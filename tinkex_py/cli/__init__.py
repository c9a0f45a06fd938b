"""The command line: `tinkex`.

What every command has
    commands, options, invocation        all commands, the options they share, and one run of one of them
    tables, display                      results as tables, and values as people read them
    asides, complaints                   what is said beside the results, and what to do about errors

The commands
    training, sampling                   `tinkex demo`, `train`, `checkpoint save` and `sample`
    runs, checkpoints, sessions, models  what there is
    deleting, downloading, pushing       what else is done with checkpoints
    auth, billing, doctor                who is using the server, what was used, and what is amiss
    serving, plotting, versions          a server, pictures of curves, and which version this is

What they are made of
    texts, lessons                       a training's texts, and its loop
    teaching, interrupts                 how it is shown, and how it is interrupted
    records, sparkline, pictures         its log, and its curves
    surprise                             log-probabilities as colours
    cards, hub                           an adapter's README, and the Hugging Face hub
    probes                               what the doctor asks a server
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

INTERRUPTED = 130
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main() -> None:
    """Run the command; Ctrl-C ends it with status 130, also while its packages are being imported."""
    reconfigure: Callable[..., None] | None = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # names may have letters that a terminal has no codes for
        reconfigure(errors="backslashreplace")
    try:
        _run()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    finally:
        _let_go(sys.stderr)


def _run() -> None:
    """The command; a plain sentence when the packages that it needs are missing."""
    try:
        from click import Abort, ClickException

        from tinkex_py.cli.commands import tinkex
    except ImportError as error:
        sys.exit(f"the command line needs a package that is not installed ({error.name}): pip install 'tinkex-py[cli]'")
    try:
        sys.exit(tinkex.main(prog_name="tinkex", standalone_mode=False))
    except ClickException as problem:
        with suppress(OSError):  # nobody can be told
            problem.show()
        sys.exit(problem.exit_code)
    except Abort as ending:
        sys.exit(1 if isinstance(ending.__cause__, EOFError) else INTERRUPTED)
    except Exception as bug:  # noqa: BLE001 - whatever it is, nobody should have to read a stack trace
        sys.exit(_unwritten(bug) or _report(bug))


def _unwritten(bug: Exception) -> str | None:
    """What to say when the output takes no more; a file that a command opens itself would have a name."""
    if not isinstance(bug, OSError) or bug.filename is not None or bug.errno not in _FULL:
        return None
    _write_no_more(sys.stdout)
    return (
        f"Error: the output can't be written: {bug.strerror}\n"
        "What to do: make room there or send it elsewhere, then run the command again"
    )


def _let_go(stream: TextIO | None) -> None:
    """Have what was said be written by now, or go nowhere: the status is that of the command."""
    if stream is not None:
        try:
            stream.flush()
        except OSError:
            _write_no_more(stream)


def _write_no_more(stream: TextIO) -> None:
    """Have what is still to be written go nowhere: Python would complain, and end with a status of its own."""
    with suppress(OSError, ValueError):
        _ = os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report(bug: Exception) -> str:
    if "-vv" in sys.argv:
        traceback.print_exception(bug)
    from tinkex_py.types.raised import in_words

    return (
        f"Error: this is a bug of tinkex: {in_words(bug)}\n"
        "What to do: run the command again with -vv, and report what it prints"
    )
