"""Answers by hand: what a client asks by itself is answered, the rest as it is told."""

from __future__ import annotations

import gzip

import httpx
from returns.result import Success

from tests.clients.fronts import error_of
from tinkex_py import ServiceClient, errors
from tinkex_py.clients.rest import RestClient
from tinkex_py.testing.answering import answering


def test_a_response_may_be_compressed() -> None:
    packed = httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b'{"sessions": ["s"]}'))
    transport = answering({"GET /api/v1/sessions": packed})
    with ServiceClient(base_url="http://server.test", api_key="tml-test", transport=transport) as service:
        assert [RestClient.beside(service).list_sessions().unwrap().sessions for _ in range(2)] == [["s"], ["s"]]


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
