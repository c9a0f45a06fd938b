"""The weights of samplers: the last used ready in memory, the others as adapters on disk, merged again when used."""

from __future__ import annotations

import shutil
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from returns.result import Failure, Success

from tinkex_py.local.checkpoint import load_checkpoint, save_checkpoint
from tinkex_py.local.engine import LoraModel, SamplerWeights, snapshot
from tinkex_py.local.records import label
from tinkex_py.local.temporary import temporary
from tinkex_py.outcome import Outcome, change

READY = 32
"""Samplers whose merged weights are kept, about 0.8 MB each with their adapters."""


class Shelf:
    """Weights by sampler, for the engine's thread; those beyond `ready` go to a temporary folder made when needed."""

    def __init__(self, ready: int = READY) -> None:
        self._limit = ready
        self._folder: Path | None = None
        self._ready: OrderedDict[str, tuple[LoraModel, SamplerWeights]] = OrderedDict()
        self._others: dict[str, Outcome[SamplerWeights, str]] = {}

    def put(self, sampler_id: str, model: LoraModel) -> None:
        """Keep a model's present weights under a sampler's name."""
        _ = self._enter(sampler_id, LoraModel(model.base, model.config, model.adapter))

    def put_ready(self, sampler_id: str, weights: Outcome[SamplerWeights, str]) -> None:
        """Keep weights that are in memory anyway, a base's own, or why there are none."""
        self._others[sampler_id] = weights

    def take(self, sampler_id: str) -> Outcome[SamplerWeights, str]:
        """The weights of a sampler; a Failure when they were never put here, or can't be read again."""
        if sampler_id in self._others:
            return self._others[sampler_id]
        if sampler_id in self._ready:
            self._ready.move_to_end(sampler_id)
            return Success(self._ready[sampler_id][1])
        place = self._place(sampler_id)
        if not place.exists():
            return Failure("the weights of this sampler were never loaded, or its session has ended")
        return change(load_checkpoint(place, optimizer=False), lambda model: self._enter(sampler_id, model))

    def remove(self, sampler_ids: Iterable[str]) -> None:
        """Forget samplers."""
        for sampler_id in sampler_ids:
            _ = self._ready.pop(sampler_id, None)
            _ = self._others.pop(sampler_id, None)
            if self._folder is not None:
                shutil.rmtree(self._place(sampler_id), ignore_errors=True)

    def _enter(self, sampler_id: str, model: LoraModel) -> SamplerWeights:
        weights = snapshot(model)
        self._ready[sampler_id] = (model, weights)
        while len(self._ready) > self._limit:
            self._put_away(*self._ready.popitem(last=False))
        return weights

    def _put_away(self, sampler_id: str, kept: tuple[LoraModel, SamplerWeights]) -> None:
        place = self._place(sampler_id)
        if place.exists():
            return
        match save_checkpoint(place, kept[0], optimizer=False):
            case Failure(reason):
                self._others[sampler_id] = Failure(f"the weights of this sampler are lost: {reason}")
            case _:
                pass

    def _place(self, sampler_id: str) -> Path:
        if self._folder is None:
            self._folder, _ = temporary(self, "tinkex-samplers-")
        return self._folder / label(sampler_id)
