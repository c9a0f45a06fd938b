"""`tinkex serve`: the embedded engine on a port."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path

import click
from returns.result import Failure

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command, Place
from tinkex_py.cli.tables import answer
from tinkex_py.outcome import Outcome
from tinkex_py.types.kinds import fits_header

_UNFIT = "is empty, or holds characters that no HTTP header can carry."


def _usable(_context: click.Context, _option: click.Parameter, key: str | None) -> str | None:
    """A key that clients can send: one that is empty would let everybody in, or nobody."""
    if key is None or fits_header(key.strip()):
        return key
    raise click.BadParameter(f"it {_UNFIT}")


def _named(_context: click.Context, _option: click.Parameter, host: str) -> str:
    """An address that somebody chose: one that is empty, as that of an unset variable is, would be all there are."""
    if host and host.isprintable():
        return host
    raise click.BadParameter("it is empty, or no text; give 0.0.0.0 to be reached from everywhere.")


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, callback=_named, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--directory", type=Place(), help="Where checkpoints are kept.")
@click.option(
    "--api-key",
    envvar="TINKEX_SERVE_API_KEY",
    callback=_usable,
    help="Ask clients for this key, or that of --api-key-file.",
)
@click.option(
    "--token-seconds", type=click.IntRange(1), help="Have clients exchange the key for tokens of this lifetime."
)
@invoked
def serve(
    invocation: Invocation,
    host: str,
    port: int,
    directory: Path | None,
    api_key: str | None,
    token_seconds: int | None,
) -> None:
    """Serve the embedded engine on a port, for any Tinker client, until Ctrl-C."""
    if invocation.options.base_url is not None:
        raise click.UsageError("--base-url names a server to talk to; give --host and --port.")
    api_key = _asked(invocation, api_key)
    try:
        asgi = import_module("tinkex_py.local.asgi")
    except ImportError as error:
        what = f"serving needs a package that is not installed ({error.name})"
        invocation.stop(what, "pip install 'tinkex-py[serve]'")
    outcome: Outcome[None, str] = asgi.serve(
        host,
        port,
        None if directory is None else str(directory),
        api_key,
        token_seconds,
        partial(_announce, invocation, asks=api_key is not None),
    )
    if isinstance(outcome, Failure):
        invocation.stop(outcome.failure(), "choose another --port, --host or --directory")


def _asked(invocation: Invocation, api_key: str | None) -> str | None:
    """The key that clients are asked for, of which a file of it is another way to say it."""
    kept = invocation.key()
    if kept is None:
        return api_key
    if api_key is not None:
        raise click.UsageError("Give either --api-key (or TINKEX_SERVE_API_KEY) or --api-key-file.")
    if not fits_header(kept):
        raise click.BadParameter(f"it {_UNFIT}", param_hint="'--api-key-file'")
    return kept


def _announce(invocation: Invocation, address: str, *, asks: bool) -> None:
    answer(invocation, f"The embedded engine is at {address}  (Ctrl-C ends it)", {"address": address})
    if invocation.format == "table":
        key = " and TINKER_API_KEY=(the key that you gave)" if asks else " TINKER_API_KEY=tml-local"
        invocation.tell(f"Point a client at it: TINKER_BASE_URL={address}{key}")
