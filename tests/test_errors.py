"""The errors are one closed union."""

from __future__ import annotations

from typing import get_args

from tinkex_py import errors


def test_every_cause_is_in_the_union() -> None:
    defined = {item for item in vars(errors).values() if isinstance(item, type) and issubclass(item, errors.Cause)}
    assert {cause for cause in defined if cause.__struct_config__.tag} == set(get_args(errors.TinkerError))


def test_every_cause_says_what_it_is_and_has_a_message() -> None:
    for cause in get_args(errors.TinkerError):
        assert cause.__doc__
        assert "message" in cause.__struct_fields__
