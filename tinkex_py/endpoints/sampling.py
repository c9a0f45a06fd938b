"""Sampling sessions and samples. Pure."""

from __future__ import annotations

from msgspec import Struct, structs

from tinkex_py.endpoints.verbs import get, post, submit
from tinkex_py.request import Request
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.promises import Promised
from tinkex_py.types.sampling import SamplingParams


class CreateSamplingSession(Struct, frozen=True, kw_only=True, tag="create_sampling_session"):
    """Body of `create_sampling_session`: a base model, or a saved checkpoint."""

    session_id: str
    sampling_session_seq_id: int
    base_model: str | None = None
    model_path: str | None = None


class SamplingSession(Struct, frozen=True, kw_only=True):
    """An open sampling session."""

    sampling_session_id: str


class Sampler(Struct, frozen=True, kw_only=True):
    """What a sampling session samples from."""

    sampler_id: str
    base_model: str
    model_path: str | None = None


class Sample(Struct, frozen=True, kw_only=True, tag="sample"):
    """Body of `asample`."""

    num_samples: int
    prompt: ModelInput
    sampling_params: SamplingParams
    sampling_session_id: str
    seq_id: int
    prompt_logprobs: bool
    topk_prompt_logprobs: int


def create_sampling_session(
    *,
    session_id: str,
    sampling_session_seq_id: int,
    base_model: str | None = None,
    model_path: str | None = None,
) -> Request[SamplingSession]:
    """POST /api/v1/create_sampling_session"""
    body = CreateSamplingSession(
        session_id=session_id,
        sampling_session_seq_id=sampling_session_seq_id,
        base_model=base_model,
        model_path=model_path,
    )
    return post("create_sampling_session", "create_sampling_session", body=body, returns=SamplingSession)


def get_sampler(sampler_id: str) -> Request[Sampler]:
    """GET /api/v1/samplers/{sampler_id}"""
    return get("get_sampler", "samplers", sampler_id, returns=Sampler)


def asample(
    *,
    sampling_session_id: str,
    seq_id: int,
    prompt: ModelInput,
    num_samples: int,
    sampling_params: SamplingParams,
    include_prompt_logprobs: bool = False,
    topk_prompt_logprobs: int = 0,
) -> Request[Promised]:
    """POST /api/v1/asample: promises SampleResponse"""
    body = Sample(
        num_samples=num_samples,
        prompt=prompt,
        sampling_params=sampling_params,
        sampling_session_id=sampling_session_id,
        seq_id=seq_id,
        prompt_logprobs=include_prompt_logprobs,
        topk_prompt_logprobs=topk_prompt_logprobs,
    )
    return structs.replace(submit("asample", body), headers=(("x-tinker-sampling-backpressure", "1"),))
