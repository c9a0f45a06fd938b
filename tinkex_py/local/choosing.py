"""How the next token is chosen: temperature, top-k, top-p, and one stream of random numbers per sample."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
from numpy.random import SeedSequence, default_rng

from tinkex_py.local.architecture import Floats, Tokens

COLDEST = 1e-30
"""Lower temperatures count as this one: float32 could not hold the quotients. All of them are greedy."""
DRAWN = 64
"""Uniform numbers drawn from a stream at a time; the size has no influence on their values."""


class SamplingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`max_tokens` None fills the context; `temperature` 0 is greedy; `top_k` -1 (or 0) and `top_p` 1 filter nothing;
    `stop` None stops at EOS only, `()` never, otherwise at a string, any of several strings, or any of several
    token ids, and then no longer at EOS; without a `seed` each call differs.
    """

    max_tokens: int | None = None
    temperature: float = 1.0
    top_k: int = -1
    top_p: float = 1.0
    stop: str | tuple[str, ...] | tuple[int, ...] | None = None
    seed: int | None = None


def options_problem(options: SamplingOptions, vocabulary: int) -> str | None:
    """Say which option is out of its range, if any."""
    ranges = {
        "max_tokens must be 0 or more": options.max_tokens is None or options.max_tokens >= 0,
        "temperature must be 0 or more, and finite": 0 <= options.temperature < np.inf,
        "top_k must be -1 (off) or 1 and more": options.top_k >= -1,
        "top_p must be above 0 and at most 1": 0 < options.top_p <= 1,
        "a stop string must not be empty": "" not in _stops(options),
        f"a stop token must be an id from 0 to {vocabulary - 1}": all(
            0 <= stop < vocabulary for stop in _stops(options) if isinstance(stop, int)
        ),
    }
    return next((problem for problem, holds in ranges.items() if not holds), None)


def _stops(options: SamplingOptions) -> tuple[str | int, ...]:
    return (options.stop,) if isinstance(options.stop, str) else options.stop or ()


class Streams:
    """One stream of uniform numbers per sample; sample `i` gets the same ones whatever else is sampled with it."""

    def __init__(self, seed: int | None, samples: range) -> None:
        root = SeedSequence().entropy if seed is None else seed % 2**64
        self._generators = [default_rng(SeedSequence(root, spawn_key=(i,))) for i in samples]
        self._drawn = np.empty((0, 0))

    def at(self, step: int, rows: Tokens) -> npt.NDArray[np.float64]:
        """The numbers of `rows` for this step, in [0, 1); steps are asked for in order."""
        if step % DRAWN == 0:
            self._drawn = np.stack([generator.random(DRAWN) for generator in self._generators])
        numbers: npt.NDArray[np.float64] = self._drawn[rows, step % DRAWN]
        return numbers


def choose(logprobs: Floats, options: SamplingOptions, uniform: npt.NDArray[np.float64]) -> Tokens:
    """Choose one token per row of `logprobs` `[N, vocabulary]` by inverting the cumulative distribution."""
    if options.temperature == 0:
        best: Tokens = logprobs.argmax(axis=1)
        return best
    weights = np.exp(_tempered(logprobs, options.temperature))
    if options.top_k <= 0 and options.top_p >= 1:
        return _inverted(weights, uniform)
    order = np.argsort(-weights, axis=1, kind="stable")
    ranked = _filtered(np.take_along_axis(weights, order, axis=1), options)
    return order[np.arange(len(order)), _inverted(ranked, uniform)]


def _tempered(logprobs: Floats, temperature: float) -> Floats:
    """Divide by the temperature, the best at 0, so that no low temperature overflows or leaves nothing."""
    if temperature == 1:
        return logprobs
    tempered: Floats = (logprobs - logprobs.max(axis=1, keepdims=True)) / max(temperature, COLDEST)
    return tempered


def _filtered(ranked: Floats, options: SamplingOptions) -> Floats:
    """Zero what top-k and then top-p leave out of weights sorted downwards: the smallest head of mass top_p stays."""
    if options.top_k > 0:
        ranked[:, options.top_k :] = 0
    total = ranked.cumsum(axis=1)
    kept = total - ranked < options.top_p * total[:, -1:]
    kept[:, 0] = True  # also of a mass that float32 takes for nothing
    return np.where(kept, ranked, 0)


def _inverted(weights: Floats, uniform: npt.NDArray[np.float64]) -> Tokens:
    total = weights.cumsum(axis=1)
    places: Tokens = (total <= (uniform * total[:, -1])[:, None]).sum(axis=1)
    return places
