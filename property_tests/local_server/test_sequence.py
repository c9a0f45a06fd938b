"""Laws of the order of steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinkex_py.local.sequence import Accepted, Conflicting, Repeated, Sequence

NOBODY = Accepted(b"", "")


@given(st.integers(0, 12).flatmap(lambda count: st.permutations(range(1, count + 1))))
def test_steps_run_in_order_however_they_arrive(arrival: list[int]) -> None:
    sequence: Sequence[int] = Sequence()
    assert [step for number in arrival for step in sequence.accept(number, NOBODY, number)] == sorted(arrival)


@given(st.integers(0, 12).flatmap(lambda count: st.permutations(range(1, count + 1))), st.sets(st.integers(1, 12)))
def test_refused_numbers_are_skipped_and_hold_nothing_up(arrival: list[int], refused: set[int]) -> None:
    sequence: Sequence[int] = Sequence()
    run: list[int] = []
    for number in arrival:
        run += sequence.refuse(number) if number in refused else sequence.accept(number, NOBODY, number)
    assert run == sorted(set(arrival) - refused)


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans())))
def test_no_number_runs_twice_and_none_before_a_lower_one(arrivals: list[tuple[int, bool]]) -> None:
    sequence: Sequence[int] = Sequence()
    run: list[int] = []
    for number, is_refused in arrivals:
        if sequence.standing(number, b"") == "free":
            run += sequence.refuse(number) if is_refused else sequence.accept(number, NOBODY, number)
    assert run == sorted(set(run))


@given(st.sets(st.integers(1, 8)), st.integers(1, 8))
def test_a_number_is_repeated_conflicting_or_free(accepted: set[int], number: int) -> None:
    sequence: Sequence[int] = Sequence()
    for one in accepted:
        _ = sequence.accept(one, Accepted(b"same", str(one)), one)
    conflict = Conflicting(sequence.expected)
    assert sequence.standing(number, b"same") == (Repeated(str(number)) if number in accepted else "free")
    assert sequence.standing(number, b"other") == (conflict if number in accepted else "free")
