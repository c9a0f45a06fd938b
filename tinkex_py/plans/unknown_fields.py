"""Fields that a server doesn't know: a command refused because of one is sent once more without it. Pure.

Only what changes nothing in what is done may be left out; what a server refused once is not sent to it again.
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
_REFUSALS = frozenset({400, 422})
_UNKNOWN = re.compile(
    r"extra (inputs?|fields?|propert)|additional (propert|field|input)|(unknown|unexpected|unrecognized) "
    r"(key|field|propert|parameter|argument|keyword|input)|not permitted",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


class UnknownFields(Struct):
    """What one server is known not to know: operations and their fields."""

    met: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def of(self, operation: str) -> frozenset[str]:
        """The fields of an operation that are left out."""
        return frozenset(name for known, name in self.met if known == operation)


def sent_known(unknown: UnknownFields, request: AnyRequest, headers: Pairs) -> Plan[Reply | TransportError]:
    """The answer to the request, or to what is left of it without the fields that the server doesn't know."""
    known = without(request, unknown.of(request.operation))
    answer = yield from send(known, headers)
    refused = refused_fields(known, answer) if isinstance(answer, Reply) else frozenset[str]()
    if not refused:
        return answer
    for name in sorted(refused):
        unknown.met.add((request.operation, name))
        yield from observe(FieldLeftOut(operation=request.operation, endpoint=request.endpoint, field=name))
    return (yield from send(without(known, refused), headers))


def refused_fields(request: AnyRequest, reply: Reply) -> frozenset[str]:
    """The fields of the body that the refusal says are unknown, as far as they may be left out."""
    if request.method != "POST" or reply.status not in _REFUSALS:
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
    return structs.replace(request, body=Encoded(json.CONTENT_TYPE, msgspec.json.encode(kept)))


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
