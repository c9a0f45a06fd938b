"""Sampling from merged weights: continuations, their log-probabilities, and those of the prompt."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
import numpy as np
from returns.result import Failure, Success

from tinkex_py.local.architecture import Floats, Tokens
from tinkex_py.local.choosing import SamplingOptions, Streams, choose, options_problem
from tinkex_py.local.decoding import Cache, advance
from tinkex_py.local.examples import tokens_problem
from tinkex_py.local.model import SamplerWeights
from tinkex_py.local.tokenizer import EOS, encode
from tinkex_py.local.transformer import Tape, forward, log_softmax
from tinkex_py.outcome import Outcome

ROWS = 32
"""Samples that go through the transformer together; more are sampled in turns, to bound the cache."""

DIVERGED = "the log-probabilities are not finite: the weights have diverged"

TopTokens: TypeAlias = tuple[tuple[int, float], ...]
"""Tokens with their log-probabilities in nats, best first."""


class SampledSequence(msgspec.Struct, frozen=True, kw_only=True):
    """One sample: its tokens, their log-probabilities in nats under the untempered, unfiltered distribution, and why
    it ended. The tokens of the stop that was met are kept, as the service keeps them. `topk_logprobs` are the most
    probable tokens at each place, when they were asked for.
    """

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop_reason: Literal["stop", "length"]
    topk_logprobs: tuple[TopTokens, ...] | None = None


class PromptTargets(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens whose log-probabilities are asked about, -1 for none: `places` and `tokens` `[N]`, of a table of `rows`.

    There is a row for each token of the prompt after the first; place 0 is that of the second.
    """

    rows: int
    places: Tokens
    tokens: Tokens


class Alternatives(msgspec.Struct, frozen=True, kw_only=True):
    """The most probable tokens other than the prompt's own: `tokens` and `logprobs` `[P - 1, K]`, best first."""

    tokens: Tokens
    logprobs: Floats


class SampleOutput(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in order. `prompt_logprobs` and `topk_prompt_logprobs` have one entry per prompt token, the first None;
    each top-k entry is k pairs of token and log-probability, best first. `target_logprobs` `[N]` has 0 where nothing
    was asked. What was not asked for is None.
    """

    sequences: tuple[SampledSequence, ...]
    prompt_logprobs: tuple[float | None, ...] | None
    topk_prompt_logprobs: tuple[TopTokens | None, ...] | None
    target_logprobs: Floats | None = None
    alternatives: Alternatives | None = None


def sample(
    weights: SamplerWeights,
    prompt: Tokens,
    options: SamplingOptions,
    *,
    num_samples: int = 1,
    prompt_logprobs: bool = False,
    topk_prompt_logprobs: int = 0,
    topk_sample_logprobs: int = 0,
    targets: PromptTargets | None = None,
    alternatives: int = 0,
) -> Outcome[SampleOutput, str]:
    """Continue `prompt` `[T]` (at least one token: BOS alone to start from nothing) `num_samples` times.

    A sample that reaches the end of the context ends with `length`.
    """
    architecture = weights.base.architecture
    problem = (
        tokens_problem("prompt", prompt, architecture)
        or options_problem(options, architecture.vocabulary)
        or _counts_problem(num_samples, topk_prompt_logprobs, topk_sample_logprobs, alternatives)
        or _targets_problem(targets, len(prompt), architecture.vocabulary)
    )
    if problem:
        return Failure(problem)
    with np.errstate(over="ignore", invalid="ignore"):
        tape = forward(weights.parameters, prompt.astype(np.int64)[None], architecture)
        table = log_softmax(tape.logits)
        if not np.isfinite(table).all():
            return Failure(DIVERGED)
        sequences = _samples(weights, tape, table[-1:], options, num_samples, topk_sample_logprobs)
    if not all(np.isfinite(one.logprobs).all() for one in sequences):
        return Failure(DIVERGED)
    return Success(
        SampleOutput(
            sequences=sequences,
            prompt_logprobs=_prompt_logprobs(table, tape.tokens[0]) if prompt_logprobs else None,
            topk_prompt_logprobs=(None, *_top_tokens(table[:-1], topk_prompt_logprobs))
            if topk_prompt_logprobs
            else None,
            target_logprobs=None if targets is None else _target_logprobs(table, targets),
            alternatives=_alternatives(table, tape.tokens[0], alternatives) if alternatives else None,
        )
    )


def _samples(
    weights: SamplerWeights, tape: Tape, table: Floats, options: SamplingOptions, count: int, top: int
) -> tuple[SampledSequence, ...]:
    batches = (range(start, min(start + ROWS, count)) for start in range(0, count, ROWS))
    return tuple(one for batch in batches for one in _continued(weights, tape, table, options, batch, top))


def _counts_problem(num_samples: int, topk_prompt: int, topk_sample: int, alternatives: int) -> str | None:
    if num_samples < 1:
        return f"num_samples must be 1 or more, not {num_samples}"
    counts = {
        "topk_prompt_logprobs": topk_prompt,
        "topk_sample_logprobs": topk_sample,
        "prompt_alt_tokens_k": alternatives,
    }
    return next((f"{name} must be 0 or more" for name, count in counts.items() if count < 0), None)


def _targets_problem(targets: PromptTargets | None, length: int, vocabulary: int) -> str | None:
    if targets is None:
        return None
    outside = targets.tokens[(targets.tokens < -1) | (targets.tokens >= vocabulary)]
    if len(outside):
        return f"target_prompt_logprobs holds {outside[0]}, which is no token id from 0 to {vocabulary - 1} and not -1"
    if targets.rows != length - 1:
        return f"target_prompt_logprobs must have {length - 1} rows, one for each prompt token after the first"
    return None


def _prompt_logprobs(table: Floats, prompt: Tokens) -> tuple[float | None, ...]:
    found = table[np.arange(len(prompt) - 1), prompt[1:]]
    return (None, *found.tolist())


def _target_logprobs(table: Floats, targets: PromptTargets) -> Floats:
    found = table[targets.places, targets.tokens]
    return np.where(targets.tokens < 0, 0, found).astype(np.float32)


def _alternatives(table: Floats, prompt: Tokens, count: int) -> Alternatives:
    others = table[:-1].copy()
    others[np.arange(len(others)), prompt[1:]] = -np.inf
    order = np.argsort(-others, axis=1, kind="stable")[:, : min(count, others.shape[1] - 1)]
    return Alternatives(tokens=order, logprobs=np.take_along_axis(others, order, axis=1).astype(np.float32))


def _top_tokens(table: Floats, count: int) -> tuple[TopTokens, ...]:
    """The most probable tokens of each row, best first."""
    order = np.argsort(-table, axis=1, kind="stable")[:, :count]
    found = np.take_along_axis(table, order, axis=1)
    rows = zip(order.tolist(), found.tolist(), strict=True)
    return tuple(tuple(zip(tokens, logprobs, strict=True)) for tokens, logprobs in rows)


def stop_sequences(options: SamplingOptions) -> tuple[tuple[int, ...], ...]:
    """The token sequences that end a sample: EOS when no stop was given, none when the stop is empty."""
    stops = (options.stop,) if isinstance(options.stop, str) else (EOS,) if options.stop is None else options.stop
    return tuple(encode(stop) if isinstance(stop, str) else (stop,) for stop in stops)


def _continued(
    weights: SamplerWeights, tape: Tape, table: Floats, options: SamplingOptions, samples: range, top: int
) -> list[SampledSequence]:
    """Continue the prompt once per sample, all in step; a sample that stops leaves the batch."""
    architecture, prompt = weights.base.architecture, tape.tokens.shape[1]
    room = max(1, architecture.context - prompt)
    limit = room if options.max_tokens is None else min(room, options.max_tokens)
    written = Written(len(samples), limit, stop_sequences(options), architecture.vocabulary, top)
    cache = Cache(tape, architecture, len(samples), prompt + limit)
    streams = Streams(options.seed, samples)
    table = table.repeat(len(samples), axis=0)
    for step in range(limit):
        chosen = choose(table, options, streams.at(step, written.rows))
        going = written.write(step, chosen, table)
        if len(going) < cache.rows:
            cache.keep(going)
        if not len(going) or step + 1 == limit:
            break
        table = log_softmax(advance(weights.parameters, cache, chosen[going]))
    return written.sequences()


class Written:
    """What a batch of samples has written so far; `rows` are those still going."""

    def __init__(
        self, count: int, limit: int, stops: tuple[tuple[int, ...], ...], vocabulary: int, top: int = 0
    ) -> None:
        self.rows: Tokens = np.arange(count)
        self._tokens = np.empty((count, limit), np.int64)
        self._logprobs = np.empty((count, limit), np.float32)
        self._top = top
        self._topk: list[list[TopTokens]] = [[] for _ in range(count)]
        self._lengths = [limit] * count
        self._stopped = [False] * count
        self._stops = stops
        self._may_end = np.zeros(vocabulary, bool)
        self._may_end[[stop[-1] for stop in stops]] = True

    def write(self, step: int, chosen: Tokens, table: Floats) -> Tokens:
        """Add a token to every row that is going; return the places, among those, of the rows that go on."""
        places = np.arange(len(chosen))
        self._tokens[self.rows, step] = chosen
        self._logprobs[self.rows, step] = table[places, chosen]
        if self._top:
            for row, tokens in zip(self.rows.tolist(), _top_tokens(table, self._top), strict=True):
                self._topk[row] += (tokens,)
        if not self._may_end[chosen].any():
            return places
        for row in self.rows[self._may_end[chosen]].tolist():
            self._stopped[row] = self._ends(row, step + 1)
            self._lengths[row] = step + 1 if self._stopped[row] else self._lengths[row]
        going = np.flatnonzero([not self._stopped[row] for row in self.rows.tolist()])
        self.rows = self.rows[going]
        return going

    def _ends(self, row: int, length: int) -> bool:
        tail = tuple(self._tokens[row, :length].tolist())
        return any(tail[-len(stop) :] == stop for stop in self._stops)

    def sequences(self) -> list[SampledSequence]:
        """The finished samples in order."""
        return [
            SampledSequence(
                tokens=tuple(self._tokens[row, :length].tolist()),
                logprobs=tuple(self._logprobs[row, :length].tolist()),
                stop_reason="stop" if stopped else "length",
                topk_logprobs=tuple(self._topk[row]) if self._top else None,
            )
            for row, (length, stopped) in enumerate(zip(self._lengths, self._stopped, strict=True))
        ]
