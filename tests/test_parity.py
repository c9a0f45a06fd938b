"""Each row of the table of features names tests that exist and are run."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tests.replay import judge

ROOT = Path(__file__).parent.parent


def loaded() -> Any:
    spec = spec_from_file_location("parity", ROOT / "docs" / "parity.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARITY = loaded()
ROWS = [row for rows in PARITY.parts().values() for row in rows]
REFERENCES = sorted({each for row in ROWS for each in row[4].split(", ")} - {PARITY.NOT_YET, PARITY.NONE})
PLAYED = {recording.case for recording in judge.applicable().values()}


def test_every_row_has_a_feature_two_others_a_name_and_tests() -> None:
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []


def test_only_what_is_left_out_on_purpose_has_no_test() -> None:
    assert [row for row in ROWS if row[4] == PARITY.NONE and not row[3].startswith(("no: ", "TypeError"))] == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_test_that_a_row_names_exists(reference: str) -> None:
    assert PARITY.link(reference)


def test_a_recording_that_a_row_names_is_played() -> None:
    named = {name for kind, _, name in (each.partition("/") for each in REFERENCES) if kind == "replay"}
    assert named - PLAYED == set()


def test_a_test_that_does_not_exist_fails_the_page() -> None:
    with pytest.raises(LookupError, match="names 0 tests"):
        PARITY.link("test_that_nobody_wrote")
