"""Who watches a client: the observers that it was given, or the log."""

from __future__ import annotations

from collections.abc import Sequence

from tinkex_py.config import Config
from tinkex_py.observers.logs import LoggingObserver
from tinkex_py.runtime.observing import Observer


def watching_with(observers: Sequence[Observer] | None, config: Config) -> Sequence[Observer]:
    """The given observers; the log where nothing was given, and beside them where TINKER_LOG asks for it."""
    if observers is None:
        return (LoggingObserver.at(config.log),)
    return observers if config.log is None else (LoggingObserver.at(config.log), *observers)
