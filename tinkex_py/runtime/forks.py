"""What has to begin anew in a process that was forked off, where no thread of the parent goes on."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something that a child process can't use as it is."""

    def renew(self) -> None:
        """Begin anew."""
        ...


_LIVING: WeakSet[Renewable] = WeakSet()


def renew_after_fork(thing: Renewable) -> None:
    """Renew it in every process that will be forked off this one."""
    _LIVING.add(thing)


def _renew() -> None:
    for thing in tuple(_LIVING):
        thing.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
