"""Paths of checkpoints, and names in paths of requests."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Success

from tinkex_py.endpoints.checkpoints import delete_checkpoint
from tinkex_py.runtime.http import path_part
from tinkex_py.types.paths import KINDS, TinkerPath

PARTS = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(PARTS, st.sampled_from(sorted(KINDS)), PARTS)
def test_a_path_that_was_written_is_read_again(run: str, kind: str, name: str) -> None:
    path = TinkerPath(run, kind, name)
    assert TinkerPath.parse(str(path)) == Success(path)


@given(st.text())
def test_what_can_be_read_is_written_as_it_was(text: str) -> None:
    match TinkerPath.parse(text):
        case Success(path):
            assert str(path) == text
        case found:
            assert found.failure().path == "tinker_path"


@given(NAMES, NAMES)
def test_no_name_reaches_another_resource(run: str, name: str) -> None:
    request = delete_checkpoint(run, f"weights/{name}")
    url = urlsplit("http://server.test/" + "/".join(map(path_part, request.path)))
    assert (url.query, url.fragment) == ("", "")
    parts = url.path.split("/")
    assert not {".", ".."} & set(parts)
    assert [unquote(part) for part in parts] == ["", "api", "v1", "training_runs", run, "checkpoints", "weights", name]
