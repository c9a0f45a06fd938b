"""The Hugging Face hub as far as a checkpoint needs it; huggingface_hub is loaded when it is first used."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# huggingface_hub's own annotations are partial.

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tinkex_py.cli.invocation import Invocation
from tinkex_py.errors import ExtraMissing

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CARD = "README.md"
_OWN = re.compile(r'^tinker_path: ("tinker://.*")$', re.MULTILINE)
_CHECKPOINT = re.compile(r"tinker://[^\s\"'`]+")
_SILENCE = 300.0
"""Seconds after which a hub that says nothing is given up; the package itself waits for ever."""
_LOG_IN = "run hf auth login, or set HF_TOKEN to a token that may write (https://huggingface.co/settings/tokens)"
_TO_DO: Mapping[int | None, str] = {
    None: "check the network, and HF_ENDPOINT if it is set; then run the command again",
    401: _LOG_IN,
    403: "use a token that may write there, or give another --repo",
    404: "check --repo and --revision; a repository of others must be there, and open to your token",
    409: "run the command again",
    429: "wait a little, then run the command again",
}


class Hub:
    """What is asked of the hub, with the token that `hf auth login` stored or HF_TOKEN holds.

    Whatever goes wrong there is said in two lines, and ends the command with status 1.
    """

    def __init__(self, api: HfApi, invocation: Invocation) -> None:
        self._api = api
        self._invocation = invocation

    @contextmanager
    def _asked(self) -> Generator[HfApi]:
        try:
            yield self._api
        except Exception as error:  # noqa: BLE001 - the package raises its own, its transport's, and bare exceptions
            self._invocation.stop(*_told(error))

    def account(self) -> str:
        """Whose token it is."""
        with self._asked() as api:
            found: Mapping[str, Any] = api.whoami()
            return str(found["name"])

    def repository(self, name: str, *, public: bool) -> tuple[str, bool]:
        """Its whole name, made where it isn't there, and whether it is public; an older one stays as it is."""
        with self._asked() as api:
            repo = api.create_repo(name, private=not public, exist_ok=True).repo_id
            return repo, not api.model_info(repo).private

    def branch(self, repo: str, name: str) -> None:
        """Make a branch, unless it is there."""
        with self._asked() as api:
            api.create_branch(repo, branch=name, exist_ok=True)

    def told_of(self, repo: str, revision: str | None) -> tuple[bool, str | None]:
        """Whether the repository has a README, and the checkpoint that it names."""
        from huggingface_hub.errors import EntryNotFoundError

        with TemporaryDirectory() as folder, self._asked() as api, suppress(EntryNotFoundError):
            file = api.hf_hub_download(repo, CARD, revision=revision, local_dir=folder)
            return True, named_in(Path(file).read_text(encoding="utf-8", errors="replace"))
        return False, None

    @staticmethod
    def takes(name: str, allow: Sequence[str], ignore: Sequence[str]) -> bool:
        """Whether `upload` would bring a file of that name there."""
        from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]  # it is in its documents

        return any(filter_repo_objects([name], allow_patterns=list(allow) or None, ignore_patterns=list(ignore)))

    def upload(
        self,
        repo: str,
        folder: Path,
        *,
        revision: str | None,
        message: str,
        create_pr: bool,
        allow: Sequence[str],
        ignore: Sequence[str],
    ) -> str:
        """Bring a folder's files there, in one commit; return where to look at it."""
        with self._asked() as api:
            done = api.upload_folder(
                repo_id=repo,
                folder_path=folder,
                revision=revision,
                commit_message=message,
                create_pr=create_pr,
                allow_patterns=list(allow) or None,
                ignore_patterns=list(ignore),
            )
            return done.pr_url or done.commit_url


def named_in(readme: str) -> str | None:
    """The checkpoint that a README tells of: by the field that cards from here have, or else anywhere in it."""
    with suppress(ValueError):
        own = _OWN.search(readme)
        if own is not None:
            return str(json.loads(own[1]))
    found = _CHECKPOINT.search(readme)
    return found and found[0]


def hub_of(invocation: Invocation) -> Hub:
    """The hub, of which nothing is asked yet; the command ends where the package for it isn't installed."""
    try:
        from huggingface_hub import HfApi, get_session
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ImportError:
        message = "pushing to the hub needs a package: pip install 'tinkex-py[hub]'"
        invocation.fail(ExtraMissing(message=message, extra="hub"))
    if invocation.options.quiet or not invocation.err.is_terminal:
        _ = disable_progress_bars()
    get_session().timeout = invocation.options.timeout or _SILENCE
    return Hub(HfApi(endpoint=os.environ.get("HF_ENDPOINT")), invocation)


def _told(error: Exception) -> tuple[str, str]:
    """What happened, in one line of the hub's own words, and what to do."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    if isinstance(error, LocalTokenNotFoundError):
        return "there is no token of the hub", _LOG_IN
    if isinstance(error, HFValidationError):
        return f"the hub takes no such name: {_line(str(error))}", "give another --repo, such as you/my-adapter"
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        said = error.server_message or f"status {status}"
        return f"the hub refused: {_line(said)}", _TO_DO.get(status, "run the command again, or another time")
    return f"the hub can't be reached or read: {_line(str(error) or type(error).__name__)}", _TO_DO[None]


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
