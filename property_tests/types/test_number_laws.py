"""Laws of numbers: whatever a setting was given as, one that may be used holds numbers of Python's own."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from property_tests.anything import ANYTHING, NUMBERS
from tinkex_py.types.kinds import is_duration, is_number, is_whole
from tinkex_py.types.limits import SETTINGS, settings_problem
from tinkex_py.types.numbers import plain
from tinkex_py.types.training import DimuonParams

FIELDS = st.sampled_from([(kind, rule.field) for kind, rules in SETTINGS.items() for rule in rules])
NEEDED: dict[type, dict[str, Any]] = {DimuonParams: {"learning_rate": 0.1}}


@given(FIELDS, NUMBERS | ANYTHING)
def test_settings_that_may_be_used_hold_numbers_of_python_s_own(field: tuple[Any, str], value: object) -> None:
    kind, name = field
    settings = kind(**{**NEEDED.get(kind, {}), name: value})
    if settings_problem(settings, "settings") is None:
        assert {type(each) for each in structs.astuple(settings)} <= {int, float, bool, str, tuple, type(None)}
        assert kind(**structs.asdict(settings)) == settings


@given(NUMBERS | ANYTHING)
def test_what_is_taken_for_a_number_can_be_made_one_of_python_s_own(value: object) -> None:
    number = plain(value)
    for holds in (is_whole, is_number, is_duration):
        assert holds(number) == holds(value)
        assert not holds(value) or type(number) in {int, float}
