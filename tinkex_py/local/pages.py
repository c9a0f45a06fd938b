"""What the queries of lists ask for: a page, a scope. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from returns.result import Failure, Success

from tinkex_py.local.answers import unprocessable
from tinkex_py.local.incoming import Incoming
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply

T = TypeVar("T")

LARGEST_PAGE = 10_000
SCOPES = (None, "owned", "accessible")


def page(items: Sequence[T], request: Incoming, limit: int) -> Outcome[tuple[Sequence[T], dict[str, int]], Reply]:
    """The part that `limit` and `offset` ask for, with a cursor; 422 for what is not a number in its range."""
    asked = {"limit": (limit, 1, LARGEST_PAGE), "offset": (0, 0, 2**31)}
    found: dict[str, int] = {}
    for name, (default, least, most) in asked.items():
        number = _number(request.asked(name), default)
        if number is None or not least <= number <= most:
            return Failure(unprocessable(("query", name), f"Input should be an integer from {least} to {most}"))
        found[name] = number
    start = found["offset"]
    return Success((items[start : start + found["limit"]], found | {"total_count": len(items)}))


def scope_problem(request: Incoming) -> Reply | None:
    """422 for an `access_scope` that is neither owned nor accessible; both are all there is, as there is one user."""
    if request.asked("access_scope") in SCOPES:
        return None
    return unprocessable(("query", "access_scope"), "Input should be 'owned' or 'accessible'", "literal_error")


def _number(text: str | None, default: int) -> int | None:
    if text is None:
        return default
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
