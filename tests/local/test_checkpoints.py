"""Checkpoints on disk: whole, checked, and enough to go on as if nothing had happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.local.cases import new_model, refusal, same, train
from tinkex_py.local.bases import RANDOM, load_base
from tinkex_py.local.checkpoint import load_checkpoint, read_description, save_checkpoint
from tinkex_py.local.engine import LoraModel
from tinkex_py.outcome import or_raise
from tinkex_py.types.training import LoraConfig

BASE = or_raise(load_base(RANDOM))
TEXTS = ("to be", "or not to be", "that is the question")


def trained(texts: tuple[str, ...] = TEXTS) -> LoraModel:
    return train(new_model(BASE, seed=9, train_unembed=False), texts)


def saved(folder: Path, *, optimizer: bool = True, texts: tuple[str, ...] = TEXTS) -> Path:
    or_raise(save_checkpoint(folder, trained(texts), optimizer=optimizer))
    return folder


def test_resumed_training_is_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    resumed = train(or_raise(load_checkpoint(saved(tmp_path / "one"), optimizer=True)), TEXTS)
    uninterrupted = trained(TEXTS + TEXTS)
    assert same(resumed.adapter, uninterrupted.adapter)
    assert resumed.step == uninterrupted.step == 6


def test_training_resumed_without_the_optimizer_goes_another_way(tmp_path: Path) -> None:
    resumed = train(or_raise(load_checkpoint(saved(tmp_path / "one"), optimizer=False)), TEXTS)
    assert not same(resumed.adapter, trained(TEXTS + TEXTS).adapter)
    assert resumed.step == 3


def test_a_checkpoint_holds_the_adapter_and_its_description(tmp_path: Path) -> None:
    folder = saved(tmp_path / "deep" / "one", optimizer=False)
    description = or_raise(read_description(folder))
    assert same(or_raise(load_checkpoint(folder, optimizer=False)).adapter, trained().adapter)
    assert description.lora_config == LoraConfig(rank=4, seed=9, train_unembed=False)
    assert (description.base_model, description.step, description.has_optimizer) == (RANDOM, 3, False)
    assert sorted(path.name for path in folder.iterdir()) == ["adapter.safetensors", "checkpoint.json"]


def test_saving_tells_the_bytes_written(tmp_path: Path) -> None:
    size = or_raise(save_checkpoint(tmp_path / "one", trained(), optimizer=True))
    assert size == sum(path.stat().st_size for path in (tmp_path / "one").iterdir())


def test_saving_again_replaces_the_checkpoint_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    saved(tmp_path / "one")
    saved(tmp_path / "one", optimizer=False, texts=("other",))
    assert same(or_raise(load_checkpoint(tmp_path / "one", optimizer=False)).adapter, trained(("other",)).adapter)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


@pytest.mark.parametrize("both", [pytest.param(False, id="before"), pytest.param(True, id="after")])
def test_a_replacement_that_was_cut_short_leaves_a_whole_checkpoint(tmp_path: Path, *, both: bool) -> None:
    """A crash comes before or after the new folder took its place; the old one has stepped aside already."""
    saved(tmp_path / ".one.old", texts=("old",))
    if both:
        saved(tmp_path / "one", texts=("new",))
    expected = trained(("new",) if both else ("old",))
    assert same(or_raise(load_checkpoint(tmp_path / "one", optimizer=True)).adapter, expected.adapter)
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_leftover_of_a_killed_save_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".one.new").mkdir()
    (tmp_path / ".one.new" / "half").touch()
    saved(tmp_path / "one")
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_missing_checkpoint_is_told(tmp_path: Path) -> None:
    assert refusal(load_checkpoint(tmp_path / "one", optimizer=False)) == "there is no checkpoint 'one'"


def test_optimizer_state_that_was_not_saved_is_told(tmp_path: Path) -> None:
    told = refusal(load_checkpoint(saved(tmp_path / "one", optimizer=False), optimizer=True))
    assert told == "the checkpoint 'one' was saved without optimizer state"


@pytest.mark.parametrize("name", ["adapter.safetensors", "optimizer.safetensors"])
def test_a_changed_byte_is_told(tmp_path: Path, name: str) -> None:
    file = saved(tmp_path / "one") / name
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    told = refusal(load_checkpoint(tmp_path / "one", optimizer=True))
    assert told == f"the checkpoint 'one' is damaged: {name} is not what was saved"


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    (saved(tmp_path / "one") / "adapter.safetensors").unlink()
    assert refusal(load_checkpoint(tmp_path / "one", optimizer=False)).startswith("the checkpoint 'one' is damaged: ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"format": 2}, "the checkpoint 'one' has the format 2; this version reads 1", id="format"),
        pytest.param({"step": "x"}, "the checkpoint 'one' is damaged: checkpoint.json: ", id="type"),
        pytest.param({"files": {}}, "the checkpoint 'one' is damaged: ", id="no files"),
        pytest.param({"base_model": "gpt"}, "the checkpoint 'one' can't be loaded: there is no base", id="base"),
        pytest.param({"lora_config": {"rank": 0}}, "the checkpoint 'one' is damaged: lora_config.rank", id="rank"),
        pytest.param({"lora_config": {"rank": 8}}, "the checkpoint 'one' does not fit tinkex/tiny-random", id="fit"),
    ],
)
def test_a_description_that_does_not_fit_is_told(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = saved(tmp_path / "one") / "checkpoint.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert refusal(load_checkpoint(tmp_path / "one", optimizer=False)).startswith(message)


def test_a_place_that_can_not_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = refusal(save_checkpoint(tmp_path / "file" / "one", trained(), optimizer=False))
    assert told.startswith("the checkpoint 'one' could not be written: ")
