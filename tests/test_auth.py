"""Credentials and access are checked without waiting, and the console's pages are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from returns.result import Success

from tests.plans.test_authentication import jwt
from tinkex_py import ServiceClient, TinkerPath, errors, or_raise
from tinkex_py.auth import check_access, get_tinker_token, has_credentials
from tinkex_py.types.console import session_url, training_run_url

KEY = "tml-0123456789abcdef"
CONSOLE = "https://tinker.thinkingmachines.ai"


def client(status: int, config: dict[str, object]) -> ServiceClient:
    def answer(request: httpx.Request) -> httpx.Response:
        bodies = {"config": config, "token": {"jwt": jwt("me")}, "dynamic_config": {}}
        name = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=bodies[name]) if name in bodies else httpx.Response(status, json={})

    return ServiceClient(base_url="http://server.test", api_key=KEY, transport=httpx.MockTransport(answer))


def test_a_credential_is_there_or_not(tmp_path: Path) -> None:
    nowhere = {"TINKEX_CREDENTIALS_FILE": str(tmp_path / "none.json")}
    environments = [
        {"TINKER_API_KEY": KEY},
        {"TINKER_API_KEY": "sk-1"},
        {"TINKER_CREDENTIAL_CMD": "exit 1"},
        nowhere,
        {"TINKER_API_KEY": KEY, "TINKEX_TIMEOUT": "soon"},
    ]
    assert [has_credentials(each) for each in environments] == [True, False, True, False, False]


def test_whoever_is_let_in_is_told_so_and_a_bill_comes_out_at_once() -> None:
    with client(200, {}) as welcome, client(402, {}) as unpaid:
        assert check_access(welcome) == Success(None)
        assert isinstance(check_access(unpaid, timeout=30).failure(), errors.PaymentRequired)


def test_a_time_that_is_none_is_refused() -> None:
    soon: Any = "soon"
    with client(200, {}) as welcome:
        refused = check_access(welcome, timeout=soon).failure()
    assert isinstance(refused, errors.InvalidInput)
    assert refused.path == "timeout"


def test_the_token_is_what_requests_present() -> None:
    with client(200, {}) as plain, client(200, {"pjwt_auth_enabled": True}) as exchanging:
        assert (get_tinker_token(plain), get_tinker_token(exchanging)) == (Success(KEY), Success(jwt("me")))


def test_a_token_without_life_in_it_is_not_handed_out_again() -> None:
    lives = iter((2, 3600))

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        bodies = {"config": {"pjwt_auth_enabled": True}, "dynamic_config": {}}
        body = bodies[name] if name in bodies else {"jwt": jwt("me", iat=0, exp=next(lives))}
        return httpx.Response(200, json=body)

    with ServiceClient(base_url="http://server.test", api_key=KEY, transport=httpx.MockTransport(answer)) as service:
        lasting = jwt("me", iat=0, exp=3600)
        assert [get_tinker_token(service) for _ in range(2)] == [Success(lasting)] * 2


def test_the_console_has_a_page_for_each_thing() -> None:
    assert (session_url(), session_url("a/b")) == (f"{CONSOLE}/sessions", f"{CONSOLE}/sessions/a%2Fb")
    assert training_run_url("s:train:0") == f"{CONSOLE}/training_runs/s:train:0"
    path = or_raise(TinkerPath.parse("tinker://s:train:0/sampler_weights/a b"))
    assert path.get_console_url() == f"{CONSOLE}/checkpoints/s%3Atrain%3A0/sampler_weights%2Fa%20b"
    playground = (
        f"{CONSOLE}/playground?mode=checkpoint&checkpoint=tinker%3A%2F%2Fs%3Atrain%3A0%2Fsampler_weights%2Fa%20b"
    )
    assert path.get_playground_url() == playground
    with client(200, {}) as service:
        assert service.get_console_url() == or_raise(service.create_rest_client()).get_console_url() == session_url()
