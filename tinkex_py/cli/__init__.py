"""The command line: `tinkex`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; a plain sentence when the packages that it needs are missing."""
    try:
        from tinkex_py.cli.commands import tinkex
    except ImportError as error:
        sys.exit(f"the command line needs a package that is not installed ({error.name}): pip install 'tinkex-py[cli]'")
    tinkex(prog_name="tinkex")
