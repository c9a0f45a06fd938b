"""`tinkex demo`, `train` and `checkpoint save`: each shows how it goes, and ends with what to do next."""

from __future__ import annotations

import shlex
from importlib import import_module
from pathlib import Path

import click
import msgspec
from click.core import ParameterSource

from tinkex_py.cli.invocation import FOLDER, Invocation, invoked
from tinkex_py.cli.lessons import Lesson, greedy
from tinkex_py.cli.options import Command, Finite, Output, Place
from tinkex_py.cli.pictures import ENDINGS
from tinkex_py.cli.tables import done
from tinkex_py.cli.teaching import Run, teach
from tinkex_py.cli.texts import Passage, examples, is_misnamed, read_passages
from tinkex_py.clients.service import ServiceClient
from tinkex_py.types.files import reason

BASE_MODEL = "tinkex/tiny-english"
WINDOW = 128
"""Tokens of a training example at most."""
_PATH = Place()
_SAID = ParameterSource.COMMANDLINE


@click.command(cls=Command)
@click.option("--out", type=_PATH, default=Path("tinkex-demo"), show_default=True, help="Folder for what comes of it.")
@click.option("--steps", type=click.IntRange(1), default=150, show_default=True)
@invoked
def demo(invocation: Invocation, out: Path, steps: int) -> None:
    """Fine-tune the embedded model on the Zen of Python, and sample from it before and after."""
    if invocation.options.base_url is not None:
        raise click.UsageError("Leave out --base-url: the demo is of the embedded engine. tinkex train takes it.")
    zen: str = import_module("tinkex_py.local.corpus").zen_text()
    lesson = Lesson(steps=steps, learning_rate=3e-3, batch_size=8)
    prompt = "Beautiful is better than"
    with ServiceClient.local(_folder(invocation, out)) as service:
        trainer = invocation.or_exit(service.create_lora_training_client(BASE_MODEL, rank=32, seed=0))
        tokenizer = invocation.or_exit(trainer.get_tokenizer())
        data = examples([Passage("", zen)], tokenizer, WINDOW)
        run = Run(
            invocation=invocation,
            trainer=trainer,
            tokenizer=tokenizer,
            data=data,
            lesson=lesson,
            out=out,
            curve=out / "loss.png",
        )
        invocation.tell(f"Fine-tuning {BASE_MODEL} on the Zen of Python (LoRA rank 32, {len(zen)} bytes of text)")
        _show_sample(run, "before", prompt)
        path = teach(run)
        _show_sample(run, "after", prompt)
    command = ["tinkex", "sample", prompt, "--base-url", f"local:{out}", "--model-path", path]
    invocation.tell(
        f"\nSample from what was learned:\n  {shlex.join(command)}\n"
        "\nWhat to try next:\n"
        "  tinkex train FILE        the same on a text of your own\n"
        "  tinkex serve             the embedded engine on a port, for any Tinker client\n"
        "  docs/examples            reinforcement learning, resuming, many samples at once"
    )


@click.command("train", cls=Command)
@click.argument("file", type=_PATH)
@click.option("--base-model", default=BASE_MODEL, show_default=True, help="One of tinkex model list.")
@click.option("--rank", type=click.IntRange(1), default=32, show_default=True, help="Rank of the LoRA adapter.")
@click.option("--steps", type=click.IntRange(1), default=150, show_default=True)
@click.option("--learning-rate", type=Finite(0), default=3e-3, show_default=True, help="Falls to nothing.")
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True, help="Examples of a step.")
@click.option("--seed", type=int, default=0, show_default=True, help="Gives the same order and the same adapter.")
@click.option("--out", type=_PATH, default=FOLDER, show_default=True, help="Folder for what comes of it.")
@click.option(
    "--save-every", type=click.IntRange(1), metavar="N", help="Save a checkpoint every N steps, to go on from."
)
@click.option("--log", type=_PATH, help="Add a line of JSON for each step to this file.")
@click.option("--curve", type=_PATH, help=f"The picture of the loss, {ENDINGS}.  [default: loss.png in --out]")
@click.option("--resume", metavar="PATH", help="Go on from a checkpoint: tinker://...")
@click.option(
    "--taken", type=click.IntRange(0), default=0, show_default=True, help="How many of --steps it has behind."
)
@invoked
def train_command(
    invocation: Invocation,
    file: Path,
    base_model: str,
    rank: int,
    out: Path,
    log: Path | None,
    curve: Path | None,
    resume: str | None,
    save_every: int | None,
    **given: float,
) -> None:
    """Fine-tune on FILE: a text, or JSONL of {"text"} or {"prompt", "completion"}.

    Where neither a server nor a key is named, the embedded engine trains, with its checkpoints in --out. Ctrl-C,
    SIGTERM or a closed terminal saves a checkpoint and says how to go on, as a failure does where there is one.
    """
    taken, steps = int(given["taken"]), int(given["steps"])
    if resume is not None:
        _refuse("--resume", "base_model", "rank")
    elif taken:
        raise click.UsageError("Give --resume with --taken: the checkpoint that has those steps behind.")
    if taken >= steps:
        raise click.UsageError(f"Give more --steps: of {steps}, {taken} are taken.")
    if log is not None:
        invocation.check_apart(log, file, "--log")
    passages = invocation.or_exit(read_passages(file))
    if is_misnamed(file, passages):
        invocation.note(
            f"{file} is learned as one text, JSON and all: each line is an example in a file that ends in .jsonl"
        )
    lesson = Lesson(
        steps=steps,
        taken=taken,
        learning_rate=given["learning_rate"],
        batch_size=int(given["batch_size"]),
        seed=int(given["seed"]),
        save_every=save_every,
    )
    with invocation.client(ServiceClient, _folder(invocation, out), engine=True) as service:
        if resume is None:
            trainer = invocation.or_exit(service.create_lora_training_client(base_model, rank=rank, seed=lesson.seed))
        else:
            trainer = invocation.or_exit(service.create_training_client_from_state_with_optimizer(resume))
        tokenizer = invocation.or_exit(trainer.get_tokenizer())
        data = examples(passages, tokenizer, WINDOW)
        if not data:
            what = f"{file} holds too little to learn"
            invocation.stop(what, "give it more text, or completions that are not empty")
        run = Run(
            invocation=invocation,
            trainer=trainer,
            tokenizer=tokenizer,
            data=data,
            lesson=lesson,
            out=out,
            curve=curve or out / "loss.png",
            log=log,
            resumed=resume,
        )
        _ = teach(run, file)


@click.command("save", cls=Command)
@click.option("--base-model", help="Make a new adapter of this base model.")
@click.option("--model-path", metavar="PATH", help="Or load this checkpoint: tinker://...")
@click.option("--name", default="checkpoint", show_default=True, help="What it is called.")
@click.option("--for", "purpose", type=click.Choice(["training", "sampler"]), default="training", show_default=True)
@click.option("--rank", type=click.IntRange(1), default=32, show_default=True)
@click.option("--seed", type=int)
@click.option("--train-mlp/--no-train-mlp", default=True, show_default=True)
@click.option("--train-attn/--no-train-attn", default=True, show_default=True)
@click.option("--train-unembed/--no-train-unembed", default=True, show_default=True)
@click.option(
    "-o",
    "--output",
    type=Output(),
    help="Write what was saved to this file as JSON too; - is the screen, and JSON alone.",
)
@invoked
def save(
    invocation: Invocation,
    base_model: str | None,
    model_path: str | None,
    name: str,
    purpose: str,
    output: Path | None,
    *,
    rank: int,
    seed: int | None,
    train_mlp: bool,
    train_attn: bool,
    train_unembed: bool,
) -> None:
    """Save a checkpoint of a new adapter, or of another checkpoint, and print its path."""
    if (base_model is None) is (model_path is None):
        raise click.UsageError("Give either --base-model or --model-path.")
    if model_path is not None:
        _refuse("--model-path", "rank", "seed", "train_mlp", "train_attn", "train_unembed")
    if str(output) == "-":
        invocation.options.output_format, output = "json", None
    if output is not None:
        invocation.check_place(output)
    with invocation.client(ServiceClient, engine=True) as service:
        if model_path is not None:
            made = service.create_training_client_from_state_with_optimizer(model_path)
        else:
            made = service.create_lora_training_client(
                base_model or "", rank, seed, train_mlp=train_mlp, train_attn=train_attn, train_unembed=train_unembed
            )
        trainer = invocation.or_exit(made)
        if purpose == "training":
            path: str | None = invocation.or_exit(trainer.save_state(name).result()).path
        else:
            path = invocation.or_exit(trainer.save_weights_for_sampler(name).result()).path
    value = {"tinker_path": path, "name": name, "type": purpose, "run_id": trainer.model_id}
    done(invocation, f"Checkpoint: {path}", value)
    if output is not None:
        invocation.save(output, msgspec.json.encode(value) + b"\n")


def _refuse(checkpoint: str, *names: str) -> None:
    """A usage error where an option was given that the checkpoint has settled."""
    context = click.get_current_context()
    said = [each for each in context.command.params if context.get_parameter_source(each.name or "") is _SAID]
    given = ["/".join([*each.opts, *each.secondary_opts]) for each in said if each.name in names]
    if given:
        raise click.UsageError(f"Leave out {', '.join(given)}: the checkpoint of {checkpoint} has its own.")


def _folder(invocation: Invocation, out: Path) -> Path:
    invocation.check_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        invocation.stop(f"{out} can't be made: {reason(error)}", "choose another folder with --out")
    return out


def _show_sample(run: Run, when: str, prompt: str) -> None:
    sampler = run.invocation.or_exit(run.trainer.save_weights_and_get_sampling_client())
    continuation = run.invocation.or_exit(greedy(sampler, run.tokenizer, prompt, 48))
    run.invocation.tell(f"{when:>6}: {prompt}{continuation}")
