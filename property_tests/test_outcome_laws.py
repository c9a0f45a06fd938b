"""Laws of outcomes: `then` is associative with `Success` as its unit, and `collect` keeps the order."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome, as_tuple, collect, then

Step = Callable[[int], Outcome[int, str]]

OUTCOMES: st.SearchStrategy[Outcome[int, str]] = st.integers().map(Success) | st.text().map(Failure)


def step(number: int, /) -> Outcome[int, str]:
    """What steps look like."""
    raise NotImplementedError


STEPS: st.SearchStrategy[Step] = st.functions(like=step, returns=OUTCOMES, pure=True)


@given(st.integers(), STEPS)
def test_starting_with_a_value_is_calling_the_step(value: int, first: Step) -> None:
    start: Outcome[int, str] = Success(value)
    assert then(start, first) == first(value)


@given(OUTCOMES)
def test_going_on_with_success_changes_nothing(outcome: Outcome[int, str]) -> None:
    def unit(value: int) -> Outcome[int, str]:
        return Success(value)

    assert then(outcome, unit) == outcome


@given(OUTCOMES, STEPS, STEPS)
def test_steps_may_be_grouped_either_way(outcome: Outcome[int, str], first: Step, second: Step) -> None:
    assert then(then(outcome, first), second) == then(outcome, lambda value: then(first(value), second))


@given(st.lists(OUTCOMES))
def test_all_values_are_collected_or_the_first_failure_is(outcomes: list[Outcome[int, str]]) -> None:
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    values = tuple(outcome.unwrap() for outcome in outcomes if isinstance(outcome, Success))
    assert collect(outcomes) == (failures[0] if failures else Success(values))


@given(OUTCOMES)
def test_the_tuple_says_which_it_was(outcome: Outcome[int, str]) -> None:
    word, content = as_tuple(outcome)
    assert outcome == (Success(content) if word == "ok" else Failure(content))
