"""The session: opened when first needed, kept alive until it ends, finished with a word on how it went. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar, get_args

from msgspec import Struct, field
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.endpoints.service import Session, create_session, session_heartbeat
from tinkex_py.endpoints.sessions import finish_session
from tinkex_py.errors import NotFound, PromiseExpired, SessionEnded, StatusCause, TinkerError
from tinkex_py.events import HeartbeatMissed, ServerMessage, SessionOver, SessionStarted
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Attempt, Plan, attempt, halt, now, observe, require, scoped, sleep, spawn
from tinkex_py.plans.once import Once
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import AnyRequest
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.raised import in_words
from tinkex_py.types.sessions import Ending

T = TypeVar("T")
Companion: TypeAlias = "Callable[[str], Plan[None]]"
"""What goes on beside a session, made for its id."""

_WORRYING = 120.0
"""Seconds without an answered heartbeat after which it is worth a word."""
_BEATING = Policy(seconds=10.0, attempts=1)
_FINISHING = Policy(seconds=3.0, attempts=3)
"""Closing may take 5 s in all."""


class SessionState(Struct, kw_only=True):
    """A client's session as far as it has come, and the counters that live in it.

    `joined` is a session that another client opened, and will finish. `companions` begin with the first session of
    those that share them.
    """

    config: Config
    sdk_version: str
    user_metadata: Mapping[str, str] = FrozenMapping()
    joined: str | None = None
    opening: Once[str, TinkerError] = field(default_factory=Once[str, TinkerError])
    companions: list[Companion] = field(default_factory=list[Companion])
    known: str | None = None
    ended: SessionEnded | None = None
    models: int = 0
    samplers: int = 0
    losses_sent: int = 0
    losses: set[str] = field(default_factory=set[str])
    """The keys of custom losses, each made once."""

    def next_model(self) -> int:
        """The number of the session's next model, from 0."""
        self.models += 1
        return self.models - 1

    def next_sampler(self) -> int:
        """The number of the session's next sampler, from 0."""
        self.samplers += 1
        return self.samplers - 1

    def next_loss(self) -> int:
        """The number of the next custom loss that the server is given, from 0."""
        self.losses_sent += 1
        return self.losses_sent - 1


def session_id(state: SessionState) -> Plan[str]:
    """The session's id; whoever asks first opens it, a failure to open it is not kept. SessionEnded once it is over."""
    if state.ended is not None:
        return (yield from halt(state.ended))
    return (yield from require((yield from state.opening.ask(partial(_open, state)))))


def in_session(state: SessionState, plan: Plan[T]) -> Plan[T]:
    """The plan's value, unless the session is, or turns out to be, over; a joined one is kept alive from here on."""
    if state.ended is not None or state.joined is not None:
        _ = yield from session_id(state)
    outcome: Outcome[T] = scoped((yield Attempt(plan)))
    if isinstance(outcome, Success):
        return outcome.unwrap()
    error = outcome.failure()
    if state.known is not None and isinstance(error, PromiseExpired) and _of_the_session(state.known, error):
        return (yield from halt((yield from _end(state, state.known, error))))
    return (yield from halt(error))


def while_it_lasts(state: SessionState, request: AnyRequest, plan: Plan[T]) -> Plan[T]:
    """The plan's value; SessionEnded when the answer to its request, which names the session, is that it is over.

    What the server says of a promise that it made for the request is not about the session.
    """
    session = yield from session_id(state)
    match (yield from attempt(plan)):
        case Success(value):
            return value
        case Failure(StatusCause(endpoint=request.endpoint) as error) if _says_over(session, error):
            return (yield from halt((yield from _end(state, session, error))))
        case Failure(error):
            return (yield from halt(error))


def finish(state: SessionState, status: object, detail: object) -> Plan[None]:
    """Tell the server how it went, if there is a session of one's own; whatever it answers, that was all.

    A detail that is no text, such as an exception, is said in words; a status that no server knows is `interrupted`,
    with what it was as the detail if there is none.

    POST /api/v1/sessions/{session_id}/finish
    """
    if state.known is not None and state.joined is None and state.ended is None:
        known = _known(status)
        said = _said(status if known is None and detail is None else detail)
        _ = yield from attempt(call(finish_session(state.known, known or "interrupted", said), _FINISHING))


def _known(status: object) -> Ending | None:
    endings: tuple[Ending, ...] = get_args(Ending)
    return next((each for each in endings if isinstance(status, str) and status == each), None)


def _said(detail: object) -> str | None:
    if detail is None:
        return None
    text = in_words(detail) if isinstance(detail, BaseException) else str(detail)
    return text.encode(errors="replace").decode()


def _open(state: SessionState) -> Plan[Outcome[str]]:
    outcome = Success(state.joined) if state.joined is not None else (yield from attempt(_opened(state)))
    if isinstance(outcome, Failure):
        return outcome
    state.known = session = outcome.unwrap()
    yield from spawn(_keep_alive(state, session))
    while state.companions:
        yield from spawn(state.companions.pop()(session))
    return outcome


def _opened(state: SessionState) -> Plan[str]:
    request = create_session(
        sdk_version=state.sdk_version,
        tags=state.config.tags,
        user_metadata=state.user_metadata,
        project_id=state.config.project_id,
        display_name=state.config.display_name,
    )
    policy = Policy(seconds=state.config.timeout, attempts=state.config.max_attempts)
    session = yield from call(request, policy)
    yield from _announce(session)
    return session.session_id


def _announce(session: Session) -> Plan[None]:
    yield from observe(SessionStarted(session_id=session.session_id))
    said = (("info", session.info_message), ("warning", session.warning_message), ("error", session.error_message))
    for level, text in said:
        if text:
            yield from observe(ServerMessage(level=level, text=text))


def _keep_alive(state: SessionState, session: str) -> Plan[None]:
    """A sign of life every so often, until the server says that the session is over."""
    request, interval = session_heartbeat(session), state.config.heartbeat_interval
    answered = yield from now()
    yield from sleep(interval)
    while state.ended is None:
        match (yield from attempt(call(request, _BEATING))):
            case Success(_):
                answered = yield from now()
            case Failure(StatusCause() as error) if _says_over(session, error):
                _ = yield from _end(state, session, error)
            case Failure(error):
                since = (yield from now()) - answered
                if since >= _WORRYING:
                    yield from observe(HeartbeatMissed(session_id=session, since=since, error=error))
        yield from sleep(interval)


def _says_over(session: str, error: StatusCause) -> bool:
    """Whether a request that names the session was refused because of it, and not of weights that it names too."""
    match error:
        case NotFound(detail=detail) | PromiseExpired(detail=detail) if _named(session, detail):
            return True
        case PromiseExpired(detail=detail):
            return _OF_WEIGHTS.search(detail) is None
        case _:
            return False


def _of_the_session(session: str, error: PromiseExpired) -> bool:
    """Whether work that doesn't name the session was refused because the session is gone, and not something in it."""
    said = _OF_SESSIONS.search(error.detail) is not None and _OF_WEIGHTS.search(error.detail) is None
    return error.endpoint != _ASKING and (said or _named(session, error.detail))


def _named(session: str, detail: str) -> bool:
    """Whether the text is about the session of that id, not about what the session has."""
    return re.search(rf"(?i)\bsession\W+{re.escape(session)}(?![\w:/-])", detail) is not None


def _end(state: SessionState, session: str, error: StatusCause) -> Plan[SessionEnded]:
    """What later work is told from here on; observers hear of it once."""
    if state.ended is None:
        why = f" ({error.detail})" if error.detail else ""
        state.ended = SessionEnded(
            message=f"the server ended session {session}{why}; make a new client, and go on from the last checkpoint",
            endpoint=error.endpoint,
            request_id=error.request_id,
            attempts=error.attempts,
            elapsed=error.elapsed,
        )
        yield from observe(SessionOver(session_id=session))
    return state.ended


_OF_WEIGHTS = re.compile(r"(?i)checkpoint|weights|path")
_OF_SESSIONS = re.compile(r"(?i)(?<!sampling\W)\bsession\b(?![:/-])")
_ASKING = "POST /api/v1/retrieve_future"
