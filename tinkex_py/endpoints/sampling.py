"""Sampling sessions and samples. Pure."""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.endpoints.verbs import get, post, soon, submit
from tinkex_py.request import Repeat, Request
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.promises import GivenId, Promised
from tinkex_py.types.sampling import SamplingParams
from tinkex_py.types.sessions import GetSamplerResponse
from tinkex_py.types.tensor import TensorData


class CreateSamplingSession(Struct, frozen=True, kw_only=True, tag="create_sampling_session"):
    """Body of `create_sampling_session`: a base model, or a saved checkpoint."""

    session_id: str
    sampling_session_seq_id: int
    base_model: str | None = None
    model_path: str | None = None


class SamplingSession(Struct, frozen=True, kw_only=True):
    """An open sampling session."""

    sampling_session_id: GivenId


class Sample(Struct, frozen=True, gc=False, kw_only=True, tag="sample"):
    """Body of `asample`."""

    num_samples: int
    prompt: ModelInput
    sampling_params: SamplingParams
    sampling_session_id: str | None
    seq_id: int | None
    prompt_logprobs: bool
    topk_prompt_logprobs: int
    base_model: str | None = None
    model_path: str | None = None
    topk_sample_logprobs: int | None = None
    target_prompt_logprobs: TensorData | None = None
    prompt_alt_tokens_k: int | None = None
    prompt_logprobs_last_n: int | None = None
    record_stability_info: bool | None = None


class JoinSamplingSession(Struct, frozen=True, kw_only=True, tag="join_sampling_session"):
    """Body of `join_sampling_session`."""

    sampling_session_id: str


class Joined(Struct, frozen=True, kw_only=True):
    """A place in a session that others use too: `client_counter`, from 1, is this client's block of numbers."""

    client_counter: int


def create_sampling_session(
    *,
    session_id: str,
    sampling_session_seq_id: int,
    base_model: str | None = None,
    model_path: str | None = None,
) -> Request[SamplingSession | Promised]:
    """POST /api/v1/create_sampling_session: some servers promise SamplingSession"""
    body = CreateSamplingSession(
        session_id=session_id,
        sampling_session_seq_id=sampling_session_seq_id,
        base_model=base_model,
        model_path=model_path,
    )
    return soon("create_sampling_session", body, SamplingSession)


def get_sampler(sampler_id: str) -> Request[GetSamplerResponse]:
    """GET /api/v1/samplers/{sampler_id}"""
    return get("get_sampler", "samplers", sampler_id, returns=GetSamplerResponse)


def join_sampling_session(sampling_session_id: str) -> Request[Joined]:
    """POST /api/v1/join_sampling_session: a block of numbers of one's own in a session that somebody else opened"""
    body = JoinSamplingSession(sampling_session_id=sampling_session_id)
    return post("join_sampling_session", "join_sampling_session", body=body, returns=Joined)


def asample(
    *,
    prompt: ModelInput,
    num_samples: int,
    sampling_params: SamplingParams,
    sampling_session_id: str | None = None,
    seq_id: int | None = None,
    base_model: str | None = None,
    model_path: str | None = None,
    include_prompt_logprobs: bool = False,
    topk_prompt_logprobs: int = 0,
    topk_sample_logprobs: int = 0,
    target_prompt_logprobs: TensorData | None = None,
    prompt_alt_tokens_k: int = 0,
    prompt_logprobs_last_n: int | None = None,
    record_stability_info: bool = False,
) -> Request[Promised]:
    """POST /api/v1/asample: promises SampleResponse

    From a session, or from a base model or saved weights without one. Options that came after release 0.24 are sent
    only when they ask for something.
    """
    body = Sample(
        num_samples=num_samples,
        prompt=prompt,
        sampling_params=sampling_params,
        sampling_session_id=sampling_session_id,
        seq_id=seq_id,
        prompt_logprobs=include_prompt_logprobs,
        topk_prompt_logprobs=topk_prompt_logprobs,
        base_model=base_model,
        model_path=model_path,
        topk_sample_logprobs=topk_sample_logprobs or None,
        target_prompt_logprobs=target_prompt_logprobs,
        prompt_alt_tokens_k=prompt_alt_tokens_k or None,
        prompt_logprobs_last_n=prompt_logprobs_last_n,
        record_stability_info=record_stability_info or None,
    )
    headers = (("x-tinker-sampling-backpressure", "1"),)
    return submit("asample", body, repeat=_UNLESS_PRESSED, headers=headers)


_UNLESS_PRESSED = Repeat(statuses=frozenset({408, 409}), faults=True, connection=True)
"""A 429 asks all samples to wait, not this one alone."""
