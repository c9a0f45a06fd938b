"""Answers of one's own for a client, by method and path; what every client asks first is answered by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import httpx

Answer: TypeAlias = "httpx.Response | Callable[[httpx.Request], httpx.Response] | Mapping[str, Any]"
"""A response, a function that makes one, or the JSON of a 200."""

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

    >>> answering({"GET /api/v1/healthz": {"status": "ok"}})  # doctest: +ELLIPSIS
    <httpx.MockTransport object at ...>
    """
    known = {**STARTUP, **answers}

    def handler(request: httpx.Request) -> httpx.Response:
        match known.get(f"{request.method} {request.url.path}"):
            case None:
                return httpx.Response(404, json={"detail": f"no answer is set for {request.method} {request.url.path}"})
            case httpx.Response() as given:
                return httpx.Response(given.status_code, headers=_unpacked(given.headers), content=given.content)
            case Mapping() as body:
                return httpx.Response(200, json=body)
            case make:
                return make(request)

    return httpx.MockTransport(handler)


def _unpacked(headers: httpx.Headers) -> httpx.Headers:
    """The headers of content that is unpacked."""
    return httpx.Headers([pair for pair in headers.multi_items() if pair[0] not in _OF_PACKED])


_OF_PACKED = ("content-encoding", "content-length", "transfer-encoding")
