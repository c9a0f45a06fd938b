"""Fields that a server doesn't know, or looks for elsewhere: a refused command is sent once more as it wants it. Pure.

Only what changes nothing in what is done may be left out; what a server refused once is not sent to it again. What it
misses in the query and the body has, goes there too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, field, structs
from returns.result import Success

from tinkex_py.errors import TransportError
from tinkex_py.events import FieldLeftOut
from tinkex_py.plans.effects import Plan, observe, send
from tinkex_py.request import AnyRequest, Encoded, Pairs, Reply
from tinkex_py.wire import json
from tinkex_py.wire.replies import explanation

Fields: TypeAlias = dict[str, Any]

DISPENSABLE = frozenset(
    {"type", "tags", "user_metadata", "display_name", "overwrite", "record_stability_info", "process_uuid"}
)
"""What only describes the work, or asks for what a server that doesn't know the field does anyway."""
REFUSALS = frozenset({400, 422})
"""The statuses that may teach something."""
_UNKNOWN = re.compile(
    r"extra (inputs?|fields?|propert)|additional (propert|field|input)|(unknown|unexpected|unrecognized) "
    r"(key|field|propert|parameter|argument|keyword|input)|not permitted",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_QUERY = "query."
"""How the place of a parameter of the query begins."""


class UnknownFields(Struct):
    """What one server is known not to know, and what it looks for in the query: operations and their fields."""

    met: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    queried: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def fitted(self, request: AnyRequest) -> AnyRequest:
        """The request as that server wants it."""
        left_out, queried = (
            {name for operation, name in known if operation == request.operation} for known in (self.met, self.queried)
        )
        return in_query(without(request, left_out), queried)


def sent_known(unknown: UnknownFields, request: AnyRequest, headers: Pairs) -> Plan[Reply | TransportError]:
    """The answer to the request, sent as the server is known to want it, and once more if the answer says otherwise."""
    answer = yield from send(unknown.fitted(request), headers)
    return (yield from learned(unknown, request, headers, answer))


def learned(
    unknown: UnknownFields, request: AnyRequest, headers: Pairs, answer: Reply | TransportError
) -> Plan[Reply | TransportError]:
    """The answer; where it says that the server wants other fields, the answer to the request with those."""
    if not isinstance(answer, Reply):
        return answer
    known = unknown.fitted(request)
    refused, wanted = refused_fields(known, answer), wanted_fields(known, answer)
    if not (refused or wanted):
        return answer
    unknown.queried.update((request.operation, name) for name in wanted)
    for name in sorted(refused):
        unknown.met.add((request.operation, name))
        yield from observe(FieldLeftOut(operation=request.operation, endpoint=request.endpoint, field=name))
    return (yield from send(unknown.fitted(request), headers))


def wanted_fields(request: AnyRequest, reply: Reply) -> frozenset[str]:
    """The fields of the body that the refusal misses in the query."""
    if request.method != "POST" or reply.status not in REFUSALS:
        return frozenset()
    missed = {place.removeprefix(_QUERY) for place in explanation(reply.body).fields if place.startswith(_QUERY)}
    there = {name for name, _ in request.query}
    return frozenset(missed & (_fields(request.body) or {}).keys() - there)


def in_query(request: AnyRequest, names: Collection[str]) -> AnyRequest:
    """The request with these fields of its JSON body in the query too."""
    fields = _fields(request.body) if names else None
    if fields is None:
        return request
    pairs = tuple((name, str(fields[name])) for name in sorted(names) if name in fields)
    return structs.replace(request, query=(*request.query, *pairs))


def refused_fields(request: AnyRequest, reply: Reply) -> frozenset[str]:
    """The fields of the body that the refusal says are unknown, as far as they may be left out."""
    if request.method != "POST" or reply.status not in REFUSALS:
        return frozenset()
    fields = _fields(request.body) or {}
    named = frozenset(_named(reply))
    return frozenset(name for name, value in fields.items() if name in named and (name in DISPENSABLE or not value))


def without(request: AnyRequest, names: Collection[str]) -> AnyRequest:
    """The request without these fields of its JSON body."""
    fields = _fields(request.body) if names else None
    if fields is None:
        return request
    kept = {name: value for name, value in fields.items() if name not in names}
    return structs.replace(request, body=Encoded.of(json.CONTENT_TYPE, msgspec.json.encode(kept)))


def _fields(body: Struct | Encoded | None) -> Fields | None:
    """A JSON body by field; None for any other."""
    encoded = json.encode(body) if isinstance(body, Struct) and not isinstance(body, Encoded) else body
    if not isinstance(encoded, Encoded) or encoded.content_type != json.CONTENT_TYPE:
        return None
    match json.decode(Fields, encoded.content):
        case Success(fields):
            return fields
        case _:
            return None


def _named(reply: Reply) -> Iterator[str]:
    """The names that a complaint about unknown fields mentions: FastAPI's places, or the words of a text."""
    said = explanation(reply.body)
    for part in said.detail.split("; "):
        place = part.partition(": ")[0]
        if _UNKNOWN.search(part):
            yield from _WORD.findall(place if place in said.fields else part)
