"""Statuses get their meaning in one place."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tinkex_py import errors
from tinkex_py.endpoints.checkpoints import get_external_weights_urls
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.sessions import get_session, list_sessions
from tinkex_py.interpret import interpret, retry_after
from tinkex_py.plans.downloads import piece
from tinkex_py.request import Address, Reply, Request
from tinkex_py.types import GetServerCapabilitiesResponse

REQUEST = get_server_capabilities()
STATUSES = {
    400: errors.BadRequest,
    401: errors.Unauthorized,
    402: errors.PaymentRequired,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.RequestTimedOut,
    409: errors.Conflict,
    410: errors.PromiseExpired,
    413: errors.PayloadTooLarge,
    415: errors.UnsupportedEncoding,
    422: errors.Unprocessable,
    429: errors.RateLimited,
    500: errors.ServerFault,
    599: errors.ServerFault,
    302: errors.UnexpectedStatus,
    418: errors.UnexpectedStatus,
}


@pytest.mark.parametrize(("status", "cause"), STATUSES.items())
def test_a_status_is_its_cause_in_the_servers_words(status: int, cause: type[errors.StatusCause]) -> None:
    headers = (("x-request-id", "r-1"), ("retry-after", "3"))
    outcome = interpret(REQUEST, Reply(status=status, headers=headers, body=b'{"detail": "said so"}'))
    assert isinstance(outcome, Failure)
    error = outcome.failure()
    assert isinstance(error, cause)
    assert (error.status, error.detail, error.request_id, error.retry_after) == (status, "said so", "r-1", 3.0)
    assert error.message.startswith("get_server_capabilities: said so (")


def test_a_status_without_words_is_named() -> None:
    outcome = interpret(REQUEST, Reply(status=404))
    assert "status 404" in outcome.failure().message


WITHOUT = {
    "no such path": (list_sessions(), Reply(status=404, body=b'{"detail":"Not Found"}')),
    "a proxy's page": (list_sessions(), Reply(status=404, body=b"<html>404 page</html>")),
    "no such method": (list_sessions(), Reply(status=405)),
    "not implemented": (list_sessions(), Reply(status=501)),
}


@pytest.mark.parametrize(("request_", "reply"), WITHOUT.values(), ids=WITHOUT)
def test_a_missing_endpoint_is_named_with_what_serves_instead(request_: Request[object], reply: Reply) -> None:
    message = interpret(request_, reply).failure().message
    assert message.endswith("(this server doesn't offer GET /api/v1/sessions; keep what saving and creating returned)")


def test_where_a_404_may_mean_two_things_both_are_told() -> None:
    message = interpret(get_session("s"), Reply(status=404)).failure().message
    assert "look it up with list_sessions; or this server doesn't offer GET /api/v1/sessions/s: keep" in message


def test_what_nothing_serves_instead_of_is_left_out() -> None:
    message = interpret(REQUEST, Reply(status=405)).failure().message
    assert message.endswith("leave it out, or use a server that offers it)")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refused_address_is_not_blamed_on_the_credential(status: int) -> None:
    elsewhere = piece("download", Address("https://files.test/a?signature=abc"), 0)
    error = interpret(elsewhere, Reply(status=status, body=b"<html>Request has expired</html>")).failure()
    assert isinstance(error, STATUSES[status])
    assert error.message.endswith("(a signed address serves for a while, and gets no credential; ask for a new one)")


def test_a_wrong_field_is_named() -> None:
    body = b'{"detail": [{"loc": ["body", "rank"], "msg": "no"}]}'
    error = interpret(REQUEST, Reply(status=422, body=body)).failure()
    assert isinstance(error, errors.Unprocessable)
    assert error.fields == ("rank",)


def test_a_good_answer_is_its_value_and_a_bad_one_undecodable() -> None:
    assert interpret(REQUEST, Reply(status=201, body=b"{}")) == Success(GetServerCapabilitiesResponse())
    error = interpret(REQUEST, Reply(status=200, body=b"<html>")).failure()
    assert isinstance(error, errors.Undecodable)
    assert error.excerpt == "<html>"


def test_no_signed_address_is_in_an_answer_that_can_not_be_read() -> None:
    plain, escaped = '"https://files.test/a?signature=hush"', r'"https:\/\/files.test\/a?signature=hush"'
    body = f'{{"urls": {{"a": {plain}, "b": {escaped}}}, "expires": []}}'
    request = get_external_weights_urls("run", "external_weights/a")
    error = interpret(request, Reply(status=200, body=body.encode())).failure()
    assert isinstance(error, errors.Undecodable)
    assert error.excerpt == '{"urls": {"a": "https://files.test/***", "b": "***"}, "expires": []}'


DATE = "Wed, 21 Oct 2015 07:28:00 GMT"
WISHES = {
    "seconds": ((("retry-after", "2.5"),), 2.5),
    "milliseconds first": ((("retry-after", "9"), ("retry-after-ms", "1500")), 1.5),
    "date": ((("retry-after", DATE), ("date", "Wed, 21 Oct 2015 07:27:30 GMT")), 30.0),
    "date without a clock": ((("retry-after", DATE),), 60.0),
    "date without a zone": ((("retry-after", DATE.removesuffix(" GMT")),), 60.0),
    "past date": ((("retry-after", DATE), ("date", "Thu, 22 Oct 2015 07:28:00 GMT")), 0.0),
    "negative": ((("retry-after", "-1"),), None),
    "infinite": ((("retry-after", "inf"),), None),
    "junk": ((("retry-after", "soon"),), None),
    "nothing": ((), None),
}


@pytest.mark.parametrize(("headers", "seconds"), WISHES.values(), ids=WISHES)
def test_the_servers_wish_is_read(headers: tuple[tuple[str, str], ...], seconds: float | None) -> None:
    assert retry_after(Reply(status=503, headers=headers, at=1445412480.0 - 60)) == seconds
