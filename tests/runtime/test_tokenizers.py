"""Tokenizers of a folder, of the hub's cache, and those that can't be had."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.bytewise import written
from tinkex_py import Failure, ServiceClient, Tokenizer, load_tokenizer, or_raise
from tinkex_py.errors import CapabilityMissing, ExtraMissing, FileFailed, InvalidInput

TEXT = "Grüße, 世界!\n"


def offline(program: str, cache: Path) -> str:
    """What a program prints in a process of its own, whose hub is a folder."""
    environment = {**os.environ, "HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"}
    words = [sys.executable, "-c", f"from tinkex_py import *; {program}"]
    return subprocess.check_output(words, text=True, env=environment)


def test_a_folder_has_a_tokenizer_which_stays_loaded(tmp_path: Path) -> None:
    file = written(tmp_path)
    first = or_raise(load_tokenizer(str(tmp_path)))
    file.unlink()
    again = or_raise(load_tokenizer("any/model", str(tmp_path)))
    assert list(first.encode(TEXT)) == list(TEXT.encode()) == list(again.encode(TEXT))
    assert first.decode(first.encode(TEXT)) == TEXT


def test_the_hubs_cache_is_read_without_a_network(tmp_path: Path) -> None:
    kept = tmp_path / "hub" / "models--org--model"
    _ = written(kept / "snapshots" / "0123")
    (kept / "refs").mkdir()
    _ = (kept / "refs" / "main").write_text("0123")
    program = "print(list(or_raise(load_tokenizer('org/model/variant')).encode('Hi')))"
    assert offline(program, tmp_path) == "[72, 105]\n"


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    match load_tokenizer("org/never-seen"):
        case Failure(ExtraMissing(message=message, extra="tokenizers")):
            assert "pip install 'tinkex-py[tokenizers]'" in message
        case other:
            pytest.fail(str(other))


def test_a_package_of_its_own_is_named() -> None:
    match load_tokenizer("thinkingmachines/model"):
        case Failure(CapabilityMissing(message=message)):
            assert "tml_tokenizers" in message
        case other:
            pytest.fail(str(other))


def test_a_file_that_is_no_tokenizer_is_said_to_be_none(tmp_path: Path) -> None:
    _ = (tmp_path / "tokenizer.json").write_text("{}")
    match load_tokenizer(str(tmp_path)):
        case Failure(FileFailed(message=message)):
            assert "can't be loaded" in message
        case other:
            pytest.fail(str(other))


def test_a_name_that_no_folder_can_have_is_the_name_of_no_tokenizer() -> None:
    match load_tokenizer("a" * 5000):
        case Failure(FileFailed(message=message)):
            assert "can't be loaded" in message
        case other:
            pytest.fail(str(other))


def test_one_with_code_of_its_own_is_said_with_the_way_on(tmp_path: Path) -> None:
    said = offline("print(load_tokenizer('moonshotai/Kimi-K3').failure().message)", tmp_path)
    assert "revision f831ab66814297da540d832a5235f8e904f29d06: load it by its own means" in said


def test_the_embedded_engine_has_its_own() -> None:
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=1))
        found: Tokenizer = or_raise(trainer.get_tokenizer())
    assert (found.name, bytes(found.encode("Hi"))) == ("tinkex/bytes", b"Hi")


def test_a_loaded_tokenizer_is_a_value_that_can_be_pickled(tmp_path: Path) -> None:
    tokenizer = or_raise(load_tokenizer(str(written(tmp_path).parent)))
    assert pickle.loads(pickle.dumps(tokenizer)) == tokenizer == or_raise(load_tokenizer(str(tmp_path)))


NAMELESS: dict[str, tuple[Any, Any, str]] = {
    "a Path": (Path("folder"), None, "model"),
    "nothing": (None, None, "model"),
    "another's name that is none": ("any/model", 5, "tokenizer_id"),
}


@pytest.mark.parametrize(("model", "tokenizer_id", "path"), NAMELESS.values(), ids=NAMELESS)
def test_what_names_no_tokenizer_is_refused(model: Any, tokenizer_id: Any, path: str) -> None:
    refused = load_tokenizer(model, tokenizer_id).failure()
    assert isinstance(refused, InvalidInput)
    assert refused.path == path
