"""Training runs and checkpoints as a server lists them. Pure.

An address that needs no key is as good as one: of it, no more than the server shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from tinkex_py.request import Address
from tinkex_py.types.moments import Moment
from tinkex_py.types.paths import CheckpointType

AccessScope: TypeAlias = Literal["owned", "accessible"]
"""What is listed: one's own, or everything that one may see."""


class Cursor(Struct, frozen=True, kw_only=True):
    """Where a page stands in the whole; `total_count` is None when the server doesn't count."""

    offset: int = 0
    limit: int = 0
    total_count: int | None = None


class Checkpoint(Struct, frozen=True, gc=False, kw_only=True):
    """A saved state: what it is for, where it is, how large (bytes), until when it is kept."""

    checkpoint_id: str
    checkpoint_type: CheckpointType = ""
    time: Moment | None = None
    tinker_path: str = ""
    size_bytes: int | None = None
    public: bool = False
    user_metadata: Mapping[str, str] | None = None
    expires_at: Moment | None = None


class CheckpointsListResponse(Struct, frozen=True, kw_only=True):
    """Checkpoints, and where this page stands."""

    checkpoints: Sequence[Checkpoint] = ()
    cursor: Cursor | None = None


class TrainingRun(Struct, frozen=True, gc=False, kw_only=True):
    """A model in training: its base, its owner, its last checkpoints."""

    training_run_id: str
    base_model: str
    model_owner: str = ""
    is_lora: bool = True
    corrupted: bool = False
    lora_rank: int | None = None
    last_request_time: Moment | None = None
    last_checkpoint: Checkpoint | None = None
    last_sampler_checkpoint: Checkpoint | None = None
    user_metadata: Mapping[str, str] | None = None


class TrainingRunsResponse(Struct, frozen=True, kw_only=True):
    """Training runs, and where this page stands."""

    training_runs: Sequence[TrainingRun] = ()
    cursor: Cursor | None = None


class CheckpointArchiveUrlResponse(Struct, frozen=True, gc=False, kw_only=True):
    """Where a checkpoint can be fetched as one archive, without a key, until `expires`."""

    url: str
    expires: Moment | None = None

    def __repr__(self) -> str:
        return f"CheckpointArchiveUrlResponse(url={Address(self.url).shown!r}, expires={self.expires!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("url", Address(self.url).shown), ("expires", self.expires)]


class ExternalWeightsUrlsResponse(Struct, frozen=True, gc=False, kw_only=True):
    """Where each file of exported weights can be fetched, without a key, until `expires`."""

    urls: Mapping[str, str]
    expires: Moment | None = None

    def __repr__(self) -> str:
        return f"ExternalWeightsUrlsResponse(urls={self._shown!r}, expires={self.expires!r})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("urls", self._shown), ("expires", self.expires)]

    @property
    def _shown(self) -> Mapping[str, str]:
        return {name: Address(url).shown for name, url in self.urls.items()}


class CopyWeightsResponse(Struct, frozen=True, kw_only=True):
    """Where the copy is."""

    tinker_path: str
