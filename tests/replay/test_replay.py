"""The same calls send what the official SDK sent and read what it read, but for what the table of differences says."""

from __future__ import annotations

import pytest

from tests.replay import judge, messages
from tests.replay.calls import NOT_APPLICABLE, NOT_YET, found
from tests.replay.recorded import recordings
from tests.replay.table import rows

VERDICTS = judge.verdicts()
WAITING = [pytest.mark.skip(reason="not yet")]


@pytest.mark.parametrize(
    "verdict",
    [
        pytest.param(each, id=name, marks=WAITING if found(NOT_YET, each.recording) else ())
        for name, each in VERDICTS.items()
    ],
)
def test_a_call_sends_and_reads_what_was_recorded(verdict: judge.Verdict) -> None:
    assert not verdict.unexcused, "mend them, or say in docs/differences.md why they are meant:\n" + "\n".join(
        map(str, verdict.unexcused)
    )


def test_every_row_of_the_table_is_needed() -> None:
    used = {row for verdict in VERDICTS.values() for row in verdict.excused}
    assert [row for row in rows() if row not in used] == []


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
