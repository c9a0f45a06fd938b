"""The table of differences on purpose, read from the page that shows it to people."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.replay.comparing import Difference

PAGE = Path(__file__).parent.parent.parent / "docs" / "differences.md"


class Row(NamedTuple):
    """A kind of difference that is meant, and why; `*` in a cell stands for anything."""

    case: str
    request: str
    part: str
    recorded: str
    ours: str
    reason: str

    def excuses(self, difference: Difference) -> bool:
        return all(_fits(pattern, text) for pattern, text in zip(self, difference, strict=False))


@cache
def rows() -> tuple[Row, ...]:
    """The page's rows, top to bottom."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return tuple(_row(line) for line in lines[2:])


def _row(line: str) -> Row:
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    case, request, part, recorded, ours, reason = map(_unquoted, cells)
    return Row(case, request, part, recorded, ours, reason)


def _unquoted(cell: str) -> str:
    return cell[1:-1] if cell.startswith("`") and cell.endswith("`") else cell


def _fits(pattern: str, text: str) -> bool:
    """Whether one of the pattern's alternatives, parted by ` or `, is the text."""
    return any(re.fullmatch(".*".join(map(re.escape, each.split("*"))), text) for each in pattern.split("` or `"))
