"""The log says what a person wants to know, and says it seldom."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Generator, Sequence
from typing import Literal

import pytest

from tinkex_py import Config, errors
from tinkex_py.config.checks import LEVELS
from tinkex_py.events import (
    AnyEvent,
    CircuitChanged,
    EventsDropped,
    HeartbeatMissed,
    ModelUnlisted,
    Paused,
    PromiseMade,
    PromisePolled,
    PromiseSettled,
    RecoveryFailed,
    ReplyReceived,
    RequestBroken,
    RequestSent,
    RetryScheduled,
    RunCorrupted,
    RunRecovered,
    SamplingSessionless,
    ServerMessage,
    SessionOver,
    SessionStarted,
)
from tinkex_py.observers.logs import LoggingObserver

FAULT = errors.ServerFault(message="it failed", status=503)


def polled(operation: str, at: float, state: str | None = "paused_capacity", reason: str | None = None) -> AnyEvent:
    return PromisePolled(
        operation=operation, promise="p", iteration=1, elapsed=1.0, queue_state=state, reason=reason, at=at
    )


def lines(caplog: pytest.LogCaptureFixture, events: Sequence[AnyEvent], level: int = logging.INFO) -> list[str]:
    observer = LoggingObserver()
    with caplog.at_level(level, "tinkex_py"):
        for event in events:
            observer(event)
    return [f"{record.levelname} {record.message}" for record in caplog.records]


def times(caplog: pytest.LogCaptureFixture, operation: str) -> list[str]:
    said = lines(caplog, [polled(operation, at) for at in range(0, 1100, 10)])
    return [line.split(" for ")[1].split(" s ")[0] for line in said]


def test_a_paused_sampling_queue_is_told_at_once_and_then_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    assert times(caplog, "asample") == [str(at) for at in range(0, 1100, 60)]


def test_what_a_server_says_is_part_of_one_line(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(caplog, [ServerMessage(level="info", text="hello\nERROR \x1b[2Jall is lost")])
    assert said == ["INFO the server says: hello ERROR  [2Jall is lost"]


def test_a_paused_training_queue_is_told_after_a_quarter_of_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    assert times(caplog, "forward_backward") == ["900", "960", "1020", "1080"]


MOVING: list[AnyEvent] = [
    polled("optim_step", 890, "active"),
    PromiseSettled(operation="optim_step", promise="p", elapsed=1),
]


@pytest.mark.parametrize("end", MOVING)
def test_what_moves_on_begins_its_grace_anew(caplog: pytest.LogCaptureFixture, end: AnyEvent) -> None:
    assert lines(caplog, [polled("optim_step", 0), end, polled("optim_step", 900)]) == []


WHYS = {
    "the server's own": ("paused_capacity", "too many cooks", "too many cooks"),
    "ours for a known state": ("paused_capacity", None, "the service is short of capacity"),
    "the word itself": ("paused_by_moon", None, "its state is paused_by_moon"),
}


@pytest.mark.parametrize(("state", "reason", "why"), WHYS.values(), ids=WHYS)
def test_a_pause_has_a_reason(caplog: pytest.LogCaptureFixture, state: str, reason: str | None, why: str) -> None:
    said = lines(caplog, [polled("asample", 5, state, reason)])
    assert said == [f"WARNING sampling is paused for 0 s now: {why}"]


def retry(attempt: int, at: float) -> AnyEvent:
    return RetryScheduled(operation="o", endpoint="POST /o", attempt=attempt, delay=0.5, error=FAULT, at=at)


def test_the_first_repetition_is_info_and_further_ones_warn_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(caplog, [retry(1, 0), retry(2, 1), retry(3, 2), retry(4, 61)])
    assert said == [
        "INFO o: attempt 1 failed, the next is in 0.5 s (it failed)",
        "WARNING o: attempt 2 failed, the next is in 0.5 s (it failed)",
        "WARNING o: attempt 4 failed, the next is in 0.5 s (it failed)",
    ]


def missed(at: float) -> AnyEvent:
    return HeartbeatMissed(session_id="s", since=120 + at, error=FAULT, at=at)


def paused(reason: Literal["backpressure", "billing"], at: float) -> AnyEvent:
    return Paused(operation="o", reason=reason, seconds=2.0, error=FAULT, at=at)


SAID: dict[str, tuple[list[AnyEvent], list[str]]] = {
    "start": ([SessionStarted(session_id="s")], ["INFO session s began"]),
    "over": ([SessionOver(session_id="s")], ["WARNING the server ended session s: make a new client"]),
    "message": ([ServerMessage(level="error", text="hear")], ["ERROR the server says: hear"]),
    "message of a strange level": ([ServerMessage(level="shout", text="hear")], ["INFO the server says: hear"]),
    "unlisted": (
        [ModelUnlisted(model="m", wanted="trainable")],
        ["INFO the server doesn't list m; whether it is trainable shows when it is used"],
    ),
    "no session": (
        [SamplingSessionless(source="m", error=FAULT)],
        ["INFO the server opens no session to sample from m (it failed): it is sampled from without one"],
    ),
    "backpressure": ([paused("backpressure", 0)], ["INFO o waits 2.0 s because of backpressure (it failed)"]),
    "billing": (
        [paused("billing", 0), paused("billing", 59), paused("billing", 60)],
        ["WARNING o waits 2.0 s because of billing (it failed)"] * 2,
    ),
    "circuit": (
        [CircuitChanged(open=True, failures=5), CircuitChanged(open=False, failures=0)],
        [
            "WARNING 5 operations in a row failed: nothing is sent for a while",
            "INFO the server is well again: requests are sent as before",
        ],
    ),
    "recovery": (
        [
            RunCorrupted(training_run_id="r", checkpoint="c"),
            RecoveryFailed(training_run_id="r", attempt=1, delay=5.0, error=FAULT),
            RunRecovered(training_run_id="r", checkpoint="c"),
        ],
        [
            "WARNING r is corrupted: going on from c",
            "WARNING r: going on failed 1 times, the next try is in 5.0 s (it failed)",
            "INFO r goes on from c",
        ],
    ),
    "dropped": (
        [EventsDropped(count=3)],
        ["WARNING 3 events came too fast for the observers and were dropped"],
    ),
    "missed": (
        [missed(0), missed(10), missed(60)],
        [
            "WARNING session s: no sign of life was answered for 120 s (it failed)",
            "WARNING session s: no sign of life was answered for 180 s (it failed)",
        ],
    ),
}


@pytest.mark.parametrize(("events", "said"), SAID.values(), ids=SAID)
def test_milestones_and_troubles_are_told(
    caplog: pytest.LogCaptureFixture, events: list[AnyEvent], said: list[str]
) -> None:
    assert lines(caplog, events) == said


@pytest.mark.parametrize(
    "routine",
    [
        PromiseSettled(operation="asample", promise="p", elapsed=2),
        polled("asample", 1, "active"),
        polled("asample", 1, None),
    ],
    ids=["kept", "worked on", "of unknown state"],
)
def test_a_promise_that_goes_well_is_routine_unless_it_ends_a_pause(routine: AnyEvent) -> None:
    observer, paused = LoggingObserver(), polled("asample", 1)
    before = observer.cares(routine)
    cared = observer.cares(paused)
    observer(paused)
    assert (before, cared, observer.cares(routine)) == (False, True, True)


def test_routine_is_of_interest_to_those_who_look_for_mistakes(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "tinkex_py"):
        assert LoggingObserver().cares(RequestSent(operation="o", endpoint="POST /o", attempt=1))


def test_requests_are_told_to_those_who_look_for_mistakes(caplog: pytest.LogCaptureFixture) -> None:
    events: list[AnyEvent] = [
        RequestSent(operation="o", endpoint="POST /o", attempt=1),
        ReplyReceived(operation="o", endpoint="POST /o", status=200, elapsed=0.25),
        RequestBroken(operation="o", endpoint="POST /o", error=FAULT, elapsed=0.25),
        PromiseSettled(operation="o", promise="p", elapsed=2, error=FAULT),
        PromiseMade(operation="o", promise="p"),
    ]
    assert lines(caplog, events) == []
    assert [LoggingObserver().cares(event) for event in events] == [False, False, False, True, False]
    assert lines(caplog, events, logging.DEBUG) == [
        "DEBUG POST /o: attempt 1",
        "DEBUG POST /o: 200 after 0.250 s",
        "DEBUG POST /o: it failed",
        "DEBUG o: promise p settled after 2.0 s",
        "DEBUG PromiseMade(at=0.0, operation='o', promise='p')",
    ]


@pytest.fixture
def untouched() -> Generator[logging.Logger]:
    log = logging.getLogger("tinkex_py")
    level, handlers = log.level, log.handlers[:]
    yield log
    log.setLevel(level)
    log.handlers[:] = handlers


def test_the_settings_give_the_level(untouched: logging.Logger) -> None:
    LoggingObserver.at("loudly")
    LoggingObserver.at(None)
    assert untouched.handlers == []
    LoggingObserver.at("Debug")
    LoggingObserver.at("info")
    assert (untouched.level, len(untouched.handlers)) == (logging.INFO, 1)


def test_a_line_for_stderr_has_its_time_and_level_and_is_written_once(
    untouched: logging.Logger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    LoggingObserver.at("info")(SessionStarted(session_id="s-1"))
    line = capsys.readouterr().err
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO session s-1 began\n", line)
    logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
    LoggingObserver(untouched)(SessionStarted(session_id="s-2"))
    assert capsys.readouterr().err == "session s-2 began\n"


NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


@pytest.mark.parametrize("word", sorted({*NUMBERS, *LEVELS}))
def test_every_word_for_a_level_is_one_of_the_settings_and_of_the_log(word: str, untouched: logging.Logger) -> None:
    LoggingObserver.at(Config.from_env({"TINKER_LOG": word}).unwrap().log)
    assert untouched.level == NUMBERS[word]
