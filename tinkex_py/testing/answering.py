"""Answers of one's own for a client, by method and path; what every client asks first is answered by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import httpx

from tinkex_py.types.raised import in_words

Told: TypeAlias = httpx.Response | Mapping[str, Any]
"""A response, or the JSON of a 200."""

Answer: TypeAlias = Told | Callable[[httpx.Request], Told | Awaitable[Told]]
"""What is told, or a function that makes it, async or not."""

STARTUP: Mapping[str, Mapping[str, Any]] = {
    "POST /api/v1/client/config": {},
    "POST /api/v1/client/dynamic_config": {},
    "GET /api/v1/get_server_capabilities": {"supported_models": []},
    "POST /api/v1/create_session": {"session_id": "session"},
    "POST /api/v1/session_heartbeat": {},
    "POST /api/v1/sessions/session/finish": {},
}
"""What a client asks by itself, with the least that it is content with; all else of a server may be missing."""


def answering(answers: Mapping[str, Answer]) -> httpx.MockTransport:
    """A transport that answers by `METHOD /path`, from `answers`, then from `STARTUP`, else with 404.

    A function may raise an error of httpx or of the system, as a network does. Whatever else it raises is no trouble
    of the network, which a client would wait out: it comes as the detail of a 400.

    >>> answering({"GET /api/v1/healthz": {"status": "ok"}})  # doctest: +ELLIPSIS
    <httpx.MockTransport object at ...>
    """
    known = {**STARTUP, **answers}

    async def handler(request: httpx.Request) -> httpx.Response:
        place = f"{request.method} {request.url.path}"
        if place not in known:
            return httpx.Response(404, json={"detail": f"no answer is set for {place}"})
        try:
            return await _answered(known[place], request)
        except (httpx.HTTPError, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - a test's own code
            return httpx.Response(400, json={"detail": f"the answer for {place} failed: {in_words(error)}"})

    return httpx.MockTransport(handler)


async def _answered(answer: Answer, request: httpx.Request) -> httpx.Response:
    if isinstance(answer, httpx.Response):
        return httpx.Response(answer.status_code, headers=_unpacked(answer.headers), content=answer.content)
    made = answer(request) if callable(answer) else answer
    told = await made if isinstance(made, Awaitable) else made
    return told if isinstance(told, httpx.Response) else httpx.Response(200, json={**told})


def _unpacked(headers: httpx.Headers) -> httpx.Headers:
    """The headers of content that is unpacked."""
    return httpx.Headers([pair for pair in headers.multi_items() if pair[0] not in _OF_PACKED])


_OF_PACKED = ("content-encoding", "content-length", "transfer-encoding")
