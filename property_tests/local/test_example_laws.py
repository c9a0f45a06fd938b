"""How examples share batches: nothing is lost, and nobody notices the others."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.local.cases import SMALL
from tinkex_py.local.architecture import random_parameters
from tinkex_py.local.examples import PADDED_TOKENS, Example, groups
from tinkex_py.local.training import evaluate

LENGTHS = st.lists(st.integers(1, 2048), min_size=1, max_size=60)
PARAMETERS = random_parameters(SMALL, 8)


@given(LENGTHS)
def test_every_example_is_in_exactly_one_batch(lengths: list[int]) -> None:
    places = [place for batch in groups(lengths) for place in batch]
    assert sorted(places) == list(range(len(lengths)))


@given(LENGTHS)
def test_a_batch_is_small_and_mostly_tokens(lengths: list[int]) -> None:
    for batch in groups(lengths):
        inside = [lengths[place] for place in batch]
        assert len(inside) * max(inside) <= PADDED_TOKENS
        assert max(inside) <= 1.5 * min(inside)


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 258), min_size=2, max_size=160), min_size=1, max_size=6), st.randoms())
def test_the_order_of_a_batch_does_not_matter(rows: list[list[int]], random: np.random.Generator) -> None:
    examples = [Example(tokens=np.array(row[:-1]), inputs={"target_tokens": np.array(row[1:])}) for row in rows]
    order = list(range(len(rows)))
    random.shuffle(order)
    straight, _ = evaluate(PARAMETERS, examples, "cross_entropy", {}, SMALL, forward_only=True)
    shuffled, _ = evaluate(PARAMETERS, [examples[at] for at in order], "cross_entropy", {}, SMALL, forward_only=True)
    for place, at in enumerate(order):
        np.testing.assert_allclose(shuffled.outputs[place]["logprobs"], straight.outputs[at]["logprobs"], atol=1e-4)
