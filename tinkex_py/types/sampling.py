"""What sampling takes and gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field, structs

from tinkex_py.types.numbers import PlainNumbers, plain
from tinkex_py.types.tensor import TensorData

StopReason: TypeAlias = Literal["stop", "length"] | str
"""Why a sequence ended: a stop sequence, or its length. A server may know other words."""

if TYPE_CHECKING:
    Stop: TypeAlias = str | Sequence[str] | Sequence[int]
else:  # msgspec, which reads settings from files, takes one kind of list in a union
    Stop = str | Sequence[str | int]
"""Where to stop: a text, texts, or token ids; an empty list means nowhere, not even at the end-of-text token."""

TopkLogprobs: TypeAlias = Sequence[Sequence[tuple[int, float]] | None]
"""At each position, token ids with their log-probabilities in nats; None where there is nothing."""


class SamplingParams(PlainNumbers, frozen=True, kw_only=True):
    """How to sample: `max_tokens` at most (None: as many as the server allows), and no further than `stop`.

    `temperature` 0 takes the likeliest token; `top_k` -1 and `top_p` 1 filter nothing. The same `seed` gives the same
    samples again. `stop` None ends at the end-of-text token.
    """

    max_tokens: int | None = None
    seed: int | None = None
    stop: Stop | None = None
    temperature: float = 1.0
    top_k: int = -1
    top_p: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.stop, Sequence) and not isinstance(self.stop, (str, bytes, bytearray)):
            structs.force_setattr(self, "stop", tuple(map(plain, self.stop)))


class SampledSequence(Struct, frozen=True, kw_only=True):
    """One sample: token ids `[T]` and their log-probabilities `[T]` in nats, before temperature and filters.

    `topk_logprobs` `[T, K]`, when asked for, are the most probable tokens at each position, best first. `sequence_id`
    is the server's name for this sample, when it gives one.
    """

    stop_reason: StopReason
    tokens: Sequence[int]
    logprobs: Sequence[float] | None = None
    topk_logprobs: TopkLogprobs | None = field(default=None, name="topk_sampled_logprobs")
    sequence_id: str | None = None


class PromptAltTokens(Struct, frozen=True, kw_only=True):
    """Other tokens that could stand in a prompt: ids `[P-1, K]` and their log-probabilities `[P-1, K]` in nats."""

    tokens: TensorData
    logprobs: TensorData


class SampleResponse(Struct, frozen=True, kw_only=True):
    """Samples of a prompt `[P]`, and what was asked for about the prompt itself.

    `prompt_logprobs` `[P]` and `topk_prompt_logprobs` `[P, K]` have None where there is nothing: at the first token,
    and before the last N when only those were asked for. `target_prompt_logprobs` `[P-1, K]` are of the tokens asked
    about, dense or sparse as those were, and 0 where -1 was asked.
    """

    sequences: Sequence[SampledSequence]
    prompt_logprobs: Sequence[float | None] | None = None
    topk_prompt_logprobs: TopkLogprobs | None = None
    target_prompt_logprobs: TensorData | None = None
    prompt_alt_tokens: PromptAltTokens | None = None
    prompt_cache_hit_tokens: int = 0
