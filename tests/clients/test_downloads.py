"""Checkpoints brought to this machine from servers that answer oddly."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.clients.fronts import error_of
from tinkex_py import ServiceClient
from tinkex_py.clients.downloads import Downloaded, download_checkpoint
from tinkex_py.errors import FileFailed
from tinkex_py.outcome import Outcome

PATH = "tinker://run/weights/a"
NAME = "run_weights_a"
_PATIENCE = 9
"""Questions after which the server has had enough."""


class Archives:
    """A server with one archive: its answers to questions for bytes, over and over; keeps where these begin."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.asked: list[str] = []
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/archive"):
            return httpx.Response(200, json={"url": "http://files.test/a", "expires": "2100-01-01T00:00:00Z"})
        if request.url.host != "files.test":
            return httpx.Response(404)
        self.asked.append(request.headers["range"].removeprefix("bytes=").partition("-")[0])
        if len(self.asked) > _PATIENCE:
            return httpx.Response(404)
        given = self._answers[(len(self.asked) - 1) % len(self._answers)]
        return httpx.Response(given.status_code, headers=given.headers, content=given.content)

    def download(self, directory: Path, *, force: bool = False) -> Outcome[Downloaded]:
        transport = httpx.MockTransport(self)
        with ServiceClient(base_url="http://server.test", api_key="tml-key", transport=transport) as service:
            return download_checkpoint(service, PATH, directory, force=force)


def nothing(said: str | None) -> httpx.Response:
    return httpx.Response(416, headers={} if said is None else {"content-range": said})


def some(start: int) -> httpx.Response:
    return httpx.Response(206, headers={"content-range": f"bytes {start}-{start + 1}/100"}, content=b"ab")


WITHHELD = {
    "from the beginning": ((nothing("bytes */100"),), 0, ["0"]),
    "unsaid": ((nothing(None),), 0, ["0"]),
    "again": ((nothing("bytes */100"),), 7, ["7", "0"]),
    "again and again": ((some(0), nothing("bytes */100")), 0, ["0", "2", "0", "2"]),
}


@pytest.mark.parametrize(("answers", "came", "asked"), WITHHELD.values(), ids=WITHHELD)
def test_a_server_that_withholds_a_file_is_not_asked_for_ever(
    tmp_path: Path, answers: tuple[httpx.Response, ...], came: int, asked: list[str]
) -> None:
    beside = tmp_path / f"{NAME}.partial" / "archive.tar.partial"
    beside.parent.mkdir()
    _ = beside.write_bytes(bytes(came))
    server = Archives(*answers)
    error = error_of(FileFailed, server.download(tmp_path))
    assert "gives no bytes of archive.tar" in error.message
    assert server.asked == asked
