"""What a server is asked to find out what it knows: questions that change nothing, sent at the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from time import perf_counter
from typing import NamedTuple

from returns.result import Failure, Success

from tinkex_py.clients.service import ServiceClient
from tinkex_py.endpoints import admin, checkpoints, keys, runs, service, sessions
from tinkex_py.errors import DeadlineExceeded, StatusCause, TinkerError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.dialects import dialect_of
from tinkex_py.plans.effects import deadline
from tinkex_py.plans.retry import Policy
from tinkex_py.request import AnyRequest, Reply
from tinkex_py.types.batch import Dialect
from tinkex_py.types.service import GetServerCapabilitiesResponse
from tinkex_py.types.sessions import SessionSearchRequest
from tinkex_py.version import PROTOCOL_VERSION
from tinkex_py.wire.dates import http_date

_SECONDS = 7.0
"""For all questions together: a check-up must be over in ten seconds."""
_ROUNDS = 3
_UNKNOWN = frozenset({404, 405, 501})


class Ability(NamedTuple):
    """Something that servers know since a release, how to ask for it, and what goes on without it."""

    name: str
    since: str
    request: AnyRequest
    without: str


class Found(NamedTuple):
    """What a server was found to be."""

    capabilities: Outcome[GetServerCapabilitiesResponse]
    dialect: Outcome[Dialect]
    abilities: Mapping[str, Outcome[Reply]]
    latency: float | None
    """Seconds of a small question, in the middle of several."""


def abilities() -> Sequence[Ability]:
    """Everything that is asked."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return (
        Ability("training runs", "0.7", runs.list_training_runs(limit=1), "tinkex run has nothing to show"),
        Ability("checkpoints", "0.7", checkpoints.list_user_checkpoints(limit=1), "checkpoints are not listed"),
        Ability("sessions", "0.7", sessions.list_sessions(limit=1), "tinkex session has nothing to show"),
        Ability("client config", "0.18", service.client_config(PROTOCOL_VERSION), "this client's own limits hold"),
        Ability("audit log", "0.20", admin.get_audit_log(), "AdminClient.get_audit_log has nothing to read"),
        Ability(
            "billing usage",
            "0.24",
            admin.get_billing_usage(hour, hour + timedelta(hours=1)),
            "tinkex billing usage has nothing to show",
        ),
        Ability(
            "dynamic config", "0.25", service.client_dynamic_config(PROTOCOL_VERSION), "samples are not called off"
        ),
        Ability(
            "storage usage",
            "0.33",
            admin.get_current_checkpoint_storage_usage(),
            "tinkex billing checkpoint-storage has nothing to show",
        ),
        Ability("keys", "0.33", keys.get_api_key(), "tinkex auth login takes keys unchecked"),
        Ability(
            "session search", "0.36", sessions.search_sessions(SessionSearchRequest(limit=1)), "use tinkex session list"
        ),
    )


def probe(client: ServiceClient, seconds: float = _SECONDS) -> Found:
    """Ask everything, and wait for so many seconds in all."""
    end = perf_counter() + seconds
    capabilities = client.execute(service.get_server_capabilities(), retry=_once(end))
    if isinstance(capabilities, Failure) and not isinstance(capabilities.failure(), StatusCause):
        return Found(capabilities, capabilities, {}, None)
    asked = abilities()
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        dialect = pool.submit(_dialect, client, end)
        replies = pool.map(partial(_answer, client, end), asked)
        found = {each.name: reply for each, reply in zip(asked, replies, strict=True)}
        return Found(capabilities, dialect.result(), found, _latency(client, end))


def unknown(outcome: Outcome[Reply]) -> bool:
    """Whether the server doesn't know what it was asked; a refusal shows that it does."""
    return isinstance(outcome, Failure) and _status(outcome.failure()) in _UNKNOWN


def skew(found: Found) -> float | None:
    """Seconds by which the server's clock is ahead of this machine's, as its answers say."""
    replies = [outcome.unwrap() for outcome in found.abilities.values() if isinstance(outcome, Success)]
    dates = [(reply.at, reply.header("date")) for reply in replies]
    gaps = [moment.timestamp() + 0.5 - at for at, date in dates if (moment := http_date(date)) is not None and at]
    return median(gaps) if gaps else None


def vintage(found: Found) -> str | None:
    """The latest release whose news the server knows, of those that were asked about."""
    known = [
        each.since for each in abilities() if each.name in found.abilities and not unknown(found.abilities[each.name])
    ]
    return max(known, key=lambda text: tuple(map(int, text.split("."))), default=None)


def _once(end: float) -> Policy:
    """One attempt, until about the end: nobody wants to read that nothing came within 6.99999 s."""
    return Policy(seconds=max(0.1, round(end - perf_counter(), 1)), attempts=1)


def _dialect(client: ServiceClient, end: float) -> Outcome[Dialect]:
    return client.execute(deadline(_once(end).seconds, dialect_of(client.context.dialects), _overdue))


def _overdue(seconds: float) -> DeadlineExceeded:
    message = f"which encoding the server reads was not found out within {seconds:.2g} s"
    return DeadlineExceeded(message=message, seconds=seconds)


def _answer(client: ServiceClient, end: float, ability: Ability) -> Outcome[Reply]:
    return client.execute(ability.request, raw=True, retry=_once(end))


def _latency(client: ServiceClient, end: float) -> float | None:
    spans: list[float] = []
    for _ in range(_ROUNDS):
        begun = perf_counter()
        outcome = client.execute(service.healthz(), raw=True, retry=_once(end))
        if isinstance(outcome, Failure) and _status(outcome.failure()) is None:
            break
        spans.append(perf_counter() - begun)
    return median(spans) if spans else None


def _status(error: TinkerError) -> int | None:
    return error.status if isinstance(error, StatusCause) else None
