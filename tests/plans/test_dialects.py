"""What a server reads is found out by a batch for nobody; what says nothing about it is not taken for an answer."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Line, Script, reply, waiting
from tinkex_py import Datum, ImageAssetPointerChunk, ModelInput, errors
from tinkex_py.endpoints.steps import BatchStep, forward, forward_backward
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.cells import Queue
from tinkex_py.plans.dialects import Dialects, dialect_of
from tinkex_py.plans.effects import attempt, together
from tinkex_py.plans.runs import Run
from tinkex_py.plans.startup import Startup
from tinkex_py.request import Encoded

UNKNOWN = reply(404, {"detail": "model_id not found"})
HTML = reply(404)
PROTOBUF: dict[str, list[Line]] = {
    "promise": [reply(202, {"request_id": "r"})],
    "unknown model": [UNKNOWN],
    "unknown model, 400": [reply(400, {"detail": "Unknown model: nobody"})],
    "unknown model, 422": [reply(422, {"detail": "There is no such model"})],
    "bad protobuf": [reply(422, {"detail": "Invalid protobuf request: data"})],
    "conflict": [reply(409, {"detail": "Sequence conflict"})],
    "after a 503": [reply(503), reply(202, {"request_id": "r"})],
    "after a 429": [reply(429), UNKNOWN],
    "after a broken connection": [BROKEN, UNKNOWN],
    "a fault, and no JSON": [reply(500), reply(415)],
    "a fault that passes": [reply(500), reply(500), UNKNOWN],
}
JSON: dict[str, list[Line]] = {
    "unsupported": [reply(415, {"detail": "this server reads JSON"})],
    "no such route": [reply(404, {"detail": "Not Found"})],
    "no such page": [HTML],
    "wrong method": [reply(405)],
    "not JSON": [reply(400, {"detail": "the body is not JSON"})],
    "misread": [reply(422, {"detail": [{"loc": ["body"], "msg": "Input should be a valid dictionary"}]})],
    "incomplete": [reply(422, {"detail": [{"loc": ["body", "model_id"], "msg": "Field required"}]})],
    "a bare fault": [reply(500), UNKNOWN],
    "a bare fault and a reset": [reply(500), BROKEN, UNKNOWN],
}


def unknown(**settings: Any) -> Dialects:
    return Dialects(config=waiting(**settings).config, known={})


@pytest.mark.parametrize("lines", PROTOBUF.values(), ids=PROTOBUF)
def test_a_server_that_read_the_message_speaks_protobuf(lines: list[Line]) -> None:
    dialects = unknown()
    assert Script(*lines).run(dialect_of(dialects)) == Success("protobuf")
    assert dialects.found == "protobuf"


@pytest.mark.parametrize("lines", JSON.values(), ids=JSON)
def test_a_server_that_could_not_speaks_json(lines: list[Line]) -> None:
    dialects = unknown()
    assert Script(*lines).run(dialect_of(dialects)) == Success("json")
    assert dialects.found == "json"


SILENT: dict[str, tuple[Line, type[errors.TinkerError]]] = {
    "no credential": (reply(401), errors.Unauthorized),
    "billing": (reply(402), errors.PaymentRequired),
    "forbidden": (reply(403), errors.Forbidden),
    "no connection": (BROKEN, errors.ConnectionFailed),
    "too many": (reply(429), errors.RateLimited),
    "unavailable": (reply(503), errors.ServerFault),
}


@pytest.mark.parametrize(("line", "error"), SILENT.values(), ids=SILENT)
def test_what_says_nothing_about_the_dialect_is_a_failure_that_is_not_kept(
    line: Line, error: type[errors.TinkerError]
) -> None:
    dialects = unknown(timeout=60.0)
    assert isinstance(Script(line).run(dialect_of(dialects)).failure(), error)
    assert Script(UNKNOWN).run(dialect_of(dialects)) == Success("protobuf")


def test_a_server_that_only_fails_is_tried_in_json_and_not_remembered() -> None:
    dialects = unknown()
    assert Script(reply(500)).run(dialect_of(dialects)) == Success("json")
    assert dialects.found is None


def test_those_who_ask_at_once_share_one_question_and_later_ones_need_none() -> None:
    dialects, script = unknown(), Script(5.0, UNKNOWN)
    assert script.run(together([dialect_of(dialects), dialect_of(dialects)])).unwrap() == (Success("protobuf"),) * 2
    assert script.run(dialect_of(dialects)) == Success("protobuf")
    assert len(script.sent) == 1


def test_a_dialect_that_is_set_is_not_asked_for() -> None:
    script = Script(UNKNOWN)
    assert (script.run(dialect_of(unknown(dialect="json"))), script.sent) == (Success("json"), [])


DATUM = Datum(ModelInput.from_ints([1]), {"target_tokens": [2], "weights": [1.0]})
DONE = [reply(200, {"request_id": "r"}), reply(200, {"loss_fn_outputs": [], "metrics": {}})]


def sent_by(step: BatchStep, **settings: Any) -> tuple[str, str, bytes]:
    shared = waiting(**settings)
    run = Run(model_id="m", queue=Queue(), waiting=shared, dialects=unknown(**settings))
    script = Script(*DONE)
    assert isinstance(script.run(take_batch(run, lambda: None, lambda: step)), Success)
    request = script.sent[0][0]
    assert isinstance(request.body, Encoded)
    return request.path[-1], request.body.content_type, request.body.content


@pytest.mark.parametrize(("build", "path"), [(forward, "forward"), (forward_backward, "forward_backward")])
def test_a_batch_goes_where_its_dialect_has_it(build: Any, path: str) -> None:
    step = build([DATUM], "cross_entropy")
    assert sent_by(step, dialect="json")[:2] == (path, "application/json")
    assert sent_by(step, dialect="protobuf")[:2] == ("forward_backward", "application/x-protobuf")


def test_the_number_stands_in_front_of_a_message() -> None:
    content = sent_by(forward_backward([DATUM], "cross_entropy"), dialect="protobuf")[2]
    assert content.startswith(b"\x0a\x01m\x10\x01\x1a")


def test_an_image_elsewhere_has_no_form_in_protobuf() -> None:
    datum = Datum(ModelInput((ImageAssetPointerChunk("png", "gs://a/b"),)), {})
    run = Run(model_id="m", queue=Queue(), waiting=waiting(), dialects=unknown(dialect="protobuf"))
    script = Script(*DONE)
    error = script.run(take_batch(run, lambda: None, lambda: forward([DATUM, datum], "cross_entropy"))).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, script.sent) == ("data[1].model_input.chunks[0]", [])


REPLACED: dict[str, tuple[Line, type[errors.TinkerError]]] = {
    "unsupported": (reply(415), errors.UnsupportedEncoding),
    "not JSON": (reply(400, {"detail": "the body is not JSON"}), errors.BadRequest),
    "misread": (reply(422, {"detail": "Input should be a valid dictionary"}), errors.Unprocessable),
    "not implemented": (reply(501), errors.ServerFault),
}


@pytest.mark.parametrize(("line", "error"), REPLACED.values(), ids=REPLACED)
def test_a_refused_dialect_is_asked_for_anew(line: Line, error: type[errors.TinkerError]) -> None:
    """Another server may be at the address by now."""
    dialects = unknown()
    run = Run(model_id="m", queue=Queue(), waiting=waiting(), dialects=dialects)
    step = forward_backward([DATUM], "cross_entropy")
    script = Script(UNKNOWN, line, reply(415), *DONE)
    first = script.run(attempt(take_batch(run, lambda: None, lambda: step))).unwrap()
    assert isinstance(first, Failure)
    assert isinstance(first.failure(), error)
    assert isinstance(script.run(take_batch(run, lambda: None, lambda: step)), Success)
    assert dialects.found == "json"


def test_a_step_in_doubt_after_faults_has_the_dialect_asked_for_anew() -> None:
    dialects, shared = unknown(), waiting(progress_timeout=100)
    run = Run(model_id="m", queue=Queue(), waiting=shared, dialects=dialects)
    taken = take_batch(run, lambda: None, lambda: forward_backward([DATUM], "cross_entropy"))
    assert isinstance(Script(UNKNOWN, reply(500)).run(taken).failure(), errors.OutOfSequence)
    assert dialects.found is None


def test_a_batch_is_compressed_when_the_server_asks_for_that() -> None:
    _ = pytest.importorskip("zstandard")
    shared = waiting(dialect="protobuf")
    startup = Startup(config=shared.config)
    dialects = Dialects(config=shared.config, known={}, startup=startup)
    run = Run(model_id="m", queue=Queue(), waiting=shared, dialects=dialects)
    script = Script(reply(200, {"proto_compress_fwdbwd": True}), reply(404), *DONE)
    step = forward_backward([DATUM], "cross_entropy")
    assert isinstance(script.run(take_batch(run, lambda: None, lambda: step)), Success)
    sent = [request.body for request, _ in script.sent if request.operation == "forward_backward"]
    assert [body.content_encoding for body in sent if isinstance(body, Encoded)] == ["zstd"]
