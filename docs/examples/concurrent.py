"""Many samples in flight: hundreds of questions at once from one async program.

    python docs/examples/concurrent.py
"""

from __future__ import annotations

import asyncio

from tinkex_py import AsyncServiceClient, Failure, ModelInput, Outcome, SamplingParams, Success, collect

QUESTIONS = 300


async def ask(service: AsyncServiceClient, questions: int = QUESTIONS) -> Outcome[list[str]]:
    """One short continuation for each of so many seeds."""
    match await service.create_sampling_client(base_model="tinkex/tiny-english"):
        case Success(sampler):
            pass
        case Failure() as failure:
            return failure
    match await sampler.get_tokenizer():
        case Success(tokenizer):
            prompt = ModelInput.from_ints(tokenizer.encode("Return the "))
        case Failure() as failure:
            return failure
    promises = [sampler.sample(prompt, 1, SamplingParams(max_tokens=12, seed=seed)) for seed in range(questions)]
    match collect(await asyncio.gather(*promises)):
        case Success(responses):
            return Success([tokenizer.decode(response.sequences[0].tokens) for response in responses])
        case Failure() as failure:
            return failure


async def main() -> None:
    """Ask, and print a few of the answers."""
    async with AsyncServiceClient.local() as service:
        match await ask(service):
            case Success(texts):
                print(f"{len(texts)} samples, for instance:")
                for text in texts[:5]:
                    print(f"  Return the {text!r}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    asyncio.run(main())
