"""Checkpoints as folders: adapter.safetensors, optimizer.safetensors when asked for, and checkpoint.json.

A folder is written under a temporary name, with a dot in front, beside its place and renamed, so a killed process
leaves the whole old checkpoint or the whole new one. Nothing is synced to the disk by force: one fsync takes 1 to
50 ms, and it only matters when the machine itself goes down. For that case checkpoint.json holds each file's length
and CRC-32, and a checkpoint that does not match them is refused as damaged instead of loaded.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
from returns.result import Failure, Success
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tinkex_py.local.adam import AdamState
from tinkex_py.local.architecture import Floats
from tinkex_py.local.bases import Base, load_base
from tinkex_py.local.lora import config_problem, initial_adapter
from tinkex_py.local.model import LoraModel
from tinkex_py.outcome import Outcome
from tinkex_py.types.training import LoraConfig

FORMAT = 1
ADAPTER, OPTIMIZER, DESCRIPTION = "adapter.safetensors", "optimizer.safetensors", "checkpoint.json"


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """A file's length in bytes and CRC-32."""

    size: int
    crc32: int


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What checkpoint.json says: the base, the adapter's configuration, optimizer steps, and the files' contents."""

    format: int
    base_model: str
    lora_config: LoraConfig
    step: int
    files: Mapping[str, Contents]

    @property
    def has_optimizer(self) -> bool:
        """Whether training can go on from it exactly as if it had not stopped."""
        return OPTIMIZER in self.files


def save_checkpoint(folder: Path, model: LoraModel, *, optimizer: bool) -> Outcome[int, str]:
    """Write a model's adapter, and with `optimizer` Adam's moments, to `folder`; return the bytes written.

    A checkpoint that is there already is replaced. Gradients that no optimizer step has used are not saved.
    """
    files = {ADAPTER: save(_arrays(model.adapter))} | ({OPTIMIZER: save(_moments(model.state))} if optimizer else {})
    description = Description(
        format=FORMAT,
        base_model=model.base.name,
        lora_config=model.config,
        step=model.step,
        files={name: Contents(size=len(data), crc32=zlib.crc32(data)) for name, data in files.items()},
    )
    files[DESCRIPTION] = msgspec.json.format(msgspec.json.encode(description), indent=2)
    try:
        _replace(folder, files)
    except OSError as error:
        return Failure(f"the checkpoint {folder.name!r} could not be written: {error.strerror or error}")
    return Success(sum(map(len, files.values())))


def read_description(folder: Path) -> Outcome[Description, str]:
    """Read checkpoint.json; a Failure says that there is no checkpoint, or that it can't be read."""
    try:
        _recover(folder)
        found = msgspec.json.decode((folder / DESCRIPTION).read_bytes(), type=Description)
    except (FileNotFoundError, NotADirectoryError):
        return Failure(f"there is no checkpoint {folder.name!r}")
    except (OSError, msgspec.DecodeError) as error:
        return Failure(f"the checkpoint {folder.name!r} is damaged: {DESCRIPTION}: {error}")
    if found.format != FORMAT:
        return Failure(f"the checkpoint {folder.name!r} has the format {found.format}; this version reads {FORMAT}")
    return Success(found)


def load_checkpoint(folder: Path, *, optimizer: bool) -> Outcome[LoraModel, str]:
    """Return a new model from a checkpoint; with `optimizer` training goes on bit for bit as if never interrupted.

    A Failure says what is missing or damaged, or that `optimizer` was asked of a checkpoint saved without.
    """
    match read_description(folder):
        case Success(description):
            return _load(folder, description, optimizer=optimizer)
        case Failure() as failure:
            return failure


def _load(folder: Path, description: Description, *, optimizer: bool) -> Outcome[LoraModel, str]:
    if optimizer and not description.has_optimizer:
        return Failure(f"the checkpoint {folder.name!r} was saved without optimizer state")
    try:
        adapter = _read(folder, ADAPTER, description)
        moments = _read(folder, OPTIMIZER, description) if optimizer else None
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        return Failure(f"the checkpoint {folder.name!r} is damaged: {error}")
    return _model(folder.name, description, adapter, moments)


def _model(
    name: str, description: Description, adapter: dict[str, Floats], moments: dict[str, Floats] | None
) -> Outcome[LoraModel, str]:
    problem = config_problem(description.lora_config)
    if problem:
        return Failure(f"the checkpoint {name!r} is damaged: {problem}")
    match load_base(description.base_model):
        case Failure(reason):
            return Failure(f"the checkpoint {name!r} can't be loaded: {reason}")
        case Success(base):
            return _fitted(name, base, description, adapter, moments)


def _fitted(
    name: str, base: Base, description: Description, adapter: dict[str, Floats], moments: dict[str, Floats] | None
) -> Outcome[LoraModel, str]:
    wanted = _shapes(initial_adapter(base.architecture, description.lora_config))
    if _shapes(adapter) != wanted or (moments is not None and _shapes(moments) != _doubled(wanted)):
        return Failure(f"the checkpoint {name!r} does not fit {base.name} with its rank {description.lora_config.rank}")
    state = None if moments is None else _state(description.step, moments)
    return Success(LoraModel(base, description.lora_config, adapter, state))


def _arrays(values: Mapping[str, Floats]) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(value) for name, value in values.items()}


def _moments(state: AdamState) -> dict[str, np.ndarray]:
    pairs = {"first": state.first, "second": state.second}
    return _arrays({f"{moment}.{name}": value for moment, values in pairs.items() for name, value in values.items()})


def _state(step: int, moments: Mapping[str, Floats]) -> AdamState:
    first, second = (
        {name.removeprefix(mark): value for name, value in moments.items() if name.startswith(mark)}
        for mark in ("first.", "second.")
    )
    return AdamState(step=step, first=first, second=second)


def _shapes(values: Mapping[str, Floats]) -> dict[str, tuple[int, ...]]:
    return {name: value.shape for name, value in values.items()}


def _doubled(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    return {f"{moment}.{name}": shape for moment in ("first", "second") for name, shape in shapes.items()}


def _read(folder: Path, name: str, description: Description) -> dict[str, Floats]:
    data = (folder / name).read_bytes()
    if description.files[name] != Contents(size=len(data), crc32=zlib.crc32(data)):
        raise ValueError(f"{name} is not what was saved")
    return dict(load(data))


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files to a new folder and move it to its place; an older one steps aside until that is done."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        for name, data in files.items():
            _ = (fresh / name).write_bytes(data)
        _recover(folder)
        if folder.exists():
            _ = folder.rename(_aside(folder))
        _ = fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(_aside(folder), ignore_errors=True)


def _aside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _recover(folder: Path) -> None:
    """Undo or finish a replacement that a crash cut short."""
    aside = _aside(folder)
    if not aside.exists():
        return
    if folder.exists():
        shutil.rmtree(aside)
    else:
        _ = aside.rename(folder)
