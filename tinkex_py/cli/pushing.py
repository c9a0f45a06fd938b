"""`tinkex checkpoint push-hf`: an adapter brought to the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from msgspec import MsgspecError

from tinkex_py.cli.cards import Adapter, complete_config, described, layout_of, write_card
from tinkex_py.cli.downloading import downloaded
from tinkex_py.cli.hub import CARD, Hub, hub_of
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command
from tinkex_py.cli.tables import done
from tinkex_py.clients.rest import RestClient
from tinkex_py.clients.service import ServiceClient
from tinkex_py.errors import FileFailed
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.raised import in_words

_LEFT_OUT = ("optimizer.safetensors", "checkpoint_complete")
"""Files of a checkpoint that nobody needs who loads its adapter."""


@click.command("push-hf", cls=Command)
@click.argument("path")
@click.option("-r", "--repo", metavar="NAME", help="The repository, such as you/my-adapter; else named after the run.")
@click.option("--public", is_flag=True, help="Let everybody see it; else it is private.")
@click.option("--revision", metavar="BRANCH", help="The branch to put it on, made if it isn't there.")
@click.option("--commit-message", metavar="TEXT", help="What the commit says.")
@click.option("--create-pr", is_flag=True, help="Propose it as a pull request.")
@click.option("--allow-pattern", "allow", multiple=True, metavar="GLOB", help="Only files like this; may be repeated.")
@click.option("--ignore-pattern", "ignore", multiple=True, metavar="GLOB", help="No files like this; may be repeated.")
@click.option("--no-model-card", is_flag=True, help="Write no README.md.")
@invoked
def push_hf(
    invocation: Invocation,
    path: str,
    repo: str | None,
    revision: str | None,
    commit_message: str | None,
    allow: tuple[str, ...],
    ignore: tuple[str, ...],
    *,
    public: bool,
    create_pr: bool,
    no_model_card: bool,
) -> None:
    """Bring a checkpoint's adapter to the Hugging Face hub, with a README that tells how to load it.

    It takes the extra `hub`, and a token: of `hf auth login`, or in HF_TOKEN. A repository that is public already
    takes it with --public only; one that tells of another checkpoint doesn't take it, and a README that doesn't
    come from here stays. Moments of the optimizer are left out.
    """
    if create_pr and revision is not None:
        raise click.UsageError("Give either --revision or --create-pr: a pull request is to the main branch.")
    place = invocation.or_exit(TinkerPath.parse(path))
    hub = hub_of(invocation)
    with TemporaryDirectory() as beside, invocation.client(ServiceClient) as service:
        account = hub.account()
        folder = downloaded(invocation, service, path, Path(beside), force=False).folder
        adapter = _adapter(invocation, service, path, folder)
        left_out = (*ignore, *(() if allow else _LEFT_OUT))
        names = [*_files(folder), *(() if no_model_card else (CARD,))]
        if not any(hub.takes(name, allow, left_out) for name in names):
            invocation.stop("no file fits the patterns, and nothing was uploaded", f"there are {', '.join(names)}")
        if repo is None:
            repo = _plain(f"tinker-{(adapter.base_model or 'adapter').rpartition('/')[2]}-{place.training_run_id}")
            revision = revision or (None if create_pr else _plain(place.checkpoint_id))
        repo, is_public = _repository(invocation, hub, repo, public=public)
        if revision is not None:
            hub.branch(repo, revision)
        own_readme = _own_readme(invocation, hub, repo, revision, path)
        if not no_model_card and not own_readme:
            with _on_disk(invocation, folder):
                write_card(adapter, repo, revision, folder)
        invocation.note(f"Uploading to {repo} as {account}")
        message = commit_message or f"Add the adapter of {path}"
        if own_readme:
            left_out = (*left_out, CARD)
        address = hub.upload(
            repo, folder, revision=revision, message=message, create_pr=create_pr, allow=allow, ignore=left_out
        )
    said = {"tinker_path": path, "repo_id": repo, "revision": revision, "public": is_public, "url": address}
    done(invocation, f"Pushed: {address}", said)


def _adapter(invocation: Invocation, service: ServiceClient, path: str, folder: Path) -> Adapter:
    """What was downloaded, made whole; the end where it is no adapter."""
    layout = layout_of(folder)
    if layout is None:
        invocation.stop(
            f"{path} holds no adapter but {', '.join(_files(folder)) or 'nothing'}",
            "give the path of weights to train on, or exported without encryption",
        )
    known = RestClient.beside(service).get_weights_info_by_tinker_path(path)
    with _on_disk(invocation, folder):
        adapter = described(layout, path, known, folder)
        complete_config(adapter, folder)
        return adapter


def _files(folder: Path) -> Sequence[str]:
    """The names of a checkpoint's files."""
    return sorted(file.name for file in folder.iterdir())


@contextmanager
def _on_disk(invocation: Invocation, folder: Path) -> Generator[None]:
    """The end where files that came can't be read, or none can be written beside them."""
    try:
        yield
    except (OSError, MsgspecError) as error:
        invocation.fail(FileFailed(message=f"the adapter's files can't be used: {in_words(error)}", path=str(folder)))


def _repository(invocation: Invocation, hub: Hub, name: str, *, public: bool) -> tuple[str, bool]:
    """Its whole name and whether it is public: nothing becomes public that nobody called so."""
    repo, is_public = hub.repository(name, public=public)
    if is_public and not public:
        invocation.stop(f"{repo} is public, and nothing was uploaded", "add --public, or give another --repo")
    if public and not is_public:
        invocation.note(f"{repo} is private, and stays so: change that on its page")
    return repo, is_public


def _own_readme(invocation: Invocation, hub: Hub, repo: str, revision: str | None, path: str) -> bool:
    """Whether there is a README of somebody's own; the end where it tells of another checkpoint."""
    there, named = hub.told_of(repo, revision)
    if named is not None and named != path:
        invocation.stop(
            f"{repo} holds another checkpoint, {named}, and nothing was uploaded",
            "give another --repo, or a --revision of its own",
        )
    return there and named is None


def _plain(name: str) -> str:
    """A name that the hub takes: letters, digits, dots, dashes and underscores, not too long."""
    kept: Sequence[str] = re.findall(r"[A-Za-z0-9_.]+", name)
    return "-".join(kept)[:96].strip("-._")
