"""What a server says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs


class Health(Struct, frozen=True, kw_only=True):
    """`ok` when the server is well."""

    status: str = ""


class SupportedModel(Struct, frozen=True, kw_only=True):
    """A base model; None where the server doesn't say. Some servers call its name `model_id`."""

    model_name: str | None = None
    model_id: str | None = None
    max_context_length: int | None = None
    trainable: bool | None = None
    sampleable: bool | None = None

    def __post_init__(self) -> None:
        if self.model_name is None:
            structs.force_setattr(self, "model_name", self.model_id)


class GetServerCapabilitiesResponse(Struct, frozen=True, kw_only=True):
    """The base models that a server has."""

    supported_models: Sequence[SupportedModel] = ()


class ClientConfigResponse(Struct, frozen=True, kw_only=True):
    """What the server asks of its clients; what it leaves out has these defaults. Sizes are in bytes.

    `parallel_fwdbwd_chunks` is None unless the server says it itself: chunks then go one after the other.
    """

    pjwt_auth_enabled: bool = False
    """Exchange the credential for a short-lived token, which everything else then carries."""
    credential_default_source: str = "api_key"
    parallel_fwdbwd_chunks: bool | None = None
    proto_compress_fwdbwd: bool = False
    fwdbwd_max_chunk_len: int = 1024
    fwdbwd_max_chunk_bytes_count: int = 5_000_000
    fwdbwd_dispatch_bytes_semaphore_size: int = 50_000_000
    inflight_response_bytes_semaphore_size: int = 52_428_800
    sample_dispatch_bytes_semaphore_size: int = 10_485_760
    sample_max_concurrent_requests: int = 2000
    sample_no_retries: bool = False
    sample_enable_stuck_detection: bool = True
    sample_use_retrieve_futures: bool = False
    sample_join_sampling_session: bool = False
    custom_loss_server_side: bool = False
    use_pyqwest_transport: bool = True
    billing_exception_max_pause_duration_sec: int = 3600


class DynamicConfigResponse(Struct, frozen=True, kw_only=True):
    """What the server asks of its clients for now; asked again every `refresh_interval_sec` seconds, at least 10."""

    refresh_interval_sec: int = 300
    sample_cancel_enabled: bool = False
    sample_cancel_max_batch_size: int = 64
