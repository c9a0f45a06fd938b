"""Only the server's own no, about a model that it lists, refuses anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import BROKEN, Line, Script, reply
from tinkex_py import errors
from tinkex_py.events import ModelUnlisted
from tinkex_py.plans.capabilities import Capabilities, exceeding, require_context, require_model
from tinkex_py.plans.effects import Plan

LISTED = reply(
    200,
    {
        "supported_models": [
            {"model_name": "short", "max_context_length": 10, "trainable": False, "sampleable": True},
            {"model_name": "long", "max_context_length": 100, "trainable": True},
            {"model_name": "quiet"},
            {},
        ]
    },
)
Check: TypeAlias = "Callable[[Capabilities], Plan[None]]"


@pytest.mark.parametrize(
    ("prompt", "asked", "found"), [(6, 4, False), (6, 5, True), (11, None, True), (None, 9, False)]
)
def test_only_what_some_model_can_not_hold_is_worth_a_closer_look(
    prompt: int | None, asked: int | None, *, found: bool
) -> None:
    assert Script(LISTED).run(exceeding(Capabilities(), prompt, asked)) == Success(found)
    assert Script(reply(404)).run(exceeding(Capabilities(), prompt, asked)) == Success(False)
    assert Script(reply(404)).run(exceeding(Capabilities(checking=False), prompt, asked)) == Success(False)


def checked(check: Check, *lines: Line) -> tuple[errors.CapabilityMissing | None, Script]:
    script = Script(*(lines or (LISTED,)))
    match script.run(check(Capabilities())):
        case Success(None):
            return None, script
        case Failure(error):
            assert isinstance(error, errors.CapabilityMissing)
            return error, script


ALLOWED: dict[str, Check] = {
    "trainable": lambda all_: require_model(all_, "long", "trainable"),
    "sampleable": lambda all_: require_model(all_, "short", "sampleable"),
    "nothing said": lambda all_: require_model(all_, "quiet", "trainable"),
    "unlisted": lambda all_: require_model(all_, "strange", "trainable"),
    "it fits": lambda all_: require_context(all_, "short", 6, 4),
    "no max_tokens": lambda all_: require_context(all_, "short", 10, None),
    "unknown length": lambda all_: require_context(all_, "quiet", 10**6, 1),
    "unlisted, long": lambda all_: require_context(all_, "strange", 10**6, 1),
    "unknown prompt": lambda all_: require_context(all_, "short", None, 100),
    "unknown model": lambda all_: require_context(all_, None, 10**6, 1),
}


@pytest.mark.parametrize("check", ALLOWED.values(), ids=ALLOWED)
def test_what_the_server_does_not_deny_is_allowed(check: Check) -> None:
    assert checked(check)[0] is None


def test_a_model_that_cannot_be_trained_is_refused_and_those_that_can_are_named() -> None:
    assert checked(lambda all_: require_model(all_, "short", "trainable"))[0] == errors.CapabilityMissing(
        message="the server says that short is not trainable; it has: long, quiet",
        capability="trainable",
        available=("long", "quiet"),
    )


def test_a_prompt_that_does_not_fit_is_refused_and_longer_contexts_are_named() -> None:
    error, _ = checked(lambda all_: require_context(all_, "short", 6, 5))
    assert error is not None
    assert (error.capability, error.available) == ("a context of 11 tokens", ("long",))
    assert "a prompt of 6 tokens with max_tokens=5 needs 11 tokens" in error.message
    assert "shorten the prompt, lower max_tokens, or use" in error.message
    prompt, _ = checked(lambda all_: require_context(all_, "short", 11, None))
    assert prompt is not None
    assert "a prompt of 11 tokens needs 11 tokens" in prompt.message
    assert "shorten the prompt or use" in prompt.message
    alone, _ = checked(lambda all_: require_context(all_, "short", 600, 5))
    assert alone is not None
    assert alone.message.endswith("the server lists none")


def test_a_model_that_is_not_listed_is_told_once() -> None:
    def twice(all_: Capabilities) -> Plan[None]:
        for _ in range(2):
            yield from require_model(all_, "strange", "trainable")

    _, script = checked(twice)
    told = [event for event in script.events if isinstance(event, ModelUnlisted)]
    assert [(event.model, event.wanted) for event in told] == [("strange", "trainable")]
    assert len(script.sent) == 1


@pytest.mark.parametrize("silence", [BROKEN, reply(404), reply(500), reply(200, {}), 1e6], ids=str)
def test_a_silent_server_is_asked_once_and_refuses_nothing(silence: Line) -> None:
    def twice(all_: Capabilities) -> Plan[None]:
        yield from require_model(all_, "short", "trainable")
        yield from require_model(all_, "short", "trainable")

    error, script = checked(twice, silence, LISTED)
    assert (error, len(script.sent)) == (None, 1)


def test_checks_that_are_switched_off_ask_nothing() -> None:
    script = Script(LISTED)
    capabilities = Capabilities(checking=False)
    assert script.run(require_model(capabilities, "short", "trainable")) == Success(None)
    assert script.sent == []
