"""What the server says it can do, asked once and looked at before anything is sent. Pure.

Only the server's explicit no about a model that it lists refuses anything. What it doesn't list is an event; a server
that doesn't say what it has isn't asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Literal, TypeAlias

from msgspec import Struct, field
from returns.result import Failure, Success

from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import CapabilityMissing
from tinkex_py.events import ModelUnlisted
from tinkex_py.plans.cells import Cell
from tinkex_py.plans.effects import Plan, attempt, halt, observe, spawn, wait_for
from tinkex_py.plans.retry import Policy, call
from tinkex_py.types.service import SupportedModel

Wanted: TypeAlias = Literal["trainable", "sampleable"]
Models: TypeAlias = tuple[SupportedModel, ...]

BRIEFLY = Policy(seconds=10.0, attempts=1)
"""A check must not hold up what it is for."""


class Capabilities(Struct, kw_only=True):
    """What is known of a server's models. Nothing is asked or refused unless `checking`."""

    checking: bool = True
    models: Cell[Models] | None = None
    unlisted: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


def require_model(capabilities: Capabilities, model: str, wanted: Wanted) -> Plan[None]:
    """Go on unless the server lists the model and says that it is not trainable, or not sampleable."""
    listed = yield from _listed(capabilities, model, wanted)
    if listed is None or getattr(listed, wanted) is not False:
        return
    models = yield from _models(capabilities)
    able = _names(models, lambda each: getattr(each, wanted) is not False)
    yield from halt(
        CapabilityMissing(
            message=f"the server says that {model} is not {wanted}; it has: {', '.join(able) or 'no model that is'}",
            capability=wanted,
            available=able,
        )
    )


def require_context(
    capabilities: Capabilities, model: str | None, prompt: int | None, max_tokens: int | None
) -> Plan[None]:
    """Go on unless the server says that the model's context holds fewer tokens than prompt and answer have.

    A model or a length that isn't known on this side can't be checked.
    """
    if model is None or prompt is None:
        return
    listed = yield from _listed(capabilities, model, "sampleable")
    if listed is None or listed.max_context_length is None:
        return
    length, needed = listed.max_context_length, prompt + (max_tokens or 0)
    if needed <= length:
        return
    models = yield from _models(capabilities)
    able = _names(models, lambda each: each.max_context_length is not None and each.max_context_length >= needed)
    asked, remedy = (f" with max_tokens={max_tokens}", ", lower max_tokens,") if max_tokens else ("", "")
    yield from halt(
        CapabilityMissing(
            message=f"a prompt of {prompt} tokens{asked} needs {needed} tokens, and the context of {model} holds "
            f"{length}; shorten the prompt{remedy} or use a model with a longer context: "
            f"{', '.join(able) or 'the server lists none'}",
            capability=f"a context of {needed} tokens",
            available=able,
        )
    )


def exceeding(capabilities: Capabilities, prompt: int | None, max_tokens: int | None) -> Plan[bool]:
    """Whether prompt and answer together are more than some model of the server holds."""
    if prompt is None or not capabilities.checking:
        return False
    models = yield from _models(capabilities)
    lengths = [each.max_context_length for each in models if each.max_context_length is not None]
    return prompt + (max_tokens or 0) > min(lengths, default=inf)


def _listed(capabilities: Capabilities, model: str, wanted: Wanted) -> Plan[SupportedModel | None]:
    """What the server says of the model; None when it says nothing of it, which is told once."""
    if not capabilities.checking:
        return None
    models = yield from _models(capabilities)
    found = next((each for each in models if each.model_name == model), None)
    if models and found is None and (model, wanted) not in capabilities.unlisted:
        capabilities.unlisted.add((model, wanted))
        yield from observe(ModelUnlisted(model=model, wanted=wanted))
    return found


def _models(capabilities: Capabilities) -> Plan[Models]:
    if capabilities.models is None:
        capabilities.models = Cell()
        yield from spawn(_ask(capabilities.models), capabilities.models)
    return (yield from wait_for(capabilities.models))


def _ask(models: Cell[Models]) -> Plan[None]:
    match (yield from attempt(call(get_server_capabilities(), BRIEFLY))):
        case Success(answer):
            models.fill(tuple(answer.supported_models))
        case Failure(_):
            models.fill(())


def _names(models: Sequence[SupportedModel], fits: Callable[[SupportedModel], bool]) -> tuple[str, ...]:
    return tuple(each.model_name for each in models if each.model_name is not None and fits(each))
