"""The session: opened when first needed, kept alive, closed. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.endpoints.service import Session, create_session, session_heartbeat
from tinkex_py.errors import PromiseExpired
from tinkex_py.events import HeartbeatMissed, ServerMessage, SessionOver, SessionStarted
from tinkex_py.outcome import Outcome
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, attempt, now, observe, require, sleep, spawn, wait_for
from tinkex_py.plans.retry import Policy, call
from tinkex_py.types.mapping import FrozenMapping

_WORRYING = 120.0
"""Seconds without an answered heartbeat after which it is worth a word."""


class SessionState(Struct, kw_only=True):
    """A client's session as far as it has come, and the counters that live in it."""

    config: Config
    sdk_version: str
    user_metadata: Mapping[str, str] = FrozenMapping()
    opening: Cell[Outcome[str]] | None = None
    models: int = 0
    samplers: int = 0

    def next_model(self) -> int:
        """The number of the session's next model, from 0."""
        self.models += 1
        return self.models - 1

    def next_sampler(self) -> int:
        """The number of the session's next sampler, from 0."""
        self.samplers += 1
        return self.samplers - 1


def session_id(state: SessionState) -> Plan[str]:
    """The session's id; whoever asks first opens it, a failure to open it is not kept."""
    if state.opening is None:
        state.opening = Cell()
        yield from spawn(_open(state, state.opening), state.opening)
    return (yield from require((yield from wait_for(state.opening))))


def _open(state: SessionState, opening: Cell[Outcome[str]]) -> Plan[None]:
    request = create_session(
        sdk_version=state.sdk_version,
        tags=state.config.tags,
        user_metadata=state.user_metadata,
        project_id=state.config.project_id,
    )
    match (yield from attempt(call(request, Policy(seconds=state.config.timeout, attempts=state.config.max_attempts)))):
        case Success(session):
            opening.fill(Success(session.session_id))
            yield from _announce(session)
            yield from _keep_alive(session.session_id, state.config.heartbeat_interval)
        case Failure(error):
            state.opening = None
            opening.fill(Failure(error))


def _announce(session: Session) -> Plan[None]:
    yield from observe(SessionStarted(session_id=session.session_id))
    said = (("info", session.info_message), ("warning", session.warning_message), ("error", session.error_message))
    for level, text in said:
        if text:
            yield from observe(ServerMessage(level=level, text=text))


def _keep_alive(session: str, interval: float) -> Plan[None]:
    """A sign of life every so often, until the server says that the session is over."""
    answered = yield from now()
    while True:
        yield from sleep(interval)
        match (yield from attempt(call(session_heartbeat(session), Policy(seconds=interval, attempts=1)))):
            case Success(_):
                answered = yield from now()
            case Failure(PromiseExpired()):
                return (yield from observe(SessionOver(session_id=session)))
            case Failure(error):
                since = (yield from now()) - answered
                if since >= _WORRYING:
                    yield from observe(HeartbeatMissed(session_id=session, since=since, error=error))
