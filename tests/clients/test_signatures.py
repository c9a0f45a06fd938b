"""What a program of the official SDK passes, by position or by name, is passed here in the same way."""

from __future__ import annotations

import pydoc
from collections.abc import Mapping
from inspect import Parameter, getattr_static, iscoroutinefunction, signature
from typing import Any, get_type_hints

import pytest
from msgspec import Struct

import tinkex_py
from docs import migration
from tinkex_py.testing.answering import answering
from tinkex_py.testing.simulation import simulate

SCOPE = "access_scope='owned'"
BATCH = "data, loss_fn, loss_fn_config=None"
HANDLED = "name, ttl_seconds=None"
COPIED = "path, destination_project_id=None, *, ttl_seconds=None, weights_access_token=None"

OFFICIAL: Mapping[str, str] = {
    "ServiceClient.close": "status, detail=None",
    "ServiceClient.copy_weights": "path, *, ttl_seconds=None, weights_access_token=None",
    "ServiceClient.create_lora_training_client": (
        "base_model, rank=32, seed=None, train_mlp=True, train_attn=True, train_unembed=True, user_metadata=None, "
        "optimizer=None"
    ),
    "ServiceClient.create_rest_client": "",
    "ServiceClient.create_sampling_client": (
        "model_path=None, base_model=None, retry_config=None, record_stability_info=False"
    ),
    "ServiceClient.create_training_client_from_state": (
        "path, base_model=None, user_metadata=None, weights_access_token=None, optimizer=None"
    ),
    "ServiceClient.create_training_client_from_state_with_optimizer": (
        "path, base_model=None, user_metadata=None, weights_access_token=None"
    ),
    "ServiceClient.create_custom_loss": "fn, input_ranks",
    "ServiceClient.get_console_url": "",
    "ServiceClient.get_server_capabilities": "",
    "ServiceClient.get_telemetry": "",
    "TrainingClient.create_sampling_client": "model_path, retry_config=None, record_stability_info=False",
    "TrainingClient.forward": BATCH,
    "TrainingClient.forward_backward": BATCH,
    "TrainingClient.forward_backward_custom": "data, loss_fn, *, loss_type_input=None",
    "TrainingClient.get_console_url": "",
    "TrainingClient.get_info": "",
    "TrainingClient.get_telemetry": "",
    "TrainingClient.get_tokenizer": "",
    "TrainingClient.load_state": "path, weights_access_token=None",
    "TrainingClient.load_state_with_optimizer": "path, weights_access_token=None",
    "TrainingClient.optim_step": "optim_params=None, *, adam_params=None",
    "TrainingClient.save_state": f"{HANDLED}, overwrite=False, user_metadata=None",
    "TrainingClient.save_weights_and_get_sampling_client": (
        "name=None, retry_config=None, record_stability_info=False, kind='snapshot'"
    ),
    "TrainingClient.save_weights_external": f"{HANDLED}, age_encryption_recipients=None",
    "TrainingClient.save_weights_for_sampler": f"{HANDLED}, user_metadata=None",
    "SamplingClient.compute_logprobs": "prompt, prompt_logprobs_last_n=None",
    "SamplingClient.from_sampler_handle": "handle, *, api_key=None",
    "SamplingClient.get_base_model": "",
    "SamplingClient.get_sampler_handle": "",
    "SamplingClient.get_telemetry": "",
    "SamplingClient.get_tokenizer": "",
    "SamplingClient.sample": (
        "prompt, num_samples, sampling_params, include_prompt_logprobs=False, topk_prompt_logprobs=0, "
        "topk_sample_logprobs=0, target_prompt_logprobs=None, prompt_alt_tokens_k=0, prompt_logprobs_last_n=None"
    ),
    "RestClient.assign_session_project": "session_id, project_id",
    "RestClient.copy_weights": COPIED,
    "RestClient.delete_checkpoint": "training_run_id, checkpoint_id",
    "RestClient.delete_checkpoint_from_tinker_path": "tinker_path",
    "RestClient.export_session_trace": "session_id",
    "RestClient.get_external_weights_urls": "tinker_path",
    "RestClient.get_sampler": "sampler_id",
    "RestClient.get_server_capabilities": "",
    "RestClient.get_session": f"session_id, {SCOPE}",
    "RestClient.get_telemetry": "",
    "RestClient.get_training_run": f"training_run_id, {SCOPE}",
    "RestClient.get_training_run_by_tinker_path": f"tinker_path, {SCOPE}",
    "RestClient.get_weights_info_by_tinker_path": "tinker_path",
    "RestClient.list_checkpoints": "training_run_id",
    "RestClient.list_sessions": f"limit=20, offset=0, {SCOPE}",
    "RestClient.list_training_runs": f"limit=20, offset=0, {SCOPE}, project_id=None",
    "RestClient.list_user_checkpoints": "limit=100, offset=0",
    "RestClient.publish_checkpoint_from_tinker_path": "tinker_path",
    "RestClient.search_sessions": "request",
    "RestClient.set_checkpoint_ttl_from_tinker_path": "tinker_path, ttl_seconds",
    "RestClient.unpublish_checkpoint_from_tinker_path": "tinker_path",
    "RestClient.whoami": "",
    "AdminClient.get_audit_log": "event_type='all', day=None",
    "AdminClient.get_billing_usage": "starting_on, ending_before",
    "AdminClient.get_current_checkpoint_storage_usage": "project_id=None",
    "AdminClient.get_telemetry": "",
}
"""The parameters of the official SDK 0.38.0 with their defaults; behind the star they go by name only."""

WIDER: Mapping[str, str] = {
    "ServiceClient.close": "status='success', detail=None",
    "ServiceClient.copy_weights": COPIED,
}
"""Where more than that is taken here: a status may be left out, and any client copies to another project."""


def parameters(method: str) -> list[Parameter]:
    """What a method of ours takes, without the client and without types."""
    kind, _, name = method.partition(".")
    found: Any = getattr_static(getattr(tinkex_py, kind), name)
    _, *declared = signature(getattr(found, "plan", getattr(found, "__func__", found))).parameters.values()
    return [each.replace(annotation=Parameter.empty) for each in declared]


VALUES: Mapping[str, str] = {
    "Datum.__init__": "model_input, loss_fn_inputs={}",
    "Datum.with_provenance": "model_input, loss_fn_inputs",
    "ModelInput.append": "chunk",
    "ModelInput.append_int": "token",
    "ModelInput.from_ints": "tokens",
    "TensorData.from_numpy": "array",
    "TensorData.from_torch": "tensor",
    "TensorData.from_torch_sparse": "tensor, pad_value=0",
    "TensorData.to_numpy": "pad_value=0",
    "TensorData.to_torch": "pad_value=0",
    "TensorData.tolist": "pad_value=0",
}
"""What values are made with and asked for, in the same way."""


@pytest.mark.parametrize("method", VALUES)
def test_a_value_takes_what_the_official_one_takes(method: str) -> None:
    assert ", ".join(map(str, parameters(method))) == VALUES[method]


@pytest.mark.parametrize("world", ["", "Async"])
@pytest.mark.parametrize("method", OFFICIAL)
def test_a_method_takes_what_the_official_one_takes(method: str, world: str) -> None:
    placed, _, named = WIDER.get(method, OFFICIAL[method]).partition("*, ")
    ours = parameters(world + method)
    by_place = [str(each) for each in ours if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [str(each) for each in ours if each.kind is Parameter.KEYWORD_ONLY]
    wanted = [each for each in named.split(", ") if each]
    assert len(by_place) + len(by_name) == len(ours)
    assert by_place == [each for each in placed.removesuffix(", ").split(", ") if each]
    assert by_name[: len(wanted)] == wanted


SHOWN = {
    "get_sampler": "(sampler_id: 'str', *, timeout: 'float | None' = None) -> 'Outcome[GetSamplerResponse]'",
    "recover": (
        "(training_run_id: 'str', recovery: 'RecoveryPolicy | None' = None, "
        "user_metadata: 'Mapping[str, str] | None' = None, *, timeout: 'float | None' = None) -> 'Promise[TrainingT]'"
    ),
}


def test_a_client_s_method_shows_what_it_takes_and_gives() -> None:
    service = tinkex_py.ServiceClient(api_key="tml-key")
    rest = tinkex_py.RestClient.beside(service)
    assert str(signature(rest.get_sampler)) == SHOWN["get_sampler"]
    assert str(signature(service.recover_training_client)) == SHOWN["recover"]


def test_an_async_client_s_method_shows_what_it_takes_and_gives() -> None:
    service = tinkex_py.AsyncServiceClient(api_key="tml-key")
    rest = tinkex_py.AsyncRestClient.beside(service)
    assert iscoroutinefunction(rest.get_sampler)
    assert str(signature(rest.get_sampler)) == SHOWN["get_sampler"]
    assert str(signature(service.recover_training_client)) == SHOWN["recover"].replace("Promise", "AsyncPromise")


def test_a_method_is_a_function_of_its_client() -> None:
    with tinkex_py.ServiceClient.local() as service:
        made = service.create_lora_training_client("tinkex/tiny-random", rank=2)
        named = tinkex_py.change(tinkex_py.then(made, tinkex_py.TrainingClient.get_info), lambda info: info.model_id)
        saved = tinkex_py.TrainingClient.save_state(tinkex_py.or_raise(made), "a").result()
    assert named == tinkex_py.change(made, lambda trainer: trainer.model_id)
    assert tinkex_py.or_raise(saved).path.endswith("/weights/a")


def test_a_class_shows_what_its_methods_take() -> None:
    shown = pydoc.plain(pydoc.render_doc(tinkex_py.RestClient))
    assert "get_sampler(self, sampler_id: 'str', *, timeout: 'float | None' = None)" in shown


def test_every_method_that_keeps_its_name_is_compared() -> None:
    methods = {each.there for each in migration.names() if each.client == "official" and each.there == each.here}
    assert {name for name in methods if name.partition(".")[0].endswith("Client") and "." in name} <= set(OFFICIAL)


PUBLIC = [getattr(tinkex_py, name) for name in tinkex_py.__all__ if isinstance(getattr(tinkex_py, name), type)]
EVALUATED: Mapping[str, Any] = {
    **{f"{kind.__name__}": kind for kind in PUBLIC},
    **{f"{kind.__name__}.__init__": kind.__init__ for kind in PUBLIC if not issubclass(kind, Struct)},
    "simulate": simulate,
    "answering": answering,
}


@pytest.mark.parametrize("known", EVALUATED.values(), ids=EVALUATED)
def test_annotations_can_be_evaluated(known: Any) -> None:
    assert isinstance(get_type_hints(known), dict)
