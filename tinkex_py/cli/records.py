"""The log of a training: a line of JSON for each step, written as steps end, and read again to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

import msgspec
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome
from tinkex_py.types.files import failed, reason

_NO_CURVES = frozenset({"step", "learning_rate"})
_FIRST = ("loss", "reward")
_MOST = 2**53
"""Steps that are counted: all of them are numbers of JSON."""


class Curve(Struct, frozen=True):
    """What a number was at which steps."""

    name: str
    steps: Sequence[float]
    values: Sequence[float]


class _Counted(Struct, frozen=True):
    step: int = 0
    checkpoint: object = None


class StepLog:
    """Adds a line for each step to a file, which a training that is resumed goes on with; None writes nothing."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._open: TextIO | None = None
        self.last = 0
        """The step to count on from: the last that was in the file when it was opened, or the resumed checkpoint's."""

    def begin(self, resumed: str | None = None) -> Outcome[Self, FileFailed]:
        """Open the file, after a newline where a program that was killed left half a line, or say why it can't be.

        Steps that were taken after the checkpoint that is `resumed` are taken once more, and have their numbers again.
        """
        if self._file is None:
            return Success(self)
        try:
            before = self._file.read_bytes() if self._file.is_file() else b""
            lines = [_counted(line) for line in before.splitlines()]
            behind = [line.step for line in lines if resumed is not None and line.checkpoint == resumed]
            self.last = behind[-1] if behind else max((line.step for line in lines), default=0)
            self._open = self._file.open("a", encoding="utf-8")
            _ = self._open.write("\n" if before and not before.endswith(b"\n") else "")
        except OSError as error:
            return Failure(failed(self._file, f"can't be written: {reason(error)}"))
        return Success(self)

    def add(self, values: Mapping[str, float | str]) -> Outcome[None, FileFailed]:
        """Write one step, which is in the file when this returns, or say why it can't be."""
        if self._file is None or self._open is None:
            return Success(None)
        line = {**values, "time": datetime.now(UTC).isoformat(timespec="milliseconds")}
        try:
            _ = self._open.write(msgspec.json.encode(line).decode() + "\n")
            self._open.flush()
        except OSError as error:
            return Failure(failed(self._file, f"can't be written: {reason(error)}"))
        return Success(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._open is not None:
            with suppress(OSError):  # what can't be written is tried once more, and `add` has said so
                self._open.close()


def read_curves(file: Path, names: Sequence[str] = ()) -> Outcome[tuple[Curve, ...], FileFailed]:
    """The named numbers of a log, or all there are, loss and reward first; `step` is the line where none is given."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        return Failure(failed(file, f"can't be read: {reason(error)}"))
    points: dict[str, list[tuple[float, float]]] = {}
    for number, line in enumerate(lines, 1):
        try:
            _collect(points, number, msgspec.json.decode(line, type=dict[str, Any]) if line.strip() else {})
        except (RecursionError, OverflowError):
            what = "it is nested too deep, or has a number that is too large"
            return Failure(failed(file, f"line {number}: {what}; mend that line", number))
        except msgspec.DecodeError as error:
            if number == len(lines) or _is_half(line):
                continue
            return Failure(failed(file, f"line {number}: {error}; mend that line", number))
    return _chosen(file, points, names)


def _collect(points: dict[str, list[tuple[float, float]]], number: int, record: Mapping[str, Any]) -> None:
    step = record.get("step", number)
    for name, value in record.items():
        if _is_number(value) and _is_number(step) and name not in _NO_CURVES:
            points.setdefault(name, []).append((step, value))


def _chosen(
    file: Path, points: Mapping[str, list[tuple[float, float]]], names: Sequence[str]
) -> Outcome[tuple[Curve, ...], FileFailed]:
    missing = [name for name in names if name not in points]
    if missing or not points:
        there = f"there are {', '.join(points)}" if points else "it has no numbers by name"
        return Failure(failed(file, f"has no {', '.join(missing) or 'curve'}; {there}"))
    first = [name for name in _FIRST if name in points]
    order = names or [*first, *(name for name in points if name not in first)]
    return Success(tuple(Curve(name, *map(tuple, zip(*points[name], strict=True))) for name in order))


def _counted(line: bytes) -> _Counted:
    """What a line of a log says of its step, which is 0 where there is none that could be counted on from."""
    try:
        counted = msgspec.json.decode(line, type=_Counted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Counted()
    return counted if counted.step < _MOST else _Counted()


def _is_half(line: str) -> bool:
    """What a program that was killed leaves, before the lines of one that went on."""
    return line.startswith("{") and not line.rstrip().endswith("}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
