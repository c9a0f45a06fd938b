"""The engine learns: a text by heart from the pretrained base, and a reward from nothing but samples."""

from __future__ import annotations

import numpy as np

from tinkex_py.local.bases import ENGLISH, load_base
from tinkex_py.local.corpus import zen_text
from tinkex_py.local.engine import (
    Example,
    LoraModel,
    SampledSequence,
    SamplingOptions,
    create_model,
    forward_backward,
    optim_step,
    sample,
    snapshot,
)
from tinkex_py.local.tokenizer import BOS, decode, encode
from tinkex_py.outcome import or_raise
from tinkex_py.types.training import AdamParams, LoraConfig

STEPS, BATCH, LENGTH, RATE = 120, 8, 128, 3e-3


def new_model() -> LoraModel:
    return or_raise(create_model(or_raise(load_base(ENGLISH)), LoraConfig(rank=32)))


def windows(text: str, generator: np.random.Generator) -> tuple[Example, ...]:
    """Windows that begin where lines begin, the text taken as a ring."""
    tokens = np.array(encode(text), np.int64)
    starts = generator.choice(np.flatnonzero(np.roll(tokens, 1) == ord("\n")), BATCH)
    rows = np.take(tokens, starts[:, None] + np.arange(LENGTH + 1), mode="wrap")
    return tuple(Example(tokens=row[:-1], inputs={"target_tokens": row[1:]}) for row in rows)


def test_the_zen_is_learnt_by_heart() -> None:
    model, generator, losses = new_model(), np.random.default_rng(0), list[float]()
    for step in range(STEPS):
        output = or_raise(forward_backward(model, windows(zen_text() + "\n", generator), "cross_entropy"))
        or_raise(optim_step(model, AdamParams(learning_rate=RATE * (1 - step / STEPS))))
        losses.append(output.metrics["loss:sum"] / (BATCH * LENGTH))
    prompt = np.array(encode("Beautiful is better than"), np.int64)
    [sequence] = or_raise(sample(snapshot(model), prompt, SamplingOptions(max_tokens=6, temperature=0.0))).sequences
    assert np.mean(losses[-10:]) < 0.5 < losses[0]
    assert decode(sequence.tokens) == " ugly."


def test_a_reward_at_least_doubles() -> None:
    model, rewards = new_model(), list[float]()
    for step in range(20):
        options = SamplingOptions(max_tokens=16, stop=(), seed=step)
        sequences = or_raise(sample(snapshot(model), np.array([BOS]), options, num_samples=32)).sequences
        reward = np.array([decode(sequence.tokens).count("e") / 16 for sequence in sequences])
        advantages = (reward - reward.mean()) / (reward.std() + 1e-6)
        examples = tuple(map(policy_example, sequences, advantages.tolist()))
        or_raise(forward_backward(model, examples, "importance_sampling"))
        or_raise(optim_step(model, AdamParams(learning_rate=RATE)))
        rewards.append(float(reward.mean()))
    assert np.mean(rewards[-3:]) > 2 * np.mean(rewards[:3])


def policy_example(sequence: SampledSequence, advantage: float) -> Example:
    targets = np.array(sequence.tokens, np.int64)
    policy = {"logprobs": np.array(sequence.logprobs), "advantages": np.full(len(targets), advantage)}
    return Example(tokens=np.r_[BOS, targets[:-1]], inputs={"target_tokens": targets, **policy})
