"""`tinkex version`, and the completion of commands in a shell."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

import click
from click.shell_completion import get_completion_class

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command
from tinkex_py.cli.tables import show_one, write_json
from tinkex_py.version import PROTOCOL_VERSION, __version__

PACKAGE = "tinkex-py"


@click.command("version", cls=Command)
@click.option("--json", "as_json", is_flag=True, help="As JSON; --format json does the same.")
@click.option("--deps", is_flag=True, help="With Python, and the packages that are used.")
@invoked
def version_command(invocation: Invocation, *, as_json: bool, deps: bool) -> None:
    """Print the version, and the release of the protocol that is spoken."""
    value: dict[str, object] = {"tinkex": __version__, "protocol": PROTOCOL_VERSION}
    if deps:
        value |= {"python": platform.python_version(), "platform": platform.platform(), "dependencies": _dependencies()}
    if as_json:
        write_json(invocation, value)
    elif invocation.format == "table" and not deps:
        invocation.say(f"tinkex {__version__} (protocol {PROTOCOL_VERSION})")
    else:
        flat = {name: each for name, each in value.items() if name != "dependencies"}
        show_one(invocation, value, {**flat, **(_dependencies() if deps else {})})


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@invoked
def completion(invocation: Invocation, shell: str) -> None:
    """Print what makes SHELL complete commands and options: `source <(tinkex completion bash)`."""
    found = get_completion_class(shell)
    context = click.get_current_context().find_root()
    if found is None:
        raise click.UsageError(f"there is no completion for {shell}")
    invocation.write(found(context.command, {}, "tinkex", "_TINKEX_COMPLETE").source() + "\n")


def _dependencies() -> dict[str, str | None]:
    """The packages that this one names, by name, with the releases that are there."""
    names = {
        re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0] for each in requires(PACKAGE) or () if "extra" not in each
    }
    optional = (
        "aiohttp",
        "click",
        "h2",
        "huggingface_hub",
        "matplotlib",
        "numpy",
        "rich",
        "safetensors",
        "threadpoolctl",
        "tokenizers",
        "uvicorn",
        "uvloop",
        "zstandard",
    )
    return {name: _release(name) for name in sorted({*names, *optional})}


def _release(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
