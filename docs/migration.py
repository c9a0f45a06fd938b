"""The page on moving from the other clients: their programs beside the one here, and every name of theirs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parent
CLIENTS = {"official": "The official SDK 0.38.0", "elixir": "Tinkex 0.4.0 for Elixir"}
INTRODUCTION = """\
# Moving from another client

Names are the official SDK's wherever it has the thing, and so are the names, the order and the defaults of arguments.
Arguments that only this client has are given by name. The same environment variables are read, `TINKER_API_KEY` and
`TINKER_BASE_URL` among them.

## A program of the official SDK, step by step

`or_raise(outcome)` gives the value of a success, and raises what failed. With it a program can be carried over line by
line; later a `match` takes its place wherever the program has to decide.

| The official SDK | Here |
| --- | --- |
| `from tinker import types`, then `types.Datum` | `from tinkex_py import Datum` |
| `service = ServiceClient()` | `with ServiceClient() as service:` |
| `ServiceClient({"team": "x"})` | `ServiceClient(user_metadata={"team": "x"})` |
| `service.create_lora_training_client(...).result()` | `or_raise(service.create_lora_training_client(...))` |
| `rest.list_training_runs().result()` | `or_raise(rest.list_training_runs())` |
| `trainer.optim_step(...).result()` | `or_raise(trainer.optim_step(...).result())` |
| `await (await trainer.forward_backward_async(...))` | `or_raise(await trainer.forward_backward(...))` |
| `future.result(timeout=60)` raises `TimeoutError` | `promise.result(timeout=60)` is a `Failure(DeadlineExceeded())` |
| `except tinker.RateLimitError:` | `case Failure(RateLimited()):` |
| `prompt + sequence.tokens` | `[*prompt, *sequence.tokens]` |

* What is submitted (steps, saves, samples) returns a promise at once. What makes a client or asks for something returns
  its outcome; there is no future to wait for in between.
* There are no `*_async` methods: `AsyncServiceClient`, and what it makes, has the same methods, to be awaited.
* Arguments of a client are given by name, but for a `Config`, which may stand first.
* All types are in `tinkex_py.types` and all errors in `tinkex_py.errors`. Values don't change once they are made.
* Tokens and log-probabilities of samples are sequences, but not lists: `list(sequence.tokens)` is one, for sums and for
  `json.dumps`. A list grows by `tokens += sequence.tokens`.

## What acts otherwise

* Nothing raises but bugs, `or_raise` and Python's own errors: operations return `Success(value)` or `Failure(error)`.
* Wrong values are found before anything is sent, NaN and infinities among them: the outcome is `InvalidInput`.
* Refusals come back at once where repeating can't help, such as publishing what is public. One layer repeats the rest,
  for 300 s in all unless told otherwise ([timeouts and retries](howto/timeouts.md)).
* Every wait ends, that for a promise after 24 hours, or after 2 hours in which nothing moved.
* A step whose fate can't be known ends in `OutOfSequence`, and so do all later steps of its run
  ([what to do then](howto/out-of-sequence.md)). So does an `optim_step` behind a batch that was taken in part.
* Telemetry goes to the server only when it is asked for: `Config(telemetry=True)`.
* Redirects to another address are refused, so that the credential doesn't go there.

[Differences](differences.md) lists how requests and answers differ, field by field.
"""
PROGRAMS = """\
## The same program three times

Supervised learning, then reinforcement learning. The first two, run on one server, end in the same samples and in the
same weights to the last byte: `make interop-quick` compares them before each merge.
"""
ELIXIR = """\
```elixir
{:ok, service} = Tinkex.ServiceClient.start_link(config: Tinkex.Config.new(api_key: key, base_url: address))

{:ok, trainer} =
  Tinkex.ServiceClient.create_lora_training_client(service, "tinkex/tiny-english",
    lora_config: %Tinkex.Types.LoraConfig{rank: 8, seed: 7}
  )

await = fn {:ok, task} -> Task.await(task, :infinity) end

for _ <- 1..10 do
  {:ok, _} = await.(Tinkex.TrainingClient.forward_backward(trainer, Enum.map(texts, &example/1), :cross_entropy))
  {:ok, _} = await.(Tinkex.TrainingClient.optim_step(trainer, %Tinkex.Types.AdamParams{learning_rate: 2.0e-3}))
end

{:ok, _} = await.(Tinkex.TrainingClient.save_state(trainer, "supervised"))

for turn <- 0..2 do
  {:ok, sampler} = Tinkex.TrainingClient.save_weights_and_get_sampling_client_sync(trainer)
  params = %Tinkex.Types.SamplingParams{max_tokens: 8, temperature: 1.0, seed: turn, stop: []}
  {:ok, response} = await.(Tinkex.SamplingClient.sample(sampler, prompt, params, num_samples: 8))
  {:ok, _} = await.(Tinkex.TrainingClient.forward_backward(trainer, weighed(response), :importance_sampling))
  {:ok, _} = await.(Tinkex.TrainingClient.optim_step(trainer, %Tinkex.Types.AdamParams{learning_rate: 1.0e-3}))
end
```
"""
NAMES = """\
## Names

Names here are below `tinkex_py`. `*_async` doubles of the other clients are left out: they are the same method of the
`Async*` client. Fields and arguments keep their names.
"""


class Carried(NamedTuple):
    """A public name of another client, and what it is called here: nothing, where there is no such thing."""

    client: str
    there: str
    here: str
    note: str


def names() -> list[Carried]:
    """Every name in names.tsv."""
    with (DOCS / "names.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        _ = next(rows)
        return [Carried(*row) for row in rows]


def found(here: str) -> object:
    """What a name below `tinkex_py` stands for; AttributeError when there is no such thing."""
    place: object = import_module("tinkex_py")
    path = "tinkex_py"
    for part in here.split("."):
        path = f"{path}.{part}"
        place = getattr(place, part) if hasattr(place, part) else _module(path)
    return place


def migrating_page() -> str:
    """The whole page."""
    return "\n".join(
        (
            "<!-- Written by docs/generate.py: change migration.py, names.tsv or examples/, then run `make docs`. -->",
            INTRODUCTION,
            PROGRAMS,
            "### The official SDK\n",
            _program("carried_over_official.py", "py"),
            "### Here\n",
            _program("carried_over.py", "py"),
            "### Elixir\n",
            ELIXIR,
            NAMES,
            *(line for client, title in CLIENTS.items() for line in _table(client, title)),
        )
    )


def _program(name: str, language: str) -> str:
    """A program without what it says of itself."""
    text = (DOCS / "examples" / name).read_text("utf-8")
    body = re.sub(r'\A""".*?"""\n+|^from __future__[^\n]*\n', "", text, flags=re.DOTALL | re.MULTILINE)
    return f"```{language}\n{body.strip()}\n```\n"


def _table(client: str, title: str) -> Iterator[str]:
    yield f"### {title}\n"
    yield "| there | here | |\n| --- | --- | --- |"
    for each in names():
        if each.client == client:
            here = f"`{each.here}`" if each.here else "-"
            yield f"| `{each.there}` | {here} | {each.note} |"
    yield ""


def _module(path: str) -> object:
    try:
        return import_module(path)
    except ImportError as error:
        raise AttributeError(path) from error
