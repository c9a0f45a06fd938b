"""The verdict on each recording: what differs, and which rows of the table excuse it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from msgspec import UNSET, structs
from returns.result import Success

from tests.replay.calls import CALLS
from tests.replay.cases import KEY, NOT_APPLICABLE, STARTS, Start, found
from tests.replay.comparing import Difference, request_differences, shown
from tests.replay.recorded import Recording, recordings
from tests.replay.results import result_differences
from tests.replay.server import Pair, Server
from tests.replay.stage import played
from tests.replay.table import Row, rows
from tinkex_py.config import Config

JUDGED = frozenset({"0.24.1", "0.24.1-protobuf", "0.25.0", "0.38.0"})
"""Releases whose requests are compared; of the older ones only what answers are read as."""
POLLS = frozenset({"retrieve_future", "retrieve_futures", "auth/token", "telemetry", "session_heartbeat"})
"""Where each asking is a new one."""


class Verdict(NamedTuple):
    """What one recording came to: `excused` are the rows that were needed, `unexcused` what no row excuses."""

    recording: Recording
    excused: tuple[Row, ...]
    unexcused: tuple[Difference, ...]


@cache
def applicable() -> dict[str, Recording]:
    """Every recording that can be replayed, by its title."""
    return {each.title: each for each in recordings() if found(NOT_APPLICABLE, each) is None}


@cache
def judged(title: str) -> Verdict:
    """The verdict on a recording, which is replayed once."""
    return verdict(applicable()[title])


def verdict(recording: Recording) -> Verdict:
    """Replay one recording, and look for an excuse for each difference."""
    excused: list[Row] = []
    unexcused: list[Difference] = []
    for difference in differences(recording):
        row = next((each for each in rows() if each.excuses(difference)), None)
        if row is None:
            unexcused.append(difference)
        else:
            excused.append(row)
    return Verdict(recording, tuple(dict.fromkeys(excused)), tuple(unexcused))


def complete() -> bool:
    """Whether every recording was replayed."""
    return judged.cache_info().currsize == len(applicable())


def summary() -> str:
    """The counts, for a person."""
    verdicts = [judged(title) for title in applicable()]
    excused = [each for each in verdicts if each.excused]
    failed = [each for each in verdicts if each.unexcused]
    return (
        f"recordings: {len(verdicts)} replayed, {len(excused)} with differences that {len(rows())} rows excuse, "
        f"{len(failed)} unexcused; {len(recordings()) - len(verdicts)} not applicable"
    )


def differences(recording: Recording) -> list[Difference]:
    """What differs when the recorded call is made on our client."""
    call = found(CALLS, recording)
    if call is None:
        return [Difference(recording.case, "", "call", recording.call, "no call of ours is known for it")]
    start: Start = found(STARTS, recording) or Start()
    try:
        server, result = played(recording, call, _config(start), start.user_metadata)
    except Exception as error:  # noqa: BLE001 - whatever is raised, the call was not as recorded
        return [Difference(recording.case, "", "call", recording.call, f"{type(error).__name__}: {error}")]
    compared = [Difference(recording.case, "", *_shown(each)) for each in result_differences(recording, result)]
    sent = _sent(recording, server) if recording.release in JUDGED else _unread(recording, server)
    return [*sent, *compared]


def _config(start: Start) -> Config:
    match Config.from_env({"TINKER_API_KEY": KEY, **start.environment}):
        case Success(config):
            return structs.replace(config, **start.settings)
        case failed:
            raise AssertionError(failed)


def _sent(recording: Recording, server: Server) -> Iterator[Difference]:
    for pair in server.pairs:
        request = pair.name
        if pair.exchange is None:
            yield Difference(recording.case, request, "request", "absent", "sent")
            continue
        for each in request_differences(pair.exchange.request, pair.ours):
            yield Difference(recording.case, request, *_shown(each))
    yield from _unread(recording, server)
    yield from _order(recording, server)
    yield from _keys(recording, server)


def _unread(recording: Recording, server: Server) -> Iterator[Difference]:
    """Recorded answers that nobody asked for."""
    for exchange in server.unused:
        request = f"{exchange.request.method} {_word(exchange.request.path)}"
        yield Difference(recording.case, request, "request", "sent", "absent")


def _order(recording: Recording, server: Server) -> Iterator[Difference]:
    order = {id(exchange): index for index, exchange in enumerate(recording.exchanges)}
    sent = [
        order[id(pair.exchange)] for pair in server.pairs if pair.exchange and _word(pair.ours.url.path) not in POLLS
    ]
    if sent != sorted(sent):
        yield Difference(recording.case, "", "order", shown(sorted(sent)), shown(sent))


def _keys(recording: Recording, server: Server) -> Iterator[Difference]:
    """A request that failed and is sent again is the same command, under the same key."""
    earlier: dict[tuple[str, str, bytes], Pair] = {}
    for pair in server.pairs:
        word = _word(pair.ours.url.path)
        key = (pair.ours.method, pair.ours.url.path, pair.ours.content)
        before = earlier.get(key)
        earlier[key] = pair
        if before is None or word in POLLS or not _repeatable(before):
            continue
        if before.ours.headers.get("x-idempotency-key") != pair.ours.headers.get("x-idempotency-key"):
            yield Difference(recording.case, f"{pair.ours.method} {word}", "idempotency key", "one", "another")


def _repeatable(pair: Pair) -> bool:
    """Whether the same command may be sent again after what it was answered."""
    if pair.exchange is None:
        return False
    answer = pair.exchange.response
    return answer.note is not None or answer.status in {408, 409, 429} or answer.status >= 500


def _word(path: str) -> str:
    return path.removeprefix("/api/v1/")


def _shown(difference: tuple[str, Any, Any]) -> tuple[str, str, str]:
    part, recorded, ours = difference
    return part, shown(recorded), shown(UNSET if ours is UNSET else ours)
