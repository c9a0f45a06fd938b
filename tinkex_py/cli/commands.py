"""The commands. Each says what it does, shows that it does it, and ends with what to do next."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Event
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
from tinkex_py.errors import ConnectionFailed, ExtraMissing, FileFailed, InvalidInput, MissingCredentials, NotFound
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
        _lesson(run, "tinkex demo")
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
        run = Run(trainer=trainer, tokenizer=tokenizer, data=data, lesson=lesson, out=out)
        _lesson(run, shlex.join(["tinkex", "train", str(file)]), resumable=True)


@tinkex.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--directory", type=click.Path(path_type=Path), help="Where checkpoints are kept.")
@click.option("--api-key", envvar="TINKEX_SERVE_API_KEY", help="Ask clients for this key.")
@click.option(
    "--token-seconds", type=click.IntRange(1), help="Have clients exchange the key for tokens of this lifetime."
)
def serve(host: str, port: int, directory: Path | None, api_key: str | None, token_seconds: int | None) -> None:
    """Serve the embedded engine on a port, for any Tinker client, until Ctrl-C."""
    try:
        asgi = import_module("tinkex_py.local.asgi")
        outcome: Outcome[None, str] = asgi.serve(
            host, port, None if directory is None else str(directory), api_key, token_seconds, _announce
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
    folder = _folder(out)
    return ServiceClient() if os.environ.get("TINKER_BASE_URL") else ServiceClient.local(folder)


def _folder(out: Path) -> Path:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _complain(f"{out} can't be made: {error.strerror}", "choose another folder with --out")
    return out


def _lesson(run: Run, command: str, *, resumable: bool = False) -> None:
    """Train with a progress bar, then save the checkpoint and the curve; Ctrl-C saves what there is."""
    losses: list[float] = []
    with _stopping() as stop:
        _say(f"{run.lesson.steps} steps on {len(run.data)} examples")
        for outcome in _shown(train(run.trainer, run.data, run.lesson, stop.is_set), run.lesson.steps):
            losses.append(_or_exit(outcome))  # noqa: PERF401 - kept as they come
    path = _or_exit(run.trainer.save_state(f"step-{len(losses):05d}", overwrite=True).result()).path
    if losses:
        _say(f"Loss of the last steps: {_mean(losses[-8:]):.3f} nats per token")
    _say(f"Checkpoint: {path}")
    if len(losses) < run.lesson.steps:
        _say(f"\nStopped after {len(losses)} steps. {'Go on' if resumable else 'Begin again'} with:")
        rest = _rest(run.lesson, len(losses), path) if resumable else ""
        _say(f"  {command} --out {shlex.quote(str(run.out))}{rest}")
        raise SystemExit(INTERRUPTED)
    _say(f"Loss curve: {_or_exit(save_curve(losses, run.out / 'loss.png'))}")


def _rest(lesson: Lesson, done: int, path: str) -> str:
    """The options that go on where the steps, and the falling learning rate, were left."""
    left = lesson.steps - done
    rate = lesson.learning_rate * left / lesson.steps
    return f" --steps {left} --learning-rate {rate:.6g} --batch-size {lesson.batch_size} --resume {shlex.quote(path)}"


@contextmanager
def _stopping() -> Generator[Event]:
    """An event that the first Ctrl-C sets, so that a checkpoint holds the steps that are counted; a second one ends."""
    stop = Event()
    before = signal.getsignal(signal.SIGINT)

    def interrupt(_number: int, _frame: object) -> None:
        stop.set()
        _ = signal.signal(signal.SIGINT, before)

    _ = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        _ = signal.signal(signal.SIGINT, before)


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


def _show_sample(run: Run, when: str, prompt: str) -> None:
    sampler = _or_exit(run.trainer.save_weights_and_get_sampling_client())
    continuation = _or_exit(greedy(sampler, run.tokenizer, prompt, 48))
    screen.print(f"[dim]{when:>6}:[/] {prompt}[bold]{escape(continuation)}[/]", highlight=False)


def _kept(outcome: Outcome[float]) -> bool:
    return isinstance(outcome, Success)


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)


def _say(text: str) -> None:
    """A text as it is, in lines as long as they are, so that paths and commands can be copied."""
    screen.print(text, highlight=False, markup=False, soft_wrap=True)


def _or_exit(outcome: Outcome[T]) -> T:
    """The value; a failure is said in two lines, and ends the command with status 1."""
    if isinstance(outcome, Failure):
        error = outcome.failure()
        _complain(error.message, _REMEDIES.get(type(error), f"docs/errors.md has more about {type(error).__name__}"))
    return outcome.unwrap()


_REMEDIES: dict[type, str] = {
    ConnectionFailed: "check TINKER_BASE_URL, or unset it to train on the embedded engine",
    ExtraMissing: "install the package, then run the command again",
    FileFailed: "mend the file or give another path, then run the command again",
    InvalidInput: "correct that value, then run the command again",
    MissingCredentials: "set TINKER_API_KEY, or unset TINKER_BASE_URL to train on the embedded engine",
    NotFound: "check the base model or the checkpoint's path, and that --out is the folder the checkpoint is in",
}


def _complain(what: str, remedy: str) -> NoReturn:
    complaints.print(f"[red]Error:[/] {escape(what)}", highlight=False, soft_wrap=True)
    complaints.print(f"What to do: {escape(remedy)}", highlight=False, soft_wrap=True)
    raise SystemExit(1)
