"""`tinkex checkpoint`: what is saved, who may see it, and how long it is kept."""

from __future__ import annotations

from collections.abc import Sequence

import click

from tinkex_py.cli.display import size
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Group
from tinkex_py.cli.runs import limit_option
from tinkex_py.cli.tables import Column, Table, changed, columns_option, show, show_one
from tinkex_py.clients.rest import RestClient
from tinkex_py.errors import NotFound
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.runs import Checkpoint

CHECKPOINTS: Table[Checkpoint] = Table(
    key="checkpoints",
    columns={
        "path": Column(lambda checkpoint: checkpoint.tinker_path, whole=True),
        "id": Column(lambda checkpoint: checkpoint.checkpoint_id, whole=True),
        "type": Column(lambda checkpoint: checkpoint.checkpoint_type),
        "size": Column(lambda checkpoint: size(checkpoint.size_bytes), right=True),
        "created": Column(lambda checkpoint: checkpoint.time),
        "expires": Column(lambda checkpoint: checkpoint.expires_at or "never"),
        "public": Column(lambda checkpoint: checkpoint.public),
        "metadata": Column(lambda checkpoint: checkpoint.user_metadata),
    },
    usual=("path", "type", "size", "created", "expires", "public"),
)


@click.group(cls=Group)
def checkpoint() -> None:
    """Checkpoints: saved weights, by the path that saving printed (tinker://...)."""


@checkpoint.command("list")
@click.option("--run-id", help="Only those of a training run.")
@limit_option(20)
@columns_option(CHECKPOINTS)
@invoked
def list_checkpoints(invocation: Invocation, run_id: str | None, limit: int, columns: str | None) -> None:
    """Your checkpoints."""
    with invocation.client(RestClient) as rest:
        if run_id is None:
            found: Sequence[Checkpoint] = invocation.or_exit(rest.all_user_checkpoints(limit or None))
        else:
            found = invocation.or_exit(rest.list_checkpoints(run_id)).checkpoints
    extra = {} if run_id is None else {"run_id": run_id}
    show(invocation, CHECKPOINTS, found[: limit or None], columns, extra)


@checkpoint.command("info")
@click.argument("path")
@invoked
def checkpoint_info(invocation: Invocation, path: str) -> None:
    """One checkpoint, and the training run that it comes from."""
    place = invocation.or_exit(TinkerPath.parse(path))
    with invocation.client(RestClient) as rest:
        listed = invocation.or_exit(rest.list_checkpoints(place.training_run_id)).checkpoints
        found = next((each for each in listed if each.tinker_path == path), None)
        if found is None:
            invocation.fail(NotFound(message=f"its training run has no checkpoint {path}", status=404))
        of_run = invocation.or_exit(rest.get_training_run(place.training_run_id))
    fields = {name: column.value(found) for name, column in CHECKPOINTS.columns.items()}
    lora = {"run": of_run.training_run_id, "model": of_run.base_model, "lora rank": of_run.lora_rank}
    show_one(invocation, {"checkpoint": found, "run": of_run}, {**fields, **lora})


@checkpoint.command()
@click.argument("path")
@invoked
def publish(invocation: Invocation, path: str) -> None:
    """Let everybody read a checkpoint."""
    with invocation.client(RestClient) as rest:
        invocation.or_exit(rest.publish_checkpoint_from_tinker_path(path))
    changed(invocation, f"Public from now on: {path}", {"tinker_path": path, "public": True})


@checkpoint.command()
@click.argument("path")
@invoked
def unpublish(invocation: Invocation, path: str) -> None:
    """Make a checkpoint private again."""
    with invocation.client(RestClient) as rest:
        invocation.or_exit(rest.unpublish_checkpoint_from_tinker_path(path))
    changed(invocation, f"Private again: {path}", {"tinker_path": path, "public": False})


@checkpoint.command("set-ttl")
@click.argument("path")
@click.option("--ttl", type=click.IntRange(1), metavar="SECONDS", help="Delete it so many seconds from now.")
@click.option("--remove", is_flag=True, help="Keep it for good.")
@invoked
def set_ttl(invocation: Invocation, path: str, ttl: int | None, *, remove: bool) -> None:
    """Say how long a checkpoint is kept: give either --ttl or --remove."""
    if (ttl is None) is not remove:
        raise click.UsageError("Give either --ttl SECONDS or --remove.")
    with invocation.client(RestClient) as rest:
        invocation.or_exit(rest.set_checkpoint_ttl_from_tinker_path(path, ttl))
    until = "for good" if ttl is None else f"for {ttl} s"
    changed(invocation, f"Kept {until}: {path}", {"tinker_path": path, "ttl_seconds": ttl})
