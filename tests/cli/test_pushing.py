"""Adapters brought to the hub, which a server on a loopback port stands in for."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from returns.result import Failure, Success

from tests.cli.hub import TOKEN, Hub, hub
from tests.cli.relay import relay
from tests.cli.running import KEY, Stock, tinkex
from tinkex_py.cli.cards import Adapter, card, complete_config, described, layout_of
from tinkex_py.cli.hub import named_in
from tinkex_py.errors import NotFound
from tinkex_py.types.training import WeightsInfoResponse

REPO = "me/mine"


@pytest.fixture
def there() -> Iterator[Hub]:
    with hub() as server:
        yield server


def pushed(stock: Stock, there: Hub, *words: str, path: str | None = None) -> Result:
    words = ("checkpoint", "push-hf", path or stock.training, *words, "--format", "json", "--base-url", stock.address)
    return tinkex(*words, TINKER_API_KEY=KEY, **there.environment)


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_an_adapter_is_pushed_with_a_card_and_nothing_else(stock: Stock, there: Hub) -> None:
    done = said(pushed(stock, there, "-r", "mine"))
    assert (done["repo_id"], done["public"], there.private) == (REPO, False, {REPO: True})
    assert there.holds(REPO).keys() == {"README.md", "adapter.safetensors", "checkpoint.json"}
    assert stock.training in there.holds(REPO)["README.md"].decode()
    assert there.commits[0]["summary"] == f"Add the adapter of {stock.training}"


def test_no_secret_comes_to_the_hub_and_the_token_goes_nowhere_else(stock: Stock, there: Hub) -> None:
    result = pushed(stock, there, "--repo", REPO, "-vv")
    heard = "\n".join(there.heard)
    assert said(result)["repo_id"] == REPO
    assert (KEY in heard, f"Bearer {TOKEN}" in heard, TOKEN in result.output) == (False, True, False)
    assert not any(KEY.encode() in content for content in there.holds(REPO).values())


def test_without_a_repository_it_is_named_after_the_run_and_the_branch_after_the_checkpoint(
    stock: Stock, there: Hub
) -> None:
    done = said(pushed(stock, there))
    name = f"me/tinker-tiny-random-{stock.run_id.replace(':', '-')}"
    assert (done["repo_id"], done["revision"]) == (name, "weights-state")
    assert f"POST /api/models/{name}/branch/weights-state" in "\n".join(there.heard)
    assert 'revision="weights-state"' in there.holds(name, "weights-state")["README.md"].decode()


def test_what_is_pushed_is_what_was_asked_for(stock: Stock, there: Hub) -> None:
    words = ("--public", "--revision", "dev", "--commit-message", "Mine", "--no-model-card", "--allow-pattern", "*.s*")
    done = said(pushed(stock, there, "-r", REPO, *words, "--ignore-pattern", "opt*"))
    assert there.commits == [{"repo": REPO, "branch": "dev", "summary": "Mine", "description": ""}]
    assert (set(there.holds(REPO, "dev")), done["public"]) == ({"adapter.safetensors"}, True)


def test_patterns_that_fit_no_file_push_nothing_and_make_no_repository(stock: Stock, there: Hub) -> None:
    result = pushed(stock, there, "-r", REPO, "--allow-pattern", "*.safetensor")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        1,
        "Error: no file fits the patterns, and nothing was uploaded",
    )
    assert (there.private, there.commits) == ({}, [])


def test_a_pull_request_is_to_the_main_branch(stock: Stock, there: Hub) -> None:
    done = said(pushed(stock, there, "-r", REPO, "--create-pr"))
    assert done["url"].endswith(f"/{REPO}/discussions/1")
    assert pushed(stock, there, "-r", REPO, "--create-pr", "--revision", "dev").exit_code == 2


def test_a_public_repository_takes_it_only_when_told_so(stock: Stock, there: Hub) -> None:
    there.private[REPO] = False
    refused = pushed(stock, there, "--repo", REPO)
    assert (refused.exit_code, there.commits) == (1, [])
    assert "is public, and nothing was uploaded\nWhat to do: add --public" in refused.stderr
    assert said(pushed(stock, there, "--repo", REPO, "--public"))["public"] is True


def test_a_repository_of_another_checkpoint_is_left_alone(stock: Stock, there: Hub) -> None:
    _ = said(pushed(stock, there, "--repo", REPO))
    refused = pushed(stock, there, "--repo", REPO, path=stock.sampler)
    assert (refused.exit_code, len(there.commits)) == (1, 1)
    assert f"holds another checkpoint, {stock.training}, and nothing was uploaded" in refused.stderr
    assert said(pushed(stock, there, "--repo", REPO))["repo_id"] == REPO


@pytest.mark.parametrize("name", ["step 1", "step", "größe `1`", 'a"b\\c'])
def test_a_checkpoint_is_known_again_whatever_its_name(name: str) -> None:
    path = f"tinker://run/weights/{name}"
    assert named_in(card(Adapter(layout="tinkex", tinker_path=path), REPO, None)) == path


READMES = {
    "# Mine": None,
    "From `tinker://run/weights/a`.": "tinker://run/weights/a",
    'tinker_path: "tinker://run/weights/a" or so"': "tinker://run/weights/a",
}


@pytest.mark.parametrize(("readme", "path"), READMES.items(), ids=READMES)
def test_a_readme_from_elsewhere_may_name_a_checkpoint_too(readme: str, path: str | None) -> None:
    assert named_in(readme) == path


def test_a_hub_that_says_nothing_is_given_up(stock: Stock, there: Hub) -> None:
    with there.silent():
        result = pushed(stock, there, "--repo", REPO, "--timeout", "0.1")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 2)
    assert "Error: the hub can't be reached or read: " in result.stderr


def test_a_readme_that_somebody_wrote_stays(stock: Stock, there: Hub) -> None:
    there.holds(REPO)["README.md"] = b"# Mine"
    _ = said(pushed(stock, there, "--repo", REPO))
    assert there.holds(REPO)["README.md"] == b"# Mine"


@pytest.mark.parametrize(
    ("status", "to_do"), [(401, "run hf auth login"), (403, "use a token that may"), (500, "run the command again")]
)
def test_a_refusal_of_the_hub_is_said_with_what_to_do(stock: Stock, there: Hub, status: int, to_do: str) -> None:
    there.refused = status
    result = pushed(stock, there, "--repo", REPO)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 2)
    assert f"What to do: {to_do}" in result.stderr


def packed(**files: bytes) -> bytes:
    """An archive of these files; their names have `__` for the dot."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


BROKEN = {
    "the download": ((404, b'{"detail": "there is no checkpoint"}'), b"", "there is no checkpoint"),
    "the configuration": (
        None,
        packed(adapter_config__json=b"{", adapter_model__bin=b""),
        "the adapter's files can't be",
    ),
}


@pytest.mark.parametrize(("answer", "content", "said"), BROKEN.values(), ids=BROKEN)
def test_what_fails_on_the_way_to_the_hub_is_not_told_as_the_hubs(
    stock: Stock, there: Hub, answer: tuple[int, bytes] | None, content: bytes, said: str
) -> None:
    with relay(stock.address) as front:
        address = json.dumps({"url": f"{front.address}/files/packed"}).encode()
        front.instead = {"/archive": answer or (200, address), "/files/packed": (200, content)}
        result = pushed(stock._replace(address=front.address), there, "--repo", REPO)
    assert (result.exit_code, there.commits, "the hub" in result.stderr) == (1, [], False)
    assert said in result.stderr


def test_a_name_that_the_hub_does_not_take_is_said(stock: Stock, there: Hub) -> None:
    result = pushed(stock, there, "--repo", "a/b/c")
    assert (result.exit_code, there.private) == (1, {})
    assert "Error: the hub takes no such name: " in result.stderr


def test_without_the_package_the_extra_is_named(stock: Stock, there: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    result = pushed(stock, there)
    assert (result.exit_code, there.heard) == (1, [])
    assert "pip install 'tinkex-py[hub]'" in result.stderr


def test_an_export_for_peft_names_its_base_model_and_how_to_load_it(tmp_path: Path) -> None:
    config = tmp_path / "adapter_config.json"
    _ = config.write_text('{"r": 8}')
    _ = (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    assert layout_of(tmp_path) == "peft"
    info = WeightsInfoResponse(base_model="org/base", is_lora=True, lora_rank=8, train_mlp=False)
    adapter = described("peft", "tinker://a/weights/b", Success(info), tmp_path)
    complete_config(adapter, tmp_path)
    assert json.loads(config.read_text()) == {"r": 8, "base_model_name_or_path": "org/base"}
    text = card(adapter, REPO, None)
    assert text.startswith('---\nbase_model: "org/base"\nlibrary_name: "peft"\n')
    assert 'from_pretrained("me/mine", device_map="auto")' in text


def test_where_the_server_does_not_tell_the_adapters_own_words_are_taken(tmp_path: Path) -> None:
    _ = (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    found = described("peft", "tinker://a/weights/b", Failure(NotFound(message="", status=404)), tmp_path)
    assert found == Adapter(layout="peft", tinker_path="tinker://a/weights/b", base_model="org/base")


def test_what_is_no_adapter_has_no_layout(tmp_path: Path) -> None:
    _ = (tmp_path / "adapter_model.safetensors.age").write_bytes(b"")
    assert layout_of(tmp_path) is None
