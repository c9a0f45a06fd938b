"""`tinkex run`: training runs."""

from __future__ import annotations

import click

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Decorator, Group
from tinkex_py.cli.tables import Column, Table, columns_option, show, show_one
from tinkex_py.clients.rest import RestClient
from tinkex_py.plans.pages import collected, training_runs
from tinkex_py.types.arguments import arguments_check
from tinkex_py.types.runs import AccessScope, Checkpoint, TrainingRun

scope_option = click.option(
    "--access-scope",
    type=click.Choice(["owned", "accessible"]),
    default="owned",
    show_default=True,
    help="Your own, or all that you may see.",
)


def limit_option(default: int) -> Decorator:
    """How many of a list."""
    return click.option(
        "--limit", type=click.IntRange(0), default=default, show_default=True, help="How many at most; 0 means all."
    )


def last_checkpoint(run: TrainingRun) -> Checkpoint | None:
    """The newest of the checkpoints to train on and to sample from."""
    both = [each for each in (run.last_checkpoint, run.last_sampler_checkpoint) if each is not None]
    return max(both, key=lambda each: (each.time is not None, each.time), default=None)


def _lora(run: TrainingRun) -> str:
    return f"rank {run.lora_rank or '?'}" if run.is_lora else "no"


def _checkpoint_path(run: TrainingRun) -> str | None:
    last = last_checkpoint(run)
    return None if last is None else last.tinker_path


RUNS: Table[TrainingRun] = Table(
    key="runs",
    columns={
        "id": Column(lambda run: run.training_run_id, whole=True),
        "model": Column(lambda run: run.base_model),
        "owner": Column(lambda run: run.model_owner),
        "lora": Column(_lora),
        "updated": Column(lambda run: run.last_request_time),
        "status": Column(lambda run: "corrupted" if run.corrupted else "active"),
        "checkpoint": Column(_checkpoint_path, whole=True),
        "checkpoint_time": Column(lambda run: getattr(last_checkpoint(run), "time", None)),
    },
    usual=("id", "model", "lora", "updated", "status"),
)


_LISTING = arguments_check(RestClient.list_training_runs.plan)
"""What is wrong with the arguments of a list that begins further on, which no method of the client has."""


@click.group(cls=Group)
def run() -> None:
    """Training runs."""


@run.command("list")
@limit_option(20)
@click.option("--offset", type=click.IntRange(0), default=0, show_default=True, help="How many to pass over.")
@scope_option
@click.option("--project-id", help="Only those of a project.")
@columns_option(RUNS)
@invoked
def list_runs(
    invocation: Invocation,
    limit: int,
    offset: int,
    access_scope: AccessScope,
    project_id: str | None,
    columns: str | None,
) -> None:
    """Training runs, the latest first."""
    problem = _LISTING((1, offset, access_scope, project_id), {})
    if problem is not None:
        invocation.fail(problem)
    with invocation.client(RestClient) as rest:
        wanted, policy = limit or None, rest.context.policy()
        runs = collected(training_runs(access_scope, project_id), policy, wanted=wanted, offset=offset)
        found = invocation.or_exit(rest.execute(runs))
    show(invocation, RUNS, found, columns)


@run.command("info")
@click.argument("run_id")
@scope_option
@invoked
def run_info(invocation: Invocation, run_id: str, access_scope: AccessScope) -> None:
    """One training run."""
    with invocation.client(RestClient) as rest:
        found = invocation.or_exit(rest.get_training_run(run_id, access_scope))
    fields = {name: column.value(found) for name, column in RUNS.columns.items()}
    show_one(invocation, found, {**fields, "metadata": found.user_metadata})
