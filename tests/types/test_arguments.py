"""Arguments that can't be sent are refused by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tinkex_py.errors import InvalidInput
from tinkex_py.types import (
    AccessibleSearchOwner,
    AdamParams,
    OtherOptimizer,
    SearchStatus,
    SessionSearchRequest,
    UserSearchOwner,
)
from tinkex_py.types.arguments import arguments_check, as_day, as_moment, search_problem

GOOD: dict[str, object] = {
    "training_run_id": "r",
    "checkpoint_id": "weights/step-10",
    "project_id": None,
    "limit": 1,
    "offset": 0,
    "access_scope": "accessible",
    "ttl_seconds": None,
    "event_type": "teams",
    "timeout": -1.0,
    "data": iter([1]),
    "user_metadata": {"a": "one\ntwo"},
    "optim_params": OtherOptimizer("lion"),
    "adam_params": AdamParams(),
    "anything_else": object(),
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
    "timeout": "soon",
    "data": "text",
    "user_metadata": {"a": 1},
    "optim_params": {"learning_rate": 0.1},
    "adam_params": 0.1,
    "overwrite": 1,
    "fn": 1,
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
    "of all": ({"owner": AccessibleSearchOwner()}, None),
    "no projects": ({"project_ids": ()}, "project_ids"),
    "a text for projects": ({"project_ids": "p"}, "project_ids"),
    "nobody": ({"owner": None}, "owner"),
    "a text for users": ({"owner": UserSearchOwner(owner_urns="u")}, "owner"),
    "no name": ({"display_name": ""}, "display_name"),
    "no users": ({"owner": UserSearchOwner(owner_urns=())}, "owner"),
    "many users": ({"owner": UserSearchOwner(owner_urns=tuple("abcdefghijk"))}, "owner"),
    "no statuses": ({"statuses": ()}, "statuses"),
    "no reasons": ({"statuses": (SearchStatus(type="client_finished", reasons=()),)}, "statuses"),
    "a text for reasons": ({"statuses": (SearchStatus(type="failed", reasons="success"),)}, "statuses"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "a word for a page": ({"cursor": "next"}, "cursor"),
    "numbers": ({"user_metadata": {"a": 1}}, "user_metadata"),
    "too many": ({"limit": 201}, "limit"),
}


def found_in(name: str, value: object) -> InvalidInput | None:
    """What is wrong with one argument of an operation that takes them all."""
    return arguments_check(everything)((), {name: value})


def everything(
    _client: object,
    *,
    training_run_id: str,
    checkpoint_id: str,
    session_id: str,
    sampler_id: str,
    limit: int,
    offset: int,
    access_scope: str,
    ttl_seconds: int | None,
    event_type: str,
    data: object,
    user_metadata: object,
    optim_params: object,
    adam_params: object,
    overwrite: bool,
    fn: object,
    anything_else: object,
    project_id: str | None = None,
    timeout: float | None = None,
) -> None:
    """An operation."""


@pytest.mark.parametrize(("name", "value"), GOOD.items())
def test_what_can_be_sent_is_no_problem(name: str, value: object) -> None:
    assert found_in(name, value) is None


def test_a_number_that_is_too_large_is_told_the_most() -> None:
    found = found_in("limit", 10**20)
    assert found is not None
    assert found.message.endswith("give an integer of at least 1 that fits into 64 bits")


@pytest.mark.parametrize(("name", "value"), BAD.items())
def test_what_cannot_be_sent_is_named(name: str, value: object) -> None:
    found = found_in(name, value)
    assert found is not None
    assert (found.path, found.value) == (name, repr(value))


def test_arguments_are_known_by_their_order_too_and_none_is_right_where_it_is_the_default() -> None:
    def listed(_client: object, training_run_id: str, project_id: str | None = None, limit: int = 20) -> None:
        """An operation."""

    check = arguments_check(listed)
    assert [check(args, {}) for args in [(), ("r",), ("r", None), ("r", "p", 3)]] == [None] * 4
    assert [(found and found.path) for found in (check((1,), {}), check(("r", None, None), {}))] == [
        "training_run_id",
        "limit",
    ]


class NoText:
    def __str__(self) -> str:
        raise ValueError("hush")


@pytest.mark.parametrize("given", [b"hush", NoText()], ids=["bytes", "no text"])
def test_a_secret_in_a_wrong_form_is_not_shown(given: object) -> None:
    def copied(_client: object, weights_access_token: str | None = None) -> None:
        """An operation."""

    found = arguments_check(copied)((given,), {})
    assert found is not None
    assert (found.path, "hush" in repr(found)) == ("weights_access_token", False)


@pytest.mark.parametrize(("given", "path"), SEARCHES.values(), ids=SEARCHES)
def test_a_search_must_be_able_to_find_something(given: dict[str, Any], path: str | None) -> None:
    found = search_problem(SessionSearchRequest(**given))
    assert (found and found.path) == (path and f"request.{path}")


def test_a_search_takes_lists_as_it_takes_tuples() -> None:
    listed = SessionSearchRequest(
        project_ids=["p"],
        owner=UserSearchOwner(owner_urns=["u"]),
        statuses=[SearchStatus(type="client_finished", reasons=["success"])],
    )
    paired = SessionSearchRequest(
        project_ids=("p",),
        owner=UserSearchOwner(owner_urns=("u",)),
        statuses=(SearchStatus(type="client_finished", reasons=("success",)),),
    )
    assert (listed, hash(listed), search_problem(listed)) == (paired, hash(paired), None)


def test_times_are_given_as_they_are_or_as_text() -> None:
    noon = datetime(2026, 7, 13, 12, tzinfo=UTC)
    assert (as_moment(noon), as_moment("2026-07-13T12:00:00Z"), as_moment("noon")) == (noon, noon, None)
    assert (as_moment(datetime(2026, 7, 13, 12)), as_moment("2026-07-13T12:00:00")) == (noon, noon)  # noqa: DTZ001
    day = date(2026, 7, 13)
    assert (as_day(day), as_day("2026-07-13"), as_day("today")) == (day, day, None)
    assert str(as_day(noon)) == "2026-07-13"
