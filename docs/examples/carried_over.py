"""Supervised and reinforcement learning with this client: `python carried_over.py [ADDRESS]`.

The same program for the official SDK is carried_over_official.py beside it; both end in the same weights and samples.
"""

from __future__ import annotations

import json
import sys

from tinkex_py import (
    AdamParams,
    Datum,
    ModelInput,
    SampledSequence,
    SamplingParams,
    ServiceClient,
    TrainingClient,
    or_raise,
)

TEXTS = (b"Beautiful is better than ugly.", b"Simple is better than complex.")
PROMPT = list(b"Flat is")


def example(text: bytes) -> Datum:
    """The text, each byte to be predicted from those before it."""
    ids = list(text)
    return Datum(
        model_input=ModelInput.from_ints(ids[:-1]),
        loss_fn_inputs={"target_tokens": ids[1:], "weights": [1.0] * (len(ids) - 1)},
    )


def weighed(sequence: SampledSequence, advantage: float) -> Datum:
    """A sample for the policy gradient: nothing is learned about the prompt."""
    ids, before = PROMPT + list(sequence.tokens), len(PROMPT) - 1
    return Datum(
        model_input=ModelInput.from_ints(ids[:-1]),
        loss_fn_inputs={
            "target_tokens": ids[1:],
            "logprobs": [0.0] * before + list(sequence.logprobs or ()),
            "advantages": [0.0] * before + [advantage] * len(sequence.tokens),
        },
    )


def supervise(trainer: TrainingClient) -> str:
    """Ten steps on two texts: the path of the checkpoint."""
    for _ in range(10):
        step = trainer.forward_backward([example(text) for text in TEXTS], "cross_entropy")
        update = trainer.optim_step(AdamParams(learning_rate=2e-3))
        _ = or_raise(step.result()), or_raise(update.result())
    return or_raise(trainer.save_state("supervised").result()).path


def reinforce(trainer: TrainingClient) -> list[list[int]]:
    """Three rounds that reward the letter e: what was sampled."""
    tokens: list[list[int]] = []
    for turn in range(3):
        sampler = or_raise(trainer.save_weights_and_get_sampling_client())
        params = SamplingParams(max_tokens=8, temperature=1.0, seed=turn, stop=[])
        sequences = or_raise(sampler.sample(ModelInput.from_ints(PROMPT), 8, params).result()).sequences
        rewards = [sum(token == ord("e") for token in each.tokens) for each in sequences]
        mean = sum(rewards) / len(rewards)
        batch = [weighed(each, reward - mean) for each, reward in zip(sequences, rewards, strict=True)]
        step = trainer.forward_backward(batch, "importance_sampling")
        update = trainer.optim_step(AdamParams(learning_rate=1e-3))
        _ = or_raise(step.result()), or_raise(update.result())
        tokens += [list(each.tokens) for each in sequences]
    return tokens


def main() -> None:
    """Learn, and print where the weights are and what was sampled."""
    address = (*sys.argv[1:], "local:")[0]
    with ServiceClient(base_url=address, api_key="tml-interoperation") as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-english", rank=8, seed=7))
        supervised, samples = supervise(trainer), reinforce(trainer)
        reinforced = or_raise(trainer.save_state("reinforced").result()).path
    print(json.dumps({"paths": [supervised, reinforced], "samples": samples}))


if __name__ == "__main__":
    main()
