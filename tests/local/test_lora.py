"""Adapters: where they are, how they start, how they merge."""

from __future__ import annotations

import numpy as np
import pytest

from tests.local.cases import LIVELY, SMALL, new_model, refusal, same
from tinkex_py.local.engine import create_model
from tinkex_py.local.lora import adapted, initial_adapter, merged
from tinkex_py.types.training import LoraConfig

ATTENTION = {f"layers.{layer}.attention.{part}" for layer in (0, 1) for part in ("qkv", "output")}
MLP = {f"layers.{layer}.mlp.{part}" for layer in (0, 1) for part in ("up", "down")}


@pytest.mark.parametrize(
    ("config", "names"),
    [
        pytest.param(LoraConfig(), ATTENTION | MLP | {"unembedding"}, id="all"),
        pytest.param(LoraConfig(train_mlp=False, train_unembed=False), ATTENTION, id="attention"),
        pytest.param(LoraConfig(train_attn=False, train_unembed=False), MLP, id="mlp"),
        pytest.param(LoraConfig(train_attn=False, train_mlp=False), {"unembedding"}, id="unembedding"),
    ],
)
def test_each_group_of_adapters_can_be_switched(config: LoraConfig, names: set[str]) -> None:
    assert set(adapted(SMALL, config)) == names
    assert {name.rpartition(".")[0] for name in initial_adapter(SMALL, config)} == names


def test_a_new_adapter_changes_nothing() -> None:
    assert same(new_model().merged(), dict(LIVELY.parameters))


def test_the_seed_decides_where_an_adapter_starts() -> None:
    assert same(new_model(seed=1).adapter, new_model(seed=1).adapter)
    assert not same(new_model(seed=1).adapter, new_model(seed=2).adapter)


def test_a_group_starts_the_same_whatever_else_is_trained() -> None:
    alone, all_groups = new_model(train_attn=False, train_mlp=False).adapter, new_model().adapter
    assert same(alone, {name: all_groups[name] for name in alone})


def test_merging_adds_the_scaled_product() -> None:
    adapter = {"w.lora_A": np.array([[1.0], [2.0]]), "w.lora_B": np.array([[3.0, 4.0]])}
    found = merged({"w": np.ones((2, 2)), "kept": np.zeros(1)}, adapter, 1)
    assert found["w"].tolist() == [[97.0, 129.0], [193.0, 257.0]]
    assert found["kept"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        pytest.param(LoraConfig(rank=0), "lora_config.rank must be 1 to 128, not 0", id="no rank"),
        pytest.param(LoraConfig(rank=129), "lora_config.rank must be 1 to 128, not 129", id="too large a rank"),
        pytest.param(
            LoraConfig(train_attn=False, train_mlp=False, train_unembed=False),
            "at least one of train_attn, train_mlp and train_unembed must be true",
            id="nothing to train",
        ),
    ],
)
def test_a_configuration_that_can_not_train_is_refused(config: LoraConfig, problem: str) -> None:
    assert refusal(create_model(LIVELY, config)) == problem
