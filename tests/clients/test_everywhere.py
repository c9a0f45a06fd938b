"""What may happen to any operation is documented, and happens as it is documented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tinkex_py import Config, Outcome, RestClient, ServiceClient, or_raise
from tinkex_py.types.causes import EVERYWHERE

KEY = "tml-0123456789abcdef"


class Answering:
    """Answers everything but questions for flags in the same way."""

    def __init__(self, status: int = 200, text: str = "{}", **headers: str) -> None:
        self._answer = (status, text, headers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("config"):
            return httpx.Response(200, json={})
        status, text, headers = self._answer
        return httpx.Response(status, text=text, headers=headers)


def asked(server: Callable[[httpx.Request], httpx.Response], **settings: Any) -> Outcome[Any]:
    given: dict[str, Any] = {"base_url": "http://server.test", "api_key": KEY, "max_attempts": 1, **settings}
    with RestClient(Config(**given), transport=httpx.MockTransport(server)) as rest:
        outcome = rest.list_sessions(timeout=5)
        return outcome if "circuit_failures" not in settings else rest.list_sessions()


def broken(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens", request=request)


def cancelled() -> Outcome[Any]:
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
        watched = service.recover_training_client(trainer.model_id)
        watched.cancel()
        return watched.result()


def closed() -> Outcome[Any]:
    rest = RestClient(Config(api_key=KEY))
    rest.close()
    return rest.list_sessions()


def impatient() -> Outcome[Any]:
    with ServiceClient.local() as service:
        return RestClient.beside(service).list_sessions(timeout=0)


WAYS: dict[str, Callable[[], Outcome[Any]]] = {
    "Unauthorized": lambda: asked(Answering(401)),
    "PaymentRequired": lambda: asked(Answering(402)),
    "Forbidden": lambda: asked(Answering(403)),
    "RequestTimedOut": lambda: asked(Answering(408)),
    "PayloadTooLarge": lambda: asked(Answering(413)),
    "UnsupportedEncoding": lambda: asked(Answering(415)),
    "RateLimited": lambda: asked(Answering(429)),
    "ServerFault": lambda: asked(Answering(500)),
    "InvalidInput": lambda: RestClient(Config(api_key=KEY)).list_sessions(limit=0),
    "ConnectionFailed": lambda: asked(broken),
    "DeadlineExceeded": impatient,
    "Undecodable": lambda: asked(Answering(200, "no JSON")),
    "UnexpectedStatus": lambda: asked(Answering(418)),
    "RedirectRefused": lambda: asked(Answering(302, location="http://elsewhere.test/")),
    "ResponseTooLarge": lambda: asked(Answering(200, "{}" * 99), max_response_bytes=9),
    "Cancelled": cancelled,
    "ClientClosed": closed,
    "CircuitOpen": lambda: asked(Answering(500), circuit_failures=1),
    "MissingCredentials": lambda: asked(Answering(200), api_key=None),
    "InvalidConfig": lambda: asked(Answering(200), timeout=-1),
    "FileFailed": lambda: asked(Answering(200), api_key=None, credentials_file=str(Path(__file__).parent)),
}


@pytest.mark.parametrize("variant", WAYS)
def test_what_may_happen_to_any_operation_happens(variant: str) -> None:
    assert type(WAYS[variant]().failure()).__name__ == variant


def test_no_extra_is_missing_here_and_everything_else_that_is_documented_happens() -> None:
    assert {cause.variant for cause in EVERYWHERE} == {*WAYS, "ExtraMissing"}
