"""What is told to the server goes in batches, and what can't be sent is dropped and counted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from returns.result import Success

from tests.plans.scripted import BROKEN, Line, Script, gaps, reply
from tinkex_py.endpoints.telemetry import TelemetryBatch
from tinkex_py.errors import DeadlineExceeded
from tinkex_py.plans.effects import Plan, deadline, sleep, spawn
from tinkex_py.plans.telemetry import CAPACITY, Outbox, flush, reporting
from tinkex_py.types.telemetry import SessionStart


def filled(count: int) -> Outbox:
    outbox = Outbox(platform="Linux", sdk_version="0", process="p", session="s")
    for _ in range(count):
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        outbox.put(SessionStart(event_id="e", event_session_index=outbox.next_number(), timestamp=moment))
    return outbox


def sizes(script: Script) -> list[int]:
    return [len(each.body.events) for each, _ in script.sent if isinstance(each.body, TelemetryBatch)]


def test_batches_have_a_hundred_events_at_most() -> None:
    outbox, script = filled(250), Script(reply(200, {"status": "accepted"}))
    assert script.run(flush(outbox)) == Success(None)
    assert sizes(script) == [100, 100, 50]
    assert (outbox.sent, outbox.dropped, len(outbox.waiting)) == (250, 0, 0)


@pytest.mark.parametrize("line", [BROKEN, reply(500), reply(422), 1e6], ids=str)
def test_what_cannot_be_sent_is_dropped_and_counted(line: Line) -> None:
    outbox, script = filled(3), Script(line)
    assert script.run(flush(outbox)) == Success(None)
    assert (outbox.sent, outbox.dropped, len(script.sent)) == (0, 3, 1)


def test_what_is_cut_off_on_its_way_is_dropped_and_counted() -> None:
    outbox, script = filled(3), Script(1e6)
    script.run(deadline(4, flush(outbox), lambda seconds: DeadlineExceeded(message="closed", seconds=seconds)))
    assert (outbox.sent, outbox.dropped, len(outbox.waiting)) == (0, 3, 0)


def test_what_is_too_much_is_dropped_and_counted() -> None:
    outbox = filled(CAPACITY + 7)
    assert (len(outbox.waiting), outbox.dropped) == (CAPACITY, 7)


def test_reports_go_out_every_so_often_while_there_is_something() -> None:
    outbox, script = filled(1), Script(reply(200))

    def program() -> Plan[None]:
        yield from spawn(reporting(outbox, "joined"))
        yield from sleep(35)
        outbox.waiting.extend(filled(2).waiting)
        yield from sleep(10)

    script.run(program())
    assert (sizes(script), gaps([0.0, *script.times])) == ([1, 2], [10.0, 30.0])
    assert {each.body.session_id for each, _ in script.sent if isinstance(each.body, TelemetryBatch)} == {"joined"}
