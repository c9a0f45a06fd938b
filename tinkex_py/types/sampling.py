"""What sampling takes and gives. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct, structs

StopReason: TypeAlias = Literal["stop", "length"] | str
"""Why a sequence ended: a stop sequence, or its length. A server may know other words."""

Stop: TypeAlias = str | Sequence[str] | Sequence[int]
"""Where to stop: a text, texts, or token ids; an empty list means nowhere, not even at the end-of-text token."""


class SamplingParams(Struct, frozen=True, kw_only=True):
    """How to sample: temperature 0 is greedy, `top_k` -1 and `top_p` 1 filter nothing."""

    max_tokens: int | None = None
    seed: int | None = None
    stop: Stop | None = None
    temperature: float = 1.0
    top_k: int = -1
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if isinstance(self.stop, Sequence) and not isinstance(self.stop, (str, bytes, bytearray)):
            structs.force_setattr(self, "stop", tuple(self.stop))


class SampledSequence(Struct, frozen=True, kw_only=True):
    """One sample: token ids `[T]` and their log-probabilities `[T]` in nats, before temperature and filters."""

    stop_reason: StopReason
    tokens: Sequence[int]
    logprobs: Sequence[float] | None = None


class SampleResponse(Struct, frozen=True, kw_only=True):
    """Samples of a prompt `[P]`; `prompt_logprobs` `[P]` and `topk_prompt_logprobs` `[P, K]` when asked for.

    The first prompt token has no log-probability: it is None.
    """

    sequences: Sequence[SampledSequence]
    prompt_logprobs: Sequence[float | None] | None = None
    topk_prompt_logprobs: Sequence[Sequence[tuple[int, float]] | None] | None = None
    prompt_cache_hit_tokens: int = 0
