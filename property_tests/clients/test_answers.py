"""Whatever a server answers, an operation ends in an outcome, and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import httpx
from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py import AdamParams, AsyncServiceClient, Config, Datum, ModelInput, Outcome, SamplingParams
from tinkex_py.clients.admin import AsyncAdminClient
from tinkex_py.clients.rest import AsyncRestClient
from tinkex_py.clients.sampling import AsyncSamplingClient
from tinkex_py.clients.training import AsyncTrainingClient
from tinkex_py.plans.sources import Source
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import SessionSearchRequest

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
)
NAMES = st.sampled_from(
    ["request_id", "session_id", "model_id", "status", "type", "error", "metrics", "sequences", "path", "detail"]
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5), max_leaves=8
)
HELPFUL = st.fixed_dictionaries({"request_id": st.just("r"), "session_id": st.just("s"), "model_id": st.just("m")})
STATUSES = st.sampled_from([200, 200, 200, 202, 402, 408, 404, 409, 422, 429, 500])
ANSWERS = st.tuples(STATUSES, HELPFUL | JSON, st.sampled_from([0.0, 0.0, 0.0, 3.0, 50.0]))
IMPATIENT = Config(base_url="http://server.test", max_attempts=2, timeout=20, progress_timeout=20, promise_timeout=60)
EXAMPLE = Datum(ModelInput.from_ints([1]), {"target_tokens": [2]})
Call: TypeAlias = "Callable[[Clients, float | None], Awaitable[Outcome[Any]]]"
PROMPT = ModelInput.from_ints([1])
PATH = "tinker://r/weights/a"


class Clients(NamedTuple):
    """Every client of a service."""

    service: AsyncServiceClient
    trainer: AsyncTrainingClient
    sampler: AsyncSamplingClient
    rest: AsyncRestClient
    admin: AsyncAdminClient


CALLS: dict[str, Call] = {
    "capabilities": lambda on, limit: on.service.get_server_capabilities(timeout=limit),
    "create": lambda on, limit: on.service.create_lora_training_client("b", timeout=limit),
    "from state": lambda on, limit: on.service.create_training_client_from_state(PATH, timeout=limit),
    "with optimizer": lambda on, limit: on.service.create_training_client_from_state_with_optimizer(
        PATH, timeout=limit
    ),
    "sampling client": lambda on, limit: on.service.create_sampling_client(base_model="b", timeout=limit),
    "forward": lambda on, limit: on.trainer.forward([EXAMPLE], "cross_entropy", timeout=limit),
    "backward": lambda on, limit: on.trainer.forward_backward([EXAMPLE], "cross_entropy", timeout=limit),
    "custom": lambda on, limit: on.trainer.forward_backward_custom([EXAMPLE], loss, arrays="numpy", timeout=limit),
    "update": lambda on, limit: on.trainer.optim_step(AdamParams(), timeout=limit),
    "save": lambda on, limit: on.trainer.save_state("a", timeout=limit),
    "save for sampler": lambda on, limit: on.trainer.save_weights_for_sampler("a", timeout=limit),
    "load": lambda on, limit: on.trainer.load_state(PATH, timeout=limit),
    "load with optimizer": lambda on, limit: on.trainer.load_state_with_optimizer(PATH, timeout=limit),
    "info": lambda on, limit: on.trainer.get_info(timeout=limit),
    "sampler of now": lambda on, limit: on.trainer.save_weights_and_get_sampling_client(timeout=limit),
    "sampler of a path": lambda on, limit: on.trainer.create_sampling_client(PATH, timeout=limit),
    "sample": lambda on, limit: on.sampler.sample(PROMPT, 1, SamplingParams(), timeout=limit or 100),
    "logprobs": lambda on, limit: on.sampler.compute_logprobs(PROMPT, timeout=limit or 100),
    "base model": lambda on, limit: on.sampler.get_base_model(timeout=limit),
    "run": lambda on, limit: on.rest.get_training_run_by_tinker_path(PATH, timeout=limit),
    "runs": lambda on, limit: on.rest.all_training_runs(timeout=limit),
    "checkpoints": lambda on, limit: on.rest.list_checkpoints("r", timeout=limit),
    "all checkpoints": lambda on, limit: on.rest.all_user_checkpoints(timeout=limit),
    "delete": lambda on, limit: on.rest.delete_checkpoint_from_tinker_path(PATH, timeout=limit),
    "publish": lambda on, limit: on.rest.publish_checkpoint_from_tinker_path(PATH, timeout=limit),
    "lifetime": lambda on, limit: on.rest.set_checkpoint_ttl_from_tinker_path(PATH, None, timeout=limit),
    "archive": lambda on, limit: on.rest.get_checkpoint_archive_url_from_tinker_path(PATH, timeout=limit),
    "weights": lambda on, limit: on.rest.get_weights_info_by_tinker_path(PATH, timeout=limit),
    "copy": lambda on, limit: on.rest.copy_weights(PATH, "p", timeout=limit),
    "sessions": lambda on, limit: on.rest.all_sessions(timeout=limit),
    "search": lambda on, limit: on.rest.search_sessions(SessionSearchRequest(), timeout=limit),
    "trace": lambda on, limit: on.rest.export_session_trace("s", timeout=limit or 1200),
    "sampler": lambda on, limit: on.rest.get_sampler("q", timeout=limit),
    "who": lambda on, limit: on.rest.whoami(timeout=limit),
    "log": lambda on, limit: on.admin.get_audit_log(timeout=limit),
    "usage": lambda on, limit: on.admin.get_billing_usage(
        "2026-07-13T00:00:00Z", "2026-07-14T00:00:00Z", timeout=limit
    ),
    "storage": lambda on, limit: on.admin.get_current_checkpoint_storage_usage(timeout=limit),
}
"""Operations of every client: of every kind one or more."""


def loss(_data: Sequence[Datum], logprobs: Sequence[Any]) -> Any:
    """A loss of a caller's own that is always 0."""
    return 0.0, {}, [each * 0 for each in logprobs]


def called(answers: list[tuple[int, Any, float]], limit: float | None) -> dict[str, tuple[Outcome[Any], float]]:
    """What each operation comes to, one after the other, and how many seconds it takes."""
    script = iter(answers * 1000)

    async def handler(request: httpx.Request) -> httpx.Response:
        status, body, delay = next(script, (500, None, 0.0))
        await asyncio.sleep(delay)
        return httpx.Response(status, json=body, request=request)

    async def program(service: AsyncServiceClient) -> dict[str, tuple[Outcome[Any], float]]:
        context, clock = service.context, asyncio.get_running_loop().time
        on = Clients(
            service,
            AsyncTrainingClient(context, context.run("m")),
            AsyncSamplingClient(context, context.sampler(Source(sampling_session_id="q"))),
            AsyncRestClient.beside(service),
            AsyncAdminClient.beside(service),
        )
        found: dict[str, tuple[Outcome[Any], float]] = {}
        for name, call in CALLS.items():
            begun = clock()
            found[name] = (await call(on, limit), clock() - begun)
        return found

    return simulate(program, httpx.MockTransport(handler), config=IMPATIENT)


@given(st.lists(ANSWERS, min_size=1, max_size=30))
def test_every_operation_ends_in_an_outcome(answers: list[tuple[int, Any, float]]) -> None:
    assert {type(outcome) for outcome, _ in called(answers, None).values()} <= {Success, Failure}


@given(st.lists(ANSWERS, min_size=1, max_size=30))
def test_no_operation_outlasts_the_time_that_it_is_given(answers: list[tuple[int, Any, float]]) -> None:
    assert {name: took for name, (_, took) in called(answers, 7.0).items() if took > 7.0 + 1e-6} == {}
