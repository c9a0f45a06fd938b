"""What the embedded server keeps of training runs and checkpoints, and how they look on the wire. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from msgspec import Struct

from tinkex_py.types import paths
from tinkex_py.types.training import LoraConfig

Kind: TypeAlias = Literal["weights", "sampler_weights", "external_weights"]
KINDS: Mapping[str, Kind] = {
    "weights": "weights",
    "sampler_weights": "sampler_weights",
    "external_weights": "external_weights",
}
OWNER = "urn:tinkex:user:local"
"""The one user of an embedded server."""
LONGEST_NAME = 200


class CheckpointId(NamedTuple):
    """Which checkpoint: its training run, its kind and its name."""

    run_id: str
    kind: Kind
    name: str

    @property
    def path(self) -> str:
        """`tinker://run/kind/name`."""
        return f"{paths.SCHEME}{self.run_id}/{self.kind}/{self.name}"


class Reason(Struct, frozen=True, kw_only=True):
    """Why a client finished a session: `success`, `errored` or `interrupted`."""

    type: str = "success"


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a session stands: `active`, `client_finished` for a reason, or `cancelled` by the server."""

    type: str
    reason: Reason | None = None
    detail: str | None = None


ACTIVE = Status(type="active")


class SessionRecord(Struct, frozen=True, kw_only=True):
    """A session; times are in seconds since 1970."""

    session_id: str
    created_at: float
    tags: tuple[str, ...] = ()
    user_metadata: Mapping[str, object] | None = None
    project_id: str | None = None
    display_name: str | None = None
    status: Status = ACTIVE


class RunRecord(Struct, frozen=True, kw_only=True):
    """A training run; times are in seconds since 1970."""

    run_id: str
    base_model: str
    lora_config: LoraConfig
    created_at: float
    last_request_at: float
    user_metadata: Mapping[str, object] | None = None


class CheckpointRecord(Struct, frozen=True, kw_only=True):
    """A checkpoint of a run; times are in seconds since 1970."""

    run_id: str
    kind: Kind
    name: str
    created_at: float
    size_bytes: int = 0
    public: bool = False
    expires_at: float | None = None
    user_metadata: Mapping[str, object] | None = None

    @property
    def id(self) -> CheckpointId:
        """What it is called."""
        return CheckpointId(self.run_id, self.kind, self.name)


def parse_path(path: str) -> CheckpointId | None:
    """The checkpoint that a `tinker://` path names; None for any other text."""
    parts = path.removeprefix(paths.SCHEME).split("/")
    if not path.startswith(paths.SCHEME) or len(parts) != 3 or parts[1] not in KINDS or not parts[0] or not parts[2]:
        return None
    return CheckpointId(parts[0], KINDS[parts[1]], parts[2])


def name_problem(name: str) -> str | None:
    """What keeps a text from naming a checkpoint: the name is one part of a `tinker://` path."""
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"a checkpoint's name has 1 to {LONGEST_NAME} characters"
    if "/" in name or name in {".", ".."} or not name.isprintable():
        return "a checkpoint's name is one part of a path: no slash, no control characters, not . or .."
    return None


def label(text: str) -> str:
    """The text as a folder's name on any file system: percent-encoded, cut to a length that fits."""
    return quote(text, safe="").replace(".", "%2E").replace("~", "%7E")[:120]


def wire_time(seconds: float) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def wire_checkpoint(record: CheckpointRecord) -> dict[str, object]:
    """A checkpoint as the protocol shows it."""
    return {
        "checkpoint_id": f"{record.kind}/{record.name}",
        "checkpoint_type": paths.KINDS[record.kind],
        "time": wire_time(record.created_at),
        "tinker_path": record.id.path,
        "size_bytes": record.size_bytes,
        "public": record.public,
        "user_metadata": record.user_metadata,
        "expires_at": None if record.expires_at is None else wire_time(record.expires_at),
    }


def wire_run(record: RunRecord, checkpoints: tuple[CheckpointRecord, ...]) -> dict[str, object]:
    """A training run as the protocol shows it; `checkpoints` are its own, oldest first."""
    latest = {checkpoint.kind: wire_checkpoint(checkpoint) for checkpoint in checkpoints}
    return {
        "training_run_id": record.run_id,
        "base_model": record.base_model,
        "model_owner": "local",
        "is_lora": True,
        "corrupted": False,
        "lora_rank": record.lora_config.rank,
        "last_request_time": wire_time(record.last_request_at),
        "last_checkpoint": latest.get("weights"),
        "last_sampler_checkpoint": latest.get("sampler_weights"),
        "user_metadata": record.user_metadata,
    }
