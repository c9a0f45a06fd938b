"""Every builder says in its docstring which endpoint it is for, and is right about it."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from typing import Any, TypeAlias

import pytest

from tinkex_py import (
    AdamParams,
    Datum,
    DimuonOptimizerConfig,
    DimuonParams,
    LoraConfig,
    ModelInput,
    OtherOptimizer,
    SamplingParams,
    endpoints,
)
from tinkex_py.endpoints import (
    admin,
    checkpoints,
    keys,
    losses,
    models,
    promises,
    runs,
    sampling,
    service,
    sessions,
    steps,
    telemetry,
)
from tinkex_py.outcome import or_raise
from tinkex_py.request import Encoded, Request
from tinkex_py.types import OptimStepResponse
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, CustomLossNode
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.sessions import AccessibleSearchOwner, SearchStatus, SessionSearchRequest
from tinkex_py.types.telemetry import GenericEvent
from tinkex_py.wire.dialects import lower, numbered
from tinkex_py.wire.json import encode

Built: TypeAlias = "Request[Any] | steps.Step[Any]"

NOON = datetime(2026, 7, 13, 12, tzinfo=UTC)
DATA = [Datum(ModelInput.from_ints([1]), {"target_tokens": [2], "weights": [1.0]})]
CALLS: dict[Callable[..., Built], Callable[[], Built]] = {
    admin.get_audit_log: lambda: admin.get_audit_log("checkpoints", date(2025, 1, 15)),
    admin.get_billing_usage: lambda: admin.get_billing_usage(NOON, NOON + timedelta(days=1)),
    admin.get_current_checkpoint_storage_usage: lambda: admin.get_current_checkpoint_storage_usage("p"),
    checkpoints.copy_weights: lambda: checkpoints.copy_weights(
        "tinker://run/weights/a", "p", ttl_seconds=3600, weights_access_token="tml-other"
    ),
    checkpoints.delete_checkpoint: lambda: checkpoints.delete_checkpoint("run", "weights/a"),
    checkpoints.get_checkpoint_archive_url: lambda: checkpoints.get_checkpoint_archive_url("run", "weights/a"),
    checkpoints.get_external_weights_urls: lambda: checkpoints.get_external_weights_urls("run", "external_weights/a"),
    checkpoints.list_checkpoints: lambda: checkpoints.list_checkpoints("run"),
    checkpoints.list_user_checkpoints: lambda: checkpoints.list_user_checkpoints(limit=2, offset=2),
    checkpoints.publish_checkpoint: lambda: checkpoints.publish_checkpoint("run", "weights/a"),
    checkpoints.set_checkpoint_ttl: lambda: checkpoints.set_checkpoint_ttl("run", "weights/a", None),
    checkpoints.unpublish_checkpoint: lambda: checkpoints.unpublish_checkpoint("run", "weights/a"),
    keys.delete_api_key: keys.delete_api_key,
    keys.get_api_key: keys.get_api_key,
    losses.create_custom_loss: lambda: losses.create_custom_loss(
        session_id="s",
        custom_loss_seq_id=0,
        name="loss",
        inputs=(CustomLossInput(name="logprobs", rank=1),),
        graph=CustomLossGraph(
            nodes=(CustomLossNode(op="call_method", name="sum_1", target="sum", args=(FrozenMapping({"ref": "a"}),)),)
        ),
    ),
    models.create_model: lambda: models.create_model(
        session_id="s", model_seq_id=0, base_model="m", lora_config=LoraConfig(), user_metadata={"a": "b"}
    ),
    models.load_model: lambda: models.load_model(
        session_id="s",
        model_seq_id=0,
        path="tinker://run/weights/a",
        user_metadata={"a": "b"},
        optimizer=DimuonOptimizerConfig(),
        weights_access_token="not shown",
    ),
    models.unload_model: lambda: models.unload_model("s:train:0"),
    models.get_info: lambda: models.get_info("s:train:0"),
    models.weights_info: lambda: models.weights_info("tinker://run/weights/a"),
    promises.cancel_future: lambda: promises.cancel_future("r"),
    promises.retrieve_futures: lambda: promises.retrieve_futures("s:sample:0", retrieved_request_ids=["b", "a"]),
    promises.retrieve_future: lambda: promises.retrieve_future("r", "OptimStep", OptimStepResponse),
    runs.get_training_run: lambda: runs.get_training_run("run", access_scope="accessible"),
    runs.list_training_runs: lambda: runs.list_training_runs(project_id="p/1 x"),
    sampling.asample: lambda: sampling.asample(
        sampling_session_id="s:sample:0",
        seq_id=0,
        prompt=ModelInput.from_ints([1]),
        num_samples=1,
        sampling_params=SamplingParams(stop=["a", "b"]),
    ),
    sampling.join_sampling_session: lambda: sampling.join_sampling_session("s:sample:0"),
    sampling.create_sampling_session: lambda: sampling.create_sampling_session(
        session_id="s", sampling_session_seq_id=0, base_model="m"
    ),
    sampling.get_sampler: lambda: sampling.get_sampler("a/../b"),
    service.auth_token: service.auth_token,
    service.client_config: lambda: service.client_config("1"),
    service.client_dynamic_config: lambda: service.client_dynamic_config("1"),
    service.create_session: lambda: service.create_session(
        sdk_version="1", tags=("a",), user_metadata={"a": "b"}, project_id="p"
    ),
    service.get_server_capabilities: service.get_server_capabilities,
    service.healthz: service.healthz,
    service.session_heartbeat: lambda: service.session_heartbeat("s"),
    sessions.assign_session_project: lambda: sessions.assign_session_project("s", "p"),
    sessions.export_session_trace: lambda: sessions.export_session_trace("s"),
    sessions.finish_session: lambda: sessions.finish_session("s", "interrupted"),
    sessions.get_session: lambda: sessions.get_session("s"),
    sessions.list_sessions: lambda: sessions.list_sessions(limit=1),
    sessions.search_sessions: lambda: sessions.search_sessions(
        SessionSearchRequest(owner=AccessibleSearchOwner(), statuses=(SearchStatus(type="active"),))
    ),
    telemetry.send_telemetry: lambda: telemetry.send_telemetry(
        [GenericEvent(event_id="e", event_session_index=0, timestamp=NOON, event_name="n", event_data={"a": 1})],
        platform="Linux",
        sdk_version="1",
        session_id="s",
        process_uuid="u",
    ),
    steps.forward: lambda: steps.forward(DATA, "ppo", {"clip_low_threshold": 0.8}),
    steps.forward_backward_of_nobody: lambda: steps.forward_backward_of_nobody("json"),
    steps.forward_backward: lambda: steps.forward_backward(DATA, "cross_entropy"),
    steps.load_weights: lambda: steps.load_weights("tinker://run/weights/a", optimizer=True),
    steps.optim_step: lambda: steps.optim_step(AdamParams()),
    steps.save_weights: lambda: steps.save_weights("a", 3600, overwrite=True, user_metadata={"a": "b"}),
    steps.save_weights_external: lambda: steps.save_weights_external("a", 3600, age_encryption_recipients=["age1"]),
    steps.save_weights_for_sampler: lambda: steps.save_weights_for_sampler("a", ttl_seconds=3600),
    steps.submit_step: lambda: sent(steps.optim_step(AdamParams())),
}
IDS = [builder.__name__ for builder in CALLS]


def sent(built: Built) -> Request[Any]:
    """The request that is sent for it."""
    match built:
        case steps.Step():
            lowered = or_raise(lower(built.operation, built.body, "json"))
            return steps.submit_step(lowered.operation, numbered(lowered.unnumbered, "s:train:0", 1))
        case Request():
            return built


def builders() -> set[str]:
    """The public functions of every module of `endpoints` but the one that they are built with."""
    found = [import_module(f"tinkex_py.endpoints.{module.name}") for module in pkgutil.iter_modules(endpoints.__path__)]
    return {
        name
        for module in found
        if module.__name__ != "tinkex_py.endpoints.verbs"
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if member.__module__ == module.__name__ and not name.startswith("_")
    }


def test_every_builder_is_called_here() -> None:
    assert builders() == set(IDS)


@pytest.mark.parametrize(("builder", "call"), CALLS.items(), ids=IDS)
def test_the_docstring_begins_with_the_endpoint(builder: Callable[..., Built], call: Callable[[], Built]) -> None:
    request = sent(call())
    method, path, *_ = (inspect.getdoc(builder) or "").replace(": ", " ").split()
    parts = path.removeprefix("/").split("/")
    filled = [part if part.startswith("{") else built for part, built in zip(parts, request.path, strict=True)]
    assert (method, parts) == (request.method, filled)


@pytest.mark.parametrize("call", CALLS.values(), ids=IDS)
def test_built_twice_a_request_is_the_same_value(call: Callable[[], Built]) -> None:
    one, other = call(), call()
    assert (one, hash(one), repr(one)) == (other, hash(other), repr(other))
    assert sent(one) == sent(other)


@pytest.mark.parametrize("call", CALLS.values(), ids=IDS)
def test_a_body_has_its_final_bytes_or_can_be_encoded(call: Callable[[], Built]) -> None:
    body = sent(call()).body
    content = body if body is None or isinstance(body, Encoded) else encode(body)
    assert content is None or content.content.startswith(b"{")
    assert all(part.encode() for part in sent(call()).path)


def test_what_every_server_knows_by_default_is_left_out() -> None:
    by_default = models.create_model(session_id="s", model_seq_id=0, base_model="m", lora_config=LoraConfig())
    assert isinstance(by_default.body, models.CreateModel)
    assert by_default.body.optimizer_config is None
    assert steps.save_weights_for_sampler("a").body == steps.SaveWeightsForSampler(path="a")


def test_another_family_of_optimizer_says_its_name() -> None:
    body = encode(steps.optim_step(DimuonParams(learning_rate=0.5)).body).content
    assert (b'"optimizer_params":{"learning_rate":0.5' in body, b'"type":"dimuon"' in body) == (True, True)
    lion = OtherOptimizer("lion", {"lr": 0.5})
    assert b'"optimizer_params":{"type":"lion","lr":0.5}' in encode(steps.optim_step(lion).body).content
    made = models.create_model(
        session_id="s", model_seq_id=0, base_model="m", lora_config=LoraConfig(), optimizer=lion
    ).body
    assert isinstance(made, models.CreateModel)
    assert b'"optimizer_config":{"type":"lion","lr":0.5}' in encode(made).content


def test_an_access_token_is_not_shown() -> None:
    shown = repr(
        (
            models.load_model(session_id="s", model_seq_id=0, path="p", weights_access_token="hush"),
            steps.load_weights("p", weights_access_token="hush"),
        )
    )
    assert "hush" not in shown
    assert b'"weights_access_token":"hush"' in encode(steps.load_weights("p", weights_access_token="hush").body).content
