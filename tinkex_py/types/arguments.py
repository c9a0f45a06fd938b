"""What arguments of REST operations may hold: one rule a name, as data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from typing_extensions import TypeIs

from tinkex_py.errors import InvalidInput
from tinkex_py.types.limits import Rule, broken, is_text, is_whole, optional, whole
from tinkex_py.types.sessions import SearchStatus, SessionSearchRequest, UserSearchOwner


def arguments_problem(given: Mapping[str, object]) -> InvalidInput | None:
    """The first argument whose value breaks its rule; arguments without a rule may hold anything."""
    return broken([_RULES[name] for name in given if name in _RULES], given)


def search_problem(search: SessionSearchRequest) -> InvalidInput | None:
    """What is wrong with a search, found before anything is sent."""
    given = {field: getattr(search, field) for field in search.__struct_fields__}
    return broken(_SEARCH, given)


def as_moment(text: datetime | str) -> datetime | None:
    """A moment that was given as one or as RFC 3339 text; None for a text that is none."""
    try:
        return text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError:
        return None


def as_day(text: date | str) -> date | None:
    """A day that was given as one or as `YYYY-MM-DD`; None for a text that is none."""
    try:
        return text if isinstance(text, date) else date.fromisoformat(text)
    except ValueError:
        return None


def _text_by_name(value: object) -> bool:
    return _is_mapping(value) and all(map(is_text, (*value.keys(), *value.values())))


def _is_mapping(value: object) -> TypeIs[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _few(value: object) -> bool:
    return is_whole(value, 1, _MOST_FOUND)


def _found_owner(value: object) -> bool:
    return not isinstance(value, UserSearchOwner) or (
        _names(value.owner_urns) and len(value.owner_urns) <= _MOST_OWNERS
    )


def _found_statuses(value: object) -> bool:
    """Statuses, at least one if any, whose reasons are at least one if any."""
    return value is None or (_is_row(value) and bool(value) and all(map(_found_status, value)))


def _found_status(value: object) -> bool:
    return isinstance(value, SearchStatus) and value.reasons != ()


def _named(value: object) -> bool:
    return is_text(value) and bool(value)


def _one_of(*words: str) -> Callable[[object], bool]:
    return lambda value: value in words


def _is_row(value: object) -> TypeIs[tuple[object, ...]]:
    return isinstance(value, tuple)


def _names(value: object) -> bool:
    return _is_row(value) and bool(value) and all(map(_named, value))


_NAME = "give a text that is not empty and holds no control characters"
_NAMES = (
    "training_run_id",
    "checkpoint_id",
    "session_id",
    "sampler_id",
    "tinker_path",
    "source_path",
    "destination_project_id",
)
_RULES: Mapping[str, Rule] = {
    rule.field: rule
    for rule in (
        *(Rule(name, _named, _NAME) for name in _NAMES),
        Rule("project_id", optional(_named), _NAME),
        Rule("limit", whole(1), "give an integer of at least 1"),
        Rule("offset", whole(0), "give an integer of at least 0"),
        Rule("access_scope", _one_of("owned", "accessible"), "give 'owned' or 'accessible'"),
        Rule("ttl_seconds", optional(whole(1)), "give seconds (servers take 3600 to ten years), or None to keep it"),
        Rule(
            "event_type",
            _one_of("all", "checkpoints", "projects", "teams", "organizations"),
            "give one of all, checkpoints, projects, teams, organizations",
        ),
    )
}

_MOST_OWNERS = 10
_MOST_FOUND = 200
_SEARCH = (
    Rule("session_id", optional(_named), "give a session's id, or None for any"),
    Rule("project_ids", optional(_names), "give at least one project, or None for all"),
    Rule("display_name", optional(_named), "give a text that is not empty, or None for any"),
    Rule("user_metadata", _text_by_name, "give texts under names"),
    Rule("owner", _found_owner, f"give 1 to {_MOST_OWNERS} users"),
    Rule("statuses", _found_statuses, "give at least one status, with at least one reason if any, or None for any"),
    Rule("limit", _few, f"give an integer from 1 to {_MOST_FOUND}"),
)
