"""Lists end where the server says, with a short page, or when enough is there."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure, Success
from typing_extensions import override

from tests.plans.scripted import BROKEN, Script, reply
from tinkex_py.plans.pages import collected, found_sessions, sessions, training_runs, user_checkpoints
from tinkex_py.plans.retry import Policy
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.types import Checkpoint, SessionSearchRequest, SessionSummary

POLICY = Policy(seconds=10, attempts=1)


def page(*names: str, **cursor: int) -> Reply:
    listed: dict[str, Any] = {"checkpoints": [{"checkpoint_id": name} for name in names]}
    return reply(200, {**listed, "cursor": cursor} if cursor else listed)


def full(first: int, count: int = 100, **cursor: int) -> Reply:
    return page(*map(str, range(first, first + count)), **cursor)


LISTS: dict[str, tuple[list[Reply], int | None, int, list[tuple[str, str]]]] = {
    "a short page": ([full(0), page("a")], None, 101, [("100", "0"), ("100", "100")]),
    "the total": ([full(0, total_count=100)], None, 100, [("100", "0")]),
    "an empty page": ([full(0), page()], None, 100, [("100", "0"), ("100", "100")]),
    "what the server gives at most": (
        [full(0, 50, limit=50), full(50, 50, limit=50), page("a", limit=50)],
        None,
        101,
        [("100", "0"), ("100", "50"), ("100", "100")],
    ),
    "a page that says nothing new": ([full(0), full(0)], None, 100, [("100", "0"), ("100", "100")]),
    "the first page": ([full(0)], 100, 100, [("100", "0")]),
    "the first items": ([full(0), full(100)], 120, 120, [("100", "0"), ("100", "100")]),
    "more than was asked for": ([full(0)], 3, 3, [("3", "0")]),
    "nothing": ([page()], 0, 0, []),
}


@pytest.mark.parametrize(("pages", "wanted", "count", "asked"), LISTS.values(), ids=LISTS)
def test_a_list_ends(pages: list[Reply], wanted: int | None, count: int, asked: list[tuple[str, str]]) -> None:
    script = Script(*pages)
    items = script.run(collected(user_checkpoints(), POLICY, wanted=wanted)).unwrap()
    assert len(items) == count
    assert [tuple(value for _, value in request.query) for request, _ in script.sent] == asked


def test_items_come_in_order_from_the_offset_on() -> None:
    script = Script(page("c", "d"))
    found = script.run(collected(user_checkpoints(), POLICY, offset=2))
    assert found == Success((Checkpoint(checkpoint_id="c"), Checkpoint(checkpoint_id="d")))
    assert script.sent[0][0].query == (("limit", "100"), ("offset", "2"))


def names_of(script: Script, **options: Any) -> list[str]:
    return [each.checkpoint_id for each in script.run(collected(user_checkpoints(), POLICY, **options)).unwrap()]


@pytest.mark.parametrize("wanted", [None, 101])
def test_what_moves_to_the_next_page_because_others_came_is_counted_once(wanted: int | None) -> None:
    script = Script(full(0, total_count=102), page("98", "99", "100", "101", total_count=104))
    assert names_of(script, wanted=wanted) == list(map(str, range(wanted or 102)))


class Growing(Script):
    """Lists 110 checkpoints, and two more before them once the first page was asked for."""

    @override
    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply:
        """As many from that offset on as are asked for."""
        limit, offset = (int(value) for _, value in request.query)
        names = [*(("newest", "newer") if self.sent else ()), *map(str, range(110))]
        self.sent.append((request, headers))
        return page(*names[offset : offset + limit], total_count=len(names))


def test_the_last_page_is_no_smaller_than_the_others_so_not_all_of_it_has_moved_there() -> None:
    assert names_of(Growing(page()), wanted=101) == list(map(str, range(101)))


def test_a_server_that_gives_the_first_page_always_is_not_asked_for_ever() -> None:
    newer = reply(200, {"checkpoints": [{"checkpoint_id": str(name), "size_bytes": 1} for name in range(100)]})
    told = [{"tinker_path": f"tinker://r/weights/{name}", "checkpoint_id": "a"} for name in range(100)]
    pages = (
        [full(0), newer],
        [reply(200, {"checkpoints": [{**each, "size_bytes": n} for each in told]}) for n in (1, 2)],
    )
    for first, second in pages:
        script = Script(first, second)
        assert (len(names_of(script)), len(script.sent)) == (100, 2)


def test_checkpoints_of_two_runs_may_have_one_id_and_those_without_a_path_too() -> None:
    paths = [{"checkpoint_id": "a", "tinker_path": f"tinker://{run}/weights/a"} for run in "xy"]
    times = [{"checkpoint_id": "a", "time": f"2026-07-1{day}T00:00:00Z"} for day in (3, 4)]
    assert names_of(Script(reply(200, {"checkpoints": [*paths, *times]}))) == ["a"] * 4


def test_runs_and_sessions_are_lists_too() -> None:
    runs = Script(reply(200, {"training_runs": [{"training_run_id": "r", "base_model": "m"}]}))
    assert [run.training_run_id for run in runs.run(collected(training_runs("accessible"), POLICY)).unwrap()] == ["r"]
    assert Script(reply(200, {"sessions": ["s"]})).run(collected(sessions(), POLICY)) == Success(("s",))


def test_a_page_that_fails_ends_the_list() -> None:
    assert isinstance(Script(full(0), BROKEN).run(collected(user_checkpoints(), POLICY)), Failure)


def found(name: str, following: str | None) -> Reply:
    cursor = following and {"last_created_at": "2026", "last_session_id": following}
    return reply(200, {"sessions": [{"session_id": name}], "next_cursor": cursor})


@pytest.mark.parametrize(
    ("pages", "wanted", "names"),
    [
        ([found("a", "1"), found("b", None)], None, ["a", "b"]),
        ([found("a", "1"), found("b", "1")], None, ["a", "b"]),
        ([found("a", "1"), found("b", "2"), found("c", "1")], None, ["a", "b", "c"]),
        ([found("a", "1"), found("b", "2")], 1, ["a"]),
    ],
    ids=["the last page", "a cursor that stands still", "cursors in a circle", "enough"],
)
def test_a_search_follows_its_cursor(pages: list[Reply], wanted: int | None, names: list[str]) -> None:
    script = Script(*pages)
    outcome = script.run(found_sessions(SessionSearchRequest(), POLICY, wanted=wanted))
    assert outcome == Success(tuple(SessionSummary(session_id=name) for name in names))
