"""Supervised fine-tuning: teach the embedded model a sentence, then let it finish one.

    python docs/examples/supervised.py

For the hosted service write `ServiceClient()` and name one of its base models; the rest stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    SamplingParams,
    ServiceClient,
    Success,
    Tokenizer,
    TrainingClient,
    change,
    collect,
    then,
)

SENTENCE = "The quick brown fox jumps over the lazy dog."


def fine_tune(trainer: TrainingClient, tokens: Sequence[int], steps: int = 60) -> Outcome[list[float]]:
    """The loss of each step in nats per token."""
    targets = {"target_tokens": tokens[1:], "weights": [1] * (len(tokens) - 1)}
    example = Datum(ModelInput.from_ints(tokens[:-1]), targets)
    adam = AdamParams(learning_rate=2e-3)
    submitted = [  # submitted, not waited for: the server is never idle
        (trainer.forward_backward([example], "cross_entropy"), trainer.optim_step(adam)) for _ in range(steps)
    ]
    outputs = collect(step.result(timeout=60) for step, _ in submitted)
    updates = collect(update.result(timeout=60) for _, update in submitted)
    if isinstance(outputs, Failure):
        return outputs
    losses = [output.metrics["loss:sum"] / (len(tokens) - 1) for output in outputs.unwrap()]
    return change(updates, lambda _: losses)


def finish(trainer: TrainingClient, tokenizer: Tokenizer, prompt: str) -> Outcome[str]:
    """The likeliest continuation of a prompt, up to the first full stop."""
    sampler = trainer.save_weights_and_get_sampling_client()
    if isinstance(sampler, Failure):
        return sampler
    greedy = SamplingParams(max_tokens=40, temperature=0, stop=".")
    sampled = sampler.unwrap().sample(ModelInput.from_ints(tokenizer.encode(prompt)), 1, greedy).result(timeout=60)
    if isinstance(sampled, Failure):
        return sampled
    return Success(tokenizer.decode(sampled.unwrap().sequences[0].tokens))


def lesson(service: ServiceClient) -> Outcome[tuple[list[float], str]]:
    """The losses of training on the sentence, and how the trained model finishes it."""
    made = service.create_lora_training_client("tinkex/tiny-english", rank=16, seed=0)
    if isinstance(made, Failure):
        return made
    trainer = made.unwrap()
    known = trainer.get_tokenizer()
    if isinstance(known, Failure):
        return known
    tokenizer = known.unwrap()
    return then(
        fine_tune(trainer, tokenizer.encode(SENTENCE)),
        lambda losses: change(finish(trainer, tokenizer, "The quick"), lambda text: (losses, text)),
    )


def main() -> None:
    """Train, and print what came of it."""
    with ServiceClient.local() as service:
        match lesson(service):
            case Success((losses, continuation)):
                print(f"loss {losses[0]:.2f} -> {losses[-1]:.3f} nats per token")
                print(f"The quick{continuation}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
