"""Work that the server promises: submitted once, then waited for. Pure."""

from __future__ import annotations

from typing import TypeVar

from typing_extensions import TypeForm

from tinkex_py.plans.effects import Plan, now
from tinkex_py.plans.polling import Ticket, Waiting, result_of
from tinkex_py.plans.retry import Billing, Policy, Tally, call
from tinkex_py.request import AnyRequest, Pairs, Request
from tinkex_py.types.promises import Promised

T = TypeVar("T")


def submitted(
    request: Request[Promised],
    kind: str,
    policy: Policy,
    *,
    fresh: bool = False,
    billing: Billing | None = None,
    headers: Pairs | None = None,
    tally: Tally | None = None,
) -> Plan[Ticket]:
    """The promise that the server makes for the request; `headers` are those of an earlier try of the same."""
    tally = tally or Tally()
    promised = yield from call(request, policy, billing=billing, headers=headers, tally=tally)
    return _ticket(request, kind, promised, (yield from now()) - tally.begun, fresh=fresh)


def fulfilled(
    request: Request[Promised],
    kind: str,
    returns: TypeForm[T],
    policy: Policy,
    waiting: Waiting,
    *,
    fresh: bool = False,
) -> Plan[T]:
    """The value of the promise that the server makes for the request."""
    ticket = yield from submitted(request, kind, policy, fresh=fresh)
    return (yield from result_of(ticket, returns, waiting))


def kept(
    request: Request[T | Promised],
    kind: str,
    returns: TypeForm[T],
    policy: Policy,
    waiting: Waiting,
    headers: Pairs | None = None,
) -> Plan[T]:
    """The value of the answer, or of the promise that some servers make instead."""
    tally = Tally()
    answer = yield from call(request, policy, headers=headers, tally=tally)
    if not isinstance(answer, Promised):
        return answer
    ticket = _ticket(request, kind, answer, (yield from now()) - tally.begun)
    return (yield from result_of(ticket, returns, waiting))


def _ticket(request: AnyRequest, kind: str, promised: Promised, roundtrip: float, *, fresh: bool = False) -> Ticket:
    return Ticket(
        operation=request.operation,
        kind=kind,
        request_id=promised.request_id,
        endpoint=request.endpoint,
        roundtrip=roundtrip,
        fresh=fresh,
        sequence_ids=promised.sample_sequence_ids or (),
    )
