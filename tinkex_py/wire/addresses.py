"""Answers that name an address where the thing asked for can be fetched: in their body, or by a redirect. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from msgspec import Struct
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.outcome import Outcome
from tinkex_py.request import Address, Reply
from tinkex_py.types.runs import CheckpointArchiveUrlResponse
from tinkex_py.wire import json
from tinkex_py.wire.dates import http_date

T = TypeVar("T")

REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USUAL_LIFE = timedelta(minutes=15)
"""How long a signed address works when the answer doesn't say."""


class ArchiveUrl(Struct, frozen=True):
    """The address of an archive: JSON from newer servers, a redirect from older ones."""

    @property
    def statuses(self) -> frozenset[int]:
        """Redirects, which are not followed."""
        return REDIRECTS

    def read(self, reply: Reply) -> Outcome[CheckpointArchiveUrlResponse, str]:
        """The address, and until when it works."""
        if reply.status not in REDIRECTS:
            return json.decode_answer(CheckpointArchiveUrlResponse, reply.body)
        location = reply.header("location")
        if not location:
            return _NOWHERE
        return Success(CheckpointArchiveUrlResponse(url=location, expires=_expires(reply)))


class OrElsewhere(Struct, Generic[T], frozen=True):
    """The answer is the value, or a redirect says where the value is."""

    form: TypeForm[T]

    @property
    def statuses(self) -> frozenset[int]:
        """Redirects, which are not followed."""
        return REDIRECTS

    def read(self, reply: Reply) -> Outcome[T | Address, str]:
        """The value, or the address to ask instead."""
        if reply.status not in REDIRECTS:
            return json.decode_answer(self.form, reply.body)
        location = reply.header("location")
        return Success(Address(location)) if location else _NOWHERE


def _expires(reply: Reply) -> datetime:
    """By the `Expires` header, or the usual time after the answer."""
    return http_date(reply.header("expires")) or datetime.fromtimestamp(reply.at, UTC) + _USUAL_LIFE


_NOWHERE = Failure("a redirect without a Location")
