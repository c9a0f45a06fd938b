"""Questions for results, one at a time and together, and samples that are cancelled."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.local_server.driving import RANDOM, TEXT, Driven, Json, answered, batch, refused
from tinkex_py.local import polls
from tinkex_py.local.completions import COMPLETIONS_KEPT
from tinkex_py.local.incoming import Held
from tinkex_py.local.promises import Result
from tinkex_py.local.sequence import SAMPLES_REMEMBERED, Accepted, Ledger
from tinkex_py.local.state import Job, State, channel, done
from tinkex_py.local.store import Store


def sampler(driven: Driven) -> str:
    body: Json = {"session_id": driven.session(), "base_model": RANDOM}
    return str(driven.post("create_sampling_session", body)["sampling_session_id"])


def sampled(driven: Driven, sampler_id: str, seq_id: int, **fields: object) -> str:
    """The promise of a sample of one token."""
    params: Json = {"max_tokens": 1, **fields}
    body: Json = {"sampling_session_id": sampler_id, "seq_id": seq_id, "prompt": TEXT, "sampling_params": params}
    return str(driven.post("asample", body)["request_id"])


def question(sampler_id: str, cursor: int = 0, clone: int = 0, **fields: object) -> Json:
    target = {"type": "sampling_session", "sampling_session_id": sampler_id, "cloned_sampler_id": clone}
    return {"target": target, "prev_cursor": cursor, "retrieved_request_ids": [], **fields}


def told(driven: Driven, body: Json) -> tuple[list[tuple[str, str]], int]:
    """States and promises of the completions, and the cursor."""
    found = driven.post("retrieve_futures", body)
    return [(one["state"], one["request_id"]) for one in found["completions"]], found["cursor"]


def test_completions_are_told_once_they_are_there_and_until_they_are_acknowledged(driven: Driven) -> None:
    sampler_id = sampler(driven)
    good, bad = sampled(driven, sampler_id, 0), sampled(driven, sampler_id, 1, top_p=9)
    assert isinstance(driven.call("POST", "retrieve_futures", question(sampler_id)), Held)
    driven.work()
    expected = ([("finished", good), ("failed", bad)], 2)
    assert [told(driven, question(sampler_id)) for _ in range(2)] == [expected, expected]
    assert told(driven, question(sampler_id, 1)) == ([("failed", bad)], 2)
    assert told(driven, question(sampler_id, 2, timeout=0.0)) == ([], 2)


def test_the_oldest_completion_of_all_samplers_is_forgotten_when_there_are_too_many(tmp_path: Path) -> None:
    state = State(Store(tmp_path), 0, lambda: 1.0, nullcontext())
    one, other, _ = (state.completions_of(channel(sampler_id, 0)) for sampler_id in "abc")

    def settle(sampler_id: str) -> None:
        state.settle(Job(lambda: done(None), state.promises.make(), channel(sampler_id, 0)), Result(b"1"))

    for sampler_id in "caa":
        settle(sampler_id)
    del state.completions[channel("c", 0)]  # as when its session has ended
    for _ in range(COMPLETIONS_KEPT - 1):
        settle("b")
    assert [len(each.after(0)) for each in (one, other)] == [1, COMPLETIONS_KEPT - 1]


def test_the_oldest_number_of_all_samplers_is_forgotten_when_there_are_too_many() -> None:
    samples: Ledger[tuple[str, int]] = Ledger(SAMPLES_REMEMBERED)
    for sampler_id, count in (("a", 2), ("b", SAMPLES_REMEMBERED - 1)):
        for number in range(count):
            samples.enter((sampler_id, number), Accepted(b"body", f"{sampler_id}-{number}"))
    assert [samples.accepted(("a", number)) for number in (0, 1)] == [None, Accepted(b"body", "a-1")]


def test_a_completion_tells_the_size_of_the_result(driven: Driven) -> None:
    sampler_id = sampler(driven)
    request_id = sampled(driven, sampler_id, 0)
    driven.work()
    size = driven.post("retrieve_futures", question(sampler_id))["completions"][0]["response_payload_uncompressed_size"]
    assert size == len(driven_bytes(driven, request_id))


def driven_bytes(driven: Driven, request_id: str) -> bytes:
    reply = driven.poll(request_id)
    assert not isinstance(reply, Held)
    return reply.body


def test_a_question_held_for_completions_is_answered_when_there_are_some(driven: Driven) -> None:
    sampler_id = sampler(driven)
    _ = sampled(driven, sampler_id, 0)
    held = driven.call("POST", "retrieve_futures", question(sampler_id, timeout=2.5))
    assert isinstance(held, Held)
    assert (held.seconds, answered(held.otherwise)) == (2.5, {"completions": [], "cursor": 0})
    assert not driven.server.news(held.key)
    driven.work()
    assert driven.server.news(held.key)


def test_results_that_the_client_has_are_dropped(driven: Driven) -> None:
    sampler_id = sampler(driven)
    request_id = sampled(driven, sampler_id, 0)
    driven.work()
    _ = driven.post("retrieve_futures", question(sampler_id, 1, timeout=0, retrieved_request_ids=[request_id]))
    assert refused(driven.poll(request_id)) == (410, f"the result of {request_id!r} is not kept any more")


def test_each_clone_has_a_number_and_hears_of_its_own_samples(driven: Driven) -> None:
    sampler_id = sampler(driven)
    join = {"sampling_session_id": sampler_id}
    clones = [driven.post("join_sampling_session", join)["client_counter"] for _ in range(2)]
    assert clones == [1, 2]
    first, second = sampled(driven, sampler_id, 0), sampled(driven, sampler_id, 2 * 10**9 + 7)
    driven.work()
    assert told(driven, question(sampler_id, clone=0))[0] == [("finished", first)]
    assert told(driven, question(sampler_id, clone=2))[0] == [("finished", second)]


@pytest.mark.parametrize("path", ["join_sampling_session", "retrieve_futures"])
def test_a_sampler_that_is_not_there_has_no_completions(driven: Driven, path: str) -> None:
    body = question("s") if path == "retrieve_futures" else {"sampling_session_id": "s"}
    assert refused(driven.call("POST", path, body)) == (404, "there is no sampling session 's'")


def test_a_cancelled_sample_is_not_made(driven: Driven) -> None:
    sampler_id = sampler(driven)
    kept, cancelled = (sampled(driven, sampler_id, number) for number in (0, 1))
    assert driven.status("POST", "cancel_future", {"request_id": cancelled}) == 204
    assert answered(driven.poll(cancelled)) == {"error": "the sample was cancelled", "category": "user"}
    driven.work()
    assert "sequences" in answered(driven.poll(kept))
    assert driven.status("POST", "cancel_future", {"request_id": kept}) == 204


def test_a_sample_without_a_session_is_cancelled_too(driven: Driven) -> None:
    body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": {"max_tokens": 1}}
    request_id = driven.post("asample", body)["request_id"]
    assert driven.status("POST", "cancel_future", {"request_id": request_id}) == 204
    assert answered(driven.poll(request_id)) == {"error": "the sample was cancelled", "category": "user"}
    driven.work()


@pytest.mark.parametrize("number", [1, 2], ids=["in the queue", "waiting for an earlier step"])
def test_a_training_step_is_not_cancelled(driven: Driven, number: int) -> None:
    step = driven.post("forward_backward", {**batch(driven.model()), "seq_id": number})
    detail = "a training step can't be cancelled: the steps after it count on it"
    assert refused(driven.call("POST", "cancel_future", {"request_id": step["request_id"]})) == (400, detail)
    assert driven.status("POST", "cancel_future", {"request_id": "x"}) == 404


def test_a_question_for_a_step_before_which_another_has_to_come_is_told_so(driven: Driven) -> None:
    step = driven.post("forward_backward", {**batch(driven.model()), "seq_id": 3})
    held = driven.poll(step["request_id"])
    assert isinstance(held, Held)
    reason = "the model's step 1 comes first, and it has not come"
    told = {"queue_state": "active", "queue_state_reason": reason}
    assert (held.otherwise.status, json.loads(held.otherwise.body)) == (408, told)


def test_a_question_held_for_a_long_queue_is_told_its_length(driven: Driven) -> None:
    sampler_id = sampler(driven)
    promises = [sampled(driven, sampler_id, number) for number in range(polls.BUSY)]
    held = driven.poll(promises[-1])
    assert isinstance(held, Held)
    assert answered(held.otherwise) == {
        "type": "try_again",
        "request_id": promises[-1],
        "queue_state": "paused_capacity",
        "queue_state_reason": f"{polls.BUSY + 1} pieces of work wait for the engine",
    }


def test_the_size_of_a_large_result_is_told_to_those_who_want_it_first(driven: Driven) -> None:
    body: Json = {"base_model": RANDOM, "prompt": {"chunks": [{"tokens": [65] * 1000}]}, "topk_prompt_logprobs": 60}
    promise = driven.post("asample", {**body, "sampling_params": {"max_tokens": 1}})
    driven.work()
    size = len(driven_bytes(driven, promise["request_id"]))
    assert size > polls.LARGE
    first = {"request_id": promise["request_id"], "allow_metadata_only": True}
    assert driven.post("retrieve_future", first) == {"status": "complete_metadata", "response_payload_size": size}
