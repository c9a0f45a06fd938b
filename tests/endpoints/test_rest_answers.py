"""What REST answers are read as, of old servers and of ones that don't exist yet."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from returns.result import Failure, Success

from tinkex_py import errors
from tinkex_py.endpoints import admin, checkpoints, keys, runs, sessions
from tinkex_py.interpret import interpret
from tinkex_py.request import Address, Reply, Request
from tinkex_py.types.keys import ApiKeyResponse, KeyDetails, Organization, User
from tinkex_py.types.runs import (
    Checkpoint,
    CheckpointArchiveUrlResponse,
    CheckpointsListResponse,
    Cursor,
    TrainingRun,
    TrainingRunsResponse,
)
from tinkex_py.types.sessions import (
    SearchCursor,
    SessionReason,
    SessionSearchRequest,
    SessionSearchResponse,
    SessionStatus,
    SessionSummary,
)
from tinkex_py.types.usage import AuditLogEntry, AuditLogResponse, BillingEvent, BillingUsageResponse, EventInfo

TIME = "2026-07-01T10:00:00Z"
MOMENT = datetime(2026, 7, 1, 10, tzinfo=UTC)
AUDIT = admin.get_audit_log()
ARCHIVE = checkpoints.get_checkpoint_archive_url("r", "weights/a")
LISTED = checkpoints.list_checkpoints("r")

ANSWERS: dict[str, tuple[Request[Any], object, object]] = {
    "run": (
        runs.get_training_run("r"),
        {
            "training_run_id": "r",
            "base_model": "m",
            "model_owner": "u",
            "is_lora": True,
            "lora_rank": 32,
            "last_request_time": TIME,
            "last_checkpoint": {"checkpoint_id": "weights/a", "checkpoint_type": "training", "time": TIME},
            "last_sampler_checkpoint": None,
            "new_in_2030": {"a": [1]},
        },
        TrainingRun(
            training_run_id="r",
            base_model="m",
            model_owner="u",
            lora_rank=32,
            last_request_time=MOMENT,
            last_checkpoint=Checkpoint(checkpoint_id="weights/a", checkpoint_type="training", time=MOMENT),
        ),
    ),
    "runs without a count": (
        runs.list_training_runs(),
        {"training_runs": [], "cursor": {"offset": 0, "limit": 20}},
        TrainingRunsResponse(training_runs=[], cursor=Cursor(offset=0, limit=20)),
    ),
    "checkpoints of an unknown kind and without times": (
        LISTED,
        {"checkpoints": [{"checkpoint_id": "a", "checkpoint_type": "quantized", "public": True, "size_bytes": None}]},
        CheckpointsListResponse(checkpoints=[Checkpoint(checkpoint_id="a", checkpoint_type="quantized", public=True)]),
    ),
    "a time without a zone": (
        LISTED,
        {"checkpoints": [{"checkpoint_id": "a", "time": "2026-07-01T10:00:00", "expires_at": TIME}]},
        CheckpointsListResponse(checkpoints=[Checkpoint(checkpoint_id="a", time=MOMENT, expires_at=MOMENT)]),
    ),
    "archive": (
        ARCHIVE,
        {"url": "https://files.test/a?s=1", "expires": TIME},
        CheckpointArchiveUrlResponse(url="https://files.test/a?s=1", expires=MOMENT),
    ),
    "sessions found": (
        sessions.search_sessions(SessionSearchRequest()),
        {
            "sessions": [
                {
                    "session_id": "s",
                    "created_at": TIME,
                    "owner": "u",
                    "project_id": None,
                    "status": {
                        "type": "failed",
                        "category": "user",
                        "message": "no",
                        "reason": {"type": "request", "request_id": "q", "request_type": "Sample"},
                    },
                    "checkpoints_count": 2,
                },
                {"session_id": "t", "status": {"type": "asleep"}},
            ],
            "next_cursor": {"last_created_at": TIME, "last_session_id": "s"},
        },
        SessionSearchResponse(
            sessions=[
                SessionSummary(
                    session_id="s",
                    created_at=MOMENT,
                    owner="u",
                    checkpoints_count=2,
                    status=SessionStatus(
                        type="failed",
                        category="user",
                        message="no",
                        reason=SessionReason(type="request", request_id="q", request_type="Sample"),
                    ),
                ),
                SessionSummary(session_id="t", status=SessionStatus(type="asleep")),
            ],
            next_cursor=SearchCursor(last_created_at=TIME, last_session_id="s"),
        ),
    ),
    "audit": (
        AUDIT,
        {"entries": [{"timestamp": TIME, "event": "checkpoint_read", "event_details": {"run": "r"}}]},
        AuditLogResponse(
            entries=[AuditLogEntry(timestamp=MOMENT, event="checkpoint_read", event_details={"run": "r"})]
        ),
    ),
    "billing of an unknown kind": (
        admin.get_billing_usage(MOMENT, MOMENT),
        {"data": [{"bucket_start": TIME, "bucket_end": TIME, "event_info": {"type": "dreaming", "hours": 1}}]},
        BillingUsageResponse(
            data=[BillingEvent(bucket_start=MOMENT, bucket_end=MOMENT, event_info=EventInfo(type="dreaming"))]
        ),
    ),
    "key": (
        keys.get_api_key(),
        {"key_id": 1, "name": "n", "details": {"org_details": {"name": "o"}, "user_details": {"email": "e"}}},
        ApiKeyResponse(
            key_id=1, name="n", details=KeyDetails(org_details=Organization(name="o"), user_details=User(email="e"))
        ),
    ),
}


@pytest.mark.parametrize(("request_", "body", "value"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read(request_: Request[Any], body: object, value: object) -> None:
    assert interpret(request_, Reply(status=200, body=json.dumps(body).encode())) == Success(value)


def moved(**headers: str) -> Reply:
    return Reply(status=302, headers=tuple(headers.items()), at=MOMENT.timestamp())


def test_an_older_server_names_the_archive_by_a_redirect() -> None:
    answer = interpret(ARCHIVE, moved(location="file:///a", expires="Thu, 01 Jan 2099 00:00:00 GMT"))
    assert answer == Success(CheckpointArchiveUrlResponse(url="file:///a", expires=datetime(2099, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("expires", ["", "soon"])
def test_an_archive_without_an_end_works_for_a_quarter_of_an_hour(expires: str) -> None:
    answer = interpret(ARCHIVE, moved(location="https://a.test", expires=expires))
    until = MOMENT + timedelta(minutes=15)
    assert answer == Success(CheckpointArchiveUrlResponse(url="https://a.test", expires=until))


def test_the_audit_log_may_be_elsewhere() -> None:
    assert interpret(AUDIT, moved(location="https://a.test?s=1")) == Success(Address("https://a.test?s=1"))


@pytest.mark.parametrize("request_", [ARCHIVE, AUDIT], ids=["archive", "audit"])
def test_a_redirect_to_nowhere_is_undecodable(request_: Request[Any]) -> None:
    answer = interpret(request_, moved())
    assert isinstance(answer, Failure)
    assert isinstance(answer.failure(), errors.Undecodable)
