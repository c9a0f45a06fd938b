"""The progress display shows what is promised, what is done, and what the server waits for."""

from __future__ import annotations

import io

from rich.console import Console

from tinkex_py import errors
from tinkex_py.events import (
    AnyEvent,
    ChunkTaken,
    PromiseMade,
    PromisePolled,
    PromiseSettled,
    RetryScheduled,
    SessionStarted,
)
from tinkex_py.observers.progress import ProgressObserver

FAULT = errors.ServerFault(message="it failed", status=503)


def shown(*events: AnyEvent) -> str:
    page = io.StringIO()
    with ProgressObserver(Console(file=page, width=120)) as progress:
        for event in events:
            progress(event)
    return page.getvalue()


def polled(state: str | None, reason: str | None = None) -> AnyEvent:
    return PromisePolled(operation="a", promise="p", iteration=1, elapsed=1, queue_state=state, reason=reason)


MADE = PromiseMade(operation="a", promise="p")
KEPT = PromiseSettled(operation="a", promise="p", elapsed=1)


def test_each_kind_of_work_has_a_line() -> None:
    page = shown(MADE, MADE, PromiseMade(operation="b", promise="q"), KEPT, SessionStarted(session_id="s"))
    assert "1/2" in page
    assert "0/1" in page


def test_a_line_says_what_the_work_waits_for() -> None:
    assert "too many cooks" in shown(MADE, polled("paused_capacity", "too many cooks"))
    assert "paused_capacity" in shown(MADE, polled("paused_capacity"))
    assert "paused" not in shown(MADE, polled("paused_capacity"), polled("active"))


def test_a_servers_words_are_no_markup_and_move_nothing_on_the_screen() -> None:
    page = shown(MADE, polled("paused_capacity", "see [red]limits[/limits]\n\x1b[2Jand wait"))
    assert "see [red]limits[/limits]  [2Jand wait" in page


def test_a_line_says_how_much_of_a_batch_the_server_has() -> None:
    def taken(count: int) -> AnyEvent:
        return ChunkTaken(model_id="m", operation="a", number=count, taken=count, count=2)

    assert "chunk 1 of 2" in shown(taken(1), MADE)
    assert "chunk" not in shown(taken(1), MADE, taken(2), MADE)


def test_a_line_says_what_went_wrong() -> None:
    retry = RetryScheduled(operation="a", endpoint="POST /a", attempt=1, delay=0.5, error=FAULT)
    assert "again in 0.5 s" in shown(MADE, retry)
    assert "again" not in shown(retry)
    assert "ServerFault" in shown(MADE, PromiseSettled(operation="a", promise="p", elapsed=1, error=FAULT))
