"""An observer that draws the work under way; needs the extra `cli`."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tinkex_py.events import AnyEvent, ChunkTaken, PromiseMade, PromisePolled, PromiseSettled, RetryScheduled
from tinkex_py.types.raised import one_line


class ProgressObserver:
    """A line for each kind of work: how much was promised, how much is done, and what the server waits for.

    >>> with ProgressObserver(Console(quiet=True)) as progress:
    ...     progress(PromiseMade(operation="optim_step", promise="p-1"))
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="yellow", markup=False),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, event: AnyEvent) -> None:
        """Draw an event."""
        match event:
            case PromiseMade(operation=operation):
                task = self._task(operation)
                self._progress.update(task, total=(self._progress.tasks[task].total or 0) + 1)
            case PromiseSettled(operation=operation, error=error):
                note = "" if error is None else type(error).__name__
                self._progress.update(self._task(operation), advance=1, note=note)
            case PromisePolled(operation=operation, queue_state=state, reason=reason, paused=paused):
                self._progress.update(self._task(operation), note=one_line(reason or state or "") if paused else "")
            case ChunkTaken(operation=operation, taken=taken, count=count):
                note = f"chunk {taken} of {count}" if taken < count else ""
                self._progress.update(self._task(operation), note=note)
            case RetryScheduled(operation=operation, delay=delay) if operation in self._tasks:
                self._progress.update(self._task(operation), note=f"again in {delay:.1f} s")
            case _:
                pass

    def _task(self, operation: str) -> TaskID:
        if operation not in self._tasks:
            self._tasks[operation] = self._progress.add_task(operation, total=0, note="")
        return self._tasks[operation]
