"""What a server's flags limit is limited from the first operation on, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from typing_extensions import override

from tests.clients.fronts import Front, error_of, refusing
from tinkex_py import (
    AdamParams,
    AsyncServiceClient,
    AsyncTrainingClient,
    Config,
    Datum,
    ModelInput,
    SamplingParams,
    errors,
    or_raise,
)
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.opening import IN_PROCESS
from tinkex_py.testing.network import Network
from tinkex_py.testing.simulation import simulate

RANDOM = "tinkex/tiny-random"
PROMPT = ModelInput.from_ints([1, 2, 3])
SETTINGS = Config(base_url=IN_PROCESS, dialect="protobuf")


class Slow(Front):
    """Announces each result before it gives it, and takes a second for what is large; `most` were under way at once."""

    def __init__(self, **flags: Any) -> None:
        super().__init__(Network(), **flags)
        self.under_way: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if name == "retrieve_future" and json.loads(await request.aread())["allow_metadata_only"]:
            return httpx.Response(200, json={"status": "complete_metadata", "response_payload_size": 800})
        self.under_way[name] += 1
        self.most[name] = max(self.most[name], self.under_way[name])
        await asyncio.sleep(1.0)
        answer = await super().handle_async_request(request)
        self.under_way[name] -= 1
        return answer


async def trained(service: AsyncServiceClient) -> None:
    """Two models take a batch each, at the same time."""
    models = [or_raise(await service.create_lora_training_client(RANDOM, rank=2, seed=1)) for _ in range(2)]
    batch = [Datum(PROMPT, {"target_tokens": [1, 2, 3]})]
    for promise in [model.forward_backward(batch, "cross_entropy") for model in models]:
        _ = or_raise(await promise)


async def sampled(service: AsyncServiceClient) -> None:
    """Two samples of one model at the same time."""
    sampler = or_raise(await service.create_sampling_client(base_model=RANDOM))
    for promise in [sampler.sample(PROMPT, 1, SamplingParams(max_tokens=1)) for _ in range(2)]:
        _ = or_raise(await promise)


LIMITS = {
    "bytes of results": ("inflight_response_bytes_semaphore_size", "retrieve_future", trained),
    "bytes of batches": ("fwdbwd_dispatch_bytes_semaphore_size", "forward_backward", trained),
    "bytes of prompts": ("sample_dispatch_bytes_semaphore_size", "asample", sampled),
    "samples": ("sample_max_concurrent_requests", "asample", sampled),
}


@pytest.mark.parametrize(("flag", "name", "program"), LIMITS.values(), ids=LIMITS)
def test_no_more_is_under_way_at_once_than_the_servers_flags_allow(flag: str, name: str, program: Any) -> None:
    usual, limited = Slow(), Slow(**{flag: 1})
    for server in (usual, limited):
        simulate(program, server, config=SETTINGS)
    assert (usual.most[name], limited.most[name]) == (2, 1)


@pytest.mark.parametrize(("flags", "seconds"), [({"billing_exception_max_pause_duration_sec": 7}, 10), ({}, 3600)])
def test_a_bill_is_waited_for_as_long_as_the_servers_flags_say(flags: dict[str, int], seconds: float) -> None:
    async def program(service: AsyncServiceClient) -> Outcome[Any]:
        trainer: AsyncTrainingClient = or_raise(await service.create_lora_training_client(RANDOM, rank=2))
        return await trainer.optim_step(AdamParams())

    server = Front(Network(), refusing("optim_step", *range(1, 1000), status=402), **flags)
    unpaid = error_of(errors.PaymentRequired, simulate(program, server, config=SETTINGS))
    assert unpaid.elapsed == pytest.approx(seconds)
