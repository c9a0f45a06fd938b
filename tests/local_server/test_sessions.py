"""Sessions, and the models that are made in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server.driving import RANDOM, Driven, Json, answered, batch, refused


def test_a_heartbeat_is_answered_until_the_session_ends(driven: Driven) -> None:
    session_id = driven.session()
    assert driven.status("POST", "session_heartbeat", {"session_id": session_id}) == 200
    assert (
        driven.status("POST", f"sessions/{session_id}/finish", {"reason": {"type": "success"}, "detail": None}) == 204
    )
    assert driven.status("POST", "session_heartbeat", {"session_id": session_id}) == 410


def test_a_session_that_never_was_is_404(driven: Driven) -> None:
    assert refused(driven.call("POST", "session_heartbeat", {"session_id": "s"})) == (404, "there is no session 's'")


def test_a_session_lists_its_models_and_samplers(driven: Driven) -> None:
    session_id = str(driven.post("create_session", {"user_metadata": {"team": "x"}})["session_id"])
    model_id = driven.model(session_id)
    body: Json = {"session_id": session_id, "sampling_session_seq_id": 3, "base_model": RANDOM}
    sampler_id = driven.post("create_sampling_session", body)["sampling_session_id"]
    assert driven.get(f"sessions/{session_id}") == {
        "training_run_ids": [model_id],
        "sampler_ids": [sampler_id],
        "user_metadata": {"team": "x"},
        "display_name": None,
    }


def test_sessions_are_listed_latest_first(driven: Driven) -> None:
    first, second = driven.session(), driven.session()
    assert driven.get("sessions") == {"sessions": [second, first]}
    assert driven.get("sessions", (("limit", "1"), ("offset", "1"))) == {"sessions": [first]}


def test_a_model_of_an_ended_session_is_gone(driven: Driven) -> None:
    session_id = driven.session()
    model_id = driven.model(session_id)
    assert driven.status("POST", f"sessions/{session_id}/finish", {}) == 204
    assert driven.status("POST", "forward_backward", batch(model_id)) == 404
    body: Json = {"session_id": session_id, "base_model": RANDOM}
    assert driven.status("POST", "create_model", body) == 410


def test_a_model_id_is_made_of_session_and_number(driven: Driven) -> None:
    session_id = driven.session()
    body: Json = {"session_id": session_id, "model_seq_id": 5, "base_model": RANDOM}
    assert driven.result("create_model", body) == {"model_id": f"{session_id}:train:5"}


def test_a_repeated_creation_makes_one_model(driven: Driven) -> None:
    body: Json = {"session_id": driven.session(), "model_seq_id": 0, "base_model": RANDOM}
    assert driven.post("create_model", body) == driven.post("create_model", body)
    other = {**body, "lora_config": {"rank": 8}}
    assert refused(driven.call("POST", "create_model", other)) == (
        409,
        "model_seq_id 0 was used before in this session",
    )


def test_a_model_tells_what_it_is(driven: Driven) -> None:
    model_id = driven.model(rank=3)
    assert driven.post("get_info", {"model_id": model_id}) == {
        "model_id": model_id,
        "model_data": {"arch": "tinkex-transformer", "model_name": RANDOM, "tokenizer_id": "tinkex/bytes"},
        "is_lora": True,
        "lora_rank": 3,
        "model_name": RANDOM,
    }


def test_an_unknown_base_model_is_404(driven: Driven) -> None:
    body: Json = {"session_id": driven.session(), "base_model": "no/such"}
    detail = "there is no base model 'no/such' here; there are tinkex/tiny-english, tinkex/tiny-random"
    assert refused(driven.call("POST", "create_model", body)) == (404, detail)


def test_a_rank_that_cannot_be_had_fails_the_promise(driven: Driven) -> None:
    body: Json = {"session_id": driven.session(), "base_model": RANDOM, "lora_config": {"rank": 0}}
    assert driven.result("create_model", body) == {
        "error": "lora_config.rank must be 1 to 128, not 0",
        "category": "user",
    }


def test_an_optimizer_that_is_not_there_fails_the_promise(driven: Driven) -> None:
    body: Json = {
        "session_id": driven.session(),
        "base_model": RANDOM,
        "optimizer_config": {"type": "dimuon", "version": 1},
    }
    error = "the embedded engine has one optimizer, adamw, not 'dimuon'"
    assert driven.result("create_model", body) == {"error": error, "category": "user"}


def test_a_step_of_a_model_that_was_not_made_fails(driven: Driven) -> None:
    promise = driven.post(
        "create_model", {"session_id": driven.session(), "base_model": RANDOM, "lora_config": {"rank": 0}}
    )
    model_id = str(promise["model_id"])
    error = f"the model {model_id} was never made"
    assert driven.result("forward_backward", batch(model_id)) == {"error": error, "category": "user"}


def test_an_unloaded_model_is_gone_when_its_work_is_done(driven: Driven) -> None:
    model_id = driven.model()
    step = driven.post("forward_backward", batch(model_id))
    assert driven.result("unload_model", {"model_id": model_id}) == {"model_id": model_id}
    assert "metrics" in driven_result(driven, step)
    assert driven.status("POST", "forward_backward", batch(model_id)) == 404


def test_unloading_ends_steps_that_wait_for_a_number(driven: Driven) -> None:
    model_id = driven.model()
    waiting = driven.post("forward_backward", batch(model_id, seq_id=2))
    _ = driven.post("unload_model", {"model_id": model_id})
    error = f"the model {model_id} was unloaded while this waited for an earlier step"
    assert driven_result(driven, waiting) == {"error": error, "category": "user"}


def test_a_new_server_on_an_old_folder_makes_new_sessions(tmp_path: Path) -> None:
    before = Driven(tmp_path)
    model_id = before.model()
    after = Driven(tmp_path)
    assert after.model() != model_id


def driven_result(driven: Driven, promise: Json) -> Json:
    return driven.post("retrieve_future", {"request_id": promise["request_id"]})


def search(driven: Driven, **fields: object) -> list[str]:
    return [str(one["session_id"]) for one in driven.post("sessions/search", fields)["sessions"]]


def test_a_search_finds_the_sessions_that_fit_every_condition(driven: Driven) -> None:
    fields: Json = {"display_name": "night", "project_id": "p", "user_metadata": {"team": "x", "run": "1"}}
    named = str(driven.post("create_session", fields)["session_id"])
    other = driven.session()
    assert driven.status("POST", f"sessions/{other}/finish", {"reason": {"type": "errored"}, "detail": "x"}) == 204
    assert search(driven) == [other, named]
    assert search(driven, display_name="night", user_metadata={"team": "x"}, project_ids=["p"]) == [named]
    assert search(driven, statuses=[{"type": "active"}]) == [named]
    assert search(driven, statuses=[{"type": "client_finished", "reasons": ["success"]}, {"type": "failed"}]) == []
    assert search(driven, statuses=[{"type": "client_finished"}], session_id=other) == [other]
    assert search(driven, owner={"type": "user", "owner_urns": ["someone"]}) == []


def test_a_search_goes_on_where_its_cursor_stands(driven: Driven) -> None:
    sessions: list[str] = []
    for _ in range(3):
        sessions.insert(0, driven.session())
        driven.time += 1
    first = driven.post("sessions/search", {"limit": 2})
    assert search(driven, cursor=first["next_cursor"]) == sessions[2:]
    assert "next_cursor" not in driven.post("sessions/search", {"cursor": first["next_cursor"]}) or (
        driven.post("sessions/search", {"cursor": first["next_cursor"]})["next_cursor"] is None
    )


def test_a_search_shows_what_a_session_is(driven: Driven) -> None:
    session_id = driven.session()
    _ = driven.result("save_weights", {"model_id": driven.model(session_id), "path": "a"})
    assert driven.status("POST", f"sessions/{session_id}/finish", {"reason": {"type": "errored"}, "detail": "x"}) == 204
    (shown,) = driven.post("sessions/search", {})["sessions"]
    assert shown["status"] == {"type": "client_finished", "reason": {"type": "errored"}, "detail": "x"}
    assert (shown["checkpoints_count"], shown["checkpoint_storage_bytes"] > 0) == (1, True)


def test_a_finished_session_stays_as_it_was_finished(driven: Driven) -> None:
    session_id = driven.session()
    for reason in ("interrupted", "success"):
        body = {"reason": {"type": reason}, "detail": None}
        assert driven.status("POST", f"sessions/{session_id}/finish", body) == 204
    (shown,) = driven.post("sessions/search", {})["sessions"]
    assert shown["status"]["reason"] == {"type": "interrupted"}


@pytest.mark.parametrize("size", [1, 2 << 20])
def test_a_custom_loss_is_refused_with_the_remedy(driven: Driven, size: int) -> None:
    body = {"session_id": driven.session(), "name": "mine", "graph": "a" * size}
    status, detail = refused(driven.call("POST", "create_custom_loss", body))
    assert (status, "forward_backward_custom" in detail) == (400, True)


def test_a_project_of_a_session_that_is_not_there_is_404(driven: Driven) -> None:
    assert driven.status("PUT", "sessions/none/project", {"project_id": "p"}) == 404


def test_a_model_that_resumes_a_checkpoint_is_refused_another_optimizer(driven: Driven) -> None:
    path = driven.result("save_weights", {"model_id": driven.model(), "path": "a"})["path"]
    session_id = driven.session()
    body: Json = {"session_id": session_id, "path": path}
    error = "the embedded engine has one optimizer, adamw, not 'dimuon'"
    refusal = driven.result("load_weights", {**body, "optimizer_config": {"type": "dimuon"}})
    assert refusal == {"error": error, "category": "user"}
    assert "model_id" in driven.result("load_weights", {**body, "optimizer_config": {"type": "adamw"}})


def test_a_session_has_the_models_that_were_made_in_it(driven: Driven) -> None:
    session_id = driven.session()
    body: Json = {"session_id": session_id, "base_model": RANDOM}
    promise = driven.post("create_model", {**body, "lora_config": {"rank": 0}})
    made = driven.post("create_model", body)["model_id"]
    assert driven.get(f"sessions/{session_id}")["training_run_ids"] == []
    driven.work()
    assert "error" in answered(driven.poll(promise["request_id"]))
    assert driven.get(f"sessions/{session_id}")["training_run_ids"] == [made]


def test_a_session_that_ends_takes_the_models_along_that_are_being_made(driven: Driven) -> None:
    session_id = driven.session()
    model_id = driven.post("create_model", {"session_id": session_id, "base_model": RANDOM})["model_id"]
    assert driven.status("POST", f"sessions/{session_id}/finish", {}) == 204
    driven.work()
    assert driven.status("POST", "forward_backward", batch(model_id)) == 404
