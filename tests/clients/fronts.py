"""What stands in front of an embedded server: it keeps what is asked, answers in its place, and sets other limits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

import httpx
from returns.result import Failure
from typing_extensions import override

from tinkex_py.outcome import Outcome

E = TypeVar("E")

Instead: TypeAlias = Callable[[str, int], httpx.Response | None]
"""An answer in the place of the server's, for an endpoint and how often that was asked, from 1."""


def nothing(_name: str, _time: int) -> None:
    """Leave every answer to the server."""


class Front(httpx.AsyncBaseTransport):
    """Carries requests to `inner`; `asked` has the last part of each path, `accepted` those that the server took."""

    def __init__(self, inner: httpx.AsyncBaseTransport, instead: Instead = nothing, **flags: Any) -> None:
        self.asked: list[str] = []
        self.accepted: list[str] = []
        self.instead = instead
        self._inner = inner
        self._flags: Mapping[str, Any] = flags

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        self.asked.append(name)
        answer = self.instead(name, self.asked.count(name))
        if answer is not None:
            return answer
        answer = await self._inner.handle_async_request(request)
        body = await answer.aread()
        if answer.is_success:
            self.accepted.append(name)
        if name == "config":
            return httpx.Response(200, json={**json.loads(body), **self._flags})
        return answer

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


class Busy(Front):
    """Refuses every third sample of the first ones, once; counts samples under way and how often each was taken."""

    def __init__(self, inner: httpx.AsyncBaseTransport, first: int, **flags: Any) -> None:
        super().__init__(inner, nothing, **flags)
        self.seen: Counter[int] = Counter()
        self.taken: Counter[int] = Counter()
        self.under_way: set[str] = set()
        self.most = 0
        self._first = first

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name, body = request.url.path.rpartition("/")[2], json.loads(await request.aread() or b"{}")
        if name == "asample":
            self.seen[body["seq_id"]] += 1
            if self._refuses(body["seq_id"]):
                return httpx.Response(429, json={"detail": "busy"}, headers={"retry-after": "1"})
        answer = await super().handle_async_request(request)
        if name == "asample" and answer.is_success:
            self.taken[body["seq_id"]] += 1
            self.under_way.add(json.loads(await answer.aread())["request_id"])
            self.most = max(self.most, len(self.under_way))
        if name == "retrieve_future" and answer.status_code == 200:
            self.under_way.discard(body["request_id"])
        return answer

    def _refuses(self, number: int) -> bool:
        return number < self._first and number % 3 == 0 and self.seen[number] == 1


def refusing(name: str, *times: int, status: int = 422, **headers: str) -> Instead:
    """Refuse an endpoint the first, second, ... time."""

    def instead(asked: str, time: int) -> httpx.Response | None:
        refused = asked == name and time in times
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return httpx.Response(status, json={"detail": "no"}, headers=named) if refused else None

    return instead


def error_of(kind: type[E], outcome: Outcome[Any]) -> E:
    """The error that an outcome has to be."""
    assert isinstance(outcome, Failure)
    error = outcome.failure()
    assert isinstance(error, kind)
    return error
