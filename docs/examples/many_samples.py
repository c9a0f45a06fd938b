"""Many samples in flight: hundreds of questions at once from one async program.

python docs/examples/many_samples.py
"""

from __future__ import annotations

import asyncio

from tinkex_py import AsyncServiceClient, Failure, ModelInput, Outcome, SamplingParams, Success, change, collect

QUESTIONS = 300


async def ask(service: AsyncServiceClient, questions: int = QUESTIONS) -> Outcome[list[str]]:
    """One short continuation for each of so many seeds."""
    made = await service.create_sampling_client(base_model="tinkex/tiny-english")
    if isinstance(made, Failure):
        return made
    sampler = made.unwrap()
    known = await sampler.get_tokenizer()
    if isinstance(known, Failure):
        return known
    tokenizer = known.unwrap()

    prompt = ModelInput.from_ints(tokenizer.encode("Return the "))
    promises = [sampler.sample(prompt, 1, SamplingParams(max_tokens=12, seed=seed)) for seed in range(questions)]
    responses = collect(await asyncio.gather(*promises))
    return change(responses, lambda each: [tokenizer.decode(one.sequences[0].tokens) for one in each])


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
