"""Random programs under random faults: no step is lost or doubled, no secret gets out, nothing waits for ever."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from property_tests.simulation.__main__ import shrunk
from property_tests.simulation.laws import broken
from property_tests.simulation.mutations import MUTATIONS, Mutation, found
from property_tests.simulation.programs import Story, play
from property_tests.simulation.schedules import Act, Schedule, from_seed, schedules
from tinkex_py.testing.faults import Fault

REGRESSIONS = {
    "an answer that was truncated, for ever": 126,
    "an answer that was too large, after the server took the step": 169,
    "a refusal after a try of unknown fate": 438,
    "a proxy's refusal after a try of unknown fate": 3097,
    "an encoding refused after a try of unknown fate": 5896,
    "batches cut by a client that never got the server's limits": 708,
}
"""Seeds of schedules that broke a law once."""


@settings(max_examples=500)
@given(schedule=schedules())
def test_no_schedule_breaks_a_law(schedule: Schedule) -> None:
    assert broken(play(schedule)) == ()


@pytest.mark.parametrize("seed", REGRESSIONS.values(), ids=REGRESSIONS)
def test_what_broke_a_law_once_does_so_no_more(seed: int) -> None:
    assert broken(play(from_seed(seed))) == ()


def story_of(story: Story) -> list[tuple[str, bytes]]:
    """What was sent, but for telemetry, which tells the time of day."""
    return [
        (each.url.path, b"" if each.url.path.endswith("/telemetry") else each.content) for each in story.network.carried
    ]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=20)
def test_a_seed_gives_the_same_story_again(seed: int) -> None:
    stories = [play(from_seed(seed)) for _ in range(2)]
    first, second = (story_of(each) for each in stories)
    assert first == second
    assert [call.ended for call in stories[0].taken] == [call.ended for call in stories[1].taken]


@pytest.mark.parametrize("mutation", MUTATIONS.values(), ids=MUTATIONS)
def test_a_runtime_broken_on_purpose_is_found(mutation: Mutation) -> None:
    assert found(mutation) is not None


def test_a_schedule_that_breaks_a_law_shrinks_to_what_breaks_it() -> None:
    acts = tuple(Act(work=work, waits=True) for work in ("sample", "backward", "faulty", "step"))
    schedule = Schedule(acts=acts, faults=(Fault(kind="late", seconds=0.1),) * 3)
    with MUTATIONS["number taken before encoding"].alive():
        assert [act.work for act in shrunk(schedule).acts] == ["faulty"]
