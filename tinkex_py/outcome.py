"""Success-or-failure values that both type checkers match exhaustively. Pure.

`Success` and `Failure` are those of `returns`; `Outcome` is their union rather than `returns.Result`, because
a match on a union is exhaustive under mypy and pyright and a match on `Result` is under neither. An Outcome is
assignable to `Result[T, E]`, so `.map`, `.bind` and `flow` keep working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, overload

from returns.result import Failure, Result, Success
from typing_extensions import TypeAliasType, TypeVar

from tinkex_py.errors import TinkerError

T = TypeVar("T")
U = TypeVar("U")
E = TypeVar("E")
F = TypeVar("F")
ErrorT = TypeVar("ErrorT", default=TinkerError)

# Not a plain alias: Python 3.13.0 fills in no defaults in a union that is given fewer types, but raises a TypeError.
Outcome = TypeAliasType("Outcome", Success[T] | Failure[ErrorT], type_params=(T, ErrorT))
"""A value or an error: `Outcome[int]` fails with a TinkerError, `Outcome[int, str]` with a text."""


class OutcomeError(Exception):
    """A failed outcome as an exception, for callers that asked for one with `or_raise`."""

    def __init__(self, error: object) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return str(getattr(self.error, "message", self.error))


def then(outcome: Outcome[T, E], step: Callable[[T], Outcome[U, F]]) -> Outcome[U, E | F]:
    """Run `step` on the value; a failure passes through. The error types add up.

    A step that can't fail is for `change`: the value of a lambda that gives `Success(...)` is an Any to mypy.
    """
    known = as_outcome(outcome)
    match known:
        case Success(value):
            return step(value)
        case Failure():
            return known


def change(outcome: Outcome[T, E], function: Callable[[T], U]) -> Outcome[U, E]:
    """The outcome with what `function` makes of its value; a failure passes through.

    It is `.map` for where an Outcome is wanted: `.map` gives a `Result`, which a type checker doesn't take for one.
    """
    known = as_outcome(outcome)
    match known:
        case Success(value):
            return Success(function(value))
        case Failure():
            return known


@overload
def collect(outcomes: Iterable[Outcome[T, E]]) -> Outcome[tuple[T, ...], E]: ...
@overload
def collect(outcomes: Iterable[Result[T, E]]) -> Outcome[tuple[T, ...], E]: ...
def collect(outcomes: Iterable[Result[T, E]]) -> Outcome[tuple[T, ...], E]:
    """All the values in order, or the first failure."""
    values: list[T] = []
    for outcome in map(as_outcome, outcomes):
        match outcome:
            case Success(value):
                values.append(value)
            case Failure():
                return outcome
    return Success(tuple(values))


@overload
def as_tuple(outcome: Outcome[T, E]) -> tuple[Literal["ok"], T] | tuple[Literal["error"], E]: ...
@overload
def as_tuple(outcome: Result[T, E]) -> tuple[Literal["ok"], T] | tuple[Literal["error"], E]: ...
def as_tuple(outcome: Result[T, E]) -> tuple[Literal["ok"], T] | tuple[Literal["error"], E]:
    """`("ok", value)` or `("error", error)`, the shape Elixir programs match on."""
    match as_outcome(outcome):
        case Success(value):
            return ("ok", value)
        case Failure(error):
            return ("error", error)


@overload
def or_raise(outcome: Outcome[T, E]) -> T: ...
@overload
def or_raise(outcome: Result[T, E]) -> T: ...
def or_raise(outcome: Result[T, E]) -> T:
    """The value; a failure is raised as OutcomeError. For scripts and notebooks that prefer exceptions."""
    match as_outcome(outcome):
        case Success(value):
            return value
        case Failure(error):
            raise OutcomeError(error)


def as_outcome(result: Result[T, E]) -> Outcome[T, E]:
    """The same value as the union that it is: what `.map`, `.bind` and `flow` give, where an Outcome is wanted.

    TypeError for what is none, such as a promise that nobody has asked for its result.
    """
    if not isinstance(result, (Success, Failure)):
        kind = type(result).__name__
        raise TypeError(
            f"an outcome is wanted, not {kind}: ask a promise for its `result()`, and `await` what is awaitable"
        )
    return result
