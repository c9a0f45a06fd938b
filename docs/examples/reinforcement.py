"""Reinforcement learning: reward the letter e, and watch the model come to write it.

    python docs/examples/reinforcement.py

Each round samples from the current weights, scores the samples, and takes one importance-sampling step.
"""

from __future__ import annotations

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    SampledSequence,
    SamplingParams,
    ServiceClient,
    Success,
    TrainingClient,
    change,
    collect,
    then,
)

PROMPT = tuple(b"The ")
SAMPLES = 32
LENGTH = 16


def reward_of(sequence: SampledSequence) -> float:
    """The share of sampled bytes that are the letter e."""
    return sum(token == ord("e") for token in sequence.tokens) / len(sequence.tokens)


def example_of(sequence: SampledSequence, advantage: float) -> Datum:
    """The sampled tokens with their log-probabilities; nothing is learned about the prompt's own tokens."""
    before = len(PROMPT) - 1
    tokens = [*PROMPT, *sequence.tokens]
    return Datum(
        ModelInput.from_ints(tokens[:-1]),
        {
            "target_tokens": tokens[1:],
            "logprobs": [0.0] * before + list(sequence.logprobs or ()),
            "advantages": [0.0] * before + [advantage] * len(sequence.tokens),
        },
    )


def improve(trainer: TrainingClient, turn: int) -> Outcome[float]:
    """One round: the mean reward of the samples that it learned from."""
    sampler = trainer.save_weights_and_get_sampling_client()
    if isinstance(sampler, Failure):
        return sampler
    params = SamplingParams(max_tokens=LENGTH, temperature=1.0, seed=turn, stop=[])
    sampled = sampler.unwrap().sample(ModelInput.from_ints(PROMPT), SAMPLES, params).result(timeout=60)
    if isinstance(sampled, Failure):
        return sampled

    sequences = sampled.unwrap().sequences
    rewards = [reward_of(sequence) for sequence in sequences]
    mean = sum(rewards) / len(rewards)
    batch = [example_of(sequence, reward - mean) for sequence, reward in zip(sequences, rewards, strict=True)]
    step = trainer.forward_backward(batch, "importance_sampling")
    update = trainer.optim_step(AdamParams(learning_rate=3e-3))
    return then(step.result(timeout=60), lambda _: change(update.result(timeout=60), lambda _: mean))


def learn(service: ServiceClient, rounds: int = 25) -> Outcome[tuple[float, ...]]:
    """The mean reward of each round."""
    trainer = service.create_lora_training_client("tinkex/tiny-english", rank=16, seed=0)
    return then(trainer, lambda client: collect(improve(client, turn) for turn in range(rounds)))


def main() -> None:
    """Learn, and print the reward of every round."""
    with ServiceClient.local() as service:
        match learn(service):
            case Success(rewards):
                for turn, reward in enumerate(rewards):
                    print(f"round {turn:2}  reward {reward:.3f}  {'#' * round(40 * reward)}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
