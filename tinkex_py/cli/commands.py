"""All commands, and what they have in common with no other program."""

from __future__ import annotations

import click

from tinkex_py.cli.auth import auth
from tinkex_py.cli.billing import billing
from tinkex_py.cli.checkpoints import checkpoint
from tinkex_py.cli.deleting import delete
from tinkex_py.cli.doctor import doctor
from tinkex_py.cli.downloading import download
from tinkex_py.cli.models import model
from tinkex_py.cli.options import Group
from tinkex_py.cli.plotting import plot
from tinkex_py.cli.pushing import push_hf
from tinkex_py.cli.runs import run
from tinkex_py.cli.sampling import sample
from tinkex_py.cli.serving import serve
from tinkex_py.cli.sessions import session
from tinkex_py.cli.training import demo, save, train_command
from tinkex_py.cli.versions import completion, version_command


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
def tinkex() -> None:
    """Fine-tune language models and sample from them, on the Tinker service or on the embedded engine."""


for command in (
    auth,
    billing,
    checkpoint,
    completion,
    demo,
    doctor,
    model,
    plot,
    run,
    sample,
    serve,
    session,
    train_command,
    version_command,
):
    tinkex.add_command(command)
for command in (delete, download, push_hf, save):
    checkpoint.add_command(command)
