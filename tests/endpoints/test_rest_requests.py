"""What the REST builders ask for: method, target and body."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import urlencode

import pytest
from msgspec import Struct, structs

from tinkex_py.endpoints import admin, checkpoints, keys, runs, service, sessions, telemetry
from tinkex_py.request import UNLESS_CONFLICT, Address, Request
from tinkex_py.runtime.http import path_part
from tinkex_py.types.runs import CheckpointArchiveUrlResponse, ExternalWeightsUrlsResponse
from tinkex_py.types.sessions import (
    AccessibleSearchOwner,
    SearchCursor,
    SearchStatus,
    SessionSearchRequest,
    TraceExportResponse,
    UserSearchOwner,
)
from tinkex_py.types.telemetry import GenericEvent, SessionEnd, SessionStart, TelemetryEvent, UnhandledException
from tinkex_py.wire.json import encode

Asked: TypeAlias = "tuple[str, str, object]"

RUN = "session-0:train:0"
CHECKPOINT = f"training_runs/{RUN}/checkpoints/weights"
NOON = datetime(2026, 7, 13, 12, tzinfo=UTC)
EAST = NOON.astimezone(timezone(timedelta(hours=2)))
SEARCH = SessionSearchRequest(
    session_id="s",
    project_ids=("p",),
    user_metadata={"team": "x"},
    display_name="night",
    owner=UserSearchOwner(owner_urns=("urn",)),
    statuses=(SearchStatus(type="active"), SearchStatus(type="client_finished", reasons=("success",))),
    limit=7,
    cursor=SearchCursor(last_created_at="2026-07-01T10:00:00.123456789Z", last_session_id="s"),
)
REQUESTS: dict[str, tuple[Request[Any], Asked]] = {
    "health": (service.healthz(), ("GET", "healthz", None)),
    "run": (runs.get_training_run(RUN), ("GET", f"training_runs/{RUN}?access_scope=owned", None)),
    "runs": (
        runs.list_training_runs(limit=5, offset=10, access_scope="accessible", project_id="p/1 x"),
        ("GET", "training_runs?limit=5&offset=10&access_scope=accessible&project_id=p%2F1+x", None),
    ),
    "runs by default": (
        runs.list_training_runs(project_id=""),
        ("GET", "training_runs?limit=20&offset=0&access_scope=owned", None),
    ),
    "checkpoints": (checkpoints.list_checkpoints("r"), ("GET", "training_runs/r/checkpoints", None)),
    "all checkpoints": (checkpoints.list_user_checkpoints(), ("GET", "checkpoints?limit=100&offset=0", None)),
    "delete": (
        checkpoints.delete_checkpoint(RUN, "weights/my ckpt#1"),
        ("DELETE", f"{CHECKPOINT}/my%20ckpt%231", None),
    ),
    "delete by a bare id": (
        checkpoints.delete_checkpoint("r", "0001"),
        ("DELETE", "training_runs/r/checkpoints/0001", None),
    ),
    "publish": (checkpoints.publish_checkpoint(RUN, "weights/a"), ("POST", f"{CHECKPOINT}/a/publish", None)),
    "unpublish": (checkpoints.unpublish_checkpoint(RUN, "weights/a"), ("DELETE", f"{CHECKPOINT}/a/publish", None)),
    "ttl": (
        checkpoints.set_checkpoint_ttl(RUN, "weights/a", 3600),
        ("PUT", f"{CHECKPOINT}/a/ttl", {"ttl_seconds": 3600}),
    ),
    "no ttl": (
        checkpoints.set_checkpoint_ttl(RUN, "weights/a", None),
        ("PUT", f"{CHECKPOINT}/a/ttl", {"ttl_seconds": None}),
    ),
    "external": (
        checkpoints.get_external_weights_urls("r", "external_weights/hf"),
        ("GET", "training_runs/r/checkpoints/external_weights/hf/external_weights_urls", None),
    ),
    "archive": (checkpoints.get_checkpoint_archive_url(RUN, "weights/a"), ("GET", f"{CHECKPOINT}/a/archive", None)),
    "copy": (
        checkpoints.copy_weights("tinker://r/weights/a", "p", ttl_seconds=3600),
        (
            "POST",
            "copy_weights",
            {"source_path": "tinker://r/weights/a", "destination_project_id": "p", "ttl_seconds": 3600},
        ),
    ),
    "finish": (
        sessions.finish_session("s", "errored"),
        ("POST", "sessions/s/finish", {"reason": {"type": "errored"}, "detail": None}),
    ),
    "session": (sessions.get_session("s"), ("GET", "sessions/s?access_scope=owned", None)),
    "sessions": (sessions.list_sessions(), ("GET", "sessions?limit=20&offset=0&access_scope=owned", None)),
    "project": (
        sessions.assign_session_project("s", "p"),
        ("PUT", "sessions/s/project", {"project_id": "p"}),
    ),
    "trace": (sessions.export_session_trace("s"), ("GET", "sessions/s/trace_export", None)),
    "search": (
        sessions.search_sessions(SEARCH),
        (
            "POST",
            "sessions/search",
            {
                "session_id": "s",
                "project_ids": ["p"],
                "user_metadata": {"team": "x"},
                "display_name": "night",
                "owner": {"type": "user", "owner_urns": ["urn"]},
                "statuses": [{"type": "active"}, {"type": "client_finished", "reasons": ["success"]}],
                "limit": 7,
                "cursor": {"last_created_at": "2026-07-01T10:00:00.123456789Z", "last_session_id": "s"},
            },
        ),
    ),
    "search by default": (
        sessions.search_sessions(SessionSearchRequest(owner=AccessibleSearchOwner())),
        ("POST", "sessions/search", {"user_metadata": {}, "owner": {"type": "accessible"}, "limit": 50}),
    ),
    "audit": (
        admin.get_audit_log("checkpoints", date(2025, 1, 15)),
        ("GET", "audit?event_type=checkpoints&day=2025-01-15", None),
    ),
    "audit of long ago": (
        admin.get_audit_log(day=date(1, 1, 1)),
        ("GET", "audit?event_type=all&day=0001-01-01", None),
    ),
    "audit by default": (admin.get_audit_log(), ("GET", "audit?event_type=all", None)),
    "billing": (
        admin.get_billing_usage(NOON, EAST),
        (
            "GET",
            "billing/usage/events?starting_on=2026-07-13T12%3A00%3A00Z&ending_before=2026-07-13T14%3A00%3A00%2B02%3A00",
            None,
        ),
    ),
    "storage": (
        admin.get_current_checkpoint_storage_usage(),
        ("GET", "billing/usage/checkpoints/current", None),
    ),
    "key": (keys.get_api_key(), ("GET", "auth/apikey/me", None)),
    "revoked key": (keys.delete_api_key(), ("DELETE", "auth/apikey/me", None)),
}


def asked(request: Request[Any]) -> Asked:
    query = f"?{urlencode(request.query)}" if request.query else ""
    target = "/".join(map(path_part, request.path)) + query
    assert request.body is None or isinstance(request.body, Struct)
    body = None if request.body is None else json.loads(encode(request.body).content)
    return request.method, target.removeprefix("api/v1/"), body


@pytest.mark.parametrize(("request_", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_builder_asks_for_what_the_protocol_says(request_: Request[Any], expected: Asked) -> None:
    assert asked(request_) == expected


@pytest.mark.parametrize(("request_", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_a_command_without_a_body_has_a_content_type_all_the_same(request_: Request[Any], expected: Asked) -> None:
    bare = expected[0] != "GET" and expected[2] is None
    assert (("content-type", "application/json") in request_.headers) is bare


def test_a_documented_conflict_is_an_answer() -> None:
    sharing = [checkpoints.publish_checkpoint("r", "weights/a"), checkpoints.unpublish_checkpoint("r", "weights/a")]
    assert [request.repeat for request in sharing] == [UNLESS_CONFLICT, UNLESS_CONFLICT]


def test_another_accounts_token_travels_in_a_header_and_is_not_shown() -> None:
    request = checkpoints.copy_weights("tinker://r/weights/a", "p", weights_access_token="tml-other")
    assert dict(request.headers) == {"x-tinker-weights-access-token": "tml-other"}
    assert "tml-other" not in repr(request)


class Choice(str, Enum):  # noqa: UP042 - one that `str` calls by another name
    """Texts that `str` calls by other names."""

    OWNED = "owned"
    PROJECT = "p"
    TOKEN = "ey.token"


def test_texts_of_an_enumeration_are_sent_as_they_are() -> None:
    scope: Any = Choice.OWNED
    request = runs.list_training_runs(access_scope=scope, project_id=Choice.PROJECT)
    assert urlencode(request.query).endswith("access_scope=owned&project_id=p")
    copied = checkpoints.copy_weights(
        "tinker://r/weights/a", destination_project_id="p", weights_access_token=Choice.TOKEN
    )
    assert [str(text) for _, text in copied.headers] == ["ey.token"]


def test_reported_events_say_what_they_are() -> None:
    shared: dict[str, Any] = {"event_id": "e", "event_session_index": 0, "timestamp": NOON}
    events: list[TelemetryEvent] = [
        SessionStart(**shared),
        SessionEnd(**shared, duration="0:00:01"),
        UnhandledException(**shared, severity="ERROR", error_type="ValueError", error_message="no"),
        GenericEvent(**shared, event_name="step", event_data={"loss": 0.5}),
    ]
    request = telemetry.send_telemetry(events, platform="Linux", sdk_version="1", session_id="s", process_uuid="u")
    _, _, body = asked(request)
    common = {"event_id": "e", "event_session_index": 0, "timestamp": "2026-07-13T12:00:00Z", "severity": "INFO"}
    assert body == {
        "events": [
            {"event": "SESSION_START", **common},
            {"event": "SESSION_END", **common, "duration": "0:00:01"},
            {
                "event": "UNHANDLED_EXCEPTION",
                **common,
                "severity": "ERROR",
                "error_type": "ValueError",
                "error_message": "no",
            },
            {"event": "GENERIC_EVENT", **common, "event_name": "step", "event_data": {"loss": 0.5}},
        ],
        "platform": "Linux",
        "sdk_version": "1",
        "session_id": "s",
        "process_uuid": "u",
    }


def test_a_request_elsewhere_shows_no_signature() -> None:
    request = structs.replace(service.healthz(), address=Address("https://user:word@files.test/token?signature=abc"))
    assert request.endpoint == "GET https://files.test/***"
    assert [secret in repr(request) for secret in ("signature", "word", "token")] == [False] * 3


@pytest.mark.parametrize("url", ["", "files/a?signature=abc", "https://", "//files.test/a", "https://[files.test/a"])
def test_of_an_address_without_a_server_nothing_shows(url: str) -> None:
    assert structs.replace(service.healthz(), address=Address(url)).endpoint == "GET ***"


SIGNED = "https://files.test/a?signature=abc"
ADDRESSES = (
    CheckpointArchiveUrlResponse(url=SIGNED),
    ExternalWeightsUrlsResponse(urls={"a": SIGNED}),
    TraceExportResponse(status="ready", url=SIGNED),
)


@pytest.mark.parametrize("answer", ADDRESSES)
def test_an_answer_that_is_an_address_shows_no_signature(answer: Any) -> None:
    for shown in (repr(answer), str(answer), str(answer.__rich_repr__())):
        assert "signature" not in shown
        assert "https://files.test/***" in shown


def test_an_answer_without_an_address_shows_none() -> None:
    assert repr(TraceExportResponse(status="pending")) == "TraceExportResponse(status='pending', url=None, error=None)"
