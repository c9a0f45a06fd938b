"""Success-or-failure values that both type checkers match exhaustively. Pure.

`Success` and `Failure` are those of `returns`; `Outcome` is their union rather than `returns.Result`, because
a match on a union is exhaustive under mypy and pyright and a match on `Result` is under neither. An Outcome is
assignable to `Result[T, E]`, so `.map`, `.bind` and `flow` keep working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from returns.result import Failure, Success
from typing_extensions import TypeVar

from tinkex_py.errors import TinkerError

T = TypeVar("T")
U = TypeVar("U")
E = TypeVar("E")
F = TypeVar("F")
ErrorT = TypeVar("ErrorT", default=TinkerError)

Outcome: TypeAlias = Success[T] | Failure[ErrorT]
"""A value or an error: `Outcome[int]` fails with a TinkerError, `Outcome[int, str]` with a text."""


class OutcomeError(Exception):
    """A failed outcome as an exception, for callers that asked for one with `or_raise`."""

    def __init__(self, error: object) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return str(getattr(self.error, "message", self.error))


def then(outcome: Outcome[T, E], step: Callable[[T], Outcome[U, F]]) -> Outcome[U, E | F]:
    """Run `step` on the value; a failure passes through. The error types add up."""
    match outcome:
        case Success(value):
            return step(value)
        case Failure():
            return outcome


def collect(outcomes: Iterable[Outcome[T, E]]) -> Outcome[tuple[T, ...], E]:
    """All the values in order, or the first failure."""
    values: list[T] = []
    for outcome in outcomes:
        match outcome:
            case Success(value):
                values.append(value)
            case Failure():
                return outcome
    return Success(tuple(values))


def as_tuple(outcome: Outcome[T, E]) -> tuple[Literal["ok"], T] | tuple[Literal["error"], E]:
    """`("ok", value)` or `("error", error)`, the shape Elixir programs match on."""
    match outcome:
        case Success(value):
            return ("ok", value)
        case Failure(error):
            return ("error", error)


def or_raise(outcome: Outcome[T, E]) -> T:
    """The value; a failure is raised as OutcomeError. For scripts and notebooks that prefer exceptions."""
    match outcome:
        case Success(value):
            return value
        case Failure(error):
            raise OutcomeError(error)
