"""Requests go to the configured origin, and the credential nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from msgspec import structs
from pytest_httpx import HTTPXMock
from returns.result import Failure, Success

from tinkex_py import Config, ServiceClient, errors
from tinkex_py.endpoints.checkpoints import get_checkpoint_archive_url
from tinkex_py.endpoints.sampling import get_sampler
from tinkex_py.endpoints.service import create_session, get_server_capabilities
from tinkex_py.endpoints.steps import submit_step
from tinkex_py.plans.effects import Unready
from tinkex_py.request import Address, AnyRequest, Encoded, Reply
from tinkex_py.runtime.http import HttpTransport, path_part
from tinkex_py.runtime.pools import Pools

CONFIG = Config(base_url="http://server.test/base", api_key="tml-secret", max_response_bytes=100)
CAPABILITIES = get_server_capabilities()
Handler = Callable[[httpx.Request], httpx.Response]


def exchange(handler: Handler, request: AnyRequest = CAPABILITIES) -> Reply | errors.TransportError | Unready:
    async def once() -> Reply | errors.TransportError | Unready:
        transport = HttpTransport(CONFIG, Pools(CONFIG, httpx.MockTransport(handler)))
        try:
            return await transport.exchange(request, (("x-extra", "1"),))
        finally:
            await transport.close()

    return asyncio.run(once())


def keeping(seen: list[httpx.Request]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text="{}")

    return handler


def test_a_request_carries_the_credential_to_the_configured_address() -> None:
    seen: list[httpx.Request] = []
    answer = exchange(keeping(seen))
    assert isinstance(answer, Reply)
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"{}", "text/plain; charset=utf-8")
    assert str(seen[0].url) == "http://server.test/base/api/v1/get_server_capabilities"
    assert (seen[0].headers["x-api-key"], seen[0].headers["x-extra"]) == ("tml-secret", "1")


def test_a_refusal_that_says_the_credential_again_does_not_show_it() -> None:
    answer = exchange(lambda request: httpx.Response(401, text=f"no such key: {request.headers['x-api-key']}"))
    assert isinstance(answer, Reply)
    assert (answer.status, answer.body) == (401, b"no such key: ***")


def test_a_proxy_of_a_given_transport_that_wants_to_know_who_asks_is_not_asked_again() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ProxyError("407 Proxy Authentication Required")

    handlers: list[Handler] = [refuse, lambda _: httpx.Response(407)]
    for handler in handlers:
        match exchange(handler):
            case Unready(errors.ConnectionFailed(message=message, sent=False)):
                assert "407" in message
            case other:
                pytest.fail(str(other))


def test_no_name_reaches_another_resource() -> None:
    seen: list[httpx.Request] = []
    exchange(keeping(seen), get_sampler("a/../b?c#d"))
    assert [request.url.raw_path for request in seen] == [b"/base/api/v1/samplers/a%2F..%2Fb%3Fc%23d"]
    assert [path_part(name) for name in ("..", ".", "s:train:0")] == ["%2E%2E", "%2E", "s:train:0"]


def redirecting(to: str, status: int = 307) -> tuple[Handler, list[str]]:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(200) if request.url.path == "/there" else httpx.Response(status, headers={"location": to})

    return handler, seen


def test_a_redirect_to_another_origin_is_refused() -> None:
    handler, seen = redirecting("https://elsewhere.test/***")
    answer = exchange(handler)
    assert isinstance(answer, errors.RedirectRefused)
    assert "tml-secret" not in repr(answer)
    assert len(seen) == 1


def test_a_refused_redirect_shows_no_signature() -> None:
    handler, _ = redirecting("https://user:word@elsewhere.test/there?signature=abc")
    answer = exchange(handler)
    assert isinstance(answer, errors.RedirectRefused)
    assert answer.location == "https://elsewhere.test/***"


def test_a_redirect_that_is_the_answer_is_not_followed() -> None:
    handler, seen = redirecting("/there?signature=abc", 302)
    answer = exchange(handler, get_checkpoint_archive_url("run", "weights/a"))
    assert isinstance(answer, Reply)
    assert (answer.header("location"), len(seen)) == ("http://server.test/there?signature=abc", 1)


def test_an_address_outside_the_service_gets_no_credential_and_none_of_our_headers() -> None:
    seen: list[httpx.Request] = []
    elsewhere = structs.replace(CAPABILITIES, address=Address("https://elsewhere.test/signed?signature=abc"))
    assert isinstance(exchange(keeping(seen), elsewhere), Reply)
    assert str(seen[0].url) == "https://elsewhere.test/signed?signature=abc"
    assert not [name for name in seen[0].headers if name.startswith("x-")]


def test_what_makes_an_address_a_signed_one_is_in_no_refusal_that_says_it_again() -> None:
    signature = "ab%2Fcdefghijklmno%3D"
    url = f"https://files.test/a?expires=900&signature={signature}"
    said = f"no /a?expires=900&amp;signature={signature}: ab/cdefghijklmno= is over"
    request = structs.replace(CAPABILITIES, address=Address(url))
    answer = exchange(lambda _: httpx.Response(403, text=said), request)
    assert isinstance(answer, Reply)
    assert answer.body == b"no /a?expires=900&amp;signature=***: *** is over"
    assert isinstance(whole := exchange(lambda _: httpx.Response(200, text=said), request), Reply)
    assert whole.body == said.encode()


@pytest.mark.parametrize("url", ["ftp://files.test/a", "/signed/a", "", "http://[::1/a", "https:///a", "http://a:b/"])
def test_an_address_that_no_server_is_at_is_refused(url: str) -> None:
    seen: list[httpx.Request] = []
    answer = exchange(keeping(seen), structs.replace(CAPABILITIES, address=Address(url)))
    assert isinstance(answer, errors.RedirectRefused)
    assert "it is no web address; tell the operators" in answer.message
    assert not seen


def test_a_redirect_of_an_address_to_a_file_is_refused() -> None:
    handler, seen = redirecting("file:///etc/passwd")
    elsewhere = structs.replace(CAPABILITIES, address=Address("https://files.test/a"))
    assert isinstance(exchange(handler, elsewhere), errors.RedirectRefused)
    assert len(seen) == 1


def test_an_address_that_is_none_is_a_value() -> None:
    answer = exchange(redirecting("http://[")[0])
    assert isinstance(answer, errors.ConnectionFailed)


def test_a_redirect_within_the_origin_is_followed() -> None:
    handler, seen = redirecting("/there", 302)
    assert isinstance(exchange(handler), Reply)
    assert seen[1] == "http://server.test/there"


def test_a_command_is_not_sent_elsewhere_by_a_302() -> None:
    handler, seen = redirecting("/there", 302)
    answer = exchange(handler, create_session(sdk_version="0"))
    assert isinstance(answer, Reply)
    assert (answer.status, len(seen)) == (302, 1)


def test_redirects_in_a_circle_are_refused() -> None:
    handler, seen = redirecting("/round")
    assert isinstance(exchange(handler), errors.RedirectRefused)
    assert len(seen) == 5


def test_a_transport_of_the_users_sees_a_large_body_as_any_other() -> None:
    seen: list[httpx.Request] = []
    body = Encoded.of("application/json", b"a" * 300_000, memoryview(b"b" * 300_000))
    assert isinstance(exchange(keeping(seen), submit_step("optim_step", body)), Reply)
    assert (seen[0].content == body.content, seen[0].headers["content-length"]) == (True, "600000")
    assert seen[0].headers["host"] == "server.test"


def test_an_endless_answer_is_cut() -> None:
    answer = exchange(lambda _: httpx.Response(200, content=b"x" * 1000))
    assert isinstance(answer, errors.ResponseTooLarge)
    assert answer.limit == 100


def breaking(error: type[Exception]) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        if issubclass(error, httpx.RequestError):
            raise error("broken", request=request)
        raise error("broken")

    return handler


BREAKS: dict[type[Exception], bool] = {
    httpx.ConnectError: False,
    httpx.ConnectTimeout: False,
    httpx.ReadError: True,
    httpx.DecodingError: True,
    OSError: True,
    TypeError: True,
}


@pytest.mark.parametrize(("error", "sent"), BREAKS.items())
def test_a_broken_exchange_is_a_value(error: type[Exception], *, sent: bool) -> None:
    answer = exchange(breaking(error))
    assert isinstance(answer, errors.ConnectionFailed)
    assert answer.sent is sent
    assert answer.message.startswith("get_server_capabilities: ")


def test_what_users_do_to_httpx_works(httpx_mock: HTTPXMock) -> None:
    for first in ("client/config", "client/dynamic_config"):
        httpx_mock.add_response(url=f"http://server.test/api/v1/{first}", status_code=404)
    httpx_mock.add_response(url="http://server.test/api/v1/get_server_capabilities", json={"supported_models": []})
    config = Config(base_url="http://server.test", api_key="tml-secret", transport="httpx")
    with ServiceClient(config=config) as service:
        assert isinstance(service.get_server_capabilities(), Success)


def test_a_client_that_cannot_work_says_so_with_every_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TINKER_API_KEY", "TINKER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with ServiceClient() as keyless, ServiceClient(base_url="ftp://x", api_key="tml-x") as lost:
        outcomes = [keyless.get_server_capabilities(), lost.create_sampling_client(base_model="m")]
    found = [type(each.failure()) for each in outcomes if isinstance(each, Failure)]
    assert found == [errors.MissingCredentials, errors.InvalidConfig]
