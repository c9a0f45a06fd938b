"""One program for every server: train, sample, save, resume, look around, and tell how each operation went.

    python docs/examples/everywhere.py [ADDRESS] [BASE_MODEL]

Without an address it runs on the embedded engine. What a server doesn't offer ends in a Failure that says so, and what
depends on it is not tried; everything else goes on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tinkex_py import (
    AdamParams,
    Datum,
    Failure,
    ModelInput,
    Outcome,
    RestClient,
    SampledSequence,
    SampleResponse,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    Success,
    TrainingClient,
    change,
    collect,
    then,
)

T = TypeVar("T")

STEPS, ROUNDS = 20, 3
PATIENCE, BRIEFLY = 60.0, 20.0
"""Seconds for an operation that computes, and for one that only looks or notes something."""
TEXTS = (b"Beautiful is better than ugly.", b"Simple is better than complex.")
TOKENS = list(b"Flat is")
PROMPT = ModelInput.from_ints(TOKENS)


class Row(Struct, frozen=True, kw_only=True):
    """How one operation went: its value, its error, or the operation that it needed and that failed."""

    operation: str
    outcome: str
    seconds: float
    said: str = ""


class Journal:
    """Every operation as it happens: `take` runs it, notes it, and hands its outcome on."""

    def __init__(self, tell: Callable[[Row], None]) -> None:
        self.rows: list[Row] = []
        self._tell = tell
        self._failed: list[tuple[object, str]] = []

    def take(self, operation: str, action: Callable[[], Outcome[T]], said: Callable[[T], object] = str) -> Outcome[T]:
        """The action's outcome; a failure that is already in the journal means that the action could not be tried."""
        begun = time.monotonic()
        outcome = action()
        how, text = self._told(operation, outcome, said)
        row = Row(operation=operation, outcome=how, seconds=round(time.monotonic() - begun, 3), said=text)
        self.rows.append(row)
        self._tell(row)
        return outcome

    def _told(self, operation: str, outcome: Outcome[T], said: Callable[[T], object]) -> tuple[str, str]:
        if isinstance(outcome, Success):
            return "ok", str(said(outcome.unwrap()))
        error = outcome.failure()
        cause = next((needed for known, needed in self._failed if known is error), None)
        self._failed.append((error, operation))
        return (type(error).__name__, error.message) if cause is None else ("not tried", f"needs {cause}")


def datum(text: bytes) -> Datum:
    """The text, each byte to be predicted from those before it."""
    ids = list(text)
    return Datum(ModelInput.from_ints(ids[:-1]), {"target_tokens": ids[1:], "weights": [1.0] * (len(ids) - 1)})


BATCH = tuple(map(datum, TEXTS))


def train(trainer: TrainingClient) -> Outcome[tuple[float, ...]]:
    """The loss of each step in nats; all steps are submitted before the first is waited for."""
    adam = AdamParams(learning_rate=5e-3)
    submitted = [(trainer.forward_backward(BATCH, "cross_entropy"), trainer.optim_step(adam)) for _ in range(STEPS)]
    outputs = collect(step.result(PATIENCE) for step, _ in submitted)
    updates = collect(update.result(PATIENCE) for _, update in submitted)
    losses = change(outputs, lambda each: tuple(output.metrics["loss:sum"] for output in each))
    return then(updates, lambda _: losses)


def forward(trainer: TrainingClient) -> Outcome[list[float]]:
    """The log-probabilities of the first text's bytes."""
    output = trainer.forward(BATCH[:1], "cross_entropy").result(PATIENCE)
    return change(output, lambda found: [float(each) for each in found.loss_fn_outputs[0]["logprobs"].data])


def squares(
    data: Sequence[Datum], logprobs: Sequence[NDArray[np.float64]]
) -> tuple[float, dict[str, float], list[NDArray[np.float64]]]:
    """A loss of one's own, the sum of squared log-probabilities, with its gradients."""
    total = float(sum((each**2).sum() for each in logprobs))
    return total, {"squares:sum": total, "data:sum": float(len(data))}, [2 * each for each in logprobs]


def custom(trainer: TrainingClient) -> Outcome[float]:
    """The value of a loss that this program computes, and a step along its gradients."""
    step = trainer.forward_backward_custom(BATCH, squares, arrays="numpy")
    update = trainer.optim_step(AdamParams(learning_rate=1e-3))
    output = step.result(PATIENCE)
    return then(output, lambda found: change(update.result(PATIENCE), lambda _: found.metrics["loss:sum"]))


def sample(sampler: SamplingClient) -> Outcome[SampleResponse]:
    """Four continuations with their log-probabilities, and the prompt's."""
    params = SamplingParams(max_tokens=8, temperature=1.0, seed=1, stop=[])
    return sampler.sample(PROMPT, 4, params, include_prompt_logprobs=True).result(PATIENCE)


def first_tokens(response: SampleResponse) -> str:
    """What the first continuation is, and how likely its first token was."""
    sequence = response.sequences[0]
    return f"{list(sequence.tokens)}, {(sequence.logprobs or [0.0])[0]:.3f} nats"


def weighed(sequence: SampledSequence, advantage: float) -> Datum:
    """A sample for the policy gradient: nothing is learned about the prompt."""
    before = len(TOKENS) - 1
    tokens = [*TOKENS, *sequence.tokens]
    return Datum(
        ModelInput.from_ints(tokens[:-1]),
        {
            "target_tokens": tokens[1:],
            "logprobs": [0.0] * before + list(sequence.logprobs or ()),
            "advantages": [0.0] * before + [advantage] * len(sequence.tokens),
        },
    )


def reinforce(trainer: TrainingClient) -> Outcome[float]:
    """One round of reinforcement learning: the mean reward, the share of small letters, of its samples."""
    sampled = then(trainer.save_weights_and_get_sampling_client(timeout=PATIENCE), sample)
    if isinstance(sampled, Failure):
        return sampled
    sequences = sampled.unwrap().sequences
    rewards = [sum(97 <= token < 123 for token in each.tokens) / len(each.tokens) for each in sequences]
    mean = sum(rewards) / len(rewards)
    batch = [weighed(each, reward - mean) for each, reward in zip(sequences, rewards, strict=True)]
    step = trainer.forward_backward(batch, "importance_sampling")
    update = trainer.optim_step(AdamParams(learning_rate=1e-3))
    return then(step.result(PATIENCE), lambda _: change(update.result(PATIENCE), lambda _: mean))


def tour(service: ServiceClient, base_model: str | None, journal: Journal) -> None:
    """All of it, in an order that makes sense."""
    able = journal.take(
        "capabilities",
        lambda: service.get_server_capabilities(timeout=PATIENCE),
        lambda found: f"{len(found.supported_models)} models",
    )
    named = change(able, lambda found: base_model or found.supported_models[0].model_name or "")
    trainer = journal.take(
        "create",
        lambda: then(named, lambda name: service.create_lora_training_client(name, 8, seed=1, timeout=PATIENCE)),
        lambda made: made.model_id,
    )
    _ = journal.take("info", lambda: then(trainer, lambda it: it.get_info(timeout=PATIENCE)), lambda it: it.model_id)
    path = training(trainer, journal)
    sampling(service, named, trainer, journal)
    resuming(service, trainer, path, journal)
    listing(change(service.create_rest_client(), lambda rest: (rest, service)), trainer, path, journal)


def training(trainer: Outcome[TrainingClient], journal: Journal) -> Outcome[str]:
    """Train in the three ways, and save: the path of the checkpoint."""
    _ = journal.take("train", lambda: then(trainer, train), lambda losses: f"{losses[0]:.3f} -> {losses[-1]:.3f} nats")
    _ = journal.take("forward", lambda: then(trainer, forward), lambda found: f"{len(found)} log-probabilities")
    _ = journal.take("custom loss", lambda: then(trainer, custom), lambda loss: f"{loss:.3f}")
    for turn in range(ROUNDS):
        _ = journal.take(f"reinforce {turn + 1}", lambda: then(trainer, reinforce), lambda mean: f"reward {mean:.2f}")
    saved = journal.take("save", lambda: then(trainer, lambda it: it.save_state("everywhere").result(PATIENCE)))
    return change(saved, lambda state: state.path)


def sampling(
    service: ServiceClient, base_model: Outcome[str], trainer: Outcome[TrainingClient], journal: Journal
) -> None:
    """Sample from the base model and from the trained weights, by session and by path."""
    saved = journal.take(
        "save for sampler",
        lambda: then(trainer, lambda it: it.save_weights_for_sampler("everywhere-sampler").result(PATIENCE)),
        lambda found: found.path,
    )
    weights = change(saved, lambda found: found.path or "")
    base = journal.take(
        "sampler of the base",
        lambda: then(base_model, lambda name: service.create_sampling_client(base_model=name, timeout=PATIENCE)),
        lambda _: "",
    )
    _ = journal.take("sample of the base", lambda: then(base, sample), first_tokens)
    sampler = journal.take(
        "sampler of weights",
        lambda: then(weights, lambda path: service.create_sampling_client(path, timeout=PATIENCE)),
        lambda _: "",
    )
    _ = journal.take("sample of weights", lambda: then(sampler, sample), first_tokens)
    _ = journal.take("compute_logprobs", lambda: then(sampler, lambda it: it.compute_logprobs(PROMPT).result(PATIENCE)))


def resuming(service: ServiceClient, trainer: Outcome[TrainingClient], path: Outcome[str], journal: Journal) -> None:
    """Go on from the checkpoint: in a new model without and with the optimizer, and in the old one."""
    fresh = journal.take(
        "resume",
        lambda: then(path, lambda saved: service.create_training_client_from_state(saved, timeout=PATIENCE)),
        lambda made: made.model_id,
    )
    _ = journal.take("forward after resuming", lambda: then(fresh, forward), lambda found: f"{found[0]:.4f} nats first")
    whole = journal.take(
        "resume with optimizer",
        lambda: then(
            path, lambda saved: service.create_training_client_from_state_with_optimizer(saved, timeout=PATIENCE)
        ),
        lambda made: made.model_id,
    )
    _ = journal.take("train after resuming", lambda: then(whole, train), lambda losses: f"{losses[0]:.3f} nats first")
    _ = journal.take(
        "load",
        lambda: then(path, lambda saved: then(trainer, lambda it: it.load_state(saved).result(PATIENCE))),
    )


def listing(
    clients: Outcome[tuple[RestClient, ServiceClient]],
    trainer: Outcome[TrainingClient],
    path: Outcome[str],
    journal: Journal,
) -> None:
    """Look at what there is, share the checkpoint, bound its lifetime, delete it, and let the model go."""
    rest = change(clients, lambda both: both[0])
    run = change(trainer, lambda it: it.model_id)

    def ask(operation: str, action: Callable[[RestClient], Outcome[object]]) -> None:
        _ = journal.take(operation, lambda: then(rest, action), lambda _: "")

    def at_path(operation: str, action: Callable[[RestClient, str], Outcome[object]]) -> None:
        ask(operation, lambda client: then(path, lambda saved: action(client, saved)))

    ask("list_training_runs", lambda it: it.list_training_runs(timeout=BRIEFLY))
    ask("get_training_run", lambda it: then(run, lambda name: it.get_training_run(name, timeout=BRIEFLY)))
    ask("list_checkpoints", lambda it: then(run, lambda name: it.list_checkpoints(name, timeout=BRIEFLY)))
    ask("list_user_checkpoints", lambda it: it.list_user_checkpoints(timeout=BRIEFLY))
    ask("list_sessions", lambda it: it.list_sessions(timeout=BRIEFLY))
    at_path("weights_info", lambda it, saved: it.get_weights_info_by_tinker_path(saved, timeout=BRIEFLY))
    at_path("archive", lambda it, saved: it.get_checkpoint_archive_url_from_tinker_path(saved, timeout=BRIEFLY))
    at_path("publish", lambda it, saved: it.publish_checkpoint_from_tinker_path(saved, timeout=BRIEFLY))
    at_path("unpublish", lambda it, saved: it.unpublish_checkpoint_from_tinker_path(saved, timeout=BRIEFLY))
    at_path("ttl", lambda it, saved: it.set_checkpoint_ttl_from_tinker_path(saved, 7200, timeout=BRIEFLY))
    at_path("delete", lambda it, saved: it.delete_checkpoint_from_tinker_path(saved, timeout=BRIEFLY))
    _ = journal.take("unload", lambda: then(trainer, lambda it: it.unload_model().result(PATIENCE)))


def show(row: Row) -> None:
    """One line of the table."""
    print(f"{row.operation:24} {row.outcome:18} {row.seconds:8.3f} s  {row.said}", flush=True)


def main() -> None:
    """Take the tour on the server that was named."""
    address, base_model = (*sys.argv[1:3], None, None)[:2]
    with ServiceClient(base_url=address) if address else ServiceClient.local() as service:
        tour(service, base_model, Journal(show))


if __name__ == "__main__":
    main()
