"""What the fuzzer found once is harmless now, and so is what it begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import SEEDS, TARGETS

VECTORS = sorted((Path(__file__).parent / "vectors").glob("*-*"))
BEGINNINGS = [(name, seed) for name, seeds in SEEDS.items() for seed in seeds]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_what_was_found_once_is_harmless(vector: Path) -> None:
    TARGETS[vector.name.partition("-")[0]](vector.read_bytes())


@pytest.mark.parametrize(("name", "seed"), BEGINNINGS)
def test_what_the_fuzzer_begins_with_is_harmless(name: str, seed: bytes) -> None:
    TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_at_all_is_harmless(name: str) -> None:
    TARGETS[name](b"")
