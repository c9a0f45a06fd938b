"""A sampler handle reads back as what it was written from; anything else is refused."""

from __future__ import annotations

import base64

import pytest
from returns.result import Success

from tinkex_py.errors import InvalidInput
from tinkex_py.types.handles import Holder, SamplerHandle, read, written

HANDLE = SamplerHandle(session_id="s", sampling_session_id="s:sample:0", holder=Holder(base_url="http://server.test"))
OFFICIAL = """{"session_id": "session-77", "sampling_session_id": "session-77:sample:0", "holder": {"base_url": "http://b",
 "default_headers_overrides": {}, "client_config": {"sample_join_sampling_session": true}, "client_dynamic_config": {},
 "api_key": null}, "base_model": "Qwen/Qwen3-8B", "record_stability_info": false}"""


def test_a_handle_reads_back_as_it_was() -> None:
    assert read(written(HANDLE)) == Success(HANDLE)
    assert read(written(HANDLE).rstrip("=")) == Success(HANDLE)


def test_a_handle_of_the_official_sdk_is_read() -> None:
    handle = read(base64.urlsafe_b64encode(OFFICIAL.encode()).decode()).unwrap()
    assert (handle.session_id, handle.base_model) == ("session-77", "Qwen/Qwen3-8B")
    assert handle.holder.client_config.sample_join_sampling_session is True


DEEP = base64.b64encode(b'{"x":' + b"[" * 100_000).decode()


@pytest.mark.parametrize("text", ["", "é", "!!!!", "AAAA", "e30=", "a", DEEP])
def test_other_texts_are_refused(text: str) -> None:
    error = read(text).failure()
    assert isinstance(error, InvalidInput)
    assert (error.path, error.value) == ("handle", text[:40])


def test_what_is_no_text_is_no_handle() -> None:
    assert read(5).failure().path == "handle"
