"""An observer that counts: requests, answers, repetitions, and how long things took. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import ceil

from msgspec import Struct

from tinkex_py.events import AnyEvent, PromiseSettled, ReplyReceived, RequestBroken, RequestSent, RetryScheduled

BUCKETS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Upper bounds of a histogram's buckets, in milliseconds; above the last there is one more."""
KEPT = 1000
"""The latest values of a histogram, from which its percentiles are read."""

_PENDING = 408

REQUESTS = "tinkex_requests_total"
SUCCESSES = "tinkex_requests_success"
FAILURES = "tinkex_requests_failure"
RETRIES = "tinkex_retries_total"
DURATION = "tinkex_request_duration_ms"
PROMISES = "tinkex_promise_duration_ms"


class Histogram(Struct, frozen=True, kw_only=True):
    """How values spread: `buckets` pairs each upper bound with the number of values at or below it."""

    count: int
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float
    buckets: tuple[tuple[float, int], ...]


class Snapshot(Struct, frozen=True, kw_only=True):
    """The counts of one moment."""

    counters: Mapping[str, int]
    gauges: Mapping[str, float]
    histograms: Mapping[str, Histogram]


class _Values:
    """The values of one histogram as they come."""

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0
        self.min, self.max = float("inf"), float("-inf")
        self.latest: deque[float] = deque(maxlen=KEPT)
        self.buckets = [0] * (len(BUCKETS) + 1)

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.min, self.max = min(self.min, value), max(self.max, value)
        self.latest.append(value)
        self.buckets[bisect_left(BUCKETS, value)] += 1

    def histogram(self) -> Histogram:
        latest = sorted(self.latest)
        return Histogram(
            count=self.count,
            mean=self.total / self.count,
            min=self.min,
            max=self.max,
            p50=percentile(latest, 0.50),
            p95=percentile(latest, 0.95),
            p99=percentile(latest, 0.99),
            buckets=tuple(zip((*BUCKETS, float("inf")), accumulate(self.buckets), strict=True)),
        )


class Metrics:
    """Counts what the clients do that it is given to; `print(metrics.summary())` shows it.

    >>> metrics = Metrics()
    >>> metrics(RequestSent(operation="optim_step", endpoint="POST /api/v1/optim_step", attempt=1))
    >>> metrics.snapshot().counters["tinkex_requests_total"]
    1
    """

    def __init__(self) -> None:
        self._counters: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._values: dict[str, _Values] = {}

    def __call__(self, event: AnyEvent) -> None:
        """Count an event."""
        match event:
            case RequestSent(operation=operation):
                self.increment(REQUESTS)
                self.increment(f"{REQUESTS}:{operation}")
            case ReplyReceived(status=status, elapsed=elapsed):
                self.increment(SUCCESSES if 200 <= status < 300 or _is_pending(event) else FAILURES)
                self.increment(f"tinkex_status_total:{status}")
                self.record_histogram(DURATION, elapsed * 1000)
            case RequestBroken():
                self.increment(FAILURES)
            case RetryScheduled(operation=operation):
                self.increment(RETRIES)
                self.increment(f"{RETRIES}:{operation}")
            case PromiseSettled(operation=operation, elapsed=elapsed, error=error):
                self.increment(f"tinkex_promises_{'kept' if error is None else 'failed'}:{operation}")
                self.record_histogram(PROMISES, elapsed * 1000)
            case _:
                pass

    def increment(self, name: str, by: int = 1) -> None:
        """Add to a counter."""
        self._counters[name] += by

    def set_gauge(self, name: str, value: float) -> None:
        """Set a value that goes up and down."""
        self._gauges[name] = value

    def record_histogram(self, name: str, value: float) -> None:
        """Add a value to a histogram; the buckets are in milliseconds."""
        self._values.setdefault(name, _Values()).add(value)

    def snapshot(self) -> Snapshot:
        """What was counted so far."""
        return Snapshot(
            counters=dict(self._counters),
            gauges=dict(self._gauges),
            histograms={name: values.histogram() for name, values in tuple(self._values.items()) if values.latest},
        )

    def reset(self) -> None:
        """Begin anew."""
        self._counters.clear()
        self._gauges.clear()
        self._values.clear()

    def summary(self) -> str:
        """What was counted, as lines for a person."""
        now = self.snapshot()
        rows = [(name, f"{count}") for name, count in sorted(now.counters.items())]
        rows += [(name, f"{value:g}") for name, value in sorted(now.gauges.items())]
        rows += [(name, _spread(histogram)) for name, histogram in sorted(now.histograms.items())]
        width = max((len(name) for name, _ in rows), default=0)
        return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted values that at least `share` of them don't exceed.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5)
    2.0
    """
    return values[max(0, ceil(share * len(values)) - 1)]


def _is_pending(event: ReplyReceived) -> bool:
    """Whether it says that a promise is not settled yet, as most answers do where work takes long."""
    return event.operation == "retrieve_future" and event.status == _PENDING


def _spread(histogram: Histogram) -> str:
    shown = ("p50", histogram.p50), ("p95", histogram.p95), ("p99", histogram.p99), ("max", histogram.max)
    return f"{histogram.count} values; " + ", ".join(f"{name} {value:.1f}" for name, value in shown)
