"""A sampling session as a text that another process can go on with; no credential is in it. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types.limits import refused
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.service import ClientConfigResponse


class Holder(Struct, frozen=True, kw_only=True):
    """Where the server is, and what it asks of its clients."""

    base_url: str
    default_headers_overrides: Mapping[str, str] = FrozenMapping()
    client_config: ClientConfigResponse = ClientConfigResponse()


class SamplerHandle(Struct, frozen=True, kw_only=True):
    """What a sampling client of another process needs to know."""

    session_id: str
    sampling_session_id: str
    holder: Holder
    base_model: str | None = None
    record_stability_info: bool = False


def written(handle: SamplerHandle) -> str:
    """The handle as base64url of its JSON; a flag that the server didn't set is left out."""
    document = msgspec.to_builtins(handle, enc_hook=dict)
    flags = document["holder"]["client_config"]
    document["holder"]["client_config"] = {name: value for name, value in flags.items() if value is not None}
    return base64.urlsafe_b64encode(msgspec.json.encode(document)).decode()


def read(text: object) -> Outcome[SamplerHandle, InvalidInput]:
    """The handle that a text stands for; it may come from the official SDK."""
    if not isinstance(text, str):
        return Failure(refused("handle", text, "give the text that get_sampler_handle gave"))
    try:
        padded = text.strip() + "=" * (-len(text.strip()) % 4)
        return Success(_DECODER.decode(base64.b64decode(padded, altchars=b"-_", validate=True)))
    except (ValueError, RecursionError) as error:
        return Failure(
            InvalidInput(
                message=f"this is no sampler handle ({error}); give the text that get_sampler_handle gave",
                path="handle",
                value=text[:40],
            )
        )


_DECODER = msgspec.json.Decoder(SamplerHandle)
