"""Metrics count what events tell."""

from __future__ import annotations

import sys
import threading

from tinkex_py import errors
from tinkex_py.events import (
    AnyEvent,
    PromiseSettled,
    ReplyReceived,
    RequestBroken,
    RequestSent,
    RetryScheduled,
    SessionStarted,
)
from tinkex_py.observers.metrics import BUCKETS, DURATION, KEPT, Histogram, Metrics

FAULT = errors.ServerFault(message="it failed", status=503)
EVENTS: list[AnyEvent] = [
    RequestSent(operation="a", endpoint="POST /a", attempt=1),
    ReplyReceived(operation="a", endpoint="POST /a", status=503, elapsed=0.25),
    RetryScheduled(operation="a", endpoint="POST /a", attempt=1, delay=0.5, error=FAULT),
    RequestSent(operation="a", endpoint="POST /a", attempt=2),
    ReplyReceived(operation="a", endpoint="POST /a", status=200, elapsed=0.75),
    RequestSent(operation="b", endpoint="POST /b", attempt=1),
    RequestBroken(operation="b", endpoint="POST /b", error=FAULT, elapsed=1),
    PromiseSettled(operation="a", promise="p", elapsed=2),
    PromiseSettled(operation="a", promise="q", elapsed=3, error=FAULT),
    SessionStarted(session_id="s"),
]


def counted() -> Metrics:
    metrics = Metrics()
    for event in EVENTS:
        metrics(event)
    return metrics


def test_requests_answers_and_repetitions_are_counted() -> None:
    assert counted().snapshot().counters == {
        "tinkex_requests_total": 3,
        "tinkex_requests_total:a": 2,
        "tinkex_requests_total:b": 1,
        "tinkex_requests_success": 1,
        "tinkex_requests_failure": 2,
        "tinkex_retries_total": 1,
        "tinkex_retries_total:a": 1,
        "tinkex_status_total:200": 1,
        "tinkex_status_total:503": 1,
        "tinkex_promises_kept:a": 1,
        "tinkex_promises_failed:a": 1,
    }


def test_a_promise_that_is_pending_is_no_failure() -> None:
    metrics = Metrics()
    for operation in ("retrieve_future", "asample"):
        metrics(ReplyReceived(operation=operation, endpoint=f"POST /api/v1/{operation}", status=408, elapsed=20))
    counters = metrics.snapshot().counters
    assert counters == {"tinkex_requests_success": 1, "tinkex_requests_failure": 1, "tinkex_status_total:408": 2}


def test_durations_spread_over_buckets() -> None:
    assert counted().snapshot().histograms[DURATION] == Histogram(
        count=2,
        mean=500.0,
        min=250.0,
        max=750.0,
        p50=250.0,
        p95=750.0,
        p99=750.0,
        buckets=tuple((bound, (bound >= 500) + (bound >= 1000)) for bound in (*BUCKETS, float("inf"))),
    )


def test_percentiles_are_those_of_the_latest_values() -> None:
    metrics = Metrics()
    for value in range(KEPT * 2):
        metrics.record_histogram("x", value)
    histogram = metrics.snapshot().histograms["x"]
    assert (histogram.count, histogram.min) == (2000, 0)
    assert (histogram.p50, histogram.p95, histogram.p99, histogram.max) == (1499, 1949, 1989, 1999)


def test_what_is_counted_meanwhile_harms_no_snapshot() -> None:
    """A histogram that another thread is about to begin has no values yet."""
    metrics, ended = Metrics(), threading.Event()

    def count() -> None:
        for number in range(3000):
            metrics.record_histogram(f"x{number}", 1)
        ended.set()

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        counting = threading.Thread(target=count)
        counting.start()
        while not ended.is_set():
            assert all(each.count for each in metrics.snapshot().histograms.values())
        counting.join()
    finally:
        sys.setswitchinterval(before)


def test_a_summary_has_a_line_for_everything() -> None:
    metrics = Metrics()
    metrics.increment("requests", 2)
    metrics.set_gauge("load", 0.5)
    metrics.record_histogram("took", 2)
    assert metrics.summary().splitlines() == [
        "requests  2",
        "load      0.5",
        "took      1 values; p50 2.0, p95 2.0, p99 2.0, max 2.0",
    ]
    metrics.reset()
    assert metrics.summary() == ""
