"""What a server prepares is waited for, and fetched from elsewhere without the credential."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Script, gaps, reply
from tinkex_py import errors
from tinkex_py.endpoints.admin import get_audit_log
from tinkex_py.plans.copies import copied
from tinkex_py.plans.exports import audit_log, exported_trace
from tinkex_py.plans.retry import Policy
from tinkex_py.request import Address
from tinkex_py.types import AuditLogResponse

POLICY = Policy(seconds=60, attempts=1)
PENDING = reply(200, {"status": "pending"})
READY = reply(200, {"status": "ready", "url": "https://files.test/trace?s=1"})


def test_a_trace_is_asked_for_every_five_seconds_until_it_is_ready() -> None:
    script = Script(PENDING, reply(200, {"status": "queued"}), READY)
    assert script.run(exported_trace("s", POLICY)) == Success("https://files.test/trace?s=1")
    assert gaps(script.times) == [5.0, 5.0]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, {"status": "failed", "error": "no trace"}), errors.RequestFailed),
        (reply(200, {"status": "failed"}), errors.RequestFailed),
        (reply(200, {"status": "ready"}), errors.Undecodable),
        (reply(404, {"detail": "no such session"}), errors.NotFound),
        (PENDING, errors.DeadlineExceeded),
    ],
    ids=["failed", "failed without a reason", "nowhere", "no session", "never"],
)
def test_a_trace_that_does_not_come_is_a_failure(answer: object, expected: type) -> None:
    assert isinstance(answer, type(PENDING))
    outcome = Script(answer).run(exported_trace("s", POLICY))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), expected)


def test_the_audit_log_is_read_where_it_is() -> None:
    here = Script(reply(200, {"entries": []}))
    assert here.run(audit_log(get_audit_log(), POLICY)) == Success(AuditLogResponse(entries=[]))
    away = Script(reply(302, location="https://files.test/log?s=1"), reply(200, {"entries": []}))
    assert away.run(audit_log(get_audit_log(), POLICY)) == Success(AuditLogResponse(entries=[]))
    assert away.sent[1][0].address == Address("https://files.test/log?s=1")


def test_the_audit_log_is_not_read_from_a_file() -> None:
    outcome = Script(reply(302, location="file:///etc/passwd")).run(audit_log(get_audit_log(), POLICY))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.RedirectRefused)


def test_a_copy_has_a_path() -> None:
    script = Script(reply(503), reply(200, {"tinker_path": "tinker://r/weights/a"}))
    plan = copied("tinker://q/weights/a", "p", None, None, Policy(seconds=60))
    assert script.run(plan) == Success("tinker://r/weights/a")
    assert len({dict(headers)["x-idempotency-key"] for _, headers in script.sent}) == 1


def test_a_copy_to_nowhere_is_refused() -> None:
    script = Script(reply(200))
    error = script.run(copied("tinker://q/weights/a", None, None, None, POLICY)).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, script.sent) == ("destination_project_id", [])
