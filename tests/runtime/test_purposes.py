"""Requests of one purpose don't wait in line with those of another."""

from __future__ import annotations

import pytest

from tinkex_py.config.profiles import PURPOSES
from tinkex_py.endpoints.promises import cancel_future, retrieve_future
from tinkex_py.endpoints.service import get_server_capabilities, session_heartbeat
from tinkex_py.request import AnyRequest
from tinkex_py.runtime.purposes import purpose_of, share_of
from tinkex_py.types import OptimStepResponse, SampleResponse

REQUESTS: dict[str, AnyRequest] = {
    "session": session_heartbeat("s"),
    "results": retrieve_future("r", "OptimStep", OptimStepResponse),
    "promises": retrieve_future("r", "Sample", SampleResponse),
    "rest": get_server_capabilities(),
}


@pytest.mark.parametrize(("purpose", "request_"), REQUESTS.items(), ids=REQUESTS)
def test_the_purpose_of_a_request_is(purpose: str, request_: AnyRequest) -> None:
    assert purpose_of(request_) == purpose
    assert purpose in PURPOSES


def test_all_purposes_together_leave_files_for_others() -> None:
    assert sum(map(share_of, {*PURPOSES, "outside"})) < 0.8


def test_a_sample_that_nobody_wants_is_cancelled_among_the_promises() -> None:
    assert purpose_of(cancel_future("r")) == "promises"
