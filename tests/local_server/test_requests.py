"""What is refused before any endpoint looks at it, and in what words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.local_server.driving import RANDOM, Driven, Json, answered, refused
from tinkex_py.local.bodies import DEEPEST, SMALL
from tinkex_py.local.routes import endpoints
from tinkex_py.request import Reply


def test_a_healthy_server_says_so(driven: Driven) -> None:
    assert driven.get("healthz") == {"status": "ok"}


def test_both_base_models_can_be_trained_and_sampled(driven: Driven) -> None:
    facts = {"max_context_length": 2048, "trainable": True, "sampleable": True}
    names = ("tinkex/tiny-english", RANDOM)
    models = [{"model_name": name, **facts} for name in names]
    assert driven.get("get_server_capabilities") == {"supported_models": models}


def test_an_unknown_path_is_404(driven: Driven) -> None:
    assert refused(driven.call("GET", "nowhere")) == (404, "there is no /api/v1/nowhere")


def test_a_wrong_method_is_405_and_names_the_right_one(driven: Driven) -> None:
    reply = driven.call("DELETE", "healthz")
    assert refused(reply) == (405, "this path answers GET")
    assert isinstance(reply, Reply)
    assert reply.header("allow") == "GET"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"tags": [}', b'{"tags": ["\\ud800"], "a": NaN}'])
def test_what_is_not_json_is_400(driven: Driven, body: bytes) -> None:
    assert driven.status("POST", "create_session", body) == 400


HALVES = (b'{"tags": ["\\ud800"]}', b'{"tags": ["\\uDC00"], "a": NaN}', b'{"tags": ["\\ud800"], "a": NaN}')


@pytest.mark.parametrize("body", HALVES)
def test_half_a_character_is_refused_by_its_name(driven: Driven, body: bytes) -> None:
    detail = "the body holds half a character: an escape of a surrogate without the other one"
    assert refused(driven.call("POST", "create_session", body)) == (400, detail)


def test_the_bytes_of_half_a_character_are_no_text(driven: Driven) -> None:
    body = b'{"tags": ["\xed\xa0\x80"], "user_metadata": {"a": NaN}}'
    assert driven.status("POST", "create_session", body) == 400


def test_a_body_that_is_neither_a_batch_nor_a_sample_is_small(driven: Driven) -> None:
    body = b'{"user_metadata": {"a": "%s"}}' % (b"b" * SMALL)
    detail = f"the body has {len(body)} bytes; here it may have {SMALL} at most"
    assert refused(driven.call("POST", "create_session", body)) == (413, detail)
    late = driven.post("optim_step", {"model_id": driven.model(), "seq_id": 2, "adam_params": {}})
    assert (
        driven.status(
            "POST", "optim_step", b'{"model_id": "%s", "seq_id": 1}' % str(late["model_id"]).encode() + b" " * SMALL
        )
        == 413
    )
    driven.work()
    assert "metrics" in answered(driven.poll(late["request_id"]))


WRONG: dict[str, tuple[str, Any, list[Json]]] = {
    "a field of the wrong type": (
        "create_model",
        {"session_id": "s", "base_model": RANDOM, "lora_config": {"rank": "four"}},
        [{"loc": ["body", "lora_config", "rank"], "msg": "Expected `int`, got `str`", "type": "value_error"}],
    ),
    "a missing field": (
        "create_model",
        {"session_id": "s"},
        [{"loc": ["body", "base_model"], "msg": "Field required", "type": "missing"}],
    ),
    "a missing field inside": (
        "asample",
        {"prompt": {}},
        [{"loc": ["body", "prompt", "chunks"], "msg": "Field required", "type": "missing"}],
    ),
    "an element of a list": (
        "asample",
        {"prompt": {"chunks": [{"tokens": [1, "x"]}]}},
        [
            {
                "loc": ["body", "prompt", "chunks", 0, "tokens", 1],
                "msg": "Expected `int`, got `str`",
                "type": "value_error",
            }
        ],
    ),
    "a null that means a number that is not finite": (
        "optim_step",
        {"model_id": "m", "adam_params": {"learning_rate": None}},
        [
            {
                "loc": ["body", "adam_params", "learning_rate"],
                "msg": "Expected `float`, got `null`",
                "type": "value_error",
            }
        ],
    ),
    "not an object": (
        "get_info",
        [],
        [{"loc": ["body"], "msg": "Expected `object`, got `array`", "type": "value_error"}],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_field_is_422_and_named(driven: Driven, case: str) -> None:
    path, body, detail = WRONG[case]
    assert refused(driven.call("POST", path, body)) == (422, detail)


@pytest.mark.parametrize("depth", [DEEPEST + 1, 400])
def test_metadata_too_deep_to_be_told_again_are_refused(driven: Driven, depth: int) -> None:
    body = b'{"user_metadata": {"a": %b}}' % (b"[" * (depth - 1) + b"]" * (depth - 1))
    detail = {"loc": ["body", "user_metadata"], "msg": "it nests more than 32 levels deep", "type": "value_error"}
    assert refused(driven.call("POST", "create_session", body)) == (422, [detail])
    assert driven.post("sessions/search", {})["sessions"] == []


def test_metadata_are_told_as_they_were_given(driven: Driven) -> None:
    given: Json = {"a": 1}
    for _ in range(DEEPEST - 1):
        given = {"b": given, "c": [True]}
    _ = driven.post("create_session", {"user_metadata": given})
    assert driven.post("sessions/search", {})["sessions"][0]["user_metadata"] == given


def test_unknown_fields_and_nulls_are_accepted(driven: Driven) -> None:
    body: Json = {
        "tags": None,
        "user_metadata": None,
        "project_id": None,
        "sdk_version": "0.7.0",
        "of_the_future": {"a": []},
    }
    assert driven.post("create_session", body) == {"session_id": "session-5feceb66-0"}


def test_a_character_may_be_escaped(driven: Driven) -> None:
    body = b'{"user_metadata": {"a": "\\ud83d\\ude00", "b": NaN}}'
    session_id = driven.post("create_session", body)["session_id"]
    assert driven.get(f"sessions/{session_id}")["user_metadata"] == {"a": "\U0001f600", "b": None}


def test_the_same_seed_makes_the_same_ids(tmp_path: Path) -> None:
    first, second = Driven(tmp_path / "a", seed=7), Driven(tmp_path / "b", seed=7)
    assert first.model() == second.model() == "session-7902699b-0:train:0"


def test_a_demanded_key_must_be_there(tmp_path: Path) -> None:
    locked = Driven(tmp_path, api_key="tml-secret")
    assert refused(locked.call("POST", "create_session", {})) == (
        401,
        "the X-API-Key header does not hold this server's key",
    )
    assert answered(locked.call("POST", "create_session", {}, (("x-api-key", "tml-secret"),)))
    assert locked.get("healthz") == {"status": "ok"}


def test_a_repeated_idempotency_key_gets_the_first_answer(driven: Driven) -> None:
    key = (("x-idempotency-key", "once"),)
    assert driven.post("create_session", {}, key) == driven.post("create_session", {}, key)
    assert driven.post("create_session", {}) == {"session_id": "session-5feceb66-1"}


def test_an_idempotency_key_is_of_one_method_and_path_whatever_the_method(driven: Driven) -> None:
    model_id = driven.model()
    key = (("x-idempotency-key", "once"),)
    for name in ("a", "b"):
        _ = driven.result("save_weights", {"model_id": model_id, "path": name})
    place = f"training_runs/{model_id}/checkpoints/weights"
    asked = [("PUT", "a/ttl"), ("POST", "a/publish"), ("DELETE", "a/publish"), ("DELETE", "a"), ("DELETE", "b")]
    for method, path in [one for one in asked for _ in range(2)]:
        reply = driven.call(method, f"{place}/{path}", {"ttl_seconds": 3600}, key)
        assert (path, reply.status if isinstance(reply, Reply) else 0) == (path, 204)
    assert refused(driven.call("DELETE", f"{place}/a"))[0] == 404
    assert driven.get("checkpoints")["checkpoints"] == []


def test_a_refusal_is_not_kept_for_its_idempotency_key(driven: Driven) -> None:
    key = (("x-idempotency-key", "once"),)
    assert refused(driven.call("POST", "create_session", [], key))[0] == 422
    assert driven.post("create_session", {}, key) == {"session_id": "session-5feceb66-0"}


@pytest.mark.parametrize("path", ["client/config", "client/dynamic_config", "telemetry"])
def test_what_a_client_tells_of_itself_is_accepted(driven: Driven, path: str) -> None:
    assert driven.status("POST", path, {"sdk_version": "0.38.0"}) == 200


def test_every_endpoint_is_in_the_table_once() -> None:
    found = list(endpoints())
    assert len(found) == len(set(found)) == 50
