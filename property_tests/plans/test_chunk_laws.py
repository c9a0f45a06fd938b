"""Laws of chunks and of numbers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.plans.scripted import reply
from tests.plans.training import Trainer, a_run, batch_of, good
from tinkex_py import AdamParams
from tinkex_py.endpoints.steps import optim_step
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.chunks import Limits, chunks
from tinkex_py.plans.effects import Plan, sleep, together
from tinkex_py.plans.runs import Run
from tinkex_py.plans.steps import take_update

SIZES = st.lists(st.integers(0, 60))
LIMITS = st.builds(Limits, count=st.integers(1, 6), size=st.integers(1, 100))


@given(SIZES, LIMITS)
def test_chunks_partition_the_data_in_order(sizes: list[int], limits: Limits) -> None:
    places = list(range(len(sizes)))
    assert [place for chunk in chunks(sizes, limits) for place in places[chunk]] == places


@given(SIZES, LIMITS)
def test_chunks_respect_the_limits_and_hold_at_least_one(sizes: list[int], limits: Limits) -> None:
    for chunk in chunks(sizes, limits):
        within = sizes[chunk]
        assert 1 <= len(within) <= limits.count
        assert sum(within) <= limits.size or len(within) == 1


@given(SIZES, LIMITS)
def test_no_chunk_could_take_its_follower_too(sizes: list[int], limits: Limits) -> None:
    found = list(chunks(sizes, limits))
    for chunk, follower in pairwise(found):
        within = sizes[chunk]
        assert len(within) == limits.count or sum(within) + sizes[follower][0] > limits.size


STEPS = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 4)), max_size=8)


def caller(run: Run, after: float, count: int) -> Plan[object]:
    """A batch of so many data, or a step of the optimizer."""
    yield from sleep(after)
    if count:
        return (yield from take_batch(run, good, lambda: batch_of(count)))
    return (yield from take_update(run, optim_step(AdamParams()), accept_partial=True))


@given(steps=STEPS, refused=st.sets(st.integers(1, 20)), parallel=st.booleans(), delay=st.sampled_from([0.0, 1.0]))
def test_accepted_numbers_have_no_gap_and_no_repeat(
    steps: list[tuple[float, int]], refused: set[int], *, parallel: bool, delay: float
) -> None:
    trainer = Trainer(dict.fromkeys(refused, reply(422)))
    trainer.delay = delay
    run = a_run(Limits(count=1, parallel=parallel))
    outcomes = trainer.run(together([caller(run, after, count) for after, count in steps])).unwrap()
    numbers = sorted(trainer.taken)
    assert len(outcomes) == len(steps)
    assert numbers == list(range(1, len(numbers) + 1)) or run.doubt is not None
    assert len(run.queue) == 0
