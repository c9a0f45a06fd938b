"""A stand-in for the Hugging Face hub on a loopback port: repositories with branches of files, and what was said."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

TOKEN = "hf_made_up"
COMMIT = "0" * 40
PROPOSAL: dict[str, object] = {
    "num": 1,
    "title": "a pull request",
    "createdAt": "2026-07-13T12:00:00.000Z",
    "status": "draft",
    "isPullRequest": True,
    "events": [],
    "filesWithConflicts": [],
    "changes": {"base": "refs/heads/main"},
}


class Hub(ThreadingHTTPServer):
    """Repositories by name; `refused` answers every request with that status."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.private: dict[str, bool] = {}
        self.files: dict[tuple[str, str], dict[str, bytes]] = {}
        self.commits: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.refused: int | None = None
        self.answering = threading.Event()
        self.answering.set()

    @property
    def environment(self) -> dict[str, str]:
        """What leads the command here, with a token."""
        return {"HF_ENDPOINT": f"http://127.0.0.1:{self.server_port}", "HF_TOKEN": TOKEN}

    @contextmanager
    def silent(self) -> Generator[None]:
        """Answer nothing until the end of the block."""
        self.answering.clear()
        try:
            yield
        finally:
            self.answering.set()

    def holds(self, repo: str, branch: str = "main") -> dict[str, bytes]:
        """The files of a branch."""
        return self.files.setdefault((repo, branch), {})

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """What a request does and gets."""
        words = path.partition("?")[0].strip("/").split("/")
        match method, words:
            case _ if self.refused is not None:
                return self.refused, {"error": "not here"}
            case _, ["api", "whoami-v2"]:
                return 200, {"name": "me", "type": "user"}
            case _, ["api", "repos", "create"]:
                return self._create(json.loads(body))
            case _, ["api", "models", owner, name, "preupload", _]:
                names = [each["path"] for each in json.loads(body)["files"]]
                return 200, {
                    "files": [{"path": each, "uploadMode": "regular", "shouldIgnore": False} for each in names]
                }
            case _, ["api", "models", owner, name, "commit", branch]:
                return self._commit(f"{owner}/{name}", branch, body)
            case _, ["api", "models", owner, name, "discussions", *_]:
                return 200, {**PROPOSAL, "repo": {"name": f"{owner}/{name}", "type": "model"}}
            case _, ["api", "models", owner, name, *_]:
                private = self.private[f"{owner}/{name}"]
                return 200, {"id": f"{owner}/{name}", "private": private, "siblings": [], "sha": COMMIT}
            case _, [owner, name, "resolve", branch, file]:
                found = self.holds(f"{owner}/{name}", branch).get(file)
                return (404, {"error": "none"}) if found is None else (200, found)
            case _:
                return 200, {}

    def _create(self, asked: dict[str, Any]) -> tuple[int, object]:
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        known = repo in self.private
        if not known:
            self.private[repo] = asked.get("visibility") == "private" or bool(asked.get("private"))
        return 409 if known else 200, {"url": f"{self.environment['HF_ENDPOINT']}/{repo}", "name": repo, "id": repo}

    def _commit(self, repo: str, branch: str, body: bytes) -> tuple[int, object]:
        header, *files = map(json.loads, body.splitlines())
        self.commits.append({"repo": repo, "branch": branch, **header["value"]})
        for file in files:
            self.holds(repo, branch)[file["value"]["path"]] = base64.b64decode(file["value"]["content"])
        url = f"{self.environment['HF_ENDPOINT']}/{repo}"
        return 200, {
            "commitUrl": f"{url}/commit/{COMMIT}",
            "commitOid": COMMIT,
            "pullRequestUrl": f"{url}/discussions/1",
        }


class _Answer(BaseHTTPRequestHandler):
    def _any(self) -> None:
        assert isinstance(self.server, Hub)
        if not self.server.answering.is_set():
            self.close_connection = self.server.answering.wait(60)
            return
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.heard.append(f"{self.requestline}\n{self.headers}{body.decode('utf-8', 'replace')}")
        status, said = self.server.answer(self.command, self.path, body)
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        headers = {"content-length": str(len(content)), "etag": '"x"', "x-repo-commit": COMMIT}
        if status == 404:
            headers["x-error-code"] = "EntryNotFound"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            _ = self.wfile.write(content)

    def do_GET(self) -> None:
        self._any()

    def do_HEAD(self) -> None:
        self._any()

    def do_POST(self) -> None:
        self._any()

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def hub() -> Generator[Hub]:
    """The hub, until the end of the block."""
    with Hub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
