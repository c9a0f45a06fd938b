"""What an answer's body says: a value, a promise's state, or why not. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from msgspec import UNSET, Struct, structs
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.errors import Category
from tinkex_py.outcome import Outcome, then
from tinkex_py.request import Reply
from tinkex_py.types.promises import Announced, Pending, Promised, PromiseState, Ready, Refused
from tinkex_py.wire import json
from tinkex_py.wire.json import Json
from tinkex_py.wire.protobuf import results

T = TypeVar("T")
StructT = TypeVar("StructT", bound=Struct)

LONGEST_DETAIL = 2000
"""Characters of a server's own text that are kept."""
LONGEST_WAIT = 86_400_000
"""Milliseconds that a server may ask to wait; a greater number is taken for nonsense."""
_FAILED = ("failed", "error")
"""Words of a server for work that failed, where it has no text for it."""
_TYPES = {
    "CreateModel": "create_model",
    "LoadWeights": "load_weights",
    "SaveWeights": "save_weights",
    "SaveWeightsForSampler": "save_weights_for_sampler",
    "SaveWeightsExternal": "save_weights_external",
    "CreateCustomLoss": "create_custom_loss",
}
"""What results in JSON say that they are, if they say it, by the kinds of their promises."""
_NOT_THERE, _NOT_ALLOWED = frozenset({404, 501}), 405


class _Probe(Struct):
    """The fields that tell one state of a promise from another, whatever they hold."""

    type: Any = None
    status: Any = None
    queue_state: Any = None
    queue_state_reason: Any = None
    retry_after_ms: Any = None
    error: Any = UNSET
    category: Any = None
    response_payload_size: Any = None


class Explanation(Struct, frozen=True):
    """A refusal in the server's own words, and the fields of the request that it names."""

    detail: str
    fields: tuple[str, ...] = ()


class Value(Struct, Generic[T], frozen=True, gc=False):
    """The answer is the value."""

    form: TypeForm[T]

    @property
    def statuses(self) -> frozenset[int]:
        """Nothing but 2xx."""
        return frozenset()

    def read(self, reply: Reply) -> Outcome[T, str]:
        """The value, or what is wrong with the body."""
        return json.decode_answer(self.form, reply.body)


class PromiseOf(Struct, Generic[T], frozen=True, gc=False):
    """The answer is the state of a promise of that kind; a 408 says that it is pending."""

    form: TypeForm[T]
    kind: str

    @property
    def statuses(self) -> frozenset[int]:
        """The long poll's own time-out."""
        return frozenset({408})

    def read(self, reply: Reply) -> Outcome[PromiseState[T], str]:
        """The state, told apart by the tests of the protocol, in their order; a protobuf body is a result if not empty.

        All fields of a result may be left out, so nearly any object could be read as one: one that names itself the
        result of something else is refused.
        """
        if reply.status in self.statuses:
            return Success(_pending(_probe(reply.body).value_or(_Probe())))
        if is_protobuf(reply.header("content-type")):
            return _ready(results.decode(self.form, reply.body)) if reply.body else Failure("the answer is empty")
        probed = _probe(reply.body)
        if isinstance(probed, Failure):
            return probed
        probe = probed.unwrap()
        unfinished = _unfinished(probe, reply.body)
        if unfinished is not None:
            return Success(unfinished)
        if probe.type in _TYPES.values() and probe.type != _TYPES.get(self.kind):
            return Failure(f"it says that it is the result of {probe.type}, and {self.kind} was asked for")
        return _ready(json.decode_answer(self.form, reply.body))


class OrPromised(Struct, Generic[StructT], frozen=True):
    """The answer is the value, or a promise of it: what could be read as either is a promise, unless the value has
    fields that are required.
    """

    form: type[StructT]

    @property
    def statuses(self) -> frozenset[int]:
        """Nothing but 2xx."""
        return frozenset()

    def read(self, reply: Reply) -> Outcome[StructT | Promised, str]:
        """The value or the promise, or what is wrong with the body."""
        value, promised = json.decode_answer(self.form, reply.body), json.decode_answer(Promised, reply.body)
        needs = any(field.required for field in structs.fields(self.form))
        return promised if isinstance(promised, Success) and (isinstance(value, Failure) or not needs) else value


class Nothing(Struct, frozen=True):
    """The answer's body means nothing."""

    @property
    def statuses(self) -> frozenset[int]:
        """Nothing but 2xx."""
        return frozenset()

    def read(self, reply: Reply) -> Outcome[None, str]:  # noqa: ARG002
        """None, whatever came."""
        return Success(None)


class Whole(Struct, frozen=True):
    """The answer as it came; `statuses` are those that would have been read beside 2xx."""

    statuses: frozenset[int] = frozenset()

    def read(self, reply: Reply) -> Outcome[Reply, str]:
        """The reply itself."""
        return Success(reply)


def _ready(read: Outcome[T, str]) -> Outcome[Ready[T], str]:
    return read if isinstance(read, Failure) else Success(Ready(read.unwrap()))


def is_protobuf(content_type: str | None) -> bool:
    """Whether a Content-Type is one of protobuf's."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind in {"application/x-protobuf", "application/protobuf"}


def explanation(body: bytes) -> Explanation:
    """Why the server refused: from `detail` (a text or FastAPI's list), `message` or `error`, or the bare text."""
    text = _text_of(body)
    match json.decode_answer(Any, body):
        case Success(value):
            return _explained(value, text)
        case Failure(_):
            return Explanation(_shortened(_readable(text)))


def lacks_route(reply: Reply) -> bool:
    """Whether a refusal says no more than that there is no such path, or not for that method."""
    if reply.status in _NOT_THERE:
        return reply.body.lstrip().startswith(b"<") or is_bare(explanation(reply.body).detail)
    return reply.status == _NOT_ALLOWED


def is_bare(detail: str) -> bool:
    """Whether a text is what frameworks, or the pages of proxies, say of paths that they don't know."""
    lowered = detail.strip(" .").lower()
    return lowered in {"", "not found", "not implemented"} or lowered.startswith("404 ")


def category_of(word: object) -> Category:
    """Who is blamed, by the beginning of the server's word: `user_error` is the user."""
    lowered = word.lower() if isinstance(word, str) else ""
    return "user" if lowered.startswith("user") else "server" if lowered.startswith("server") else "unknown"


def _probe(body: bytes) -> Outcome[_Probe, str]:
    """The fields, if need be of a text that isn't quite JSON: with what is no UTF-8, or with numbers beyond any."""
    match json.decode_answer(_Probe, body):
        case Failure(reason):
            return then(json.leniently(body, reason), lambda value: json.convert(_Probe, value))
        case read:
            return read


def _unfinished(probe: _Probe, body: bytes) -> Pending | Announced | Refused | None:
    if probe.type == "try_again":
        return _pending(probe)
    if probe.status == "complete_metadata":
        return Announced(_size(probe.response_payload_size))
    if probe.error is not UNSET or probe.status in _FAILED:
        said = None if probe.error is UNSET else _said(probe.error)
        return Refused(_shortened(said or _text_of(body)), category_of(probe.category))
    return _pending(probe) if probe.status == "pending" else None


def _pending(probe: _Probe) -> Pending:
    return Pending(
        queue_state=_word(probe.queue_state),
        reason=_word(probe.queue_state_reason),
        retry_after=_seconds(probe.retry_after_ms),
    )


def _size(payload: object) -> int:
    """Bytes to make room for; a size that is none needs no room, but is no result either."""
    return payload if isinstance(payload, int) and payload > 0 else 0


def _word(value: object) -> str | None:
    return _shortened(value) if isinstance(value, str) else None


def _seconds(milliseconds: object) -> float | None:
    return milliseconds / 1000 if isinstance(milliseconds, (int, float)) and 0 <= milliseconds <= LONGEST_WAIT else None


def _explained(value: Json, text: str) -> Explanation:
    match value:
        case {"detail": [*problems]} if problems:
            return _listed(problems, text)
        case dict():
            said = value.get("detail") or value.get("message") or value.get("error")
            return Explanation(_shortened(_said(said) or text))
        case str():
            return Explanation(_shortened(value))
        case _:
            return Explanation(_shortened(text))


def _listed(problems: Sequence[Json], text: str) -> Explanation:
    places = [_place(problem) for problem in problems]
    sayings = [_said(problem) for problem in problems]
    told = [f"{place}: {said}" if place else said for place, said in zip(places, sayings, strict=True) if said]
    return Explanation(_shortened("; ".join(told) or text), tuple(filter(None, places)))


def _place(problem: Json) -> str:
    """FastAPI's `loc`: `["body", "lora_config", "rank"]` is `lora_config.rank`."""
    match problem:
        case {"loc": ["body", *parts]} | {"loc": [*parts]}:
            return ".".join(str(part) for part in parts if isinstance(part, (str, int)))
        case _:
            return ""


def _said(value: Json) -> str | None:
    match value:
        case str(said) | {"message": str(said)} | {"detail": str(said)} | {"msg": str(said)}:
            return said
        case _:
            return None


def _text_of(body: bytes) -> str:
    return body.decode("utf-8", "replace").strip()


def _readable(text: str) -> str:
    """An HTML page as its visible words; other text as it is."""
    if not text.startswith("<"):
        return text
    without = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]*>", " ", text[: 10 * LONGEST_DETAIL])
    return " ".join(html.unescape(without).split())


def _shortened(text: str) -> str:
    """A detail of bounded length that can be printed: an escape in JSON may stand for half a character."""
    kept = text if len(text) <= LONGEST_DETAIL else f"{text[:LONGEST_DETAIL]}..."
    return kept.encode("utf-8", "replace").decode()
