"""Where a checkpoint is: `tinker://run/weights/name` and its relatives. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self, TypeAlias

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types.console import checkpoint_url, playground_url
from tinkex_py.types.raised import shortened

CheckpointType: TypeAlias = Literal["training", "sampler", "external"] | str
"""What a checkpoint is for: to train on, to sample from, or to take away. A server may know other words."""

SCHEME = "tinker://"
KINDS: Mapping[str, CheckpointType] = {
    "weights": "training",
    "sampler_weights": "sampler",
    "external_weights": "external",
}


class TinkerPath(Struct, frozen=True):
    """The address of a checkpoint, in its three parts; as text it is the address again.

    >>> str(TinkerPath("session-0:train:0", "weights", "step-10"))
    'tinker://session-0:train:0/weights/step-10'
    """

    training_run_id: str
    kind: str
    name: str

    @classmethod
    def parse(cls, text: object) -> Outcome[Self, InvalidInput]:
        """The path that a text is, `tinker://run/kind/name`; servers may have kinds of their own."""
        parts = text.removeprefix(SCHEME).split("/") if isinstance(text, str) and text.startswith(SCHEME) else []
        match parts:
            case [str(run), str(kind), str(name)] if run and kind and name:
                return Success(cls(run, kind, name))
            case _:
                return Failure(_unreadable(text))

    @property
    def checkpoint_id(self) -> str:
        """What the checkpoint is called within its run: `weights/step-10`."""
        return f"{self.kind}/{self.name}"

    @property
    def checkpoint_type(self) -> CheckpointType:
        """What the checkpoint is for; a kind that isn't known is its own type."""
        return KINDS.get(self.kind, self.kind)

    def get_console_url(self) -> str:
        """Where a person sees this checkpoint."""
        return checkpoint_url(self.training_run_id, self.checkpoint_id)

    def get_playground_url(self) -> str:
        """Where a person samples from this checkpoint, if it is one of `sampler_weights`."""
        return playground_url(str(self))

    def __str__(self) -> str:
        return f"{SCHEME}{self.training_run_id}/{self.checkpoint_id}"


def _unreadable(text: object) -> InvalidInput:
    shown = repr(text) if isinstance(text, str) else shortened(text)
    return InvalidInput(
        message=f"tinker_path is {shown}: give what saving returned, tinker://<training run>/<kind>/<name>; "
        f"the usual kinds are {', '.join(KINDS)}",
        path="tinker_path",
        value=shown,
    )
