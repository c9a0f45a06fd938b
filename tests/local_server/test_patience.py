"""What waits for something that never comes is ended after a time."""

from __future__ import annotations

from pathlib import Path

from tests.local_server.driving import RANDOM, TEXT, Driven, answered, batch, refused
from tests.local_server.test_polls import sampled, sampler
from tinkex_py.local.incoming import Held
from tinkex_py.local.samples import LONGEST_QUEUE
from tinkex_py.local.shelf import READY
from tinkex_py.local.state import PATIENCE, SILENCE
from tinkex_py.request import Reply


def test_steps_that_wait_for_a_number_too_long_are_refused_and_later_ones_go_on(driven: Driven) -> None:
    model_id = driven.model()
    waiting = [driven.post("forward_backward", batch(model_id, seq_id=number))["request_id"] for number in (2, 4)]
    driven.wait(PATIENCE - 1)
    assert all(isinstance(driven.poll(request_id), Held) for request_id in waiting)
    driven.time += 11
    reason = f"step 1 of {model_id} has not come for 910 s: this later one was not made"
    expected = {"error": f"{reason}; send it again under a new number", "category": "user"}
    assert [answered(driven.poll(request_id)) for request_id in waiting] == [expected, expected]
    assert "metrics" in driven.result("forward_backward", batch(model_id, seq_id=5))


def test_the_patience_begins_anew_with_each_number_that_is_missing(driven: Driven) -> None:
    model_id = driven.model()
    waiting = driven.post("forward_backward", batch(model_id, seq_id=3))["request_id"]
    driven.wait(PATIENCE - 1)
    _ = driven.post("forward_backward", batch(model_id, seq_id=1))
    driven.wait(PATIENCE - 1)
    assert isinstance(driven.poll(waiting), Held)


def test_a_session_of_which_nothing_is_heard_ends(driven: Driven) -> None:
    silent, alive = driven.session(), driven.session()
    for _ in range(2):
        driven.wait(SILENCE / 2)
        assert driven.status("POST", "session_heartbeat", {"session_id": alive}) == 200
    assert driven.status("POST", "session_heartbeat", {"session_id": silent}) == 410


def test_sleep_is_no_silence(driven: Driven) -> None:
    first, second = driven.session(), driven.session()
    waiting = driven.post("forward_backward", batch(driven.model(first), seq_id=2))["request_id"]
    driven.time += 8 * 3600
    assert [driven.status("POST", "session_heartbeat", {"session_id": each}) for each in (first, second)] == [200, 200]
    assert isinstance(driven.poll(waiting), Held)
    driven.wait(SILENCE)
    assert [driven.status("POST", "session_heartbeat", {"session_id": each}) for each in (first, second)] == [410, 410]


def test_work_is_a_sign_of_life(driven: Driven) -> None:
    session_id = driven.session()
    model_id = driven.model(session_id)
    for _ in range(3):
        driven.wait(SILENCE - 1)
        assert "metrics" in driven.result("forward_backward", batch(model_id))


def test_samplers_beyond_those_kept_ready_sample_as_before(driven: Driven) -> None:
    model_id = driven.model()
    driven.train(model_id)
    first = driven.result("save_weights_for_sampler", {"model_id": model_id})
    before = driven.logprobs(first)
    driven.train(model_id)
    later = [driven.result("save_weights_for_sampler", {"model_id": model_id}) for _ in range(READY + 1)]
    assert driven.logprobs(first) == before != driven.logprobs(later[0])


def test_samples_are_to_come_later_when_the_queue_is_too_long(driven: Driven) -> None:
    sampler_id = sampler(driven)
    for number in range(LONGEST_QUEUE - 1):  # the sampler's own weights wait before them
        _ = sampled(driven, sampler_id, number)
    late = {"sampling_session_id": sampler_id, "seq_id": LONGEST_QUEUE - 1, "prompt": TEXT}
    reply = driven.call("POST", "asample", late)
    assert isinstance(reply, Reply)
    assert (reply.status, dict(reply.headers)["retry-after"]) == (429, "1")


def test_what_went_with_a_stopped_server_is_refused_with_the_reason(tmp_path: Path) -> None:
    before = Driven(tmp_path)
    sampler_id = sampler(before)
    promise = sampled(before, sampler_id, 0)
    session_id = sampler_id.partition(":")[0]
    after = Driven(tmp_path, seed=1)
    sampler_gone = "it went with its session (the server was stopped): make a new one"
    assert [
        refused(after.call("POST", "create_model", {"session_id": session_id, "base_model": RANDOM})),
        refused(after.call("POST", "asample", {"sampling_session_id": sampler_id, "prompt": TEXT})),
        refused(after.poll(promise)),
    ] == [
        (410, f"the session {session_id!r} has ended (the server was stopped)"),
        (404, f"there is no sampling session {sampler_id!r}; {sampler_gone}"),
        (404, f"there is no promise {promise!r}; work that was given to an earlier server is lost"),
    ]


def test_a_restart_remembers_sessions_runs_and_checkpoints(tmp_path: Path) -> None:
    before = Driven(tmp_path)
    session_id = str(before.post("create_session", {"display_name": "night", "project_id": "p"})["session_id"])
    model_id = before.model(session_id)
    before.train(model_id)
    path = before.result("save_weights", {"model_id": model_id, "path": "a"})["path"]
    weights = before.logprobs({"model_path": path})
    after = Driven(tmp_path, seed=1)
    assert after.get(f"sessions/{session_id}")["training_run_ids"] == [model_id]
    assert after.status("POST", "session_heartbeat", {"session_id": session_id}) == 410
    detail = after.call("POST", "forward_backward", batch(model_id))
    assert not isinstance(detail, Held)
    assert b"make a model from one of its checkpoints" in detail.body
    loaded = after.result("load_weights", {"session_id": after.session(), "path": path, "optimizer": True})
    assert "metrics" in after.result("forward_backward", batch(loaded["model_id"]))
    assert after.logprobs({"model_path": path}) == weights
