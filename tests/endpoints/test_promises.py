"""Promises are asked for one by one or a session at a time, and given up."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Struct
from returns.result import Success

from tinkex_py import errors
from tinkex_py.endpoints.models import ModelCreated, create_model
from tinkex_py.endpoints.promises import cancel_future, retrieve_future, retrieve_futures
from tinkex_py.endpoints.sampling import create_sampling_session
from tinkex_py.endpoints.service import create_session
from tinkex_py.interpret import interpret
from tinkex_py.request import Reply, Request
from tinkex_py.types import LoraConfig, OptimStepResponse
from tinkex_py.types.promises import Completion, Completions
from tinkex_py.wire.json import encode


def body(request: Request[Completions]) -> dict[str, object]:
    assert isinstance(request.body, Struct)
    written: dict[str, object] = json.loads(encode(request.body).content)
    return written


def test_a_session_is_asked_from_its_cursor_on_and_told_what_was_fetched() -> None:
    request = retrieve_futures("s", cloned_sampler_id=3, prev_cursor=7, retrieved_request_ids=["b", "a"])
    assert body(request) == {
        "target": {"sampling_session_id": "s", "cloned_sampler_id": 3, "type": "sampling_session"},
        "prev_cursor": 7,
        "retrieved_request_ids": ["a", "b"],
    }
    assert request.timeout == 45


def test_an_acknowledgement_waits_for_nothing() -> None:
    request = retrieve_futures("s", acknowledge=True)
    assert (body(request)["timeout"], request.timeout) == (0.0, 5.0)


def test_settled_promises_are_listed_with_their_sizes() -> None:
    listed = (
        b'{"completions":[{"state":"finished","request_id":"r","response_payload_uncompressed_size":9}],"cursor":1}'
    )
    completion = Completion(request_id="r", response_payload_uncompressed_size=9)
    assert interpret(retrieve_futures("s"), Reply(status=200, body=listed)) == Success(
        Completions(completions=[completion], cursor=1)
    )


def test_giving_up_is_answered_with_nothing() -> None:
    assert interpret(cancel_future("r"), Reply(status=204)) == Success(None)


def test_polls_count_and_the_first_tells_its_round_trip() -> None:
    first, second = (
        retrieve_future("r", "OptimStep", OptimStepResponse, iteration=iteration, roundtrip=0.5) for iteration in (0, 1)
    )
    assert dict(first.headers) == {
        "x-tinker-request-iteration": "0",
        "x-tinker-request-type": "OptimStep",
        "x-tinker-create-promise-roundtrip-time": "0.500000",
    }
    assert dict(second.headers) == {"x-tinker-request-iteration": "1", "x-tinker-request-type": "OptimStep"}


NAMELESS: dict[str, tuple[Request[Any], str]] = {
    "session": (create_session(sdk_version="1"), '{"session_id":""}'),
    "sampling session": (
        create_sampling_session(session_id="s", sampling_session_seq_id=0),
        '{"sampling_session_id":""}',
    ),
    "model": (retrieve_future("r", "CreateModel", ModelCreated), '{"model_id":""}'),
    "promise": (
        create_model(session_id="s", model_seq_id=0, base_model="m", lora_config=LoraConfig()),
        '{"request_id":""}',
    ),
}


@pytest.mark.parametrize(("request_", "body"), NAMELESS.values(), ids=NAMELESS)
def test_what_has_no_name_can_not_be_read(request_: Request[Any], body: str) -> None:
    assert isinstance(interpret(request_, Reply(status=200, body=body.encode())).failure(), errors.Undecodable)
