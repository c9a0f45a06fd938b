"""Paths of checkpoints in their parts."""

from __future__ import annotations

import pytest
from returns.result import Failure, Success

from tinkex_py.types.paths import TinkerPath

READ = {
    "tinker://run-1/weights/0001": (TinkerPath("run-1", "weights", "0001"), "weights/0001", "training"),
    "tinker://s:train:0/sampler_weights/my ckpt#1?": (
        TinkerPath("s:train:0", "sampler_weights", "my ckpt#1?"),
        "sampler_weights/my ckpt#1?",
        "sampler",
    ),
    "tinker://run-1/external_weights/hf": (
        TinkerPath("run-1", "external_weights", "hf"),
        "external_weights/hf",
        "external",
    ),
    "tinker://run-1/checkpoints/0001": (
        TinkerPath("run-1", "checkpoints", "0001"),
        "checkpoints/0001",
        "checkpoints",
    ),
}
UNREAD = (
    "",
    "run-1/weights/0001",
    "tinker://run-1/weights",
    "tinker://run-1/weights/",
    "tinker:///weights/0001",
    "tinker://run-1//0001",
    "tinker://run-1/weights/a/b",
    "https://run-1/weights/a",
)


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_a_path_has_a_run_a_kind_and_a_name(text: str, expected: tuple[TinkerPath, str, str]) -> None:
    path, checkpoint_id, kind = expected
    assert TinkerPath.parse(text) == Success(path)
    assert (str(path), path.checkpoint_id, path.checkpoint_type) == (text, checkpoint_id, kind)


@pytest.mark.parametrize("text", UNREAD)
def test_any_other_text_is_refused_with_what_to_give(text: str) -> None:
    found = TinkerPath.parse(text)
    assert isinstance(found, Failure)
    assert (found.failure().path, found.failure().value) == ("tinker_path", repr(text))
    assert "tinker://<training run>/<kind>/<name>" in found.failure().message


def test_what_is_no_path_is_shown_in_few_words_whatever_it_is() -> None:
    refused = TinkerPath.parse(1 << 20_000).failure()
    assert (refused.path, refused.value) == ("tinker_path", "an integer of 20001 bits")
