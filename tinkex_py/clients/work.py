"""What `execute` takes: requests and plans of the caller's own, and how often a request may be repeated."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, get_args

from msgspec import Struct, structs

from tinkex_py.errors import InvalidInput
from tinkex_py.plans.effects import Plan, has_begun
from tinkex_py.plans.retry import Policy
from tinkex_py.request import Address, AnyRequest, Method, Repeat, Request
from tinkex_py.types.kinds import (
    HEADER_FORM,
    any_of,
    are_texts,
    as_number,
    is_duration,
    is_encodable,
    is_header,
    is_share,
    is_tuple,
    names_header,
    one_of,
    optional,
)
from tinkex_py.types.limits import COUNT, Rule, broken, whole


def work_problem(work: AnyRequest | Plan[Any], retry: Policy | None) -> InvalidInput | None:
    """What keeps the work from being begun, found before anything is sent."""
    found = broken(_WORK, {"work": work, "retry": retry})
    if found is None and retry is not None:
        found = broken(_POLICY, structs.asdict(retry), "retry.")
    if found is None and isinstance(work, Request):
        found = broken(_REQUEST, structs.asdict(work), "work.")
    return found


def _can_begin(work: object) -> bool:
    """Whether it is anything but a plan that has begun."""
    return not has_begun(work)


def _is_delay(value: object) -> bool:
    return as_number(value) >= 0


def _is_pair(value: object) -> bool:
    return is_tuple(value) and are_texts(value) and len(value) == _TWO


def _are_pairs(value: object) -> bool:
    return is_tuple(value) and all(map(_is_pair, value))


def _are_headers(value: object) -> bool:
    return is_tuple(value) and all(is_tuple(pair) and len(pair) == _TWO and is_header(*pair) for pair in value)


def _names(headers: object) -> object:
    """Headers without their values, which may be secret; what can name none may be a whole line with its secret."""
    return tuple(map(_name, headers)) if is_tuple(headers) else "***"


def _name(pair: object) -> object:
    return pair[0] if is_tuple(pair) and pair and names_header(pair[0]) else "***"


def _reads_answers(value: object) -> bool:
    return not isinstance(value, type) and hasattr(value, "statuses") and hasattr(value, "read")


_TWO = 2
_WORK = (
    Rule("work", any_of(Request, Generator), "give a request, such as endpoints.service.healthz(), or a plan"),
    Rule("work", _can_begin, "a plan runs once, and this one has begun already: make it anew"),
    Rule("retry", optional(any_of(Policy)), "give a Policy, or None for the client's own"),
)
_POLICY = (
    Rule("seconds", is_duration, "give a number of seconds"),
    Rule("attempts", optional(whole(1)), f"{COUNT}, or None for as many as time allows"),
    *(Rule(field, _is_delay, "give a number of seconds of at least 0") for field in ("first", "longest", "connecting")),
    Rule("jitter", is_share, "give a number from 0 to 1"),
    Rule("repeat", optional(any_of(Repeat)), "give a Repeat, or None for what the request itself says"),
)
_REQUEST = (
    Rule("operation", is_encodable, "give a text"),
    Rule("method", one_of(*get_args(Method)), f"give one of {', '.join(get_args(Method))}"),
    Rule("path", are_texts, "give a tuple of texts that can be sent"),
    Rule("returns", _reads_answers, "give what an answer is read as, such as wire.replies.Value(int)"),
    Rule("query", _are_pairs, "give a tuple of pairs of texts that can be sent"),
    Rule("headers", _are_headers, f"give a tuple of pairs; {HEADER_FORM}", shown=_names),
    Rule("body", optional(any_of(Struct)), "give a Struct or an Encoded, or None"),
    Rule("repeat", any_of(Repeat), "give a Repeat, such as request.TRANSIENT"),
    Rule("timeout", optional(is_duration), "give a number of seconds, or None for the client's own"),
    Rule("address", optional(any_of(Address)), "give an Address, or None for the client's server"),
)
