"""What the same program does with this package: `python own.py ADDRESS BASE_MODEL`, `local:` for the engine itself.

Prints one line of JSON per operation, as the program of the official SDK beside it does.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    Success,
    TrainingClient,
    then,
)
from tinkex_py.endpoints.checkpoints import delete_checkpoint, list_checkpoints, list_user_checkpoints
from tinkex_py.endpoints.runs import get_training_run, list_training_runs
from tinkex_py.endpoints.sessions import list_sessions

T = TypeVar("T")

KEY = "tml-interoperation"
STEPS = 3
PATIENCE = 60
"""Seconds for one operation."""


def attempt(name: str, action: Callable[[], Outcome[T, object]]) -> T:
    """The value of the action's outcome, after a line that says how it went; the program ends when it went wrong."""
    begun = time.monotonic()
    match action():
        case Success(value):
            report(name, "ok", begun)
            return value
        case Failure(error):
            report(name, str(getattr(error, "message", error))[:300], begun)
            raise SystemExit(1)


def report(name: str, outcome: str, begun: float) -> None:
    """Print how an operation went."""
    line = {"operation": name, "outcome": outcome, "seconds": round(time.monotonic() - begun, 3)}
    print(json.dumps(line), flush=True)


def datum(text: bytes) -> Datum:
    """The text, each byte to be predicted from those before it."""
    ids = list(text)
    return Datum(ModelInput.from_ints(ids[:-1]), {"target_tokens": ids[1:], "weights": [1.0] * (len(ids) - 1)})


def losses(trainer: TrainingClient) -> Outcome[list[float], object]:
    """The losses of some steps of training, which fall."""
    found: list[float] = []
    for _ in range(STEPS):
        step = trainer.forward_backward([datum(b"Beautiful is better than ugly."), datum(b"abc")], "cross_entropy")
        update = trainer.optim_step(AdamParams(learning_rate=1e-3)).result(PATIENCE)
        match step.result(PATIENCE):
            case Success(output) if isinstance(update, Success):
                found.append(output.metrics["loss:sum"])
            case Success():
                return Failure(update.failure())
            case Failure(error):
                return Failure(error)
    return Success(found) if found[-1] < found[0] else Failure(f"the loss does not fall: {found}")


def forward(trainer: TrainingClient) -> Outcome[list[float], object]:
    """Log-probabilities of a text."""
    output = trainer.forward([datum(b"Beautiful")], "cross_entropy").result(PATIENCE)
    return then(output, lambda found: Success([float(one) for one in found.loss_fn_outputs[0]["logprobs"].data]))


def sample(sampler: SamplingClient) -> Outcome[list[int], object]:
    """The tokens of two greedy samples, which are the same."""
    params = SamplingParams(max_tokens=3, temperature=0.0, stop=[])
    prompt = ModelInput.from_ints(list(b"Beautiful is"))
    match sampler.sample(prompt, num_samples=2, sampling_params=params).result(PATIENCE):
        case Success(response):
            first, second = (list(one.tokens) for one in response.sequences)
            return Success(first) if first == second else Failure(f"two greedy samples differ: {response}")
        case Failure(error):
            return Failure(error)


def resumed(service: ServiceClient, path: str, before: list[float]) -> Outcome[TrainingClient, object]:
    """A model made from a checkpoint: it thinks as the saved one did."""
    made = service.create_training_client_from_state(path)
    after = then(made, forward)
    if isinstance(after, Failure):
        return after
    far = max(abs(one - other) for one, other in zip(before, after.unwrap(), strict=True))
    return made if far < 1e-4 else Failure(f"the loaded model differs by {far}")


def main() -> None:
    """Do it all."""
    address, base_model = sys.argv[1:3]
    with ServiceClient(base_url=address, api_key=KEY) as service:
        _ = attempt("capabilities", service.get_server_capabilities)
        trainer = attempt("create", lambda: service.create_lora_training_client(base_model, rank=8, seed=1))
        _ = attempt("train", lambda: losses(trainer))
        before = attempt("forward", lambda: forward(trainer))
        state = attempt("save", lambda: trainer.save_state("state").result(PATIENCE)).path
        weights = attempt("save for sampler", lambda: trainer.save_weights_for_sampler("weights").result(PATIENCE)).path
        _ = attempt("load", lambda: resumed(service, state, before))
        _ = attempt("load with optimizer", lambda: trainer.load_state_with_optimizer(state).result(PATIENCE))
        sampler = attempt("sampler of weights", lambda: service.create_sampling_client(model_path=weights))
        tokens = attempt("sample", lambda: sample(sampler))
        _ = attempt("compute_logprobs", lambda: sampler.compute_logprobs(ModelInput.from_ints([97])).result(PATIENCE))
        nameless = attempt("sampler of the model", trainer.save_weights_and_get_sampling_client)
        _ = attempt("sample of the model", lambda: sample(nameless))
        base = attempt("sampler of the base", lambda: service.create_sampling_client(base_model=base_model))
        _ = attempt("sample of the base", lambda: sample(base))
        run_id, checkpoint = state.split("/")[2], "weights/state"
        _ = attempt("list", lambda: service.execute(list_training_runs()))
        _ = attempt("list", lambda: service.execute(list_checkpoints(run_id)))
        _ = attempt("list", lambda: service.execute(list_user_checkpoints()))
        _ = attempt("list", lambda: service.execute(list_sessions()))
        _ = attempt("run", lambda: service.execute(get_training_run(run_id)))
        _ = attempt("delete", lambda: service.execute(delete_checkpoint(run_id, checkpoint)))
    print(json.dumps({"operation": "sampled", "outcome": "ok", "tokens": tokens}), flush=True)


if __name__ == "__main__":
    main()
