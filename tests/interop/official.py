"""What a program written for the official SDK does, from making a client to listing what there is.

Run by an interpreter that has some release of it: `python official.py ADDRESS BASE_MODEL`. Prints one line of JSON per
operation: its name, "ok" or what went wrong, and its seconds. Only what every release since 0.7 has is used, and what a
release does not have is left out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

KEY = "tml-interoperation"
STEPS = 3
PATIENCE = 60
"""Seconds for one operation."""

address, base_model = sys.argv[1:3]
os.environ.update(TINKER_BASE_URL=address, TINKER_API_KEY=KEY, TINKER_TELEMETRY="0")

import tinker  # noqa: E402 - it reads the environment
from tinker import types  # noqa: E402


def attempt(name: str, action: Callable[[], Any]) -> Any:
    """The action's value, after a line that says how it went; the program ends when it went wrong."""
    begun = time.monotonic()
    try:
        value = action()
    except BaseException as error:
        report(name, f"{type(error).__name__}: {error}"[:300], begun)
        os._exit(1)
    report(name, "ok", begun)
    return value


def report(name: str, outcome: str, begun: float) -> None:
    """Print how an operation went."""
    line = {"operation": name, "outcome": outcome, "seconds": round(time.monotonic() - begun, 3)}
    print(json.dumps(line), flush=True)


def datum(text: bytes) -> Any:
    """The text, each byte to be predicted from those before it."""
    ids = list(text)
    return types.Datum(
        model_input=types.ModelInput.from_ints(tokens=ids[:-1]),
        loss_fn_inputs={"target_tokens": ids[1:], "weights": [1.0] * (len(ids) - 1)},
    )


def losses(trainer: Any) -> list[float]:
    """The losses of some steps of training, which fall."""
    found: list[float] = []
    for _ in range(STEPS):
        step = trainer.forward_backward([datum(b"Beautiful is better than ugly."), datum(b"abc")], "cross_entropy")
        update = trainer.optim_step(types.AdamParams(learning_rate=1e-3))
        found.append(step.result(PATIENCE).metrics["loss:sum"])
        update.result(PATIENCE)
    if not found[-1] < found[0]:
        raise ValueError(f"the loss does not fall: {found}")
    return found


def forward(trainer: Any) -> list[float]:
    """Log-probabilities of a text."""
    output = trainer.forward([datum(b"Beautiful")], "cross_entropy").result(PATIENCE)
    found = output.loss_fn_outputs[0]["logprobs"].tolist()
    if len(found) != 8:
        raise ValueError(f"8 log-probabilities were expected: {found}")
    return list(found)


def sample(sampler: Any) -> list[int]:
    """Three tokens with their log-probabilities."""
    params = types.SamplingParams(max_tokens=3, temperature=0.0, stop=[])
    prompt = types.ModelInput.from_ints(tokens=list(b"Beautiful is"))
    result = sampler.sample(prompt=prompt, num_samples=2, sampling_params=params).result(PATIENCE)
    first, second = result.sequences
    if list(first.tokens) != list(second.tokens) or len(first.logprobs) != 3:
        raise ValueError(f"two greedy samples of 3 tokens were expected: {result}")
    return list(first.tokens)


def logprobs(sampler: Any) -> list[Any]:
    """The log-probabilities of a prompt."""
    found = sampler.compute_logprobs(types.ModelInput.from_ints(tokens=list(b"abc"))).result(PATIENCE)
    if len(found) != 3 or found[0] is not None:
        raise ValueError(f"three entries, the first of them None, were expected: {found}")
    return list(found)


def resumed(service: Any, path: str, before: list[float]) -> Any:
    """A model made from a checkpoint: it thinks as the saved one did."""
    trainer = service.create_training_client_from_state(path)
    after = forward(trainer)
    if max(abs(one - other) for one, other in zip(before, after)) > 1e-4:  # noqa: B905
        raise ValueError(f"the loaded model differs: {before} and {after}")
    return trainer


def lists(rest: Any, run_id: str) -> dict[str, int]:
    """What the lists of the REST client show of this program."""
    counts = {
        "runs": len(rest.list_training_runs().result(PATIENCE).training_runs),
        "checkpoints of the run": len(rest.list_checkpoints(run_id).result(PATIENCE).checkpoints),
        "checkpoints": len(rest.list_user_checkpoints().result(PATIENCE).checkpoints),
        "sessions": len(rest.list_sessions().result(PATIENCE).sessions),
    }
    if not all(counts.values()):
        raise ValueError(f"something is not listed: {counts}")
    return counts


def public(rest: Any, path: str) -> None:
    """A checkpoint made public, and private again."""
    rest.publish_checkpoint_from_tinker_path(path).result(PATIENCE)
    rest.unpublish_checkpoint_from_tinker_path(path).result(PATIENCE)


def gone(rest: Any, path: str, run_id: str) -> None:
    """A checkpoint that is deleted is not listed any more."""
    rest.delete_checkpoint_from_tinker_path(path).result(PATIENCE)
    left = [one.tinker_path for one in rest.list_checkpoints(run_id).result(PATIENCE).checkpoints]
    if path in left:
        raise ValueError(f"{path} is still listed: {left}")


def main() -> None:
    """Do it all."""
    service = attempt("client", lambda: tinker.ServiceClient(user_metadata={"program": "interoperation"}))
    attempt("capabilities", service.get_server_capabilities)
    trainer = attempt("create", lambda: service.create_lora_training_client(base_model, rank=8, seed=1))
    attempt("train", lambda: losses(trainer))
    before = attempt("forward", lambda: forward(trainer))
    state = attempt("save", lambda: trainer.save_state("state").result(PATIENCE).path)
    weights = attempt("save for sampler", lambda: trainer.save_weights_for_sampler("weights").result(PATIENCE).path)
    attempt("load", lambda: resumed(service, state, before))
    attempt("load with optimizer", lambda: trainer.load_state_with_optimizer(state).result(PATIENCE))
    sampler = attempt("sampler of weights", lambda: service.create_sampling_client(model_path=weights))
    saved = attempt("sample", lambda: sample(sampler))
    attempt("compute_logprobs", lambda: logprobs(sampler))
    nameless = attempt("sampler of the model", trainer.save_weights_and_get_sampling_client)
    attempt("sample of the model", lambda: sample(nameless))
    base = attempt("sampler of the base", lambda: service.create_sampling_client(base_model=base_model))
    attempt("sample of the base", lambda: sample(base))
    rest = service.create_rest_client()
    run_id = state.split("/")[2]
    attempt("list", lambda: lists(rest, run_id))
    attempt("run", lambda: rest.get_training_run(run_id).result(PATIENCE))
    attempt("weights_info", lambda: rest.get_weights_info_by_tinker_path(state).result(PATIENCE))
    if hasattr(rest, "get_checkpoint_archive_url_from_tinker_path"):
        attempt("archive", lambda: rest.get_checkpoint_archive_url_from_tinker_path(state).result(PATIENCE).url)
    attempt("publish", lambda: public(rest, state))
    if hasattr(rest, "set_checkpoint_ttl_from_tinker_path"):
        attempt("ttl", lambda: rest.set_checkpoint_ttl_from_tinker_path(state, 7200).result(PATIENCE))
    attempt("delete", lambda: gone(rest, state, run_id))
    print(json.dumps({"operation": "sampled", "outcome": "ok", "tokens": saved}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
