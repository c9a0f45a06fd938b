"""A field that a server doesn't know is left out, once it has said so; what was asked for is never left out."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Script, reply
from tinkex_py import LoraConfig, Outcome, errors
from tinkex_py.endpoints import models, service, sessions, steps
from tinkex_py.events import FieldLeftOut
from tinkex_py.interpret import interpret
from tinkex_py.plans.unknown_fields import UnknownFields, refused_fields, sent_known, without
from tinkex_py.request import Encoded, Reply, Request
from tinkex_py.wire import json

REQUEST = service.create_session(sdk_version="1", user_metadata={"team": "x"}, display_name="night")
SAVE = steps.save_weights("a", 3600, overwrite=True)


def forbidden(*names: str, place: str = "body") -> dict[str, object]:
    return {
        "detail": [
            {"type": "extra_forbidden", "loc": [place, name], "msg": "Extra inputs are not permitted", "input": 1}
            for name in names
        ]
    }


COMPLAINTS: dict[str, tuple[object, set[str]]] = {
    "pydantic 2": (forbidden("display_name"), {"display_name"}),
    "pydantic 1": (
        {"detail": [{"loc": ["body", "type"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
        {"type"},
    ),
    "two at once": (forbidden("display_name", "user_metadata"), {"display_name", "user_metadata"}),
    "a sentence": ({"detail": "Unknown field: 'display_name'"}, {"display_name"}),
    "a message": ({"message": "unexpected keyword argument 'user_metadata'"}, {"user_metadata"}),
    "JSON schema": (
        {"error": "Additional properties are not allowed ('display_name' was unexpected)"},
        {"display_name"},
    ),
    "what is asked for": (forbidden("sdk_version"), set()),
    "what isn't there": (forbidden("project_id"), set()),
    "a missing field": (
        {"detail": [{"type": "missing", "loc": ["body", "display_name"], "msg": "Field required"}]},
        set(),
    ),
    "a wrong value": ({"detail": "display_name is too long"}, set()),
    "nothing": (None, set()),
}


@pytest.mark.parametrize(("body", "names"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_complaint_names_what_may_be_left_out(body: object, names: set[str]) -> None:
    assert refused_fields(REQUEST, reply(422, body)) == names


def test_what_asks_for_nothing_may_be_left_out() -> None:
    default = service.create_session(sdk_version="1", tags=())
    assert refused_fields(default, reply(422, forbidden("tags", "sdk_version"))) == {"tags"}


@pytest.mark.parametrize("status", [200, 409, 500])
def test_other_answers_are_no_complaint(status: int) -> None:
    assert refused_fields(REQUEST, reply(status, forbidden("display_name"))) == set()


def test_a_question_has_nothing_to_leave_out() -> None:
    asked = sessions.get_session("s")
    assert not refused_fields(asked, reply(422, forbidden("type")))
    assert without(asked, {"type"}) == asked


@pytest.mark.parametrize("body", [Encoded.of("application/x-protobuf", b"\0"), Encoded.of(json.CONTENT_TYPE, b"[1]")])
def test_a_body_without_json_fields_stays_as_it_is(body: Encoded) -> None:
    request = steps.submit_step("save_weights", body)
    assert not refused_fields(request, reply(422, forbidden("overwrite")))
    assert without(request, {"overwrite"}) == request


def outcome(script: Script, unknown: UnknownFields, request: Request[Any] = REQUEST) -> Outcome[Any]:
    answer = script.run(sent_known(unknown, request, (("x-idempotency-key", "k"),))).unwrap()
    return interpret(request, answer) if isinstance(answer, Reply) else Failure(answer)


def test_a_command_is_sent_once_more_without_it_under_the_same_key() -> None:
    script = Script(reply(422, forbidden("display_name")), reply(200, {"session_id": "s"}))
    assert outcome(script, UnknownFields()) == Success(service.Session(session_id="s"))
    assert script.bodies == [{"tags": [], "user_metadata": {"team": "x"}, "sdk_version": "1", "type": "create_session"}]
    assert [headers for _, headers in script.sent] == [(("x-idempotency-key", "k"),)] * 2
    assert script.events == [
        FieldLeftOut(operation="create_session", endpoint="POST /api/v1/create_session", field="display_name")
    ]


def test_it_is_not_sent_to_that_server_again() -> None:
    unknown = UnknownFields()
    outcome(Script(reply(422, forbidden("display_name")), reply(200, {"session_id": "s"})), unknown)
    later = Script(reply(200, {"session_id": "t"}))
    assert outcome(later, unknown) == Success(service.Session(session_id="t"))
    assert ["display_name" in body for body in later.bodies] == [False]


def test_a_second_complaint_is_the_answer() -> None:
    script = Script(reply(422, forbidden("display_name")), reply(422, forbidden("type")))
    failed = outcome(script, UnknownFields())
    error = failed.failure()
    assert isinstance(error, errors.Unprocessable)
    assert (len(script.sent), error.fields) == (2, ("type",))


def test_what_was_asked_for_is_not_left_out() -> None:
    request = models.create_model(session_id="s", model_seq_id=0, base_model="m", lora_config=LoraConfig())
    script = Script(reply(422, forbidden("lora_config")))
    assert isinstance(outcome(script, UnknownFields(), request), Failure)
    assert len(script.sent) == 1


def test_a_numbered_step_keeps_its_number() -> None:
    numbered = steps.submit_step("save_weights", json.numbered(json.encode(SAVE.body), "m", 3))
    script = Script(reply(422, forbidden("overwrite")), reply(200, {"request_id": "r"}))
    assert isinstance(outcome(script, UnknownFields(), numbered), Success)
    assert script.bodies[1] == {
        "model_id": "m",
        "seq_id": 3,
        "path": "a",
        "ttl_seconds": 3600,
        "type": "save_weights",
    }


def test_no_answer_stays_none() -> None:
    broken = errors.ConnectionFailed(message="no connection")
    assert outcome(Script(broken), UnknownFields()) == Failure(broken)


def missing(name: str, place: str) -> Reply:
    return reply(422, {"detail": [{"type": "missing", "loc": [place, name], "msg": "Field required"}]})


def test_what_a_server_misses_in_the_query_goes_there_too_from_then_on() -> None:
    script, unknown = Script(missing("model_id", "query"), reply(200, {"model_id": "m"})), UnknownFields()
    for _ in range(2):
        assert outcome(script, unknown, models.unload_model("m")) == Success(models.ModelUnloaded(model_id="m"))
    assert [request.query for request, _ in script.sent] == [(), (("model_id", "m"),), (("model_id", "m"),)]


@pytest.mark.parametrize("refusal", [missing("model_id", "body"), missing("other", "query")])
def test_what_is_missed_elsewhere_or_not_there_is_the_answer(refusal: Reply) -> None:
    script = Script(refusal)
    assert isinstance(outcome(script, UnknownFields(), models.unload_model("m")), Failure)
    assert len(script.sent) == 1


def test_what_the_query_has_is_not_put_there_again() -> None:
    script = Script(missing("model_id", "query"))
    assert isinstance(outcome(script, UnknownFields(), models.unload_model("m")), Failure)
    assert len(script.sent) == 2
