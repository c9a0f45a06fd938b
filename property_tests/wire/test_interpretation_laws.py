"""Laws of interpretation: any answer to any request is a value or an error of the union; nothing raises."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py.endpoints.promises import retrieve_future
from tinkex_py.endpoints.service import create_session, get_server_capabilities, session_heartbeat
from tinkex_py.errors import StatusError, Undecodable
from tinkex_py.interpret import interpret, retry_after
from tinkex_py.request import Reply, Request
from tinkex_py.types import ForwardBackwardOutput, OptimStepResponse, SampleResponse

REQUESTS: list[Request[Any]] = [
    get_server_capabilities(),
    create_session(sdk_version="1"),
    session_heartbeat("s"),
    retrieve_future("r", "OptimStep", OptimStepResponse),
    retrieve_future("r", "Sample", SampleResponse),
    retrieve_future("r", "ForwardBackward", ForwardBackwardOutput),
]
WORDS = st.sampled_from(
    [
        *("type", "status", "error", "category", "detail", "message", "msg", "loc", "body", "try_again", "pending"),
        *("complete_metadata", "response_payload_size", "retry_after_ms", "queue_state", "metrics", "sequences"),
        *("loss_fn_outputs", "data", "dtype", "shape", "int64", "session_id", "supported_models", "user"),
    ]
)
NUMBERS = st.integers() | st.floats() | st.sampled_from([10**30, 10**400, -(10**30)])
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS | st.text(st.characters(codec=None, categories=["Cs", "L", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=15,
)
BODIES = st.binary() | JSON.map(json.dumps).map(str.encode) | st.sampled_from([b"[" * 100_000, b'{"a":' * 100_000])
DATES = st.datetimes(timezones=st.timezones() | st.none()).map(format_datetime)
WISHES = st.text() | st.integers().map(str) | st.floats().map(str) | DATES | DATES.map(lambda date: date + "9999")
HEADERS = st.lists(st.tuples(st.sampled_from(["retry-after", "retry-after-ms", "date", "x-request-id"]), WISHES))
STATUSES = st.sampled_from([200, 201, 204, 302, 400, 404, 408, 410, 422, 429, 500, 503]) | st.integers()
REPLIES = st.builds(Reply, status=STATUSES, headers=HEADERS.map(tuple), body=BODIES, at=st.floats(0, 1e10))


@given(st.sampled_from(REQUESTS), REPLIES)
def test_every_reply_is_a_value_or_an_error_that_can_be_printed(request: Request[Any], reply: Reply) -> None:
    match interpret(request, reply):
        case Success(_):
            assert 200 <= reply.status < 300 or reply.status in request.returns.statuses
        case Failure(error):
            assert isinstance(error, (*get_args(StatusError), Undecodable))
            assert error.message.encode()


@given(REPLIES)
def test_a_wish_is_a_finite_time_to_come(reply: Reply) -> None:
    wish = retry_after(reply)
    assert wish is None or 0 <= wish < float("inf")


@given(st.integers(0, 2**32).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)), st.integers(0, 10**6))
def test_a_date_is_as_far_as_the_servers_own_clock_says(now: datetime, seconds: int) -> None:
    due = now + timedelta(seconds=seconds)
    headers = (("date", format_datetime(now, usegmt=True)), ("retry-after", format_datetime(due, usegmt=True)))
    assert retry_after(Reply(status=503, headers=headers, at=0.0)) == seconds
