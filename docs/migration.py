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

Names are the official SDK's wherever it has the thing, and so are the arguments of methods: their names, order and
defaults. What only this client has is given by name. What is different is small:

* Nothing raises: operations return `Success(value)` or `Failure(error)`. `or_raise(outcome)` gives the value, or
  raises where there is none.
* What is submitted is a promise, what makes a client is an outcome: there is no future to wait for in between.
* Clients are made with arguments by name, such as `ServiceClient(user_metadata=..., project_id=...)`; what stands first
  without one is a `Config`.
* There are no `*_async` methods: `AsyncServiceClient` and what it makes have the same methods, to be awaited.
* A retried step is never taken twice, every wait ends, and errors say what to do.
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
