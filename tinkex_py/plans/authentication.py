"""The credential a client presents: the one it was given, or a short-lived token that it was exchanged for. Pure.

A token is renewed in the background from about half its life on, and before it is used again when less than a minute
is left. Where none is exchanged, what the source said last is presented until the server refuses it. All who need
another one share one exchange, or one run of a command that takes its time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct, field, structs
from returns.result import Failure, Success

from tinkex_py.endpoints.service import auth_token
from tinkex_py.errors import CallbackFailed, TinkerError, TransportError, Undecodable
from tinkex_py.interpret import interpret, unix_time
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, Unready, attempt, compute, now, random_bits, sleep, spawn
from tinkex_py.plans.once import Once
from tinkex_py.plans.retry import answered, identity
from tinkex_py.request import AnyRequest, Reply
from tinkex_py.types.credentials import PAUSE, AuthToken, Token, received

Source: TypeAlias = Callable[[str], Outcome[str]]
"""The credential to present now, from `"api_key"` or, if a server that exchanges it prefers it, `"credential_cmd"`."""

EXCHANGED = frozenset({"client_config", "auth_token", "get_api_key", "delete_api_key"})
"""The requests that always carry the credential itself."""

_AGAIN = (1.0, 5.0, 15.0)
"""Seconds before each further run of a command that fails, having worked before: a long run outlives a bad moment."""

_EARLIEST, _SPREAD = 0.45, 0.10
"""The share of its life after which a token is renewed: 45-55 %, so that clients don't come all at once."""


class Stopped(Struct, frozen=True):
    """What stands between a request and being sent: the answer to `request`, which had to come before it."""

    request: AnyRequest
    answer: Reply | TinkerError | Unready


class Authentication(Struct, kw_only=True):
    """A client's credential as far as it has come: `credential` is what `source` said last."""

    source: Source | None = None
    slow: bool = True
    """Whether the source may take its time, and so is asked away from the runtime's thread, once for all who wait."""
    preferred: str = "api_key"
    credential: str | None = None
    exchanging: bool = False
    token: Token | None = None
    resting: float = 0.0
    """Until when a failed renewal is not tried again in the background."""
    renewal: Once[Token, Stopped] = field(default_factory=Once[Token, Stopped])
    asking: Once[None, TinkerError] = field(default_factory=Once[None, TinkerError])

    def credential_for(self, request: AnyRequest) -> str | None:
        """What the request presents: the token if there is one, but the credential itself to get one."""
        if self.token is None or request.operation in EXCHANGED:
            return self.credential
        return self.token.jwt

    def __repr__(self) -> str:
        return f"Authentication(preferred={self.preferred!r}, exchanging={self.exchanging}, token={self.token!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("preferred", self.preferred), ("exchanging", self.exchanging), ("token", self.token)]


def resolved(authentication: Authentication) -> Plan[Outcome[None]]:
    """Ask the source for the credential; without a source there is nothing to do."""
    source, preferred = authentication.source, authentication.preferred
    if source is None:
        return Success(None)
    if not authentication.slow:
        return _keep(authentication, source(preferred))
    return (yield from authentication.asking.ask(lambda: _answer(authentication, lambda: source(preferred))))


def _answer(authentication: Authentication, source: Callable[[], Outcome[str]]) -> Plan[Outcome[None]]:
    """What the source says; one that has answered before is asked again when it fails, as what it asks itself may."""
    found = yield from _said(source)
    for pause in () if authentication.credential is None else _AGAIN:
        if isinstance(found, Success):
            break
        yield from sleep(pause)
        found = yield from _said(source)
    authentication.asking.forget()
    return _keep(authentication, found)


def _said(source: Callable[[], Outcome[str]]) -> Plan[Outcome[str]]:
    match (yield from compute(source)):
        case Success(outcome):
            return outcome
        case Failure(reason):
            return Failure(_failed_source(reason))


def _keep(authentication: Authentication, found: Outcome[str]) -> Outcome[None]:
    if isinstance(found, Failure):
        return found
    authentication.credential = found.unwrap()
    return Success(None)


def _failed_source(reason: str) -> CallbackFailed:
    """Without the exception's text, which may show the credential."""
    kind = reason.partition(":")[0]
    return CallbackFailed(message=f"the credential can't be had: {kind}", callback="credential", reason=kind)


def fresh(authentication: Authentication) -> Plan[Outcome[None, Stopped]]:
    """Make sure that there is a token with life in it, if tokens are used at all."""
    if not authentication.exchanging:
        return Success(None)
    token, time = authentication.token, (yield from now())
    if token is None or token.dying(time):
        outcome = yield from renewed(authentication, token)
        return outcome if isinstance(outcome, Failure) and not _bearable(outcome, token, time) else Success(None)
    if token.due(time) and time >= authentication.resting:
        authentication.resting = time + PAUSE
        yield from spawn(_ignored(renewed(authentication, token)))
    return Success(None)


def renewed(authentication: Authentication, old: Token | None) -> Plan[Outcome[Token, Stopped]]:
    """Another token than the old one; whoever has the same one shares the exchange."""
    if authentication.token is not None and authentication.token is not old:
        return Success(authentication.token)
    return (yield from authentication.renewal.ask(lambda: _exchange(authentication)))


def replaced(authentication: Authentication, refused: str | None) -> Plan[Outcome[bool, Reply | TinkerError | Unready]]:
    """Whether there is something else to present than what was refused: a new token, or what the source says now."""
    if authentication.exchanging:
        token = authentication.token
        renewal = yield from renewed(authentication, token if token is not None and token.jwt == refused else None)
        return Failure(renewal.failure().answer) if isinstance(renewal, Failure) else Success(True)
    if authentication.credential == refused:
        resolution = yield from resolved(authentication)
        if isinstance(resolution, Failure):
            return resolution
    return Success(authentication.credential != refused)


def answer_to(request: AnyRequest) -> Plan[Reply | TransportError | Unready]:
    """The answer to what has to come before other requests, or why there is none, whatever that is."""
    match (yield from attempt(answered(request, (yield from identity(request))))):
        case Success(answer):
            return answer
        case Failure(error):
            return Unready(error)


def _exchange(authentication: Authentication) -> Plan[Outcome[Token, Stopped]]:
    request = auth_token()
    resolution = yield from resolved(authentication)
    if isinstance(resolution, Failure):
        return Failure(Stopped(request, resolution.failure()))
    answer = yield from answer_to(request)
    if not isinstance(answer, Reply):
        return Failure(Stopped(request, answer))
    match interpret(request, answer):
        case Success(said):
            return Success((yield from _take(authentication, said, unix_time(answer))))
        case Failure(Undecodable() as error):
            return Failure(Stopped(request, structs.replace(error, excerpt="")))  # it may hold a token
        case Failure(_):
            return Failure(Stopped(request, answer))


def _take(authentication: Authentication, said: AuthToken, received_at: float) -> Plan[Token]:
    share = _EARLIEST + _SPREAD * (yield from random_bits()) / 2**64
    time = yield from now()
    authentication.token = received(said.jwt, now=time, unix_time=received_at, share=share)
    authentication.renewal.forget()
    return authentication.token


def _ignored(plan: Plan[object]) -> Plan[None]:
    _ = yield from plan


def _bearable(outcome: Failure[Stopped], token: Token | None, time: float) -> bool:
    """Whether an old token serves on although it was not renewed: not when the credential itself was refused."""
    answer = outcome.failure().answer
    refused = isinstance(answer, Reply) and answer.status == 401
    return token is not None and not refused and not token.dead(time)
