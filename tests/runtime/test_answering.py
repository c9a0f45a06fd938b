"""Answers by hand: what a client asks by itself is answered, the rest as it is told."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import httpx
import pytest
from returns.result import Failure, Success

from tests.clients.fronts import error_of
from tinkex_py import Config, ServiceClient, errors
from tinkex_py.clients.rest import RestClient
from tinkex_py.testing.answering import Answer, answering


def test_a_response_may_be_compressed() -> None:
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b'{"sessions": ["s"]}'))
    transport = answering({"GET /api/v1/sessions": packed})
    with ServiceClient(base_url="http://server.test", api_key="tml-test", transport=transport) as service:
        assert [RestClient.beside(service).list_sessions().unwrap().sessions for _ in range(2)] == [["s"], ["s"]]


def refusing(_: httpx.Request) -> httpx.Response:
    raise AssertionError("limit is wrong")


async def later(_: httpx.Request) -> dict[str, list[str]]:
    await asyncio.sleep(0)
    return {"sessions": ["s"]}


def no_server(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens")


NO_ANSWER: Any = None
MADE: dict[str, tuple[Answer, str]] = {
    "the values of a function": (lambda _: {"sessions": ["s"]}, "['s']"),
    "those of an async function": (later, "['s']"),
    "what a function raises": (refusing, "the answer for GET /api/v1/sessions failed: AssertionError: limit is wrong"),
    "what is no answer": (NO_ANSWER, "the answer for GET /api/v1/sessions failed: TypeError: 'NoneType' object is not"),
    "what a network does": (no_server, "no connection (nobody listens)"),
}


@pytest.mark.parametrize(("answer", "said"), MADE.values(), ids=MADE)
def test_trouble_with_an_answer_is_no_trouble_of_the_network(answer: Answer, said: str) -> None:
    config = Config(base_url="http://server.test", api_key="tml-test", max_attempts=1)
    with ServiceClient(config, transport=answering({"GET /api/v1/sessions": answer})) as service:
        match RestClient.beside(service).list_sessions():
            case Success(listed):
                assert str(listed.sessions) == said
            case Failure(error):
                assert said in error.message
                assert isinstance(error, errors.ConnectionFailed if answer is no_server else errors.BadRequest)


def test_answers_are_values_responses_or_functions() -> None:
    transport = answering(
        {
            "POST /api/v1/create_sampling_session": {"sampling_session_id": "q"},
            "GET /api/v1/sessions": httpx.Response(403, json={"detail": "no"}),
            "GET /api/v1/samplers/q": lambda request: httpx.Response(
                200, json={"sampler_id": "q", "base_model": request.url.host}
            ),
        }
    )
    with ServiceClient(base_url="http://server.test", api_key="tml-test", transport=transport) as service:
        rest = RestClient.beside(service)
        assert isinstance(service.create_sampling_client(base_model="b"), Success)
        assert [error_of(errors.Forbidden, rest.list_sessions()).detail for _ in range(2)] == ["no", "no"]
        assert rest.get_sampler("q").unwrap().base_model == "server.test"
        assert "GET /api/v1/checkpoints" in error_of(errors.NotFound, rest.list_user_checkpoints()).detail
