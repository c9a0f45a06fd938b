"""One request of a client: its arguments checked, built, sent, and repeated as the client does."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from returns.result import Failure, Success

from tinkex_py.clients.context import Context
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.retry import call
from tinkex_py.request import Request
from tinkex_py.types.arguments import arguments_problem
from tinkex_py.types.paths import TinkerPath

P = ParamSpec("P")
T = TypeVar("T")


def asked(
    context: Context, timeout: float | None, builder: Callable[P, Request[T]], *args: P.args, **named: P.kwargs
) -> Plan[T]:
    """The answer to what `builder` makes of the arguments; InvalidInput when one of the named can't be sent."""
    found = arguments_problem(named)
    return halt(found) if found is not None else call(builder(*args, **named), context.policy(timeout))


def located(tinker_path: str, plan: Callable[[TinkerPath], Plan[T]]) -> Plan[T]:
    """The plan for a path in its parts; InvalidInput for a text that is none."""
    match TinkerPath.parse(tinker_path):
        case Success(path):
            return plan(path)
        case Failure(problem):
            return halt(problem)


def wanted(limit: int | None) -> dict[str, object]:
    """A limit to be checked, if there is one."""
    return {} if limit is None else {"limit": limit}
