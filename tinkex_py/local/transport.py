"""The embedded server behind an httpx transport, in the same process."""

from __future__ import annotations

from pathlib import Path

import httpx
from typing_extensions import override

from tinkex_py.local.incoming import incoming
from tinkex_py.local.worker import Worker


class LocalTransport(httpx.AsyncBaseTransport):
    """Sends requests to a worker instead of a network; the host in their address means nothing.

    >>> httpx.AsyncClient(transport=LocalTransport(Worker()), base_url="http://local")  # doctest: +ELLIPSIS
    <httpx.AsyncClient object at ...>
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    @property
    def directory(self) -> Path:
        """Where the checkpoints are."""
        return self._worker.directory

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._worker.closed:
            raise httpx.ConnectError("the embedded server is closed", request=request)
        body = await request.aread()
        target = request.url.raw_path.decode("ascii")
        found = await self._worker.answer(incoming(request.method, target, tuple(request.headers.multi_items()), body))
        return httpx.Response(found.status, headers=list(found.headers), content=found.body)

    @override
    async def aclose(self) -> None:
        await self._worker.close()


def open_transport(directory: str | None) -> LocalTransport:
    """A transport to a server of its own, with its checkpoints below `directory`, or in a temporary folder.

    An OSError says that the folder can't be used.
    """
    folder = None if directory is None else Path(directory).expanduser()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return LocalTransport(Worker(folder))
