"""Adapters as folders: whether there is one, and the README that tells others of it. Files are read, none fetched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from returns.result import Success

from tinkex_py.cli.hub import CARD
from tinkex_py.outcome import Outcome
from tinkex_py.types.training import WeightsInfoResponse

Layout: TypeAlias = Literal["peft", "tinkex"]
"""How an adapter is laid out: as PEFT reads it, or as the embedded engine saves it."""

CONFIG = "adapter_config.json"
_LAYOUTS: Sequence[tuple[Layout, frozenset[str]]] = (
    ("peft", frozenset({CONFIG, "adapter_model.safetensors"})),
    ("peft", frozenset({CONFIG, "adapter_model.bin"})),
    ("tinkex", frozenset({"checkpoint.json", "adapter.safetensors"})),
)
_USE: dict[Layout, str] = {
    "peft": """\
from peft import AutoPeftModelForCausalLM

model = AutoPeftModelForCausalLM.from_pretrained({repo}{revision}, device_map="auto")""",
    "tinkex": """\
from huggingface_hub import hf_hub_download
from safetensors.numpy import load_file

adapter = load_file(hf_hub_download({repo}, "adapter.safetensors"{revision}))""",
}


class Adapter(Struct, frozen=True, kw_only=True):
    """What is told of an adapter: how it is laid out, what it was trained on, and where it was."""

    layout: Layout
    tinker_path: str
    base_model: str | None = None
    rank: int | None = None
    trained: Sequence[str] = ()


def layout_of(folder: Path) -> Layout | None:
    """How the adapter in a folder is laid out; None where there is none."""
    there = {file.name for file in folder.iterdir()}
    return next((layout for layout, wanted in _LAYOUTS if wanted <= there), None)


def described(layout: Layout, tinker_path: str, known: Outcome[WeightsInfoResponse], folder: Path) -> Adapter:
    """The adapter as the server tells of it; where it doesn't, as its own configuration does."""
    if not isinstance(known, Success):
        return Adapter(layout=layout, tinker_path=tinker_path, base_model=_named_base(folder))
    info = known.unwrap()
    parts = {"attention": info.train_attn, "mlp": info.train_mlp, "unembedding": info.train_unembed}
    return Adapter(
        layout=layout,
        tinker_path=tinker_path,
        base_model=info.base_model,
        rank=info.lora_rank,
        trained=[part for part, trained in parts.items() if trained],
    )


def complete_config(adapter: Adapter, folder: Path) -> None:
    """Name the base model in PEFT's configuration where that doesn't: PEFT loads nothing without it."""
    if adapter.layout == "peft" and adapter.base_model is not None and _named_base(folder) is None:
        config = {**_config(folder), "base_model_name_or_path": adapter.base_model}
        _ = (folder / CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def card(adapter: Adapter, repo: str, revision: str | None) -> str:
    """The README: what the hub reads (base model, library, tags), how to load it, and where it comes from."""
    peft = adapter.layout == "peft"
    base = adapter.base_model if peft else None
    tags = [*(["peft"] if peft else []), "lora", "tinker", *([f"base_model:adapter:{base}"] if base else [])]
    front = {"base_model": base, "library_name": adapter.layout, "tags": tags, "tinker_path": adapter.tinker_path}
    facts = {
        "Base model": adapter.base_model,
        "LoRA rank": adapter.rank,
        "Trained": ", ".join(adapter.trained) or None,
        "Checkpoint": f"`{adapter.tinker_path}`",
    }
    use = _USE[adapter.layout].format(
        repo=json.dumps(repo), revision=f", revision={json.dumps(revision)}" if revision else ""
    )
    return "\n".join(
        (
            "---",
            *(f"{name}: {json.dumps(value)}" for name, value in front.items() if value is not None),
            "---\n",
            f"# {repo.rpartition('/')[2]}\n",
            f"A LoRA adapter{f' for {base}' if (base := adapter.base_model) else ''}, trained with the Tinker API.\n",
            *(f"- {name}: {value}" for name, value in facts.items() if value is not None),
            f"\n```python\n{use}\n```\n",
        )
    )


def write_card(adapter: Adapter, repo: str, revision: str | None, folder: Path) -> None:
    """Write the README, unless the checkpoint brought its own."""
    if not (folder / CARD).exists():
        _ = (folder / CARD).write_text(card(adapter, repo, revision), encoding="utf-8")


def _config(folder: Path) -> dict[str, Any]:
    return msgspec.json.decode((folder / CONFIG).read_bytes(), type=dict[str, Any])


def _named_base(folder: Path) -> str | None:
    if not (folder / CONFIG).is_file():
        return None
    name = _config(folder).get("base_model_name_or_path")
    return name if isinstance(name, str) and name else None
