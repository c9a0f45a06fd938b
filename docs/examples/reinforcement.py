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


def improve(trainer: TrainingClient, round_: int) -> Outcome[float]:
    """One round: the mean reward of the samples that it learned from."""
    match trainer.save_weights_and_get_sampling_client():
        case Success(sampler):
            params = SamplingParams(max_tokens=LENGTH, temperature=1.0, seed=round_, stop=[])
            sampled = sampler.sample(ModelInput.from_ints(PROMPT), SAMPLES, params).result(timeout=60)
        case Failure() as failure:
            return failure
    match sampled:
        case Success(response):
            rewards = [reward_of(sequence) for sequence in response.sequences]
        case Failure() as failure:
            return failure
    mean = sum(rewards) / len(rewards)
    batch = [example_of(sequence, reward - mean) for sequence, reward in zip(response.sequences, rewards, strict=True)]
    step = trainer.forward_backward(batch, "importance_sampling")
    update = trainer.optim_step(AdamParams(learning_rate=3e-3))
    for outcome in (step.result(timeout=60), update.result(timeout=60)):
        if isinstance(outcome, Failure):
            return Failure(outcome.failure())
    return Success(mean)


def learn(service: ServiceClient, rounds: int = 25) -> Outcome[list[float]]:
    """The mean reward of each round."""
    match service.create_lora_training_client("tinkex/tiny-english", rank=16, seed=0):
        case Success(trainer):
            pass
        case Failure() as failure:
            return failure
    rewards: list[float] = []
    for round_ in range(rounds):
        match improve(trainer, round_):
            case Success(reward):
                rewards.append(reward)
            case Failure() as failure:
                return failure
    return Success(rewards)


def main() -> None:
    """Learn, and print the reward of every round."""
    with ServiceClient.local() as service:
        match learn(service):
            case Success(rewards):
                for round_, reward in enumerate(rewards):
                    print(f"round {round_:2}  reward {reward:.3f}  {'#' * round(40 * reward)}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
