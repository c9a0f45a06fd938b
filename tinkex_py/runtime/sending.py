"""Large bodies on their way to a server, over a connection of aiohttp's."""

from __future__ import annotations

import asyncio
from math import inf

from aiohttp.client_proto import ResponseHandler
from aiohttp.http_writer import StreamWriter

from tinkex_py.request import Encoded
from tinkex_py.runtime.carriage import PORTION

_BUNDLE = 8 << 20
"""Bytes that are handed to the transport at once: it sends what can't leave yet by itself."""
_APART = 2 << 10
"""Bytes that parts of a body have at least, on an average, to leave as they are: joining shorter ones costs less."""
_LOOKS = 4
"""How often it is looked whether a body is leaving, in the time in which there has to be a sign of life."""


class Sending:
    """A body that leaves while its answer may come: a server that refuses it needn't take it in first.

    That it leaves is a sign of life. Under TLS it is handed over in portions: encrypting takes its time, and what has
    been encrypted can't be seen leaving.
    """

    def __init__(self, protocol: ResponseHandler, transport: asyncio.Transport, head: bytes, content: Encoded) -> None:
        self._protocol = protocol
        self._transport = transport
        size = _BUNDLE if transport.get_extra_info("sslcontext") is None else PORTION
        self._bundles = content.bundles(size, _APART)
        self._handed_over = 1
        transport.writelines([head, *next(self._bundles)])
        self._rest = asyncio.create_task(self._send()) if content.size > size else None
        self._timer: asyncio.TimerHandle | None = None
        self._look(None)

    def end(self) -> None:
        """Now that there is an answer, or won't be one; a connection on which more would leave is not used again."""
        if self._timer is not None:
            self._timer.cancel()
        self._protocol.read_timeout = None
        self._protocol.start_timeout()
        interrupted = self._rest is not None and self._rest.cancel()
        if interrupted or self._transport.get_write_buffer_size():
            self._protocol.force_close()

    async def _send(self) -> None:
        """Hand over what is left as it can leave; an error is raised where the answer is waited for."""
        writer = StreamWriter(self._protocol, asyncio.get_running_loop())
        try:
            for bundle in self._bundles:
                await writer.drain()
                self._handed_over += 1
                self._transport.writelines(bundle)
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is waited for
            self._protocol.set_exception(error)

    def _look(self, before: tuple[int, int] | None) -> None:
        """Wait anew for a sign of life if there has been one."""
        seen = self._handed_over, self._transport.get_write_buffer_size()
        if seen != before:
            self._protocol.start_timeout()
        pause = (self._protocol.read_timeout or inf) / _LOOKS
        self._timer = asyncio.get_running_loop().call_later(pause, self._look, seen)
