"""Steps in the encoding that the server reads, and what a server's answers say about that. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias, assert_never

from msgspec import Struct
from returns.result import Success

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome, change
from tinkex_py.request import Encoded, Reply
from tinkex_py.types.batch import Batch, Dialect, Form
from tinkex_py.types.datum import Datum
from tinkex_py.types.training import LossConfig
from tinkex_py.wire import json
from tinkex_py.wire.protobuf import requests
from tinkex_py.wire.replies import explanation, lacks_route


class Lowered(NamedTuple):
    """A step before it has a number: the endpoint that it goes to, and its bytes."""

    operation: str
    unnumbered: Encoded


class _Settings(Struct, frozen=True, kw_only=True):
    loss_fn: str
    loss_fn_config: LossConfig | None = None


def lower(operation: str, body: Struct, dialect: Dialect) -> Outcome[Lowered, InvalidInput]:
    """The step's bytes in that dialect. Batches differ; every other step is JSON in both."""
    if not isinstance(body, Batch):
        return change(json.encoded(body), lambda encoded: Lowered(operation, encoded))
    return change(forms(body, dialect), lambda data: enclosed(body, data, dialect))


def forms(batch: Batch, dialect: Dialect) -> Outcome[Sequence[Form], InvalidInput]:
    """The data of a batch in that dialect; InvalidInput names a chunk that has no form in it."""
    match dialect:
        case "json":
            return Success([_form(datum) for datum in batch.data])
        case "protobuf":
            return requests.forms(batch)
        case _:
            assert_never(dialect)


def enclosed(batch: Batch, data: Sequence[Form], dialect: Dialect) -> Lowered:
    """The bytes of a batch, of which these are the data, in that dialect."""
    match dialect:
        case "json":
            return _as_json(batch, data)
        case "protobuf":
            return Lowered("forward_backward", requests.enclosed(batch, data))
        case _:
            assert_never(dialect)


def numbered(step: Encoded, model_id: str, seq_id: int) -> Encoded:
    """The step's bytes with the model and the number in front, whichever dialect they are in."""
    put = requests.numbered if step.content_type == requests.CONTENT_TYPE else json.numbered
    return put(step, model_id, seq_id)


def _form(datum: Datum) -> Form:
    written = b"," + json.written(datum)
    return Form((written,), len(written))


def _as_json(batch: Batch, data: Sequence[Form]) -> Lowered:
    operation, front = _FRONTS[batch.forward_only]
    settings = json.written(_Settings(loss_fn=batch.loss_fn, loss_fn_config=batch.loss_fn_config))
    elements = [part for form in data for part in form.parts]
    first = [memoryview(part)[1:] for part in elements[:1]]
    return Lowered(operation, Encoded.of(json.CONTENT_TYPE, front, *first, *elements[1:], b"]," + settings[1:] + b"}"))


_FRONTS = {
    False: ("forward_backward", b'{"forward_backward_input":{"data":['),
    True: ("forward", b'{"forward_input":{"data":['),
}

NOBODY = "tinkex-py-asks-for-the-encoding"
"""A model that can't exist: a model's id is that of a session with `:train:` and a number behind it."""

Verdict: TypeAlias = Literal["read", "not read", "unclear"]
"""Whether a server read a body, so far as its answer tells."""


class Understood(Struct, frozen=True):
    """The answer tells whether the body, a batch for the model NOBODY in the given dialect, was read."""

    dialect: Dialect

    @property
    def statuses(self) -> frozenset[int]:
        """The refusals that concern the body, and the faults of servers that stumble over it."""
        return frozenset({400, 404, 405, 409, 410, 413, 415, 422, 500, 501})

    def read(self, reply: Reply) -> Outcome[Verdict, str]:
        """Never fails: what tells nothing is unclear."""
        return Success(_verdict(reply, self.dialect))


def _verdict(reply: Reply, dialect: Dialect) -> Verdict:
    match reply.status:
        case 405 | 415:
            return "not read"
        case 500 | 501:
            return "unclear"
        case 400 | 404 | 422 if dialect == "protobuf":
            return "read" if _is_about_the_model(reply) else "not read"
        case _:
            return "read"


def _is_about_the_model(reply: Reply) -> bool:
    """Whether a refusal shows that the message was read, not that JSON was looked for or that there is no such path."""
    said = explanation(reply.body)
    if reply.status == 404:
        return not lacks_route(reply)
    return "json" not in said.detail.lower() and _OF_A_READER.search(said.detail) is not None


_OF_A_READER = re.compile(
    rf"(?is)proto|{NOBODY}|(?=.*(model|run\b|session))(?=.*(unknown|not found|no such|not exist|n't exist|not loaded))"
)
