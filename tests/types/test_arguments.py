"""Arguments of REST operations that can't be sent are refused by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tinkex_py.types import SearchStatus, SessionSearchRequest, UserSearchOwner
from tinkex_py.types.arguments import arguments_problem, as_day, as_moment, search_problem

GOOD: dict[str, object] = {
    "training_run_id": "r",
    "project_id": None,
    "limit": 1,
    "offset": 0,
    "access_scope": "accessible",
    "ttl_seconds": None,
    "event_type": "teams",
    "anything else": object(),
}
BAD: dict[str, object] = {
    "training_run_id": "",
    "checkpoint_id": None,
    "session_id": "a\nb",
    "sampler_id": 1,
    "project_id": "",
    "limit": 0,
    "offset": -1,
    "access_scope": "mine",
    "ttl_seconds": 0.5,
    "event_type": "some",
}
SEARCHES: dict[str, tuple[dict[str, Any], str | None]] = {
    "by default": ({}, None),
    "everything": (
        {
            "session_id": "s",
            "project_ids": ("p",),
            "display_name": "n",
            "owner": UserSearchOwner(owner_urns=("u",)),
            "statuses": (SearchStatus(type="active"), SearchStatus(type="client_finished", reasons=("success",))),
            "limit": 200,
        },
        None,
    ),
    "no projects": ({"project_ids": ()}, "project_ids"),
    "no name": ({"display_name": ""}, "display_name"),
    "no users": ({"owner": UserSearchOwner(owner_urns=())}, "owner"),
    "many users": ({"owner": UserSearchOwner(owner_urns=tuple("abcdefghijk"))}, "owner"),
    "no statuses": ({"statuses": ()}, "statuses"),
    "no reasons": ({"statuses": (SearchStatus(type="client_finished", reasons=()),)}, "statuses"),
    "numbers": ({"user_metadata": {"a": 1}}, "user_metadata"),
    "too many": ({"limit": 201}, "limit"),
}


@pytest.mark.parametrize(("name", "value"), GOOD.items())
def test_what_can_be_sent_is_no_problem(name: str, value: object) -> None:
    assert arguments_problem({name: value}) is None


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_what_cannot_be_sent_is_named(name: str, value: object) -> None:
    found = arguments_problem({name: value})
    assert found is not None
    assert (found.path, found.value) == (name, repr(value))


@pytest.mark.parametrize(("given", "path"), SEARCHES.values(), ids=SEARCHES)
def test_a_search_must_be_able_to_find_something(given: dict[str, Any], path: str | None) -> None:
    found = search_problem(SessionSearchRequest(**given))
    assert (found and found.path) == path


def test_times_are_given_as_they_are_or_as_text() -> None:
    noon = datetime(2026, 7, 13, 12, tzinfo=UTC)
    assert (as_moment(noon), as_moment("2026-07-13T12:00:00Z"), as_moment("noon")) == (noon, noon, None)
    day = date(2026, 7, 13)
    assert (as_day(day), as_day("2026-07-13"), as_day("today")) == (day, day, None)
