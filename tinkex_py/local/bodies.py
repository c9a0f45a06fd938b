"""Bodies of requests as the embedded server reads them: any vintage's, `type` tags or not. Pure.

Fields that older clients leave out have defaults, those that they write as null may be None, unknown ones are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from json import dumps, loads
from typing import Annotated, Any, TypeAlias, TypeVar

from msgspec import Meta, Struct
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.local.answers import refusal, unprocessable
from tinkex_py.local.records import Reason
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply
from tinkex_py.types.kinds import is_mapping, is_row
from tinkex_py.types.training import AdamParams, LoraConfig
from tinkex_py.wire import json

T = TypeVar("T")

Number: TypeAlias = Annotated[int, Meta(ge=1, le=2**31)]
"""The number of a model's step."""
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Lifetime: TypeAlias = Annotated[int, Meta(ge=3600, le=10 * 366 * 86400)]
"""Seconds that a checkpoint is kept: an hour to ten years."""
Metadata: TypeAlias = Mapping[str, Any] | None
SMALL = 1 << 20
"""Bytes of a body that has no batch, sample or loss in it: metadata is kept, and told again with every list."""
DEEPEST = 32
"""Containers that may be inside one another in metadata: they are told again with every list that they are in."""


class Typed(Struct, frozen=True, kw_only=True):
    """Something of a named kind, whose other fields don't matter here."""

    type: str = ""


class CreateSession(Struct, frozen=True, kw_only=True):
    """Body of `create_session`."""

    tags: Sequence[str] | None = None
    user_metadata: Metadata = None
    project_id: str | None = None
    display_name: str | None = None


class OfSession(Struct, frozen=True, kw_only=True):
    """Body that names a session."""

    session_id: str


class FinishSession(Struct, frozen=True, kw_only=True):
    """Body of a session's `finish`."""

    reason: Reason = Reason()
    detail: str | None = None


class OfProject(Struct, frozen=True, kw_only=True):
    """Body that names a project."""

    project_id: str


class Owner(Struct, frozen=True, kw_only=True):
    """Whose sessions are searched: one's `own`, the `accessible` ones, or those of some users."""

    type: str = "own"
    owner_urns: Sequence[str] | None = None


class WantedStatus(Struct, frozen=True, kw_only=True):
    """How a session has to stand to be found."""

    type: str
    reasons: Sequence[str] | None = None


class SessionCursor(Struct, frozen=True, kw_only=True):
    """The last session that was shown."""

    last_created_at: Annotated[datetime, Meta(tz=True)]
    last_session_id: str


class SearchSessions(Struct, frozen=True, kw_only=True):
    """Body of a search for sessions; all the conditions have to hold."""

    session_id: str | None = None
    project_ids: Sequence[str] | None = None
    user_metadata: Metadata = None
    display_name: str | None = None
    owner: Owner | None = None
    statuses: Sequence[WantedStatus] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: SessionCursor | None = None


class OfModel(Struct, frozen=True, kw_only=True):
    """Body that names a model."""

    model_id: str


class Numbered(OfModel, frozen=True, kw_only=True):
    """What every step has: its model, and its number unless the next one is meant."""

    seq_id: Number | None = None


class CreateModel(Struct, frozen=True, kw_only=True):
    """Body of `create_model`."""

    session_id: str
    base_model: str
    model_seq_id: Count | None = None
    lora_config: LoraConfig | None = None
    user_metadata: Metadata = None
    optimizer_config: Typed | None = None


class WeightsInfo(Struct, frozen=True, kw_only=True):
    """Body of `weights_info`."""

    tinker_path: str


class LoadWeights(Struct, frozen=True, kw_only=True):
    """Body of `load_weights`: into `model_id`, or as a new model of `session_id`."""

    path: str
    optimizer: bool = False
    model_id: str | None = None
    seq_id: Number | None = None
    session_id: str | None = None
    model_seq_id: Count | None = None
    base_model: str | None = None
    user_metadata: Metadata = None
    optimizer_config: Typed | None = None


class Chunk(Struct, frozen=True, kw_only=True):
    """A piece of a model's input; only text is read here."""

    tokens: Sequence[int] | None = None
    type: str = "encoded_text"


class ModelInput(Struct, frozen=True, kw_only=True):
    """What a model reads."""

    chunks: Sequence[Chunk]


class Tensor(Struct, frozen=True, kw_only=True):
    """Numbers in row-major order; null is a float that is not finite."""

    data: Sequence[int | float | None]
    dtype: str = "float32"
    shape: Sequence[int] | None = None
    sparse_crow_indices: Sequence[int] | None = None
    sparse_col_indices: Sequence[int] | None = None


class Datum(Struct, frozen=True, kw_only=True):
    """One training example."""

    model_input: ModelInput
    loss_fn_inputs: Mapping[str, Tensor]


class Batch(Struct, frozen=True, kw_only=True):
    """Training examples and the loss that is taken of them."""

    data: Sequence[Datum]
    loss_fn: str
    loss_fn_config: Mapping[str, float | str] | None = None


class Forward(Numbered, frozen=True, kw_only=True):
    """Body of `forward`."""

    forward_input: Batch


class ForwardBackward(Numbered, frozen=True, kw_only=True):
    """Body of `forward_backward`."""

    forward_backward_input: Batch
    forward_only: bool | None = None


class OptimStep(Numbered, frozen=True, kw_only=True):
    """Body of `optim_step`."""

    adam_params: AdamParams | None = None
    optimizer_params: Typed | None = None


class SaveWeights(Numbered, frozen=True, kw_only=True):
    """Body of `save_weights`, and of `save_weights_for_sampler`, where no `path` means a sampler without a name."""

    path: str | None = None
    sampling_session_seq_id: Count | None = None
    ttl_seconds: Lifetime | None = None
    age_encryption_recipients: Sequence[str] | None = None
    overwrite: bool | None = None
    user_metadata: Metadata = None


class CreateSamplingSession(Struct, frozen=True, kw_only=True):
    """Body of `create_sampling_session`."""

    session_id: str
    sampling_session_seq_id: Count | None = None
    base_model: str | None = None
    model_path: str | None = None


class SamplingParams(Struct, frozen=True, kw_only=True):
    """How to sample."""

    max_tokens: int | None = None
    seed: int | None = None
    stop: str | Sequence[str | int] | None = None
    temperature: float = 1.0
    top_k: int = -1
    top_p: float = 1.0


class Sample(Struct, frozen=True, kw_only=True):
    """Body of `asample`."""

    prompt: ModelInput
    num_samples: Annotated[int, Meta(ge=1, le=1024)] = 1
    sampling_params: SamplingParams = SamplingParams()
    sampling_session_id: str | None = None
    base_model: str | None = None
    model_path: str | None = None
    seq_id: Count | None = None
    prompt_logprobs: bool | None = None
    topk_prompt_logprobs: Count | None = None
    prompt_logprobs_last_n: Annotated[int, Meta(ge=1)] | None = None
    topk_sample_logprobs: Count | None = None
    prompt_alt_tokens_k: Count | None = None
    target_prompt_logprobs: Tensor | None = None


class OfPromise(Struct, frozen=True, kw_only=True):
    """Body that names a promise."""

    request_id: str


class RetrieveFuture(OfPromise, frozen=True, kw_only=True):
    """Body of `retrieve_future`: a large result may be announced by its size first."""

    allow_metadata_only: bool = False


class OfSampler(Struct, frozen=True, kw_only=True):
    """Body that names a sampler."""

    sampling_session_id: str


class Clone(OfSampler, frozen=True, kw_only=True):
    """One clone of a sampler; the sampler's own client is clone 0."""

    cloned_sampler_id: Count = 0


class RetrieveFutures(Struct, frozen=True, kw_only=True):
    """Body of `retrieve_futures`."""

    target: Clone
    prev_cursor: Count = 0
    timeout: Annotated[float, Meta(ge=0)] | None = None
    retrieved_request_ids: Sequence[str] | None = None


class CreateCustomLoss(OfSession, frozen=True, kw_only=True):
    """Body of `create_custom_loss`, as far as it matters here."""

    name: str = ""


class CopyWeights(Struct, frozen=True, kw_only=True):
    """Body of `copy_weights`."""

    source_path: str
    destination_project_id: str
    ttl_seconds: Lifetime | None = None


class TimeToLive(Struct, frozen=True, kw_only=True):
    """Body of a checkpoint's `ttl`; None keeps it for ever."""

    ttl_seconds: Lifetime | None = None


def read(form: TypeForm[T], body: bytes, most: int = SMALL) -> Outcome[T, Reply]:
    """The body as a value; the failure is the refusal: 400 for what is not JSON, 413 beyond `most` bytes, 422 for a
    wrong field.
    """
    if len(body) > most:
        return Failure(refusal(413, f"the body has {len(body)} bytes; here it may have {most} at most"))
    match json.decode(form, body):
        case Success(_) if _holds_half(body):
            return Failure(_HALF)
        case Success(value) if _nests(getattr(value, "user_metadata", None), DEEPEST):
            return Failure(unprocessable(("body", "user_metadata"), f"it nests more than {DEEPEST} levels deep"))
        case Success() as success:
            return success
        case Failure(reason):
            return Failure(_refused(reason, body))


_HALF = refusal(400, "the body holds half a character: an escape of a surrogate without the other one")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LONE = re.compile("[\ud800-\udfff]")


def _holds_half(body: bytes) -> bool:
    """Whether an escape is half of a pair: beside a NaN such a text is read, but it can be written nowhere."""
    if not _SURROGATE.search(body):
        return False
    try:
        return _LONE.search(dumps(loads(body), ensure_ascii=False)) is not None
    except (ValueError, RecursionError) as error:
        return isinstance(error, RecursionError)


def _nests(value: object, most: int) -> bool:
    """Whether more than so many containers are inside one another."""
    inner = tuple(value.values()) if is_mapping(value) else value
    return is_row(inner) and (most == 0 or any(_nests(item, most - 1) for item in inner))


def _refused(reason: str, body: bytes) -> Reply:
    match json.decode(Any, body):
        case Success(_):
            return _misshapen(reason)
        case Failure(_) if _holds_half(body):
            return _HALF
        case Failure(broken):
            return refusal(400, f"the body is not JSON: {broken}")


_PLACED = re.compile(r"(?s)(.*?)(?: - at `(.*)`)?")
_MISSING = re.compile(r"Object missing required field `([^`]+)`")


def _misshapen(reason: str) -> Reply:
    """The decoder's complaint, taken apart into what is wrong and where."""
    placed = _PLACED.fullmatch(reason)
    message, place = placed.groups() if placed else (reason, None)
    parts = _parts(place or "")
    missing = _MISSING.fullmatch(message)
    if missing:
        return unprocessable(("body", *parts, missing[1]), "Field required", "missing")
    return unprocessable(("body", *parts), message)


def _parts(place: str) -> list[str | int]:
    """The names and positions of a path as the decoder writes it: `$.data[0].shape`."""
    found: list[tuple[str, str]] = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", place)
    return [name or int(position) for name, position in found]
