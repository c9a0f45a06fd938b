"""Which call of ours each recording is of: a table from names of cases to small functions.

The recordings' own words are the official SDK's; bulky values are read off the recorded request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from msgspec import Struct
from returns.result import Failure

from tests.replay.recorded import Recording
from tests.replay.stage import MODEL, Call, Stage
from tinkex_py import AdamParams, Datum, ImageAssetPointerChunk, ModelInput, SamplingParams, TensorData

types: Any = import_module("tinkex_py.types")
"""By name, as the recordings call by the official names."""
PATH = "tinker://run-1/weights/0001"
SAMPLER = "tinker://run-1/sampler_weights/0002"
KEY = "tml-recorded-0123456789"


class Start(Struct, frozen=True):
    """What the client of a case is made with: settings by name, and what the session is told about its user."""

    settings: Mapping[str, Any] = {}
    environment: Mapping[str, str] = {}
    user_metadata: Mapping[str, str] = {}


def rest(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on a REST client."""
    return asking(lambda client, _: call(client))


def asking(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a REST client that reads the recording."""

    async def made(stage: Stage) -> object:
        return await call(await stage.rest(), stage)

    return made


def admin(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on an admin client."""
    return administering(lambda client, _: call(client))


def administering(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on an admin client that reads the recording."""

    async def made(stage: Stage) -> object:
        return await call(await stage.admin(), stage)

    return made


def service(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on a service client whose session is open."""

    async def made(stage: Stage) -> object:
        return await call(await stage.ready())

    return made


def starting(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A first call on a new service client."""

    async def made(stage: Stage) -> object:
        stage.begin()
        return await call(stage.service)

    return made


def training(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a training client, just before the recorded step."""

    async def made(stage: Stage) -> object:
        return await call(await stage.trainer(), stage)

    return made


def sampling(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a sampling client, just before the recorded sample."""

    async def made(stage: Stage) -> object:
        return await call(await stage.sampler(), stage)

    return made


async def opened(stage: Stage) -> object:
    """The session, as the first call that needs one opens it."""
    stage.begin()
    _ = await stage.session()
    return None


async def waited(stage: Stage, seconds: float) -> None:
    """A client that is left alone for a while after its session was opened."""
    _ = await stage.session()
    stage.begin()
    await asyncio.sleep(seconds)


async def closed(stage: Stage, *args: object, **kwargs: object) -> None:
    """A service client closed, its session with it."""
    _ = await stage.ready()
    await stage.service.close(*args, **kwargs)


async def made_by(creation: Awaitable[Any]) -> object:
    """The id of the model that a creation made."""
    return await mapped(creation, lambda trainer: trainer.model_id)


async def mapped(call: Awaitable[Any], function: Callable[[Any], Any]) -> object:
    """A part of what a call came to."""
    return (await call).map(function)


async def followed(call: Awaitable[Any], function: Callable[[Any], Awaitable[object]]) -> object:
    """What a call on what another made came to."""
    outcome = await call
    return outcome if _failed(outcome) else await function(outcome.unwrap())


def _failed(outcome: object) -> bool:
    return isinstance(outcome, Failure)


def informed(creation: Awaitable[Any]) -> Awaitable[object]:
    """What the server says of the model that a creation made."""
    return followed(creation, lambda trainer: trainer.get_info())


def named(creation: Awaitable[Any]) -> Awaitable[object]:
    """The base model of the sampling client that a creation made."""
    return followed(creation, lambda sampler: sampler.get_base_model())


async def done(call: Awaitable[Any]) -> object:
    """That a call succeeded, whatever its value."""
    return await mapped(call, lambda _: "ok")


async def ignored(call: Awaitable[object]) -> None:
    """A call of which only the requests were recorded."""
    _ = await call


async def each(*calls: Awaitable[object]) -> list[object]:
    """What several calls came to, one after the other."""
    return [await call for call in calls]


def submitted(*promises: Any) -> Awaitable[list[object]]:
    """What several submitted steps came to."""
    return each(*promises)


def stepped(trainer: Any, stage: Stage) -> Awaitable[object]:
    """An optimizer step with the recorded settings."""
    bodies = stage.bodies("optim_step")
    given: dict[str, Any] = bodies[0].get("adam_params", {}) if bodies else {}
    return trainer.optim_step(AdamParams(**given))  # type: ignore[no-any-return]


def batch(trainer: Any, stage: Stage) -> Awaitable[object]:
    """The recorded batch, with the recorded loss and its settings."""
    return _batched(trainer.forward_backward, stage)


def forward(trainer: Any, stage: Stage) -> Awaitable[object]:
    """The recorded batch without gradients."""
    return _batched(trainer.forward, stage)


def _batched(operation: Callable[..., Awaitable[object]], stage: Stage) -> Awaitable[object]:
    body = (stage.bodies("forward_backward") or stage.bodies("forward"))[0]
    asked = body.get("forward_backward_input") or body.get("forward_input") or body
    config: dict[str, Any] = asked.get("loss_fn_config") or {}
    given: dict[str, Any] = {
        **config,
        **{name: next(iter(option.values())) for name, option in body.get("loss_fn_config_v2", {}).items()},
    }
    return operation(stage.data(), asked["loss_fn"], given or None)


def sample(sampler: Any, stage: Stage) -> Awaitable[object]:
    """The recorded sample, asked for by our names."""
    body = stage.bodies("asample")[0]
    asked = {name: body[name] for name in OPTIONS if name in body}
    if "target_prompt_logprobs" in body:
        target = body["target_prompt_logprobs"]
        sparse = (target.get("sparse_crow_indices"), target.get("sparse_col_indices"))
        asked["target_prompt_logprobs"] = TensorData(target["data"], target["dtype"], target["shape"], *sparse)
    params = SamplingParams(**body["sampling_params"])
    prompt = ModelInput.from_ints([token for chunk in body["prompt"]["chunks"] for token in chunk["tokens"]])
    if not body["prompt"]["chunks"]:
        prompt = ModelInput.empty()
    wanted = body["prompt_logprobs"]
    return sampler.sample(prompt, body["num_samples"], params, include_prompt_logprobs=wanted, **asked)  # type: ignore[no-any-return]


OPTIONS = ("topk_prompt_logprobs", "topk_sample_logprobs", "prompt_alt_tokens_k", "prompt_logprobs_last_n")


def logprobs(sampler: Any, stage: Stage) -> Awaitable[object]:
    """The recorded prompt's log-probabilities."""
    body = stage.bodies("asample")[0]
    last = body.get("prompt_logprobs_last_n")
    prompt = ModelInput.from_ints(body["prompt"]["chunks"][0]["tokens"])
    return sampler.compute_logprobs(prompt) if last is None else sampler.compute_logprobs(prompt, last)  # type: ignore[no-any-return]


def short(sampler: Any) -> Any:
    """The sample that the cases about sampling itself take."""
    return sampler.sample(ModelInput.from_ints([1, 2]), 1, SamplingParams(max_tokens=3))


async def sequence_ids(samples: Awaitable[list[Any]]) -> object:
    """The ids of the first sequences of several samples."""
    return [answer.map(_first_id) for answer in await samples]


def _first_id(response: Any) -> object:
    return response.sequences[0].sequence_id


async def cancelled(sampler: Any, _: Stage) -> object:
    """A sample abandoned while the server works on it."""
    promise = short(sampler)
    await asyncio.sleep(0.5)
    promise.cancel()
    _ = await promise
    return "cancelled"


class Names(dict[str, Any]):
    """What the names in a recorded expression mean: values by name, and otherwise the methods of a client."""

    def __init__(self, client: Any) -> None:
        super().__init__(path=PATH, date=date, RestClient=client, AdminClient=client)
        self._client = client

    def __missing__(self, name: str) -> Any:
        return getattr(self._client, name)


async def spoken(client: Any, stage: Stage) -> object:
    """The recorded expressions, evaluated with our client's methods for the official ones."""
    expressions = stage.recording.call.replace("; the server answers 500 once", "").split("; ")
    made = [await eval(each, {"__builtins__": {}}, Names(client)) for each in expressions]  # noqa: S307 - our own files
    return made if len(made) > 1 else made[0]


def traced(client: Any) -> Awaitable[object]:
    """Where on the server a session's trace is."""
    return mapped(client.export_session_trace("session-0"), lambda trace: urlsplit(_address(trace)).path.lstrip("/"))


def _address(trace: Any) -> str:
    return str(getattr(trace, "url", trace))


async def searched(client: Any) -> object:
    """Every option of a search, and its next page."""
    statuses = [
        types.SearchStatus(type="active"),
        types.SearchStatus(type="cancelled"),
        types.SearchStatus(type="failed"),
        types.SearchStatus(type="client_finished", reasons=("success", "errored")),
        types.SearchStatus(type="client_finished"),
    ]
    options: dict[str, Any] = {
        "session_id": "session-0",
        "project_ids": ["proj-1"],
        "user_metadata": {"team": "x"},
        "display_name": "night",
        "owner": types.UserSearchOwner(owner_urns=("tml:organization_user:1",)),
        "statuses": statuses,
        "limit": 7,
    }
    first = await client.search_sessions(**options)
    return [first, await client.search_sessions(**options, cursor=first.unwrap().next_cursor)]


def custom(trainer: Any, stage: Stage) -> Awaitable[object]:
    """A loss of our own with gradients that come to the recorded weights."""
    weights = [each["loss_fn_inputs"]["weights"] for each in stage.bodies("forward_backward")[1]["data"]]
    gradients = [-np.asarray(each["dense"], np.float32) for each in weights]
    result: Any = stage.recording.result
    metrics = result["ForwardBackwardOutput"]["metrics"]
    extra = {name: value for name, value in metrics.items() if name.startswith("custom")}

    def loss(_data: object, _logprobs: object) -> object:
        return metrics["loss:sum"], extra, gradients

    data = [_with_extra(datum) for datum in stage.data(rounds=2)]
    return trainer.forward_backward_custom(data, loss)  # type: ignore[no-any-return]


def _with_extra(datum: Datum) -> Datum:
    """A datum as it was before the official SDK took away what the server need not see."""
    weights: Any = datum.loss_fn_inputs.get("weights")
    kept = {"target_tokens": datum.loss_fn_inputs["target_tokens"]}
    if weights is not None and any(weights.data):
        return datum
    return Datum(datum.model_input, {**kept, "advantages": [1.0] * datum_length(datum)})


def datum_length(datum: Datum) -> int:
    tokens: Any = datum.loss_fn_inputs["target_tokens"]
    return int(tokens.size)


def last(*calls: Awaitable[object]) -> Awaitable[object]:
    """What the last of several calls came to."""

    async def made() -> object:
        return (await each(*calls))[-1]

    return made()


def first_of(stage: Stage) -> Datum:
    """The first datum of the recorded batch."""
    return stage.data()[0]


def sampled(stage: Stage) -> str:
    """The path that is sampled from."""
    return str(stage.bodies("create_sampling_session")[0]["model_path"])


async def sampled_from(stage: Stage) -> object:
    """A sampling client of saved weights; its base model where that was asked for too."""
    client = await stage.ready()
    creation = client.create_sampling_client(model_path=sampled(stage))
    asks = any("/samplers/" in each.request.target for each in stage.recording.exchanges)
    return await (named(creation) if asks else creation)


async def created_and_stepped(stage: Stage) -> object:
    """A model made, and a batch given to it at once."""
    client = await stage.ready()
    trainer = (await client.create_lora_training_client(MODEL)).unwrap()
    return await batch(trainer, stage)


async def path_of(copying: Awaitable[Any]) -> object:
    """Where a copy went."""
    return await mapped(copying, lambda copied: getattr(copied, "tinker_path", copied))


TENSORS = Datum(
    ModelInput.from_ints([1, 2]),
    {
        "target_tokens": [[1, 2], [3, 4]],
        "weights": np.array([[0.5, 0.25], [0.0, 1.0]], np.float64),
        "advantages": np.array([1.0, 2.0], np.float16),
        "mask": np.array([1, 0], np.int32),
        "scalar": np.array(3, np.int64),
        "empty": np.zeros(0, np.float32),
        "logprobs": TensorData([-1.5, -2.5], "float32"),
    },
)
POINTER = Datum(ModelInput([ImageAssetPointerChunk("jpeg", "https://x.test/a.jpg", 2)]), {"target_tokens": [2]})
ZONED = datetime(2026, 7, 13, tzinfo=timezone(timedelta(hours=2)))
NAIVE = datetime(2026, 7, 14)  # noqa: DTZ001 - as it was recorded
BAD_TARGET = TensorData([1.0, 2.0], "float32", [2, 1])

CALLS: dict[str, Call] = {
    # Startup and authentication
    "startup": opened,
    "startup_rest_client": rest(lambda r: r.get_server_capabilities()),
    "startup_client_config_404": rest(lambda r: r.get_server_capabilities()),
    "startup_dynamic_config_404": rest(lambda r: r.get_server_capabilities()),
    "startup_*": opened,
    "capabilities": starting(lambda s: s.get_server_capabilities()),
    "auth_jwt_exchange": rest(lambda r: each(r.get_server_capabilities(), r.whoami())),
    "auth_jwt_invalid_token_replay": rest(lambda r: last(r.get_server_capabilities(), r.get_training_run("run-1"))),
    "auth_credential_cmd": rest(lambda r: r.get_server_capabilities()),
    "close_success_detail": lambda stage: closed(stage, "success", detail="done"),
    "close_interrupted_no_detail": lambda stage: closed(stage, "interrupted"),
    "heartbeat_and_config_refresh": lambda stage: waited(stage, 12),
    "heartbeat_410_stops": lambda stage: waited(stage, 21),
    "telemetry_batch": lambda stage: closed(stage, "success"),
    # Models
    "create_lora_minimal": service(lambda s: informed(s.create_lora_training_client(MODEL))),
    "create_lora": service(
        lambda s: made_by(s.create_lora_training_client(MODEL, rank=16, seed=7, user_metadata={"a": "b"}))
    ),
    "create_lora_full": service(
        lambda s: informed(
            s.create_lora_training_client(
                MODEL,
                rank=16,
                seed=7,
                train_mlp=False,
                train_attn=True,
                train_unembed=False,
                user_metadata={"a": "b"},
                optimizer=types.DimuonOptimizerConfig(),
            )
        )
    ),
    "create_lora_second_model": service(
        lambda s: each(made_by(s.create_lora_training_client(MODEL)), made_by(s.create_lora_training_client(MODEL)))
    ),
    "from_state_with_optimizer*": service(lambda s: made_by(s.create_training_client_from_state_with_optimizer(PATH))),
    "from_state*": service(lambda s: made_by(s.create_training_client_from_state(PATH))),
    "get_info": training(lambda t, _: t.get_info()),
    "unload_model": training(lambda t, _: t.unload_model()),
    # Steps
    "forward_backward_image": training(
        lambda t, stage: (
            batch(t, stage) if stage.recording.exchanges else t.forward_backward([POINTER], "cross_entropy")
        )
    ),
    "chunks_image_asset_pointer_refused": training(lambda t, _: t.forward_backward([POINTER], "cross_entropy")),
    "forward_backward_no_data": training(lambda t, _: t.forward_backward([], "cross_entropy")),
    "forward_backward_on_client_future": created_and_stepped,
    "forward_backward_*": training(batch),
    "forward_backward": training(batch),
    "forward": training(forward),
    "loss_fn_config_empty": training(lambda t, stage: t.forward_backward(stage.data(), "cross_entropy", {})),
    "loss_fn_*": training(batch),
    "chunks_*": training(batch),
    "chunking_*": training(batch),
    "metrics_*": training(batch),
    "decode_fb_*": training(batch),
    "late_metric_without_suffix": training(batch),
    "tensors_dtypes_and_shapes": training(lambda t, _: t.forward_backward([TENSORS], "cross_entropy")),
    "tensors_*": training(batch),
    "torch_tensor_inputs": training(batch),
    "torch_forward_backward_custom_*": training(custom),
    "pipelined_seq_ids": training(
        lambda t, stage: submitted(
            t.forward_backward([first_of(stage)], "cross_entropy"),
            t.optim_step(AdamParams()),
            t.forward_backward([first_of(stage)], "cross_entropy"),
            t.optim_step(AdamParams()),
        )
    ),
    "seq_after_rejected_submission": training(
        lambda t, _: each(t.optim_step(AdamParams()), t.optim_step(AdamParams()))
    ),
    "optim_step_nan": training(lambda t, _: t.optim_step(AdamParams(learning_rate=float("nan")))),
    "optim_step_dimuon": training(lambda t, _: t.optim_step(types.DimuonParams(learning_rate=0.02))),
    "optim_step*": training(stepped),
    "future_*": training(stepped),
    "late_telemetry_ships_api_key": training(lambda t, stage: ignored(stepped(t, stage))),
    # Saving and loading
    "save_state_full": training(
        lambda t, stage: t.save_state(
            "ckpt-1", ttl_seconds=3600, overwrite=True, user_metadata=stage.bodies("save_weights")[0]["user_metadata"]
        )
    ),
    "save_state*": training(lambda t, _: t.save_state("ckpt-1")),
    "save_for_sampler_full": training(
        lambda t, stage: t.save_weights_for_sampler(
            "s-1", ttl_seconds=3600, user_metadata=stage.bodies("save_weights_for_sampler")[0]["user_metadata"]
        )
    ),
    "save_for_sampler*": training(lambda t, _: t.save_weights_for_sampler("s-1")),
    "save_and_get_sampling_client_inflight": training(
        lambda t, _: named(t.save_weights_and_get_sampling_client(kind="inflight"))
    ),
    "save_and_get_sampling_client": training(lambda t, _: t.save_weights_and_get_sampling_client()),
    "save_ephemeral_retry_503": training(lambda t, _: done(t.save_weights_and_get_sampling_client())),
    "save_external_full": training(
        lambda t, stage: t.save_weights_external(
            "hf",
            ttl_seconds=3600,
            age_encryption_recipients=stage.bodies("save_weights_external")[0]["age_encryption_recipients"],
        )
    ),
    "save_external*": training(lambda t, _: t.save_weights_external("hf")),
    "load_state_with_optimizer": training(lambda t, _: t.load_state_with_optimizer(PATH)),
    "load_state": training(lambda t, _: t.load_state(PATH)),
    # Sampling
    "training_create_sampling_client": training(lambda t, stage: named(t.create_sampling_client(sampled(stage)))),
    "create_sampling_client_base": service(lambda s: named(s.create_sampling_client(base_model=MODEL))),
    "create_sampling_client": service(lambda s: s.create_sampling_client(base_model=MODEL)),
    "create_sampling_client_path": sampled_from,
    "sample_seq_ids": sampling(lambda s, _: sequence_ids(each(short(s), short(s), short(s)))),
    "retrieve_futures_poll_three": sampling(lambda s, _: sequence_ids(submitted(short(s), short(s), short(s)))),
    "retrieve_futures_*": sampling(lambda s, _: short(s)),
    "cancel_future": sampling(cancelled),
    "sample_bad_target_dtype": sampling(
        lambda s, _: s.sample(
            ModelInput.from_ints([1, 2, 3]), 1, SamplingParams(max_tokens=3), target_prompt_logprobs=BAD_TARGET
        )
    ),
    "sample*": sampling(sample),
    "decode_sample_*": sampling(sample),
    "compute_logprobs*": sampling(logprobs),
    # REST and administration; most recordings say it themselves
    "0.38.0/rest_copy_weights_retry": rest(lambda r: path_of(r.copy_weights(PATH, "proj-2"))),
    "rest_copy_weights_no_project": asking(spoken),
    "rest_copy_weights*": asking(lambda r, stage: path_of(spoken(r, stage))),
    "service_copy_weights": starting(lambda s: path_of(s.copy_weights(PATH))),
    "rest_export_session_trace": rest(traced),
    "rest_search_sessions_full": rest(searched),
    "rest_search_sessions_accessible": rest(lambda r: r.search_sessions(owner=types.AccessibleSearchOwner())),
    "0.38.0/rest_*": asking(spoken),
    "path_encoding_*": asking(spoken),
    "tinker_path_invalid": asking(spoken),
    "error_*_then_ok": rest(lambda r: done(r.get_training_run("run-1"))),
    "error_*": rest(lambda r: r.get_training_run("run-1")),
    "redirect_cross_origin_httpx": admin(lambda a: a.get_audit_log()),
    "redirect_cross_origin_pyqwest": rest(lambda r: r.get_session("session-0")),
    "admin_audit_log_redirect": admin(lambda a: a.get_audit_log()),
    "admin_billing_usage_datetime": admin(lambda a: a.get_billing_usage(ZONED, NAIVE)),
    "admin_checkpoint_storage": admin(
        lambda a: each(
            a.get_current_checkpoint_storage_usage(), a.get_current_checkpoint_storage_usage(project_id="proj-1")
        )
    ),
    "admin_*": administering(spoken),
    # REST as the older releases were recorded
    "rest_get_training_run": rest(lambda r: r.get_training_run("run-1")),
    "rest_list_training_runs": rest(lambda r: r.list_training_runs()),
    "rest_list_checkpoints": rest(lambda r: r.list_checkpoints("run-1")),
    "rest_list_user_checkpoints": rest(lambda r: r.list_user_checkpoints()),
    "rest_archive_url_*": rest(lambda r: r.get_checkpoint_archive_url_from_tinker_path(PATH)),
    "rest_delete": rest(lambda r: r.delete_checkpoint("run-1", "weights/0001")),
    "rest_publish": rest(lambda r: r.publish_checkpoint_from_tinker_path(PATH)),
    "rest_weights_info": rest(lambda r: r.get_weights_info_by_tinker_path(PATH)),
    "rest_get_session": rest(lambda r: r.get_session("session-0")),
    "rest_list_sessions": rest(lambda r: r.list_sessions()),
}
STARTS: dict[str, Start] = {
    "0.38.0/startup_service_client_full": Start(
        {"project_id": "proj-1", "display_name": "nightly", "default_headers": {"X-Extra": "1"}},
        {
            "TINKER_TAGS": "tag-a",
            "CLOUDFLARE_ACCESS_CLIENT_ID": "cf-id",
            "CLOUDFLARE_ACCESS_CLIENT_SECRET": "cf-secret",
        },
        {"team": "x"},
    ),
    "*/startup": Start(user_metadata={"team": "x"}),
    "*/startup_env_tags_empty_project_env": Start({}, {"TINKER_TAGS": "", "TINKER_PROJECT_ID": "proj-env"}),
    "*/service_copy_weights": Start({"project_id": "proj-3"}),
    "*/auth_credential_cmd": Start({"api_key": None}, {"TINKER_CREDENTIAL_CMD": f"echo {KEY}"}),
}
NOT_APPLICABLE = {
    "cli_*": "commands of the official SDK's command line; each of their requests is recorded as a REST call as well",
    "sampler_handle_contents": "the inside of a handle, which only the release that wrote it reads",
    "optim_step_unknown_family": "a base class of the official SDK with a free type; optimizers are a closed set here",
}
"""Recordings of what only the official SDK has, and why."""

NOT_YET: dict[str, str] = {
    **dict.fromkeys(
        ("rest_*", "service_copy_weights", "admin_*", "redirect_*", "path_encoding_*", "tinker_path_*", "error_*"),
        "the REST and admin clients",
    ),
    **dict.fromkeys(
        ("startup_rest_*", "startup_*_404", "startup_service_client_full", "auth_*"), "flags and authentication"
    ),
    **dict.fromkeys(("close_*", "telemetry_batch"), "finishing the session"),
    **dict.fromkeys(
        (
            "forward*",
            "loss_fn_*",
            "chunk*",
            "tensors_*",
            "torch_*",
            "decode_*",
            "metrics_*",
            "late_metric_*",
            "pipelined_seq_ids",
            "*/sample*",
            "compute_logprobs*",
        ),
        "protobuf, chunks and custom losses",
    ),
    **dict.fromkeys(
        ("unload_model", "create_lora_full", "from_state*", "save_*_full", "*_inflight"),
        "creation and loading as the newest release does it",
    ),
    **dict.fromkeys(
        ("future_*", "retrieve_futures_*", "cancel_future"), "promises as the newest release waits for them"
    ),
}
"""Recordings whose call is still to come here, and what it waits for."""


def found(table: Mapping[str, Any], recording: Recording) -> Any:
    """The entry of the first pattern that fits the recording's name, or its release and name."""
    names = (recording.case, recording.name)
    return next((entry for pattern, entry in table.items() if any(fnmatchcase(name, pattern) for name in names)), None)
