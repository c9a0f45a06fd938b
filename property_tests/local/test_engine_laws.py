"""Sampling, scoring and training agree about the same tokens, whatever the prompt and the options."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local.cases import LIVELY, new_model
from tinkex_py.local.engine import Example, SamplingOptions, base_sampler, forward_backward, sample
from tinkex_py.outcome import or_raise

PROMPTS = st.lists(st.integers(0, 258), min_size=1, max_size=150).map(lambda tokens: np.array(tokens, np.int64))
OPTIONS = st.builds(
    SamplingOptions,
    max_tokens=st.integers(1, 30),
    temperature=st.floats(0, 3),
    top_k=st.sampled_from((-1, 1, 5, 400)),
    top_p=st.floats(0.01, 1),
    stop=st.sampled_from((None, (), "e", ("ab", " "), (101, 5))),
    seed=st.integers(0, 2**63),
)


@settings(max_examples=40)
@given(PROMPTS, OPTIONS, st.integers(1, 4))
def test_an_on_policy_importance_ratio_is_one(prompt: np.ndarray, options: SamplingOptions, count: int) -> None:
    sequences = or_raise(sample(base_sampler(LIVELY), prompt, options, num_samples=count)).sequences
    for sequence in sequences:
        tokens = np.r_[prompt, sequence.tokens]
        policy = {"logprobs": np.r_[np.zeros(len(prompt) - 1), sequence.logprobs]}
        advantages = np.r_[np.zeros(len(prompt) - 1), np.ones(len(sequence.tokens))]
        inputs = {"target_tokens": tokens[1:], **policy, "advantages": advantages}
        example = Example(tokens=tokens[:-1], inputs=inputs)
        metrics = or_raise(forward_backward(new_model(), (example,), "importance_sampling")).metrics
        assert metrics["ratio:min"] == pytest.approx(1, abs=1e-4)
        assert metrics["ratio:max"] == pytest.approx(1, abs=1e-4)


@settings(max_examples=40)
@given(PROMPTS, OPTIONS)
def test_a_sample_keeps_to_its_options(prompt: np.ndarray, options: SamplingOptions) -> None:
    [sequence] = or_raise(sample(base_sampler(LIVELY), prompt, options)).sequences
    assert len(sequence.tokens) == len(sequence.logprobs)
    assert max(sequence.logprobs) <= 1e-6
    assert (sequence.stop_reason == "stop") or len(sequence.tokens) == options.max_tokens
