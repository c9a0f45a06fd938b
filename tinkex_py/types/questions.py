"""What is to be sampled, what is wrong with that, and whether the answer holds what was asked for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct, structs

from tinkex_py.errors import CapabilityMissing, InvalidInput
from tinkex_py.types.inputs import EncodedTextChunk, ModelInput
from tinkex_py.types.limits import LARGEST_TOKEN, options_problem, refused
from tinkex_py.types.packing import place_of
from tinkex_py.types.sampling import SampleResponse, SamplingParams
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.validation import input_problem, problem

T = TypeVar("T")

_MATRIX = 2
_LENGTH_UNKNOWN = LARGEST_TOKEN
_OPTIONS = (
    "include_prompt_logprobs",
    "topk_prompt_logprobs",
    "topk_sample_logprobs",
    "target_prompt_logprobs",
    "prompt_alt_tokens_k",
    "prompt_logprobs_last_n",
)
"""What may be asked for beside the samples themselves."""


class Question(Struct, frozen=True, gc=False, kw_only=True):
    """A prompt `[P]`, how to continue it, and what to tell about it."""

    prompt: ModelInput
    num_samples: int
    sampling_params: SamplingParams
    include_prompt_logprobs: bool = False
    topk_prompt_logprobs: int = 0
    topk_sample_logprobs: int = 0
    target_prompt_logprobs: TensorData | None = None
    prompt_alt_tokens_k: int = 0
    prompt_logprobs_last_n: int | None = None
    record_stability_info: bool = False

    def problem(self) -> InvalidInput | None:
        """What is wrong with it, found before anything is sent."""
        return (
            input_problem(self.prompt, "prompt")
            or _other_kind(self.sampling_params)
            or problem(self.sampling_params, "sampling_params")
            or options_problem(structs.asdict(self))
            or self._last_problem()
            or self._target_problem()
        )

    def _last_problem(self) -> InvalidInput | None:
        last = self.prompt_logprobs_last_n
        if last is None:
            return None
        longest = _before(self.prompt.length, _LENGTH_UNKNOWN)
        if self.include_prompt_logprobs and last <= longest:
            return None
        most = (
            f"give {longest} at most" if longest > 0 else "leave it out: the prompt has nothing before its last token"
        )
        remedy = "ask for include_prompt_logprobs=True with it" if last <= longest else most
        return refused("prompt_logprobs_last_n", last, remedy)

    def _target_problem(self) -> InvalidInput | None:
        target = self.target_prompt_logprobs
        return None if target is None else _target_problem(target, self.prompt.length)


def _other_kind(value: object) -> InvalidInput | None:
    """Settings of something else, or none at all."""
    remedy = "give SamplingParams, such as SamplingParams(max_tokens=20)"
    return None if isinstance(value, SamplingParams) else refused("sampling_params", value, remedy)


def lacking(question: Question, response: SampleResponse) -> CapabilityMissing | None:
    """What was asked for and isn't there: an older server leaves out what it doesn't know."""
    asked = [name for name in _OPTIONS if getattr(question, name)]
    if not asked:
        return None
    scored = question.prompt.length != 1
    sampled = [sequence for sequence in response.sequences if len(sequence.tokens)]
    held = {
        "include_prompt_logprobs": response.prompt_logprobs is not None or not scored,
        "topk_prompt_logprobs": response.topk_prompt_logprobs is not None or not scored,
        "topk_sample_logprobs": all(sequence.topk_logprobs is not None for sequence in sampled),
        "target_prompt_logprobs": response.target_prompt_logprobs is not None,
        "prompt_alt_tokens_k": response.prompt_alt_tokens is not None or not scored,
        "prompt_logprobs_last_n": not _scored_before(response.prompt_logprobs or (), question.prompt_logprobs_last_n),
    }
    missing = [name for name in asked if not held[name]]
    if not missing:
        return None
    return CapabilityMissing(
        message=f"sample: the server answered without what {', '.join(missing)} asked for; it is older than that: "
        "ask without it, or use a newer server",
        capability=missing[0],
        available=tuple(name for name in asked if held[name]),
    )


def misfit(question: Question, response: SampleResponse) -> str | None:
    """Why a complete response can't be one to the question. How servers score pictures and audio isn't known."""
    asked, came = question.num_samples, len(response.sequences)
    length, scores = question.prompt.length, response.prompt_logprobs
    is_text = all(isinstance(chunk, EncodedTextChunk) for chunk in question.prompt.chunks)
    if came != asked:
        return f"{asked} samples were asked for, and {came} came"
    for sequence in response.sequences:
        if sequence.logprobs is not None and len(sequence.logprobs) != len(sequence.tokens):
            return f"a sample has {len(sequence.tokens)} tokens and {len(sequence.logprobs)} log-probabilities"
    if is_text and scores is not None and len(scores) != length:
        return f"the prompt has {length} tokens, and {len(scores)} log-probabilities of it came"
    return None


def complete(question: Question, response: SampleResponse, sequence_ids: Sequence[str] = ()) -> SampleResponse:
    """The response with a place for every prompt token, and with the names of its sequences."""
    named = zip(response.sequences, sequence_ids, strict=False)
    sequences = [structs.replace(each, sequence_id=each.sequence_id or name) for each, name in named]
    return structs.replace(
        response,
        sequences=[*sequences, *response.sequences[len(sequences) :]],
        prompt_logprobs=_with_gap(question, response.prompt_logprobs),
        topk_prompt_logprobs=_with_gap(question, response.topk_prompt_logprobs),
    )


def _with_gap(question: Question, scores: Sequence[T | None] | None) -> Sequence[T | None] | None:
    """Servers differ in whether places that have no score are there as None or left out at the beginning."""
    if scores is None:
        return None
    length = question.prompt.length
    if length is None or len(scores) not in {length - 1, question.prompt_logprobs_last_n}:
        return scores
    return [*[None] * (length - len(scores)), *scores]


def _scored_before(scores: Sequence[float | None], last: int | None) -> bool:
    """Whether there are scores before the last N, which is what a server gives that doesn't know the option."""
    return last is not None and any(score is not None for score in scores[: max(0, len(scores) - last)])


def _target_problem(target: TensorData, length: int | None) -> InvalidInput | None:
    path, rows = "target_prompt_logprobs", _before(length, 0)
    if target.problem is not None:
        place, reason, value = target.problem
        return InvalidInput(message=f"{path}{place}: {reason}", path=f"{path}{place}", value=value)
    if target.dtype != "int64":
        return refused(path, target, "give token ids, which are integers, with -1 where none is meant")
    if target.shape is None or len(target.shape) != _MATRIX or target.shape[0] != (rows or target.shape[0]):
        return refused(f"{path}.shape", target.shape, f"give [{rows or 'P-1'}, K], a row for each token but the first")
    tokens = target.buffer.cast("q")
    if min(tokens, default=0) >= -1 and max(tokens, default=0) <= LARGEST_TOKEN:
        return None
    position, token = next((place, token) for place, token in enumerate(tokens) if not -1 <= token <= LARGEST_TOKEN)
    return refused(f"{path}{place_of(position, target.packed.shape)}", token, f"give -1 to {LARGEST_TOKEN}")


def _before(length: int | None, unknown: int) -> int:
    return unknown if length is None else length - 1
