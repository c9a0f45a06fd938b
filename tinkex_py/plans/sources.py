"""What samples come from: a sampling session, at once or promised, or what serves where a server opens none. Pure.

A server that can't open a session for what is wanted may sample from it all the same, asked by path or by base model:
that is tried with one token before it counts.
"""

from __future__ import annotations

from msgspec import Struct, structs
from returns.result import Success

from tinkex_py.endpoints.sampling import SamplingSession, asample, create_sampling_session
from tinkex_py.errors import (
    Conflict,
    ConnectionFailed,
    NotFound,
    RateLimited,
    RequestTimedOut,
    ServerFault,
    TinkerError,
    UnexpectedStatus,
)
from tinkex_py.events import SamplingSessionless
from tinkex_py.plans.effects import Plan, attempt, halt, observe
from tinkex_py.plans.polling import Waiting
from tinkex_py.plans.retry import Policy, identity
from tinkex_py.plans.sessions import SessionState, session_id, while_it_lasts
from tinkex_py.plans.submission import fulfilled, kept
from tinkex_py.request import Request
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.promises import Promised
from tinkex_py.types.sampling import SampleResponse, SamplingParams
from tinkex_py.wire.replies import is_bare

_SOON = 2
"""How often a server that explains its fault is asked before another way is looked for."""
_TOKEN = ModelInput.from_ints([0])


class Source(Struct, frozen=True, kw_only=True):
    """A session that the server opened, or a base model or a saved path, to be sampled from without one."""

    sampling_session_id: str | None = None
    base_model: str | None = None
    model_path: str | None = None

    @property
    def name(self) -> str:
        """The path or the base model, where one is known."""
        return self.model_path or self.base_model or ""


def opened(state: SessionState, wanted: Source, policy: Policy, waiting: Waiting) -> Plan[Source]:
    """A session of the base model or path that is wanted; the wanted itself where sampling from it needs none."""
    session = yield from session_id(state)
    request = create_sampling_session(
        session_id=session,
        sampling_session_seq_id=state.next_sampler(),
        base_model=wanted.base_model,
        model_path=wanted.model_path,
    )
    return (yield from while_it_lasts(state, request, _opened(request, wanted, policy, waiting)))


def _opened(
    request: Request[SamplingSession | Promised], wanted: Source, policy: Policy, waiting: Waiting
) -> Plan[Source]:
    headers = yield from identity(request)
    most = policy.attempts
    soon = structs.replace(policy, attempts=_SOON if most is None else min(most, _SOON))
    kind = "CreateSamplingSession"
    first = yield from attempt(kept(request, kind, SamplingSession, soon, waiting, headers))
    if isinstance(first, Success):
        return Source(sampling_session_id=first.unwrap().sampling_session_id)
    error = first.failure()
    if _explained(error) and (yield from _serves(wanted, policy, waiting)):
        yield from observe(SamplingSessionless(source=wanted.name, error=error))
        return wanted
    left = None if most is None else most - _SOON
    if not _gave_up(error) or left == 0:
        return (yield from halt(error))
    later = structs.replace(policy, attempts=left)
    again = yield from kept(request, kind, SamplingSession, later, waiting, headers)
    return Source(sampling_session_id=again.sampling_session_id)


def _serves(wanted: Source, policy: Policy, waiting: Waiting) -> Plan[bool]:
    """Whether one token can be sampled without a session."""
    request = asample(
        prompt=_TOKEN,
        num_samples=1,
        sampling_params=SamplingParams(max_tokens=1),
        base_model=wanted.base_model,
        model_path=wanted.model_path,
    )
    once = structs.replace(policy, attempts=1)
    sampled = yield from attempt(fulfilled(request, "Sample", SampleResponse, once, waiting))
    return isinstance(sampled, Success)


def _gave_up(error: TinkerError) -> bool:
    """Whether the request would have been repeated, had it not been for another way to look for."""
    match error:
        case ConnectionFailed() | ServerFault() | RateLimited() | RequestTimedOut() | Conflict():
            return error.attempts >= _SOON
        case _:
            return False


def _explained(error: TinkerError) -> bool:
    """Whether the server has no such endpoint, or says in words of its own why it failed."""
    match error:
        case NotFound(detail=detail):
            return is_bare(detail)
        case UnexpectedStatus(status=405) | ServerFault(status=501):
            return True
        case ServerFault(status=500, detail=detail):
            return detail.strip(" .").lower() not in {"", "internal server error"}
        case _:
            return False
