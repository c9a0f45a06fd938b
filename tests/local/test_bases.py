"""The base models and what their card says."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from tests.local.cases import refusal
from tinkex_py.local.architecture import parameter_shapes
from tinkex_py.local.bases import ARCHITECTURE, ENGLISH, RANDOM, base_names, load_base, weights_bytes
from tinkex_py.local.corpus import zen_text
from tinkex_py.outcome import or_raise

CARD = Path(__file__).parents[2] / "docs" / "base-model.md"


def test_the_model_card_gives_the_checksum_of_the_shipped_weights() -> None:
    checksum = re.search(r"\| sha-256 \| `(\w+)`", CARD.read_text(encoding="utf-8"))
    assert checksum is not None
    assert checksum[1] == hashlib.sha256(weights_bytes()).hexdigest()


@pytest.mark.parametrize("name", base_names())
def test_a_base_has_every_parameter_of_its_architecture_and_all_are_finite(name: str) -> None:
    parameters = or_raise(load_base(name)).parameters
    assert {name: value.shape for name, value in parameters.items()} == parameter_shapes(ARCHITECTURE)
    assert all(np.isfinite(value).all() and value.dtype == np.float32 for value in parameters.values())


def test_a_base_can_not_be_written_to() -> None:
    embedding = or_raise(load_base(RANDOM)).parameters["embedding"]
    with pytest.raises(ValueError, match="read-only"):
        embedding[0, 0] = 1.0


def test_an_unknown_base_is_refused_with_the_names_there_are() -> None:
    expected = f"there is no base model 'gpt' here; there are {ENGLISH}, {RANDOM}"
    assert refusal(load_base("gpt")) == expected


def test_a_context_holds_two_thousand_tokens() -> None:
    assert or_raise(load_base(ENGLISH)).architecture.context == 2048


def test_the_zen_is_read_without_being_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert zen_text().startswith("The Zen of Python, by Tim Peters\n\nBeautiful is better than ugly.")
    assert capsys.readouterr().out == ""
