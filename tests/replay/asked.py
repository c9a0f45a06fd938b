"""Calls that take their values, often bulky ones, off the recording."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tests.replay.making import mapped, named
from tests.replay.stage import MODEL, Stage
from tinkex_py import AdamParams, Datum, ModelInput, SamplingParams, TensorData

types: Any = import_module("tinkex_py.types")
"""By name, as the recordings call by the official names."""
PATH = "tinker://run-1/weights/0001"


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
        types.SearchStatus(type="client_finished", reasons=["success", "errored"]),
        types.SearchStatus(type="client_finished"),
    ]
    options: dict[str, Any] = {
        "session_id": "session-0",
        "project_ids": ["proj-1"],
        "user_metadata": {"team": "x"},
        "display_name": "night",
        "owner": types.UserSearchOwner(owner_urns=["tml:organization_user:1"]),
        "statuses": statuses,
        "limit": 7,
    }
    first = await client.search_sessions(types.SessionSearchRequest(**options))
    following = types.SessionSearchRequest(**options, cursor=first.unwrap().next_cursor)
    return [first, await client.search_sessions(following)]


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
