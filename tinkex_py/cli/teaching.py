"""A lesson as the command line gives it: a bar, a log, checkpoints, and what to go on with when it ends early."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic

from msgspec import Struct, field
from returns.result import Failure, Success
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text
from typing_extensions import override

from tinkex_py.cli.display import counted
from tinkex_py.cli.interrupts import Interrupts, interrupts_noted
from tinkex_py.cli.invocation import Invocation
from tinkex_py.cli.lessons import Lesson, Taken, rate_at, saving, train
from tinkex_py.cli.pictures import place_problem, save_curves
from tinkex_py.cli.records import Curve, StepLog
from tinkex_py.cli.sparkline import sparkline
from tinkex_py.cli.tables import done
from tinkex_py.clients.training import TrainingClient
from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome, change, then
from tinkex_py.types import Datum
from tinkex_py.types.tokenizing import Tokenizer


class Run(Struct, frozen=True, kw_only=True):
    """A model about to be trained, and where what comes of it goes."""

    invocation: Invocation
    trainer: TrainingClient
    tokenizer: Tokenizer
    data: Sequence[Datum]
    lesson: Lesson
    out: Path
    curve: Path
    log: Path | None = None
    resumed: str | None = None


class Standing(Struct, kw_only=True):
    """How far a lesson is: the steps behind it, the last checkpoint, and what of it is not in the log."""

    taken: int
    saved: int
    """Steps that the last checkpoint has behind."""
    checkpoint: str | None
    losses: list[float] = field(default_factory=list[float])
    unlogged: FileFailed | None = None


def teach(run: Run, file: Path | None = None) -> str:
    """Train with a bar, then save the curve and the checkpoint, whose path is returned.

    A full log or an interrupt saves what there is.

    It can go on where a file was given to train on. What fails, and a second interrupt, ends it with what there is.
    """
    invocation, lesson = run.invocation, run.lesson
    problem = place_problem(run.curve)
    if problem is not None:
        invocation.fail(problem)
    at = Standing(taken=lesson.taken, saved=lesson.taken, checkpoint=run.resumed)
    with interrupts_noted() as interrupts:
        try:
            ended = then(_taught(run, at, interrupts), lambda _: _kept(run, at))
        except KeyboardInterrupt:
            invocation.warn(_standing(run, file, at))
            raise SystemExit(interrupts.status) from None
    match ended:
        case Success(path):
            _finish(run, file, at, path, interrupts.status)
            return path
        case Failure(error):
            invocation.complain_of(error)
            invocation.warn(_standing(run, file, at))
            raise SystemExit(1)


def _taught(run: Run, at: Standing, interrupts: Interrupts) -> Outcome[None]:
    """The steps, until they are taken, an interrupt is there or the log is full."""
    invocation, lesson = run.invocation, run.lesson
    with invocation.or_exit(StepLog(run.log).begin(run.resumed)) as log:
        behind = f", {lesson.taken} of which are behind" if lesson.taken else ""
        invocation.tell(f"{_steps(lesson.steps)} on {counted(len(run.data), 'example')}{behind}")
        before = max(log.last, lesson.taken)
        steps = train(run.trainer, run.data, lesson, lambda: bool(interrupts.status or at.unlogged))
        for outcome in _shown(invocation, steps, lesson, interrupts):
            if isinstance(outcome, Failure):
                return outcome
            noted = _noted(run, at, log, before + len(at.losses) + 1, outcome.unwrap())
            if isinstance(noted, Failure):
                return noted
    return Success(None)


def _noted(run: Run, at: Standing, log: StepLog, number: int, step: Taken) -> Outcome[None]:
    """Count a step that was taken, and write it to the log; the failure is that of its checkpoint."""
    line: dict[str, float | str] = {"step": number, "loss": step.loss, "learning_rate": rate_at(run.lesson, at.taken)}
    at.losses.append(step.loss)
    at.taken += 1
    if isinstance(step.saved, Success):
        at.saved, at.checkpoint = at.taken, step.saved.unwrap()
        line["checkpoint"] = at.checkpoint
        run.invocation.note(f"Checkpoint after {_steps(at.taken)}: {at.checkpoint}")
    if at.unlogged is None and isinstance(logged := log.add(line), Failure):
        at.unlogged = logged.failure()
    return step.saved if isinstance(step.saved, Failure) else Success(None)


def _kept(run: Run, at: Standing) -> Outcome[str]:
    """The path of the checkpoint that has all of the steps behind; it is saved unless it is there."""
    if at.checkpoint is not None and at.saved == at.taken:
        return Success(at.checkpoint)
    return change(saving(run.trainer, at.taken).result(), lambda made: made.path)


def _finish(run: Run, file: Path | None, at: Standing, path: str, status: int) -> None:
    """Say what came of it; with status 1 where the log is not whole, and that of the interrupt where steps are left."""
    invocation, lesson, losses = run.invocation, run.lesson, at.losses
    curve = Curve("loss", range(lesson.taken + 1, at.taken + 1), losses)
    drawn = None if at.taken < lesson.steps else save_curves([curve], run.curve, "Training loss")
    if losses:
        invocation.tell(f"Loss of the last steps: {_mean(losses[-8:]):.3f} nats per token")
    value = {"checkpoint": path, "steps": at.taken, "loss": _mean(losses[-8:]) if losses else None}
    done(invocation, f"Checkpoint: {path}", value)
    if drawn is None:
        invocation.tell(f"\nStopped after {_steps(at.taken)}. {'Go on' if file else 'Begin again'} with:")
        command = _going_on(run, file, at.taken, path) if file else ["tinkex", "demo", "--out", str(run.out)]
        invocation.tell(f"  {shlex.join(command)}")
    else:
        invocation.tell(f"Loss curve: {invocation.or_exit(drawn)}")
    if at.unlogged is not None:
        invocation.fail(at.unlogged)
    if at.taken < lesson.steps:
        raise SystemExit(status)


def _standing(run: Run, file: Path | None, at: Standing) -> str:
    """What there is when a training ends without a checkpoint of all its steps, and how to go on."""
    if file is None or at.checkpoint is None:
        return f"Stopped after {_steps(at.taken)}; nothing was saved."
    command = shlex.join(_going_on(run, file, at.saved, at.checkpoint))
    return (
        f"Stopped after {_steps(at.taken)}; the last checkpoint has {at.saved} of them behind. "
        f"Go on from it with:\n  {command}"
    )


def _steps(count: int) -> str:
    return counted(count, "step")


def _going_on(run: Run, file: Path, taken: int, path: str) -> list[str]:
    """The command that goes on where the steps were left, with all else as it was."""
    options, lesson = run.invocation.options, run.lesson
    given: dict[str, object] = {
        "--out": run.out,
        "--steps": lesson.steps,
        "--learning-rate": lesson.learning_rate,
        "--batch-size": lesson.batch_size,
        "--save-every": lesson.save_every,
        "--seed": lesson.seed or None,
        "--log": run.log,
        "--curve": None if run.curve == run.out / "loss.png" else run.curve,
        "--resume": path,
        "--taken": taken or None,
        "--base-url": options.base_url,
        "--api-key-file": options.api_key_file,
        "--timeout": options.timeout,
        "--format": None if options.output_format == "table" else options.output_format,
    }
    words = [str(word) for name, value in given.items() if value is not None for word in (name, value)]
    verbose = ["--verbose"] * options.verbose
    name = str(file)
    return ["tinkex", "train", *words, *verbose, *(["--"] if name.startswith("-") else []), name]


class _Saying(ProgressColumn):
    """How it goes; or, as a slow server leaves time to wonder, that an interrupt was heard and what it waits for."""

    def __init__(self, interrupts: Interrupts) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._interrupts = interrupts

    @override
    def render(self, task: Task) -> Text:
        return Text(_STOPPING if self._interrupts.status else task.description)


_STOPPING = "stopping after this step; Ctrl-C again stops now"


def _shown(
    invocation: Invocation, steps: Iterator[Outcome[Taken]], lesson: Lesson, interrupts: Interrupts
) -> Iterator[Outcome[Taken]]:
    """The steps, while a bar shows how far it is, and a line how they fall."""
    console = invocation.err
    columns = (
        SpinnerColumn(),
        BarColumn(20),
        MofNCompleteColumn(),
        _Saying(interrupts),
        TimeElapsedColumn(),
    )
    quiet = invocation.options.quiet or not console.is_terminal
    begun = monotonic()
    seen: list[float] = []
    width, blocks = max(4, min(32, console.width - 70)), console.encoding.lower().startswith("utf")
    with Progress(*columns, console=console, disable=quiet, transient=True) as progress:
        task = progress.add_task("starting", total=lesson.steps, completed=lesson.taken)
        for outcome in steps:
            if isinstance(outcome, Success):
                seen.append(outcome.unwrap().loss)
                curve = sparkline(seen, width, blocks=blocks)
                pace = len(seen) / (monotonic() - begun)
                said = f"loss {seen[-1]:.3f} {curve} {pace:.0f} steps/s"
                progress.update(task, completed=lesson.taken + len(seen), description=said)
            yield outcome


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers)
