"""Each row of the page on reliability names tests that exist, and laws that are applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from property_tests.simulation.laws import LAWS
from property_tests.simulation.mutations import MUTATIONS
from tinkex_py.testing.faults import KINDS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]
FILES = sorted(set(re.findall(r"`((?:tests|property_tests)/[^`:]+)(?:::[^`]*)?`", PAGE)))
TESTS = sorted(set(re.findall(r"`(tests/[^`:]+\.py)::(\w+)`", PAGE)))
NAMED = {name for row in ROWS if "law" in row for name in re.findall(r"`([a-z_]+)`", row)}


@pytest.mark.parametrize("name", FILES)
def test_what_the_page_names_exists(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_test_that_the_page_names_is_in_its_file(file: str, name: str) -> None:
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_every_law_is_on_the_page_and_none_that_is_not_applied() -> None:
    assert {law.__name__ for law in LAWS} == NAMED


def test_the_page_says_how_many_laws_there_are() -> None:
    words = {10: "ten", 11: "eleven", 12: "twelve", 13: "thirteen"}
    assert f"then the {words[len(LAWS)]} laws named above judge it." in PAGE


def test_every_kind_of_fault_has_a_row() -> None:
    assert [kind for kind in KINDS if f"| {kind} |" not in PAGE] == []


def test_every_case_of_another_client_is_linked_to_a_test_of_ours() -> None:
    _, _, table = PAGE.partition("## The same case elsewhere")
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 10
    assert [row for row in rows if not re.search(r"`(property_)?tests/", row.rsplit("|", 2)[1])] == []


def test_there_are_five_runtimes_broken_on_purpose() -> None:
    _, _, section = PAGE.partition("### Runtimes broken on purpose")
    rows = [line for line in section.partition("## ")[0].splitlines() if line.startswith("|")]
    assert len(rows) - 2 == len(MUTATIONS)
