"""Supervised fine-tuning: teach the embedded model a sentence, then let it finish one.

    python docs/examples/supervised.py

For the hosted service write `ServiceClient()` and name one of its base models; the rest stays as it is.
"""

from __future__ import annotations

from tinkex_py import AdamParams, Datum, Failure, ModelInput, Outcome, SamplingParams, ServiceClient, Success

SENTENCE = "The quick brown fox jumps over the lazy dog."


def fine_tune(service: ServiceClient, steps: int = 60) -> Outcome[tuple[list[float], str]]:
    """The loss of each step in nats per token, and how the trained model finishes "The quick"."""
    match service.create_lora_training_client("tinkex/tiny-english", rank=16, seed=0):
        case Success(trainer):
            pass
        case Failure() as failure:
            return failure
    match trainer.get_tokenizer():
        case Success(tokenizer):
            tokens = list(tokenizer.encode(SENTENCE))
        case Failure() as failure:
            return failure

    example = Datum(ModelInput.from_ints(tokens[:-1]), {"target_tokens": tokens[1:], "weights": [1] * (len(tokens) - 1)})
    submitted = []
    for _ in range(steps):  # submitted, not waited for: the server is never idle
        submitted.append(trainer.forward_backward([example], "cross_entropy"))
        _ = trainer.optim_step(AdamParams(learning_rate=2e-3))

    losses: list[float] = []
    for step in submitted:
        match step.result(timeout=60):
            case Success(output):
                losses.append(output.metrics["loss:sum"] / (len(tokens) - 1))
            case Failure() as failure:
                return failure

    match trainer.save_weights_and_get_sampling_client():
        case Success(sampler):
            prompt = ModelInput.from_ints(tokenizer.encode("The quick"))
            greedy = SamplingParams(max_tokens=35, temperature=0, stop=".")
            continuation = sampler.sample(prompt, 1, greedy).result(timeout=60)
        case Failure() as failure:
            return failure
    match continuation:
        case Success(response):
            return Success((losses, tokenizer.decode(response.sequences[0].tokens)))
        case Failure() as failure:
            return failure


def main() -> None:
    """Train, and print what came of it."""
    with ServiceClient.local() as service:
        match fine_tune(service):
            case Success((losses, continuation)):
                print(f"loss {losses[0]:.2f} -> {losses[-1]:.3f} nats per token")
                print(f"The quick{continuation}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
