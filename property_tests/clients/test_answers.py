"""Whatever a server answers, an operation ends in an outcome, and in time."""

from __future__ import annotations

from typing import Any

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
ANSWERS = st.tuples(st.sampled_from([200, 200, 200, 202, 408, 404, 409, 422, 429, 500]), HELPFUL | JSON)
IMPATIENT = Config(base_url="http://server.test", max_attempts=2, timeout=20, progress_timeout=20, promise_timeout=60)
EXAMPLE = Datum(ModelInput.from_ints([1]), {"target_tokens": [2]})


async def everything(service: AsyncServiceClient) -> list[Outcome[Any]]:
    """Every operation of every client once."""
    context = service.context
    trainer = AsyncTrainingClient(context, context.run("m"))
    sampler = AsyncSamplingClient(context, context.sampler(Source(sampling_session_id="q")))
    return [
        await service.get_server_capabilities(),
        await service.create_lora_training_client("b"),
        await service.create_training_client_from_state("tinker://r/weights/a"),
        await service.create_training_client_from_state_with_optimizer("tinker://r/weights/a"),
        await service.create_sampling_client(base_model="b"),
        await trainer.forward([EXAMPLE], "cross_entropy"),
        await trainer.forward_backward([EXAMPLE], "cross_entropy"),
        await trainer.optim_step(AdamParams()),
        await trainer.save_state("a"),
        await trainer.save_weights_for_sampler("a"),
        await trainer.load_state("tinker://r/weights/a"),
        await trainer.load_state_with_optimizer("tinker://r/weights/a"),
        await trainer.get_info(),
        await trainer.save_weights_and_get_sampling_client(),
        await trainer.create_sampling_client("tinker://r/weights/a"),
        await sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams(), timeout=100),
        await sampler.compute_logprobs(ModelInput.from_ints([1]), timeout=100),
        await sampler.get_base_model(),
        *(await managed(service)),
    ]


async def managed(service: AsyncServiceClient) -> list[Outcome[Any]]:
    """Operations of the REST and admin clients: of every kind one or more."""
    rest, admin = AsyncRestClient.beside(service), AsyncAdminClient.beside(service)
    path = "tinker://r/weights/a"
    return [
        await rest.get_training_run_by_tinker_path(path),
        await rest.all_training_runs(),
        await rest.list_checkpoints("r"),
        await rest.all_user_checkpoints(),
        await rest.delete_checkpoint_from_tinker_path(path),
        await rest.publish_checkpoint_from_tinker_path(path),
        await rest.set_checkpoint_ttl_from_tinker_path(path, None),
        await rest.get_checkpoint_archive_url_from_tinker_path(path),
        await rest.get_weights_info_by_tinker_path(path),
        await rest.copy_weights(path, "p"),
        await rest.all_sessions(),
        await rest.search_sessions(),
        await rest.export_session_trace("s"),
        await rest.get_sampler("q"),
        await rest.whoami(),
        await admin.get_audit_log(),
        await admin.get_billing_usage("2026-07-13T00:00:00Z", "2026-07-14T00:00:00Z"),
        await admin.get_current_checkpoint_storage_usage(),
    ]


@given(st.lists(ANSWERS, min_size=1, max_size=30))
def test_every_operation_ends_in_an_outcome(answers: list[tuple[int, Any]]) -> None:
    script = iter(answers * 1000)

    def handler(request: httpx.Request) -> httpx.Response:
        status, body = next(script, (500, None))
        return httpx.Response(status, json=body, request=request)

    outcomes = simulate(everything, httpx.MockTransport(handler), config=IMPATIENT)
    assert {type(outcome) for outcome in outcomes} <= {Success, Failure}
