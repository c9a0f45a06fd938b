"""The command line: `tinkex`."""

from __future__ import annotations

import os
import sys

INTERRUPTED = 130


def main() -> None:
    """Run the command; a plain sentence when the packages that it needs are missing. Ctrl-C ends with status 130."""
    # Two BLAS threads wait for one another by spinning: beside another busy process, steps take twice as long.
    _ = os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        from click import Abort, ClickException

        from tinkex_py.cli.commands import tinkex
    except ImportError as error:
        sys.exit(f"the command line needs a package that is not installed ({error.name}): pip install 'tinkex-py[cli]'")
    try:
        sys.exit(tinkex.main(prog_name="tinkex", standalone_mode=False))
    except ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
