"""A server driven by hand: each request is a call, and work is done when a test says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from tinkex_py.local.incoming import Held, Incoming
from tinkex_py.local.server import Server
from tinkex_py.request import Pairs, Reply

Json: TypeAlias = dict[str, Any]

RANDOM = "tinkex/tiny-random"


class Driven:
    """A server whose clock stands still until a test moves it."""

    def __init__(
        self, directory: Path, seed: int = 0, api_key: str | None = None, token_seconds: int | None = None
    ) -> None:
        self.time = 1000.0
        self.server = Server(
            now=lambda: self.time, directory=directory, seed=seed, api_key=api_key, token_seconds=token_seconds
        )

    def call(self, method: str, path: str, body: object = None, headers: Pairs = (), query: Pairs = ()) -> Reply | Held:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = Incoming(method=method, path=f"/api/v1/{path}", query=query, headers=headers, body=content)
        return self.server.handle(request)

    def wait(self, seconds: float) -> None:
        """Time passes in which others ask something now and then."""
        end = self.time + seconds
        while self.time < end:
            self.time = min(end, self.time + 60)
            _ = self.status("GET", "healthz")

    def status(self, method: str, path: str, body: object = None) -> int:
        reply = self.call(method, path, body)
        return reply.status if isinstance(reply, Reply) else 0

    def get(self, path: str, query: Pairs = ()) -> Json:
        return answered(self.call("GET", path, query=query))

    def post(self, path: str, body: object, headers: Pairs = ()) -> Json:
        return answered(self.call("POST", path, body, headers))

    def work(self) -> None:
        while self.server.work():
            pass

    def poll(self, request_id: object) -> Reply | Held:
        return self.call("POST", "retrieve_future", {"request_id": request_id})

    def result(self, path: str, body: object) -> Json:
        """The result of a promise once all work is done."""
        promise = self.post(path, body)
        self.work()
        return answered(self.poll(promise["request_id"]))

    def session(self) -> str:
        return str(self.post("create_session", {})["session_id"])

    def model(self, session_id: str | None = None, **config: object) -> str:
        """A new model on the random base."""
        body = {"session_id": session_id or self.session(), "base_model": RANDOM, "lora_config": {"rank": 4, **config}}
        return str(self.result("create_model", body)["model_id"])

    def train(self, model_id: str, rate: float = 1e-2) -> None:
        """One step of training."""
        _ = self.post("forward_backward", batch(model_id))
        _ = self.result("optim_step", {"model_id": model_id, "adam_params": {"learning_rate": rate}})

    def logprobs(self, sampler: Json) -> Any:
        """What a sampler thinks of a fixed text: a fingerprint of its weights."""
        body = {"prompt": TEXT, "sampling_params": {"max_tokens": 1}, "prompt_logprobs": True, **sampler}
        return self.result("asample", body)["prompt_logprobs"]


TEXT: Json = {"chunks": [{"tokens": [72, 101, 108, 108, 111]}]}
DATUM: Json = {
    "model_input": {"chunks": [{"tokens": [72, 101, 108]}]},
    "loss_fn_inputs": {"target_tokens": {"data": [101, 108, 108], "dtype": "int64", "shape": [3]}},
}


def batch(model_id: str, **fields: object) -> Json:
    """Body of `forward_backward`."""
    return {"model_id": model_id, "forward_backward_input": {"data": [DATUM], "loss_fn": "cross_entropy"}, **fields}


def answered(reply: Reply | Held) -> Json:
    """The JSON of an answer that was a success."""
    assert isinstance(reply, Reply)
    assert reply.status == 200, reply.body
    value: Json = json.loads(reply.body)
    return value


def refused(reply: Reply | Held) -> tuple[int, Any]:
    """Status and detail of a refusal."""
    assert isinstance(reply, Reply)
    return reply.status, json.loads(reply.body)["detail"]
