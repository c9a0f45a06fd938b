"""The first program: ask a server what it has, and sample from its first model.

TINKER_BASE_URL=http://127.0.0.1:8000 TINKER_API_KEY=tml-local python docs/examples/first_program.py
"""

from __future__ import annotations

from tinkex_py import Failure, ModelInput, Outcome, SamplingParams, ServiceClient, Success

PROMPT = "Return the "


def continuation(service: ServiceClient) -> Outcome[str]:
    """What the server's first model makes of the prompt."""
    known = service.get_server_capabilities()
    if isinstance(known, Failure):
        return known
    made = service.create_sampling_client(base_model=known.unwrap().supported_models[0].model_name)
    if isinstance(made, Failure):
        return made
    sampler = made.unwrap()
    found = sampler.get_tokenizer()
    if isinstance(found, Failure):
        return found
    tokenizer = found.unwrap()
    prompt = ModelInput.from_ints(tokenizer.encode(PROMPT))
    sampled = sampler.sample(prompt, 1, SamplingParams(max_tokens=16, temperature=0)).result(timeout=60)
    if isinstance(sampled, Failure):
        return sampled
    return Success(tokenizer.decode(sampled.unwrap().sequences[0].tokens))


def main() -> None:
    """Print the prompt with its continuation, or what to do."""
    with ServiceClient() as service:
        match continuation(service):
            case Success(text):
                print(f"{PROMPT}{text}")
            case Failure(error):
                print(error.message)


if __name__ == "__main__":
    main()
