"""The same calls send what the official SDK sent and read what it read, but for what the table of differences says."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.replay import judge, messages
from tests.replay.cases import NOT_APPLICABLE, found
from tests.replay.recorded import Body, Recording, recordings
from tests.replay.table import rows


@pytest.mark.parametrize("title", judge.applicable())
def test_a_call_sends_and_reads_what_was_recorded(title: str) -> None:
    unexcused = judge.judged(title).unexcused
    assert not unexcused, "mend them, or say in docs/differences.md why they are meant:\n" + "\n".join(
        map(str, unexcused)
    )


def test_every_row_of_the_table_is_needed() -> None:
    used = {row for title in judge.applicable() for row in judge.judged(title).excused}
    assert [row for row in rows() if row not in used] == []


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if field != name}


def sent(recording: Recording, **changes: Any) -> Recording:
    """The recording as if its first request had been another."""
    first, *rest = recording.exchanges
    changed = replace(first, request=replace(first.request, **changes))
    return replace(recording, exchanges=(changed, *rest))


STEP = next(each for each in recordings() if each.title == "0.38.0/058_optim_step_adam_full")
FIRST = STEP.exchanges[0].request
TAMPERED = {
    "method": sent(STEP, method="PUT"),
    "path": sent(STEP, target="/api/v1/optim_steps"),
    "query": sent(STEP, target=f"{FIRST.target}?a=b"),
    "header": sent(STEP, headers=FIRST.headers | {"accept": "text/plain"}),
    "another header": sent(STEP, headers=FIRST.headers | {"x-tinker-request-type": "OptimStep"}),
    "credential": sent(STEP, headers=without(FIRST.headers, "x-api-key")),
    "idempotency": sent(STEP, headers=without(FIRST.headers, "x-idempotency-key")),
    "field": sent(STEP, body=Body(json=FIRST.body.json | {"type": "step"})),
    "another field": sent(STEP, body=Body(json=FIRST.body.json | {"more": 1})),
    "missing field": sent(STEP, body=Body(json=without(FIRST.body.json, "type"))),
    "one more request": replace(STEP, exchanges=(*STEP.exchanges, STEP.exchanges[-1])),
    "one request less": replace(STEP, exchanges=STEP.exchanges[:1]),
    "result": replace(STEP, result={"OptimStepResponse": {"metrics": {"grad_norm:mean": 0.25}}}),
    "error": replace(STEP, result=None, error={"type": "tinker.ConflictError"}),
}


@pytest.mark.parametrize("recording", TAMPERED.values(), ids=TAMPERED)
def test_a_recording_of_anything_else_is_noticed(recording: Recording) -> None:
    assert judge.verdict(recording).unexcused


def test_every_row_gives_its_reason() -> None:
    assert all(row.reason for row in rows())
    assert len(set(rows())) == len(rows())


def test_what_is_not_applicable_was_recorded_and_says_why() -> None:
    met = {pattern for pattern in NOT_APPLICABLE for each in recordings() if found({pattern: True}, each)}
    assert (met, all(NOT_APPLICABLE.values())) == (set(NOT_APPLICABLE), True)


def test_messages_are_read_as_the_official_sdk_reads_them() -> None:
    sent = [each.request.body for recording in recordings() for each in recording.exchanges]
    protobuf = [body for body in sent if body.wire_bytes_base64]
    read = [messages.request(body.message) for body in protobuf]
    assert [(one["model_id"], one["seq_id"], one["loss_fn"]) for one in read] == [
        (body.decoded["model_id"], body.decoded["seq_id"], body.decoded["loss_fn"]) for body in protobuf
    ]
