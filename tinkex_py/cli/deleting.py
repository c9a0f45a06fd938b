"""`tinkex checkpoint delete`: one, or all that fit, in parallel."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import datetime
from typing import TypeAlias

import click
from msgspec import Struct
from returns.result import Failure
from rich.progress import track

from tinkex_py.cli.checkpoints import CHECKPOINTS
from tinkex_py.cli.complaints import exit_status, remedy
from tinkex_py.cli.display import counted, size
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command
from tinkex_py.cli.tables import write_json, write_line
from tinkex_py.clients.rest import RestClient
from tinkex_py.errors import TinkerError
from tinkex_py.types.arguments import as_moment
from tinkex_py.types.paths import KINDS, TinkerPath
from tinkex_py.types.runs import Checkpoint

Failures: TypeAlias = Sequence[tuple[str, TinkerError]]

_IMPOSSIBLE = "can't be deleted"
_TOGETHER = 32
"""Checkpoints that are deleted at once."""


def _moment(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """A date or a time, in UTC unless it says otherwise."""
    found = None if value is None else as_moment(value)
    if found is None and value is not None:
        raise click.BadParameter(f"{value!r} is no time: give 2026-07-13 or 2026-07-13T12:00:00Z")
    return found


class Failed(Struct, frozen=True):
    """A checkpoint that was not deleted, and why."""

    tinker_path: str
    error: str


class Deletion(Struct, frozen=True, kw_only=True):
    """What became of a bulk deletion."""

    deleted_count: int
    failed: Sequence[Failed] = ()


class Rehearsal(Deletion, frozen=True, kw_only=True):
    """What a bulk deletion would do."""

    would_delete: Sequence[str]


class Filter(Struct, frozen=True, kw_only=True):
    """Which checkpoints are meant."""

    kind: str | None
    before: datetime | None
    after: datetime | None

    def fits(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint fits every condition; one without a time fits none that asks for it."""
        if self.kind is not None and checkpoint.checkpoint_type != self.kind:
            return False
        if checkpoint.time is None:
            return self.before is None and self.after is None
        early = self.before is None or checkpoint.time < self.before
        return early and (self.after is None or checkpoint.time >= self.after)


@click.command(cls=Command)
@click.argument("paths", nargs=-1)
@click.option("--run-id", help="All of a training run.")
@click.option("--type", "kind", type=click.Choice([*KINDS.values(), *KINDS]), help="All of a type.")
@click.option("--before", metavar="TIME", callback=_moment, help="All that were saved before this time.")
@click.option("--after", metavar="TIME", callback=_moment, help="All that were saved at this time or later.")
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@invoked
def delete(
    invocation: Invocation,
    paths: tuple[str, ...],
    run_id: str | None,
    kind: str | None,
    before: datetime | None,
    after: datetime | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Delete checkpoints for good: those of the PATHS, or all that fit every condition given.

    What would be deleted is shown first, and asked about. Status 1 when one of them could not be deleted, 2 when a
    path is none.
    """
    conditions = Filter(kind=None if kind is None else KINDS.get(kind, kind), before=before, after=after)
    filtered = any(each is not None for each in (run_id, kind, before, after))
    if bool(paths) is filtered:
        raise click.UsageError("Give either paths, or conditions such as --run-id.")
    with invocation.client(RestClient) as rest:
        if paths:
            found: Sequence[Checkpoint] = [
                Checkpoint(checkpoint_id="", tinker_path=path) for path in dict.fromkeys(paths)
            ]
        else:
            found = [each for each in _listed(invocation, rest, run_id) if conditions.fits(each)]
        refused = _refused(found)
        if dry_run:
            _rehearse(invocation, found, refused)
            return
        if paths and refused:
            _report(invocation, Deletion(deleted_count=0, failed=_failed(refused)), "Nothing was deleted")
            _complain(invocation, _IMPOSSIBLE, refused)
        _preview(invocation, found, result=False)
        if found and not yes and not invocation.agrees(f"Delete {counted(len(found), 'checkpoint')} for good?"):
            _report(invocation, Deletion(deleted_count=0), "Nothing was deleted")
            return
        failures = _deleted(invocation, rest, found)
    _report(invocation, Deletion(deleted_count=len(found) - len(failures), failed=_failed(failures)))
    _complain(invocation, "was not deleted", failures)


def _refused(found: Sequence[Checkpoint]) -> Failures:
    """The paths that nothing can have."""
    parsed = ((each.tinker_path, TinkerPath.parse(each.tinker_path)) for each in found)
    return [(path, outcome.failure()) for path, outcome in parsed if isinstance(outcome, Failure)]


def _rehearse(invocation: Invocation, found: Sequence[Checkpoint], refused: Failures) -> None:
    """Show what would be deleted."""
    impossible = {path for path, _ in refused}
    would = [each for each in found if each.tinker_path not in impossible]
    _preview(invocation, would, result=True)
    paths = [each.tinker_path for each in would]
    rehearsal = Rehearsal(deleted_count=0, failed=_failed(refused), would_delete=paths)
    _report(invocation, rehearsal, "Nothing was deleted")
    _complain(invocation, _IMPOSSIBLE, refused)


def _failed(failures: Failures) -> list[Failed]:
    return [Failed(path, error.message) for path, error in failures]


def _complain(invocation: Invocation, how: str, failures: Failures) -> None:
    """Say of each what is wrong with it; if there is any, the command ends with the status for it."""
    for path, error in failures:
        invocation.complain(f"{path} {how}: {error.message}", remedy(error))
    if failures:
        raise SystemExit(max(exit_status(error) for _, error in failures))


def _listed(invocation: Invocation, rest: RestClient, run_id: str | None) -> Sequence[Checkpoint]:
    if run_id is None:
        return invocation.or_exit(rest.all_user_checkpoints())
    return invocation.or_exit(rest.list_checkpoints(run_id)).checkpoints


def _preview(invocation: Invocation, found: Sequence[Checkpoint], *, result: bool) -> None:
    """What is about to go: beside the result, or as the result for people."""
    say = invocation.say if result and invocation.format == "table" else invocation.note
    for each in found:
        cells = (CHECKPOINTS.columns[name].value(each) for name in ("path", "type", "size"))
        say("  ".join(str(cell) for cell in cells if cell))
    total = sum(each.size_bytes or 0 for each in found)
    invocation.note(f"{counted(len(found), 'checkpoint')}{f', {size(total)}' if total else ''}")


def _deleted(invocation: Invocation, rest: RestClient, found: Sequence[Checkpoint]) -> list[tuple[str, TinkerError]]:
    """Delete them all; those that could not be, in the order in which they were given."""
    failures: dict[str, TinkerError] = {}
    hidden = invocation.options.quiet or not invocation.err.is_terminal
    with ThreadPoolExecutor(_TOGETHER) as pool:
        waiting = {pool.submit(rest.delete_checkpoint_from_tinker_path, each.tinker_path): each for each in found}
        arriving = as_completed(waiting)
        for future in track(arriving, "Deleting", len(found), console=invocation.err, disable=hidden, transient=True):
            outcome = future.result()
            if isinstance(outcome, Failure):
                failures[waiting[future].tinker_path] = outcome.failure()
    return [(each.tinker_path, failures[each.tinker_path]) for each in found if each.tinker_path in failures]


def _report(invocation: Invocation, deletion: Deletion, said: str | None = None) -> None:
    match invocation.format:
        case "json":
            write_json(invocation, deletion)
        case "jsonl":
            write_line(invocation, deletion)
        case "table":
            invocation.tell(said or f"Deleted {counted(deletion.deleted_count, 'checkpoint')}")
