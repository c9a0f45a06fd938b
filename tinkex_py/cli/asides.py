"""What is said beside the results, which nothing depends on."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any


class Asides:
    """A stream; what it can't take is lost, so that a terminal that was closed ends no work."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it, if that can be done."""
        with suppress(OSError):
            _ = self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Have it written by now, if that can be done."""
        with suppress(OSError):
            self._stream.flush()
