"""The count of what was replayed, at the end of the tests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: how many recordings were replayed, how many differ as the table says, how many can't be replayed."""
    judge: Any = sys.modules.get("tests.replay.judge")
    if judge is not None and judge.complete():
        terminalreporter.write_line(judge.summary())
