"""A server that answers as recorded; what a recording leaves out it answers as a plain server would."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
from typing_extensions import override

from tests.replay.comparing import BASE, own_body, placed, recorded_body, request_differences
from tests.replay.recorded import Exchange, Recording

ELSEWHERE = "http://elsewhere.test"
PREFIX = "/api/v1/"
STARTING = frozenset({"client/config", "client/dynamic_config", "auth/token", "create_session"})
"""What every client asks first, and a recording has only when it begins there."""
JSON_ONLY = frozenset({"0.7.0", "0.15.0", "0.24.1"})
"""Releases whose recordings are of a server that takes JSON only."""
UNCONFIGURED = frozenset({"0.7.0", "0.15.0"})
"""Releases from before `client/config`."""


class Pair:
    """A request of ours, and the recorded exchange that it was taken for."""

    def __init__(self, ours: httpx.Request, exchange: Exchange | None, name: str) -> None:
        self.ours = ours
        self.exchange = exchange
        self.name = name


class Server(httpx.AsyncBaseTransport):
    """Answers each request with the recorded exchange most like it that is still unused, once `recorded` is set.

    Before that, and for what a recording doesn't have, it answers as a server does that knows nothing of recordings.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.recorded = False
        self.pairs: list[Pair] = []
        self.unused = list(recording.exchanges)
        self.session = next(iter(re.findall(r"session-\d+", json.dumps(_bodies(recording)))), "session-0")
        self._counts: dict[str, int] = {}
        self._starts = any(_operation(each.request.path) in STARTING for each in recording.exchanges)

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _ = await request.aread()
        operation = _operation(request.url.path)
        nobody = operation == "forward_backward" and not self._known(request)
        exchange = self._taken(request) if self.recorded and not nobody else None
        if self.recorded and not (exchange is None and operation in STARTING and not self._starts):
            name = f"{request.method} {operation}{' for no model' if nobody else ''}"
            self.pairs.append(Pair(request, exchange, name))
        if exchange is None:
            return self._own_answer(operation, request)
        await asyncio.sleep(exchange.response.delay_s)
        if exchange.response.note is not None:
            raise httpx.RemoteProtocolError(exchange.response.note, request=request)
        return self._answer(exchange)

    def _taken(self, request: httpx.Request) -> Exchange | None:
        found = [each for each in self.unused if _alike(each, request)]
        if not found:
            return None
        best = min(found, key=lambda each: len(list(request_differences(each.request, request))))
        self.unused.remove(best)
        return best

    def _answer(self, exchange: Exchange) -> httpx.Response:
        answer = exchange.response
        headers = {name: self._placed(value) if name == "location" else value for name, value in answer.headers.items()}
        return httpx.Response(answer.status, headers=headers, content=self._placed_content(exchange))

    def _placed(self, location: str) -> str:
        """A recorded address at a name that means the same here."""
        away = any("(received by)" in each.request.headers for each in self.unused)
        return placed(location, ELSEWHERE if away else BASE)

    def _placed_content(self, exchange: Exchange) -> bytes:
        return exchange.response.content.replace(b'"eyJ***(JWT)"', json.dumps(TOKEN).encode())

    def _own_answer(self, operation: str, request: httpx.Request) -> httpx.Response:
        if operation.startswith("client/") and self.recording.release in UNCONFIGURED:
            return httpx.Response(404, json={"detail": "Not Found"})
        if operation == "forward_backward" and (refusal := self._refusal(request)) is not None:
            return refusal
        return httpx.Response(200, json=self._fields(operation, request))

    def _refusal(self, request: httpx.Request) -> httpx.Response | None:
        """A question for the encoding: asked with a model that doesn't exist."""
        protobuf = request.headers["content-type"] == "application/x-protobuf"
        if protobuf and self.recording.release in JSON_ONLY:
            return httpx.Response(415, json={"detail": "Unsupported media type"})
        return None if self._known(request) else httpx.Response(404, json={"detail": "Model not found"})

    def _known(self, request: httpx.Request) -> bool:
        body: dict[str, Any] = own_body(request)
        return str(body.get("model_id", "")).startswith(f"{self.session}:")

    def _fields(self, operation: str, request: httpx.Request) -> dict[str, Any]:
        if operation == "retrieve_future":
            return RESULTS[request.headers["x-tinker-request-type"]](self._model(json.loads(request.content)))
        if operation.startswith("samplers/"):
            return {"sampler_id": operation.partition("/")[2], "base_model": "Qwen/Qwen3-8B"}
        body: dict[str, Any] = own_body(request) if request.content else {}
        fixed: dict[str, Callable[[], dict[str, Any]]] = {
            "client/config": lambda: self.recording.flags,
            "client/dynamic_config": lambda: self.recording.dynamic or {},
            "auth/token": lambda: {"jwt": TOKEN},
            "create_session": lambda: {"session_id": self.session},
            "create_sampling_session": lambda: {
                "sampling_session_id": f"{self.session}:sample:{self._next('samplers')}"
            },
            "create_model": lambda: {"request_id": f"{self.session}:train:{body['model_seq_id']}/create"},
            "get_info": lambda: {"model_id": body["model_id"], "model_data": {"model_name": "Qwen/Qwen3-8B"}},
            "weights_info": lambda: {"base_model": "Qwen/Qwen3-8B", "is_lora": True, "lora_rank": 32},
            "get_server_capabilities": lambda: {"supported_models": []},
            "telemetry": lambda: {"status": "accepted"},
        }
        return fixed.get(operation, lambda: {"request_id": f"{body.get('model_id')}/{self._next('promises')}"})()

    def _model(self, question: dict[str, Any]) -> str:
        return str(question["request_id"]).partition("/")[0]

    def _next(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, -1) + 1
        return self._counts[kind]


def _operation(path: str) -> str:
    return path.removeprefix(PREFIX)


def _alike(exchange: Exchange, request: httpx.Request) -> bool:
    """Whether a request may be the recorded one: the same method, and the same word after the prefix."""
    words = [_operation(path).partition("/")[0] for path in (exchange.request.path, request.url.raw_path.decode())]
    operations = {word.partition("?")[0] for word in words}
    same = len(operations) == 1 or operations == {"forward", "forward_backward"}
    exact = _operation(exchange.request.path) == _operation(request.url.path)
    of_one_kind = httpx.Headers(exchange.request.headers).get(_KIND) == request.headers.get(_KIND)
    return exchange.request.method == request.method and same and of_one_kind and (exact or operations <= LOOSE)


_KIND = "x-tinker-request-type"
"""Of which kind of promise the result is asked for."""


LOOSE = frozenset({"training_runs", "forward", "forward_backward"})
"""Where a path may be spelled otherwise and still be meant."""


def _bodies(recording: Recording) -> list[Any]:
    return [str(recorded_body(each.request)) + each.request.target for each in recording.exchanges]


def _token() -> str:
    claims = {
        "sub": "tml:organization_user:0000-user",
        "org_id": "0000-org",
        "email": "user@example.test",
        "iss": "passport-test",
        "iat": 0,
        "exp": 4102444800,
    }
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


TOKEN = _token()
RESULTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "CreateModel": lambda model: {"model_id": model},
    "LoadWeights": lambda model: {"path": "tinker://run-1/weights/0001", "model_id": model},
    "OptimStep": lambda _: {"metrics": {}},
    "SaveWeights": lambda model: {"path": f"tinker://{model}/weights/0001"},
    "SaveWeightsForSampler": lambda model: {"path": f"tinker://{model}/sampler_weights/0001"},
    "SaveWeightsExternal": lambda model: {"path": f"tinker://{model}/external_weights/0001"},
    "Forward": lambda _: {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": [], "metrics": {}},
    "ForwardBackward": lambda _: {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": [], "metrics": {}},
    "Sample": lambda _: {"sequences": [{"stop_reason": "stop", "tokens": [7]}]},
}
