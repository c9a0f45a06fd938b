"""The commands. Each says what it does, shows that it does it, and ends with what to do next."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from time import monotonic
from typing import NoReturn, TypeVar

import click
from msgspec import Struct
from returns.result import Failure, Success
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tinkex_py.cli import INTERRUPTED
from tinkex_py.cli.lessons import Lesson, greedy, train
from tinkex_py.cli.pictures import save_curve
from tinkex_py.cli.texts import Passage, examples, read_passages
from tinkex_py.clients.service import ServiceClient
from tinkex_py.clients.training import TrainingClient
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.tokenizers import Tokenizer
from tinkex_py.types import Datum
from tinkex_py.version import __version__

T = TypeVar("T")

BASE_MODEL = "tinkex/tiny-english"
WINDOW = 128
"""Tokens of a training example at most."""

screen = Console()
complaints = Console(stderr=True)


class Run(Struct, frozen=True, kw_only=True):
    """A model about to be trained, and where what comes of it goes."""

    trainer: TrainingClient
    tokenizer: Tokenizer
    data: Sequence[Datum]
    lesson: Lesson
    out: Path


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def tinkex() -> None:
    """Fine-tune language models and sample from them, on the Tinker service or on the embedded engine."""


@tinkex.command()
def version() -> None:
    """Print the version."""
    screen.print(f"tinkex {__version__}", highlight=False)


@tinkex.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("tinkex-demo"), show_default=True)
@click.option("--steps", type=click.IntRange(1), default=150, show_default=True)
def demo(out: Path, steps: int) -> None:
    """Fine-tune the embedded model on the Zen of Python, and sample from it before and after."""
    zen: str = import_module("tinkex_py.local.corpus").zen_text()
    lesson = Lesson(steps=steps, learning_rate=3e-3, batch_size=8)
    prompt = "Beautiful is better than"
    with ServiceClient.local(_folder(out)) as service:
        trainer = _or_exit(service.create_lora_training_client(BASE_MODEL, rank=32, seed=0))
        tokenizer = _or_exit(trainer.get_tokenizer())
        data = examples([Passage("", zen)], tokenizer, WINDOW)
        run = Run(trainer=trainer, tokenizer=tokenizer, data=data, lesson=lesson, out=out)
        screen.print(f"[bold]Fine-tuning {BASE_MODEL} on the Zen of Python[/] (LoRA rank 32, {len(zen)} bytes of text)")
        _show_sample(run, "before", prompt)
        _lesson(run)
        _show_sample(run, "after", prompt)
    screen.print(
        "\nWhat to try next:\n"
        "  tinkex train FILE        the same on a text of your own\n"
        "  tinkex serve             the embedded engine on a port, for any Tinker client\n"
        "  docs/examples            reinforcement learning, resuming, many samples at once",
        highlight=False,
    )


@tinkex.command(name="train")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--base-model", default=BASE_MODEL, show_default=True)
@click.option("--rank", type=click.IntRange(1), default=32, show_default=True, help="Rank of the LoRA adapter.")
@click.option("--steps", type=click.IntRange(1), default=150, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0), default=3e-3, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("tinkex-run"), show_default=True)
@click.option("--resume", metavar="PATH", help="Go on from a checkpoint: tinker://...")
def train_command(
    file: Path,
    base_model: str,
    rank: int,
    steps: int,
    learning_rate: float,
    batch_size: int,
    seed: int,
    out: Path,
    resume: str | None,
) -> None:
    """Fine-tune on FILE: a text, or JSONL of {"text"} or {"prompt", "completion"}.

    Ctrl-C saves a checkpoint and says how to go on.
    """
    passages = _or_exit(read_passages(file))
    lesson = Lesson(steps=steps, learning_rate=learning_rate, batch_size=batch_size, seed=seed)
    with _service(out) as service:
        if resume is None:
            trainer = _or_exit(service.create_lora_training_client(base_model, rank=rank, seed=seed))
        else:
            trainer = _or_exit(service.create_training_client_from_state_with_optimizer(resume))
        tokenizer = _or_exit(trainer.get_tokenizer())
        data = examples(passages, tokenizer, WINDOW)
        if not data:
            _complain(f"{file} holds too little to learn", "give it more text, or completions that are not empty")
        _lesson(Run(trainer=trainer, tokenizer=tokenizer, data=data, lesson=lesson, out=out), f"tinkex train {file}")


@tinkex.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where checkpoints are kept.")
@click.option("--api-key", envvar="TINKEX_SERVE_API_KEY", help="Ask clients for this key.")
def serve(host: str, port: int, directory: Path | None, api_key: str | None) -> None:
    """Serve the embedded engine on a port, for any Tinker client, until Ctrl-C."""
    try:
        asgi = import_module("tinkex_py.local.asgi")
        outcome: Outcome[None, str] = asgi.serve(
            host, port, None if directory is None else str(directory), api_key, _announce
        )
    except ImportError as error:
        _complain(f"serving needs a package that is not installed ({error.name})", "pip install 'tinkex-py[serve]'")
    if isinstance(outcome, Failure):
        _complain(outcome.failure(), "choose another --port, --host or --directory")


def _announce(address: str) -> None:
    screen.print(f"The embedded engine is at [bold]{address}[/]  (Ctrl-C ends it)", highlight=False)
    screen.print(f"Point a client at it: TINKER_BASE_URL={address} TINKER_API_KEY=tml-local", highlight=False)


def _service(out: Path) -> ServiceClient:
    """The server of the environment when it names one, else the embedded engine with its checkpoints in `out`."""
    return ServiceClient() if os.environ.get("TINKER_BASE_URL") else ServiceClient.local(_folder(out))


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _complain(f"{out} can't be made: {error.strerror}", "choose another folder with --out")
    return out


def _lesson(run: Run, command: str = "tinkex demo") -> None:
    """Train with a progress bar, then save the checkpoint and the curve; Ctrl-C saves what there is."""
    losses: list[float] = []
    try:
        screen.print(f"{run.lesson.steps} steps on {len(run.data)} examples", highlight=False)
        for outcome in _shown(train(run.trainer, run.data, run.lesson), run.lesson.steps):
            losses.append(_or_exit(outcome))  # noqa: PERF401 - kept as they come, for when Ctrl-C does
    except KeyboardInterrupt:
        path = _save(run, losses)
        screen.print(f"\nStopped after {len(losses)} steps. Go on with:\n  {command} --out {run.out} --resume {path}")
        raise SystemExit(INTERRUPTED) from None
    path = _save(run, losses)
    screen.print(f"Loss of the last steps: [bold]{_mean(losses[-8:]):.3f}[/] nats per token", highlight=False)
    screen.print(f"Checkpoint: {path}\nLoss curve: {_curve(run)}", highlight=False, soft_wrap=True)


def _shown(losses: Iterator[Outcome[float]], steps: int) -> Iterator[Outcome[float]]:
    columns = (
        SpinnerColumn(),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    begun = monotonic()
    with Progress(*columns, console=screen) as progress:
        task = progress.add_task("starting", total=steps)
        for done, loss in enumerate(losses, 1):
            said = f"loss {loss.unwrap():.3f}  {done / (monotonic() - begun):.0f} steps/s" if _kept(loss) else "failed"
            progress.update(task, completed=done, description=said)
            yield loss


def _save(run: Run, losses: Sequence[float]) -> str:
    name = f"step-{len(losses):05d}"
    saved = _or_exit(run.trainer.save_state(name, overwrite=True).result())
    if losses:
        save_curve(losses, _curve(run))
    return saved.path


def _curve(run: Run) -> Path:
    return run.out / "loss.png"


def _show_sample(run: Run, when: str, prompt: str) -> None:
    sampler = _or_exit(run.trainer.save_weights_and_get_sampling_client())
    continuation = _or_exit(greedy(sampler, run.tokenizer, prompt, 48))
    screen.print(f"[dim]{when:>6}:[/] {prompt}[bold]{escape(continuation)}[/]", highlight=False)


def _kept(outcome: Outcome[float]) -> bool:
    return isinstance(outcome, Success)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _or_exit(outcome: Outcome[T]) -> T:
    """The value; a failure is said in a line of its own, and ends the command with status 1."""
    if isinstance(outcome, Failure):
        _complain(outcome.failure().message)
    return outcome.unwrap()


def _complain(what: str, remedy: str | None = None) -> NoReturn:
    complaints.print(f"[red]Error:[/] {escape(what)}", highlight=False, soft_wrap=True)
    if remedy is not None:
        complaints.print(f"What to do: {escape(remedy)}", highlight=False, soft_wrap=True)
    raise SystemExit(1)
