"""What an answer says: a value, a promise's state, or why not."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.endpoints.models import ModelUnloaded
from tinkex_py.endpoints.sampling import SamplingSession
from tinkex_py.request import Reply
from tinkex_py.types import ForwardBackwardOutput, OptimStepResponse, SaveWeightsResponse
from tinkex_py.types.promises import Announced, Pending, Promised, Ready, Refused
from tinkex_py.wire.replies import Explanation, Nothing, OrPromised, PromiseOf, Value, category_of, explanation

PROMISE = PromiseOf(OptimStepResponse, "OptimStep")
STATES = {
    "ready": (200, b'{"metrics": {"a": 1}}', Ready(OptimStepResponse(metrics={"a": 1.0}))),
    "ready with nothing": (200, b"{}", Ready(OptimStepResponse())),
    "ready, of a type of its server's own": (200, b'{"type": "optimized"}', Ready(OptimStepResponse())),
    "ready, of a type that is no word": (200, b'{"type": ["save_weights"]}', Ready(OptimStepResponse())),
    "held": (
        408,
        b'{"queue_state": "paused_capacity", "queue_state_reason": "busy"}',
        Pending(queue_state="paused_capacity", reason="busy"),
    ),
    "held, no body": (408, b"", Pending()),
    "try again": (200, b'{"type": "try_again", "queue_state": 5, "retry_after_ms": 1500}', Pending(retry_after=1.5)),
    "odd wish": (200, b'{"type": "try_again", "retry_after_ms": -1}', Pending()),
    "pending": (200, b'{"status": "pending"}', Pending()),
    "announced": (200, b'{"status": "complete_metadata", "response_payload_size": 7}', Announced(7)),
    "announced without a size": (200, b'{"status": "complete_metadata"}', Announced(0)),
    "failed": (200, b'{"error": "boom", "category": "user"}', Refused("boom", "user")),
    "failed in other letters": (200, b'{"error": "f\xfcr \\ud83d", "category": "user"}', Refused("f\ufffdr ?", "user")),
    "failed over two lines": (200, b'{"error": "a\nb", "category": 1e400}', Refused("a\nb", "unknown")),
    "pending in other letters": (200, b'{"status": "pending", "queue_state": "\\udc00"}', Pending(queue_state="?")),
    "try again after ages": (200, b'{"type": "try_again", "retry_after_ms": 1e400}', Pending()),
    "held, with something else": (408, b"<html>", Pending()),
    "failed without a word": (
        200,
        b'{"error": null, "category": "server"}',
        Refused('{"error": null, "category": "server"}', "server"),
    ),
    "failed as its state says": (200, b'{"status": "failed"}', Refused('{"status": "failed"}', "unknown")),
    "a state that is no word": (200, b'{"status": ["failed"]}', Ready(OptimStepResponse())),
    "failed oddly": (
        200,
        b'{"error": {"a": 1}, "category": 5}',
        Refused('{"error": {"a": 1}, "category": 5}', "unknown"),
    ),
}


@pytest.mark.parametrize(("status", "body", "state"), STATES.values(), ids=STATES)
def test_a_promise_is_in_one_state(status: int, body: bytes, state: object) -> None:
    assert PROMISE.read(Reply(status=status, body=body)) == Success(state)


@pytest.mark.parametrize("body", [b"5", b"", b'{"error": "no"', b'{"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}"])
def test_a_body_that_is_no_state_is_a_failure(body: bytes) -> None:
    assert isinstance(PROMISE.read(Reply(status=200, body=body)), Failure)


@pytest.mark.parametrize("kind", ["OptimStep", "LoadWeights"])
def test_a_result_that_says_it_is_of_another_kind_is_a_failure(kind: str) -> None:
    reply = Reply(status=200, body=b'{"type": "save_weights", "path": "tinker://run/weights/a"}')
    said = f"it says that it is the result of save_weights, and {kind} was asked for"
    assert PromiseOf(OptimStepResponse, kind).read(reply) == Failure(said)
    assert PromiseOf(SaveWeightsResponse, "SaveWeights").read(reply) == Success(
        Ready(SaveWeightsResponse(path="tinker://run/weights/a"))
    )


def test_a_result_of_a_batch_has_outputs() -> None:
    assert isinstance(PromiseOf(ForwardBackwardOutput, "ForwardBackward").read(Reply(status=200, body=b"{}")), Failure)


def test_an_empty_body_is_no_result_in_protobuf() -> None:
    reply = Reply(status=200, headers=(("content-type", "application/x-protobuf"),))
    assert isinstance(PROMISE.read(reply), Failure)


SOON: dict[str, tuple[type[Struct], object, Struct]] = {
    "a value": (SamplingSession, {"sampling_session_id": "q"}, SamplingSession(sampling_session_id="q")),
    "a promise": (SamplingSession, {"request_id": "r"}, Promised(request_id="r")),
    "a value that has an id": (
        SamplingSession,
        {"request_id": "r", "sampling_session_id": "q"},
        SamplingSession(sampling_session_id="q"),
    ),
    "a value that needs nothing": (ModelUnloaded, {"status": "unloaded"}, ModelUnloaded()),
    "a promise of one": (ModelUnloaded, {"request_id": "r", "model_id": "m"}, Promised(request_id="r", model_id="m")),
}


@pytest.mark.parametrize(("form", "body", "read"), SOON.values(), ids=SOON)
def test_an_answer_is_the_value_or_a_promise_of_it(form: type[Struct], body: object, read: object) -> None:
    returns: OrPromised[Struct] = OrPromised(form)
    assert returns.read(Reply(status=200, body=msgspec.json.encode(body))) == Success(read)
    assert (returns.statuses, isinstance(returns.read(Reply(status=200, body=b"5")), Failure)) == (frozenset(), True)


def test_values_and_nothing_are_read() -> None:
    reply = Reply(status=200, body=b"[1]")
    assert (Value(list[int]).read(reply), Nothing().read(reply)) == (Success([1]), Success(None))
    assert Value(int).statuses == Nothing().statuses == frozenset()


EXPLANATIONS = {
    "detail": (b'{"detail": "no"}', Explanation("no")),
    "message": (b'{"message": "no"}', Explanation("no")),
    "error": (b'{"error": {"message": "no"}}', Explanation("no")),
    "detail inside": (b'{"error": {"detail": "no"}}', Explanation("no")),
    "empty detail": (b'{"detail": "", "message": "no"}', Explanation("no")),
    "unreadable detail": (b'{"detail": {"a": 1}}', Explanation('{"detail": {"a": 1}}')),
    "list": (
        b'{"detail": [{"loc": ["body", "lora_config", "rank"], "msg": "too large"}, {"msg": "and more"}, 5]}',
        Explanation("lora_config.rank: too large; and more", ("lora_config.rank",)),
    ),
    "place": (b'{"detail": [{"loc": ["query", 0], "msg": "bad"}]}', Explanation("query.0: bad", ("query.0",))),
    "list of nothing said": (b'{"detail": [5]}', Explanation('{"detail": [5]}')),
    "text": (b'"plainly no"', Explanation("plainly no")),
    "other": (b"[1]", Explanation("[1]")),
    "plain": (b"Internal Server Error", Explanation("Internal Server Error")),
    "page": (b"<html><head><title>x</title></head><body>Bad &amp; <b>gateway</b></body>", Explanation("Bad & gateway")),
    "empty": (b"", Explanation("")),
    "long": (b'"' + b"x" * 3000 + b'"', Explanation("x" * 2000 + "...")),
}


@pytest.mark.parametrize(("body", "said"), EXPLANATIONS.values(), ids=EXPLANATIONS)
def test_a_refusal_is_told_in_the_servers_words(body: bytes, said: Explanation) -> None:
    assert explanation(body) == said


def test_categories_are_told_by_their_beginning() -> None:
    assert [category_of(word) for word in ("user_error", "Server", "other", None)] == [
        "user",
        "server",
        "unknown",
        "unknown",
    ]
