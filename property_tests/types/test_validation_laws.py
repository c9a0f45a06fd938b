"""Laws of checking: looking at a batch as a whole finds what looking at each of its elements finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinkex_py import Datum, ModelInput, TensorData
from tinkex_py.errors import InvalidInput
from tinkex_py.testing import strategies
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import SampledProvenanceSpan
from tinkex_py.types.limits import refused
from tinkex_py.types.validation import problem

TEXT = ModelInput.from_ints([1, 2])
NAMES = st.sampled_from(["target_tokens", "weights", "mine"])
NUMBERS = st.lists(st.sampled_from([0.5, -1.0, float("nan"), float("inf")]), min_size=2, max_size=2)
IDS = st.lists(st.sampled_from([0, 7, -1, 2**31]), min_size=2, max_size=2)
SPARSE = st.just(TensorData([5, 7], None, (2, 3), [0, 1, 2], [2, 0]))
FLOATS = st.just(TensorData([0.0, 0.0]))
INPUTS = st.dictionaries(NAMES | st.just("\x00"), NUMBERS | IDS | SPARSE | FLOATS | st.just(["a"]), max_size=3)
PLAIN = st.builds(Datum, st.just(TEXT), st.dictionaries(NAMES, st.just([1, 2]), max_size=3))
SPANNED = PLAIN.map(lambda datum: datum.with_provenance([SampledProvenanceSpan(sequence_id="a", length=3)], []))
ELEMENTS = PLAIN | SPANNED | strategies.data() | st.builds(Datum, st.just(TEXT), INPUTS) | st.just("no datum")


def alone(element: object, place: int) -> InvalidInput | None:
    """What is wrong with an element at that place, looked at by itself."""
    path = f"data[{place}]"
    return problem(element, path) if isinstance(element, Datum) else refused(path, element, "give a Datum")


@given(st.lists(ELEMENTS, min_size=1, max_size=5))
def test_what_is_wrong_with_a_batch_is_what_is_wrong_with_the_first_of_its_elements(elements: list[object]) -> None:
    first = next(filter(None, (alone(element, place) for place, element in enumerate(elements))), None)
    assert problem(elements, "data") == first
    data = [each for each in elements if isinstance(each, Datum)]
    if len(data) == len(elements):
        assert problem(Batch(data=data, loss_fn="cross_entropy"), "data") == first
