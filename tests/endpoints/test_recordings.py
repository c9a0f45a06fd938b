"""What is sent for a call is what the official client of release 0.24.1 sent for it, field by field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from returns.result import Success

from tinkex_py import AdamParams, Datum, LoraConfig, ModelInput, SamplingParams
from tinkex_py.endpoints import models, promises, sampling, service, steps
from tinkex_py.interpret import interpret
from tinkex_py.request import Encoded, Reply, Request
from tinkex_py.types import OptimStepResponse
from tinkex_py.wire import json as wire

RECORDED: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "recordings" / "release-0.24.1.json").read_text(encoding="utf-8")
)
MODEL = "session-0:train:0"
BASE = "Qwen/Qwen3-8B"
CHECKPOINT = "tinker://run-1/weights/0001"
DATUM = Datum(ModelInput.from_ints([10, 11, 12]), {"target_tokens": [11, 12, 13], "weights": [1, 1, 0.5]})


def numbered(step: steps.Step[Any], number: int, model: str = MODEL) -> Request[Any]:
    return steps.submit_step(step, wire.numbered(wire.encode(step.body), model, number))


CALLS: tuple[Callable[[], Request[Any]], ...] = (
    lambda: service.create_session(sdk_version="0.24.1", user_metadata={"team": "x"}),
    service.get_server_capabilities,
    lambda: models.create_model(
        session_id="session-0",
        model_seq_id=0,
        base_model=BASE,
        lora_config=LoraConfig(rank=16, seed=7),
        user_metadata={"a": "b"},
    ),
    lambda: models.get_info(MODEL),
    lambda: numbered(steps.forward_backward([DATUM], "cross_entropy"), 1),
    lambda: numbered(steps.optim_step(AdamParams(learning_rate=1e-4)), 5),
    lambda: numbered(steps.save_weights_for_sampler("s-1"), 7),
    lambda: numbered(steps.save_weights_for_sampler(sampling_session_seq_id=0), 8),
    lambda: numbered(steps.load_weights(CHECKPOINT), 9),
    lambda: models.weights_info(CHECKPOINT),
    lambda: models.create_model(
        session_id="session-0", model_seq_id=1, base_model=BASE, lora_config=LoraConfig(rank=32)
    ),
    lambda: numbered(steps.load_weights(CHECKPOINT), 1, "session-0:train:1"),
    lambda: sampling.create_sampling_session(session_id="session-0", sampling_session_seq_id=1, base_model=BASE),
    lambda: sampling.create_sampling_session(
        session_id="session-0", sampling_session_seq_id=2, model_path="tinker://run-1/sampler_weights/0002"
    ),
    lambda: sampling.asample(
        sampling_session_id="session-0:sample:1",
        seq_id=2,
        prompt=ModelInput.from_ints([1, 2, 3]),
        num_samples=1,
        sampling_params=SamplingParams(max_tokens=1),
        include_prompt_logprobs=True,
    ),
)


def body_of(request: Request[Any]) -> object:
    match request.body:
        case None:
            return None
        case Encoded(content=content):
            return json.loads(content)
        case body:
            return json.loads(wire.encode(body).content)


@pytest.mark.parametrize(
    ("recorded", "call"),
    list(zip(RECORDED, CALLS, strict=True)),
    ids=[f"{each['case']} {each['path'][8:]}" for each in RECORDED],
)
def test_a_call_sends_and_reads_what_was_recorded(recorded: dict[str, Any], call: Callable[[], Request[Any]]) -> None:
    request = call()
    sent = (request.method, "/" + "/".join(request.path), body_of(request))
    assert sent == (recorded["method"], recorded["path"], recorded["body"])
    answer = interpret(request, Reply(status=recorded["status"], body=json.dumps(recorded["answer"]).encode()))
    assert isinstance(answer, Success)


BUILDERS: dict[str, Request[Any]] = {
    **{str(index): call() for index, call in enumerate(CALLS)},
    "forward": numbered(steps.forward([DATUM], "ppo", {"clip_low_threshold": 0.8}), 1),
    "save": numbered(steps.save_weights("a", 3600, overwrite=True), 2),
    "heartbeat": service.session_heartbeat("s"),
    "sampler": sampling.get_sampler("s"),
    "retrieve": promises.retrieve_future("r", "OptimStep", OptimStepResponse, roundtrip=0.5),
    "retrieve again": promises.retrieve_future("r", "OptimStep", OptimStepResponse, iteration=1, roundtrip=0.5),
}


@pytest.mark.parametrize("request_", BUILDERS.values(), ids=BUILDERS)
def test_a_request_is_a_printable_hashable_value(request_: Request[Any]) -> None:
    assert {request_: request_.endpoint} == {request_: f"{request_.method} /{'/'.join(request_.path)}"}
    assert request_.operation in repr(request_)


def test_polls_count_and_the_first_tells_its_round_trip() -> None:
    first, second = BUILDERS["retrieve"], BUILDERS["retrieve again"]
    assert dict(first.headers) == {
        "x-tinker-request-iteration": "0",
        "x-tinker-request-type": "OptimStep",
        "x-tinker-create-promise-roundtrip-time": "0.500000",
    }
    assert dict(second.headers) == {"x-tinker-request-iteration": "1", "x-tinker-request-type": "OptimStep"}
