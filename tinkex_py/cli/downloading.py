"""`tinkex checkpoint download`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from tinkex_py.cli.display import harmless
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command, Place
from tinkex_py.cli.tables import done
from tinkex_py.clients.downloads import Downloaded, download_checkpoint
from tinkex_py.clients.service import ServiceClient


@click.command(cls=Command)
@click.argument("path")
@click.option(
    "-o",
    "--output",
    type=Place(file_okay=False),
    default=Path(),
    show_default="here",
    help="The folder to put it into, in a folder of its own.",
)
@click.option("--force", is_flag=True, help="Replace what is there already.")
@invoked
def download(invocation: Invocation, path: str, output: Path, *, force: bool) -> None:
    """Bring a checkpoint to this machine: the adapter as files that other libraries read.

    A download that was broken off goes on where it was when the command is run again, if the server still has the
    same files and says so. Weights to train on, of a server that makes no archives, are exported for the time it takes.
    """
    with invocation.client(ServiceClient) as service:
        found = downloaded(invocation, service, path, output, force=force)
    value = {"tinker_path": path, "folder": found.folder, "files": found.files}
    done(invocation, f"Downloaded: {found.folder}", value)


def downloaded(invocation: Invocation, service: ServiceClient, path: str, output: Path, *, force: bool) -> Downloaded:
    """A checkpoint in a folder of its own in `output`, with a bar for each file while it comes."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(20), DownloadColumn(), TransferSpeedColumn())
    hidden = invocation.options.quiet or not invocation.err.is_terminal
    with Progress(*columns, console=invocation.err, disable=hidden, transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def show(name: str, came: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(harmless(name))
            progress.update(tasks[name], completed=came, total=total)

        return invocation.or_exit(download_checkpoint(service, path, output, force=force, progress=show))
