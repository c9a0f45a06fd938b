"""What comes before a client's first request: the server's flags, and a token if it wants one. Pure.

Nothing is asked before it is needed, and each thing is asked once, however many requests wait for it. Where the server
refuses to answer, the defaults hold. Where it can't be reached or fails, the waiting request fails with that error; it
is repeated as any other, and then all of this is asked again. What the server wishes for the time being
(`dynamic_config`) is asked for in the background, as no request waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf

from msgspec import Struct, field
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.endpoints.service import client_config, client_dynamic_config, get_server_capabilities
from tinkex_py.errors import ConnectionFailed, RedirectRefused, ResponseTooLarge, TinkerError, TransportError
from tinkex_py.interpret import interpret, status_error
from tinkex_py.outcome import Outcome
from tinkex_py.plans.authentication import Authentication, Stopped, answer_to, fresh, replaced, resolved
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, Unready, halt, now, require, send, spawn, wait_for
from tinkex_py.plans.once import Once
from tinkex_py.plans.retry import may_repeat
from tinkex_py.plans.unknown_fields import REFUSALS, UnknownFields, learned, sent_known
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.types.service import ClientConfigResponse, DynamicConfigResponse

SHORTEST = 10.0
"""Seconds between two questions for the dynamic configuration, whatever the server asks for."""

FIRST = frozenset({"client_config", "auth_token", "client_dynamic_config"})
"""The requests that nothing has to come before."""

KEYED = frozenset({"get_api_key", "delete_api_key"})
"""Requests about the key itself, whatever the server makes of keys otherwise."""

_APART = FIRST | KEYED

_UNAUTHORIZED = 401
TEACHING = REFUSALS | {_UNAUTHORIZED}
"""The statuses that may teach what to send instead."""


class Startup(Struct, kw_only=True):
    """A client's start as far as it has come."""

    config: Config
    authentication: Authentication = field(default_factory=Authentication)
    begun: Once[ClientConfigResponse, Stopped] = field(default_factory=Once[ClientConfigResponse, Stopped])
    known: ClientConfigResponse | None = None
    dynamic: DynamicConfigResponse = DynamicConfigResponse()
    told: Cell[None] = field(default_factory=Cell[None])
    """Filled when the dynamic configuration was asked for once, whatever came of it."""
    unknown: UnknownFields = field(default_factory=UnknownFields)
    asked: float = -inf
    """When the dynamic configuration was last asked for."""
    heed: Callable[[ClientConfigResponse], None] = lambda _: None
    """Sets the limits that the server's flags name."""

    def learn(self, known: ClientConfigResponse) -> None:
        """These are the server's flags: from now on their limits hold, whatever is done first."""
        self.known = known
        self.heed(known)

    @property
    def sdk_version(self) -> str:
        """The release of the protocol that the server is told."""
        return self.config.sdk_version

    @property
    def wishes(self) -> DynamicConfigResponse | None:
        """What the server asked for when last asked; None until then."""
        return self.dynamic if self.told.filled else None


def nothing_first(startup: Startup, request: AnyRequest) -> bool:
    """Whether nothing has to come before the request: `prepared` would send it at once and unchanged."""
    usual = request.operation not in _APART and request.address is None
    ready = startup.begun.done and not startup.authentication.exchanging
    return usual and ready and not (startup.unknown.met or startup.unknown.queried)


def flags(startup: Startup) -> Plan[ClientConfigResponse]:
    """What the server asks of its clients. POST /api/v1/client/config, once per client; a refusal means defaults."""
    match (yield from _begun(startup)):
        case Success(known):
            return known
        case Failure(stopped):
            return (yield from halt(_error(stopped)))


def presented(startup: Startup) -> Plan[str | None]:
    """What a request presents now: a token with life in it where credentials are exchanged, else the credential.

    Whoever takes it elsewhere can't renew it there, so the source is asked again unless that was just done.
    """
    begun = startup.begun.done
    _ = yield from flags(startup)
    match (yield from fresh(startup.authentication)):
        case Failure(stopped):
            return (yield from halt(_error(stopped)))
        case Success(_) if begun and not startup.authentication.exchanging:
            yield from require((yield from resolved(startup.authentication)))
        case Success(_):
            pass
    return startup.authentication.credential_for(get_server_capabilities())


def dynamic(startup: Startup) -> Plan[DynamicConfigResponse]:
    """What the server asks for now, once it has been asked; when that is old, it is asked again in the background.

    POST /api/v1/client/dynamic_config, at most every `refresh_interval_sec` seconds, and only while somebody asks.
    """
    _ = yield from flags(startup)
    age = (yield from now()) - startup.asked
    if age >= max(startup.dynamic.refresh_interval_sec, SHORTEST):
        startup.asked += age
        yield from spawn(_refresh(startup))
    yield from wait_for(startup.told)
    return startup.dynamic


def prepared(startup: Startup, request: AnyRequest, headers: Pairs) -> Plan[Reply | TransportError]:
    """The answer to a request, once everything has been done that has to come before it.

    What failed before it is the answer too.
    """
    if request.operation in FIRST or request.address is not None:
        return (yield from send(request, headers))
    if request.operation in KEYED:
        return (yield from _presenting_the_key(startup, request, headers))
    ready = yield from _ready(startup)
    if isinstance(ready, Failure):
        return (yield from _instead(ready.failure().answer))
    presented = startup.authentication.credential_for(request)
    answer = yield from send(startup.unknown.fitted(request), headers)
    return (yield from heeded(startup, request, headers, presented, answer))


def heeded(
    startup: Startup, request: AnyRequest, headers: Pairs, presented: str | None, answer: Reply | TransportError
) -> Plan[Reply | TransportError]:
    """The answer; where it says that the server wants the request in another form, the answer to that.

    A request whose credential or token was refused was not carried out: it is sent again, under the same idempotency
    key, once, if there is another one to present by then.
    """
    answer = yield from learned(startup.unknown, request, headers, answer)
    if not _refused(startup.authentication, answer):
        return answer
    match (yield from replaced(startup.authentication, presented)):
        case Failure(reason):
            return (yield from _instead(reason))
        case Success(there_is_another):
            return (yield from sent_known(startup.unknown, request, headers)) if there_is_another else answer


def _presenting_the_key(startup: Startup, request: AnyRequest, headers: Pairs) -> Plan[Reply | TransportError]:
    match (yield from resolved(startup.authentication)):
        case Failure(error):
            return (yield from halt(error))
        case Success(_):
            return (yield from send(request, headers))


def _ready(startup: Startup) -> Plan[Outcome[None, Stopped]]:
    match (yield from _begun(startup)):
        case Failure() as failed:
            return failed
        case Success(_):
            return (yield from fresh(startup.authentication))


def _begun(startup: Startup) -> Plan[Outcome[ClientConfigResponse, Stopped]]:
    return (yield from startup.begun.ask(partial(_begin, startup)))


def _begin(startup: Startup) -> Plan[Outcome[ClientConfigResponse, Stopped]]:
    outcome = yield from _known(startup)
    if isinstance(outcome, Failure):
        return outcome
    known = outcome.unwrap()
    startup.learn(known)
    startup.authentication.exchanging = known.pjwt_auth_enabled
    if known.pjwt_auth_enabled:
        startup.authentication.preferred = known.credential_default_source
    renewal = yield from fresh(startup.authentication)
    if isinstance(renewal, Failure):
        return renewal
    startup.asked = yield from now()
    yield from spawn(_refresh(startup), startup.told)
    return outcome


def _known(startup: Startup) -> Plan[Outcome[ClientConfigResponse, Stopped]]:
    """The server's flags; an answer that another try can't change means defaults."""
    if startup.known is not None:
        return Success(startup.known)
    request = client_config(startup.sdk_version)
    resolution = yield from resolved(startup.authentication)
    if isinstance(resolution, Failure):
        return Failure(Stopped(request, resolution.failure()))
    answer = yield from answer_to(request)
    if not isinstance(answer, Reply):
        return Failure(Stopped(request, answer))
    match interpret(request, answer):
        case Success(known):
            return Success(known)
        case Failure(_) if may_repeat(request, answer):
            return Failure(Stopped(request, answer))
        case Failure(_):
            return Success(ClientConfigResponse())


def _refresh(startup: Startup) -> Plan[None]:
    """Ask for the dynamic configuration; whatever goes wrong, the last one stays."""
    request = client_dynamic_config(startup.sdk_version)
    answer = yield from answer_to(request)
    if isinstance(answer, Reply):
        startup.dynamic = interpret(request, answer).value_or(startup.dynamic)
    startup.told.fill(None)


def _refused(authentication: Authentication, answer: Reply | TransportError) -> bool:
    """Whether another credential may help; where it is exchanged, only a token that the server says is invalid."""
    if not isinstance(answer, Reply) or answer.status != _UNAUTHORIZED:
        return False
    return not authentication.exchanging or 'error="invalid_token"' in (answer.header("www-authenticate") or "")


def _instead(before: Reply | TinkerError | Unready) -> Plan[Reply | TransportError]:
    """What went wrong before the request, as the answer to it; what can't be an answer ends the operation."""
    match before:
        case Unready(error):
            return (yield from halt(error))
        case Reply() | ConnectionFailed() | RedirectRefused() | ResponseTooLarge() as answer:
            return answer
        case error:
            return (yield from halt(error))


def _error(stopped: Stopped) -> TinkerError:
    match stopped.answer:
        case Reply() as answer:
            return status_error(stopped.request, answer)
        case Unready(error):
            return error
        case error:
            return error
