"""What many ask for and is done once. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from returns.result import Failure, Success

from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, spawn, wait_for

T = TypeVar("T")
E = TypeVar("E")


class Once(Generic[T, E]):
    """The outcome of one piece of work for all who ask: a success is kept, a failure is shared by those who waited.

    Work that ends in neither is begun anew by the next who asks.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        self._begun: Cell[Success[T] | Failure[E]] | None = None

    def ask(self, work: Callable[[], Plan[Success[T] | Failure[E]]]) -> Plan[Success[T] | Failure[E]]:
        """The outcome; whoever asks first has the work begin in the background, where no caller's end can stop it."""
        if self._begun is None:
            self._begun = Cell()
            yield from spawn(self._do(work(), self._begun), self._begun)
        return (yield from wait_for(self._begun))

    @property
    def done(self) -> bool:
        """Whether there is a success."""
        return self._begun is not None and self._begun.filled

    def forget(self) -> None:
        """Let the next who asks begin anew."""
        self._begun = None

    def _do(self, work: Plan[Success[T] | Failure[E]], begun: Cell[Success[T] | Failure[E]]) -> Plan[None]:
        kept = False
        try:
            outcome = yield from work
            kept = isinstance(outcome, Success)
        finally:
            if not kept and self._begun is begun:
                self._begun = None
        begun.fill(outcome)
