"""What arguments of operations may hold: one rule a name, as data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from inspect import signature
from typing import TypeAlias

from msgspec import structs

from tinkex_py.errors import InvalidInput
from tinkex_py.request import Secret
from tinkex_py.types.kinds import (
    any_of,
    fits_header,
    is_collection,
    is_duration,
    is_encodable,
    is_function,
    is_mapping,
    is_text,
    is_truth,
    is_tuple,
    is_whole,
    one_of,
    optional,
    texts_by_name,
)
from tinkex_py.types.limits import COUNT, SETTINGS, Rule, broken, whole
from tinkex_py.types.paths import KINDS
from tinkex_py.types.retries import RecoveryPolicy, RetryConfig
from tinkex_py.types.sessions import (
    AccessibleSearchOwner,
    OwnSearchOwner,
    SearchCursor,
    SearchStatus,
    SessionSearchRequest,
    UserSearchOwner,
)
from tinkex_py.types.training import (
    AdamOptimizerConfig,
    AdamParams,
    DimuonOptimizerConfig,
    DimuonParams,
    LoraConfig,
    OtherOptimizer,
)

Check: TypeAlias = Callable[[Sequence[object], Mapping[str, object]], InvalidInput | None]
"""Looks at the arguments of a call, in their order and by name, for the first that breaks its rule."""


def arguments_check(operation: Callable[..., object]) -> Check:
    """The check of a method's arguments: each by the rule of its name, if it has one; its default is as good."""
    _, *declared = signature(operation).parameters.values()
    names = tuple(each.name for each in declared)
    rules = {each.name: _or_default(RULES[each.name], each.default) for each in declared if each.name in RULES}

    def check(args: Sequence[object], named: Mapping[str, object]) -> InvalidInput | None:
        given = {**dict(zip(names, args, strict=False)), **named}
        return broken([rules[name] for name in given if name in rules], given)

    return check


def search_problem(request: SessionSearchRequest) -> InvalidInput | None:
    """What is wrong with a search, found before anything is sent."""
    given = structs.asdict(request)
    return broken(_SEARCH, given, "request.")


def as_moment(text: datetime | str) -> datetime | None:
    """A moment that was given as one or as RFC 3339 text, in UTC unless it says otherwise; None for what is none."""
    try:
        moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_day(text: date | str) -> date | None:
    """A day that was given as one, as a moment of it or as `YYYY-MM-DD`; None for a text that is none."""
    try:
        return date(text.year, text.month, text.day) if isinstance(text, date) else date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _or_default(rule: Rule, default: object) -> Rule:
    """None is as good where it is the default."""
    return rule._replace(holds=optional(rule.holds)) if default is None else rule


def _text_by_name(value: object) -> bool:
    return is_mapping(value) and all(map(is_text, (*value.keys(), *value.values())))


def _few(value: object) -> bool:
    return is_whole(value, 1, _MOST_FOUND)


def _found_owner(value: object) -> bool:
    if isinstance(value, UserSearchOwner):
        return _names(value.owner_urns) and len(value.owner_urns) <= _MOST_OWNERS
    return isinstance(value, (OwnSearchOwner, AccessibleSearchOwner))


def _found_statuses(value: object) -> bool:
    """Statuses, at least one if any, whose reasons are at least one if any."""
    return value is None or (is_tuple(value) and bool(value) and all(map(_found_status, value)))


def _found_status(value: object) -> bool:
    return isinstance(value, SearchStatus) and (value.reasons is None or _names(value.reasons))


def _named(value: object) -> bool:
    return is_text(value) and bool(value)


def _is_checkpoint_id(value: object) -> bool:
    """Whether it is a kind and a name, or one part of a server's own: after a kind alone `publish` would be a name."""
    return is_text(value) and value not in KINDS and len(value.split("/")) <= _PARTS and all(value.split("/"))


def _is_token(value: object) -> bool:
    return isinstance(value, str) and fits_header(value)


def _names(value: object) -> bool:
    return is_tuple(value) and bool(value) and all(map(_named, value))


_NAME = "give a text that is not empty and holds no control characters"
_NAMES = (
    "base_model",
    "model_path",
    "name",
    "path",
    "project_id",
    "training_run_id",
    "session_id",
    "sampler_id",
    "tinker_path",
    "destination_project_id",
)
_TRUTHS = (
    "accept_partial",
    "by_load",
    "overwrite",
    "record_stability_info",
    "track_grad_norms",
)
_COLLECTIONS = ("age_encryption_recipients", "regularizers", "tokens")


def _hidden(_value: object) -> Secret:
    """`***`, without making a text of the value, which may refuse to be one."""
    return Secret()


RULES: Mapping[str, Rule] = {
    rule.field: rule
    for rule in (
        *(Rule(name, _named, _NAME) for name in _NAMES),
        *(Rule(name, is_truth, "give True or False") for name in _TRUTHS),
        *SETTINGS[LoraConfig],
        *(Rule(name, is_collection, "give a list") for name in _COLLECTIONS),
        Rule("data", is_collection, "give a list of Datum"),
        Rule("checkpoint_id", _is_checkpoint_id, "give a kind and a name, such as 'weights/step-10'"),
        Rule("text", is_encodable, "give a text"),
        Rule("weights_access_token", _is_token, "give the token as it was given to you", shown=_hidden),
        Rule("timeout", is_duration, "give a number of seconds"),
        Rule("limit", whole(1), COUNT),
        Rule("offset", whole(0), "give an integer of at least 0 that fits into 64 bits"),
        Rule("access_scope", one_of("owned", "accessible"), "give 'owned' or 'accessible'"),
        Rule("kind", one_of("snapshot", "inflight"), "give 'snapshot' or 'inflight'"),
        Rule("arrays", one_of("torch", "numpy"), "give 'torch' or 'numpy', or None for torch where it is installed"),
        Rule("loss_type_input", one_of("logprobs"), "give 'logprobs'"),
        Rule("ttl_seconds", optional(whole(1)), "give seconds (servers take 3600 to ten years), or None to keep it"),
        Rule(
            "event_type",
            one_of("all", "checkpoints", "projects", "teams", "organizations"),
            "give one of all, checkpoints, projects, teams, organizations",
        ),
        Rule("user_metadata", texts_by_name, "give texts under names"),
        Rule("loss_fn_config", is_mapping, "give settings under names"),
        Rule("input_ranks", is_mapping, "give the rank of each input under its name"),
        Rule("fn", is_function, "give a function"),
        Rule(
            "optim_params",
            any_of(AdamParams, DimuonParams, OtherOptimizer),
            "give AdamParams, DimuonParams or an OtherOptimizer",
        ),
        Rule("adam_params", any_of(AdamParams), "give AdamParams, and those of another optimizer as optim_params"),
        Rule(
            "optimizer",
            any_of(AdamOptimizerConfig, DimuonOptimizerConfig, OtherOptimizer),
            "give an AdamOptimizerConfig, a DimuonOptimizerConfig or an OtherOptimizer",
        ),
        Rule("retry_config", any_of(RetryConfig), "give a RetryConfig"),
        Rule("recovery", any_of(RecoveryPolicy), "give a RecoveryPolicy"),
        Rule("request", any_of(SessionSearchRequest), "give a SessionSearchRequest"),
    )
}
"""The rule of each argument that has one, whichever operation takes it."""

_PARTS = 2
_MOST_OWNERS = 10
_MOST_FOUND = 200
_SEARCH = (
    Rule("session_id", optional(_named), "give a session's id, or None for any"),
    Rule("project_ids", optional(_names), "give a list of at least one project, or None for all"),
    Rule("display_name", optional(_named), "give a text that is not empty, or None for any"),
    Rule("user_metadata", _text_by_name, "give texts under names"),
    Rule(
        "owner",
        _found_owner,
        f"give an OwnSearchOwner, an AccessibleSearchOwner or a UserSearchOwner of 1 to {_MOST_OWNERS} users",
    ),
    Rule(
        "statuses",
        _found_statuses,
        "give a list of at least one SearchStatus, with at least one reason if any, or None for any",
    ),
    Rule("limit", _few, f"give an integer from 1 to {_MOST_FOUND}"),
    Rule("cursor", optional(any_of(SearchCursor)), "give the next_cursor of the page before"),
)
