"""What a server says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Health(Struct, frozen=True, kw_only=True):
    """`ok` when the server is well."""

    status: str = ""


class SupportedModel(Struct, frozen=True, kw_only=True):
    """A base model; None where the server doesn't say."""

    model_name: str | None = None
    max_context_length: int | None = None
    trainable: bool | None = None
    sampleable: bool | None = None


class GetServerCapabilitiesResponse(Struct, frozen=True, kw_only=True):
    """The base models that a server has."""

    supported_models: Sequence[SupportedModel] = ()
