"""Tokens, the audit, usage and storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server.driving import RANDOM, TEXT, Driven, Json, answered, batch, refused
from tinkex_py.request import Reply

KEY = "tml-secret"


def presenting(driven: Driven, name: str, value: str) -> Reply:
    reply = driven.call("POST", "create_session", {}, ((name, value),))
    assert isinstance(reply, Reply)
    return reply


def token(driven: Driven) -> str:
    return str(driven.post("auth/token", {}, (("x-api-key", KEY),))["jwt"])


def test_a_token_is_as_good_as_the_key_until_it_expires(tmp_path: Path) -> None:
    driven = Driven(tmp_path, api_key=KEY, token_seconds=60)
    jwt = token(driven)
    assert [presenting(driven, *sent).status for sent in (("x-api-key", jwt), ("authorization", f"Bearer {KEY}"))] == [
        200,
        200,
    ]
    driven.time += 61
    expired = presenting(driven, "x-api-key", jwt)
    assert (expired.status, dict(expired.headers)["www-authenticate"]) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize("change", ["x", "."])
def test_a_forged_token_is_refused(tmp_path: Path, change: str) -> None:
    driven = Driven(tmp_path, api_key=KEY)
    reply = presenting(driven, "x-api-key", token(driven) + change)
    assert (reply.status, "www-authenticate" in dict(reply.headers)) == (401, False)


@pytest.mark.parametrize("seconds", [None, 60])
def test_clients_are_told_to_exchange_their_key_when_that_is_asked_for(tmp_path: Path, seconds: int | None) -> None:
    driven = Driven(tmp_path, token_seconds=seconds)
    assert driven.post("client/config", {"sdk_version": "1"})["pjwt_auth_enabled"] is (seconds is not None)


def test_the_key_tells_what_it_is_and_stays(driven: Driven) -> None:
    assert driven.get("auth/apikey/me")["name"] == "embedded server"
    assert driven.status("DELETE", "auth/apikey/me") == 403


def test_usage_counts_the_tokens_of_real_work(driven: Driven) -> None:
    session_id = str(driven.post("create_session", {"project_id": "p", "user_metadata": {"a": "b"}})["session_id"])
    model_id = driven.model(session_id)
    _ = driven.result("forward_backward", batch(model_id))
    _ = driven.result("save_weights", {"model_id": model_id, "path": "a"})
    once: Json = {
        "base_model": RANDOM,
        "prompt": TEXT,
        "num_samples": 2,
        "sampling_params": {"max_tokens": 4, "stop": []},
    }
    _ = driven.result("asample", once)
    usage = driven.get("billing/usage/events")
    assert [(row["event_info"], row.get("session_id"), row.get("project_id")) for row in usage["data"]] == [
        ({"type": "training", "token_count": 3}, session_id, "p"),
        ({"type": "checkpoint", "count": 1}, session_id, "p"),
        ({"type": "sampling_prefill", "cached": False, "token_count": 5}, None, None),
        ({"type": "sampling_sample", "token_count": 8}, None, None),
    ]
    assert usage["sessions"] == {session_id: {"user_metadata": {"a": "b"}}}
    later = (("starting_on", "1970-01-01T01:00:00Z"), ("ending_before", "1970-01-02T00:00:00+02:00"))
    assert driven.get("billing/usage/events", later)["data"] == []


def test_storage_is_what_the_checkpoints_of_a_project_take(driven: Driven) -> None:
    session_id = str(driven.post("create_session", {"project_id": "p"})["session_id"])
    _ = driven.result("save_weights", {"model_id": driven.model(session_id), "path": "a"})
    size = driven.get("checkpoints")["checkpoints"][0]["size_bytes"]
    rows = driven.get("billing/usage/checkpoints/current", (("project_id", "p"),))["data"]
    assert [(row["project_id"], row["checkpoint_count"], row["size_bytes"]) for row in rows] == [("p", 1, size)]
    assert driven.get("billing/usage/checkpoints/current", (("project_id", "q"),))["data"] == []


def test_the_audit_says_what_happened_to_checkpoints(driven: Driven) -> None:
    model_id = driven.model()
    path = driven.result("save_weights", {"model_id": model_id, "path": "a"})["path"]
    _ = driven.status("DELETE", f"training_runs/{model_id}/checkpoints/weights/a")
    entries = driven.get("audit", (("event_type", "checkpoints"), ("day", "1970-01-01")))["entries"]
    assert [(one["event"], one["tinker_path"]) for one in entries] == [
        ("checkpoint_created", path),
        ("checkpoint_deleted", path),
    ]
    assert driven.get("audit", (("day", "1970-01-02"),)) == driven.get("audit", (("event_type", "teams"),))


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("audit", "event_type", "x"),
        ("audit", "day", "today"),
        ("billing/usage/events", "starting_on", "x"),
        ("billing/usage/events", "ending_before", "x"),
        ("training_runs", "access_scope", "x"),
        ("sessions", "access_scope", "x"),
    ],
)
def test_what_a_query_can_not_mean_is_422(driven: Driven, path: str, name: str, value: str) -> None:
    status, detail = refused(driven.call("GET", path, query=((name, value),)))
    assert (status, detail[0]["loc"]) == (422, ["query", name])


def test_runs_are_listed_by_project(driven: Driven) -> None:
    session_id = driven.session()
    model_id = driven.model(session_id)
    _ = driven.model()
    assert driven.status("PUT", f"sessions/{session_id}/project", {"project_id": "p"}) == 204
    found = driven.get("training_runs", (("project_id", "p"), ("access_scope", "accessible")))
    assert [run["training_run_id"] for run in found["training_runs"]] == [model_id]
    assert found["cursor"] == {"limit": 20, "offset": 0, "total_count": 1}
    assert answered(driven.call("GET", "training_runs"))["cursor"]["total_count"] == 2
