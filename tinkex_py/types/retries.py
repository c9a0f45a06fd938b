"""How clients go on after a sample failed, or a run was corrupted. Pure."""

from __future__ import annotations

from tinkex_py.types.numbers import PlainNumbers


class RetryConfig(PlainNumbers, frozen=True, kw_only=True):
    """How samples are asked for anew when the server lost them or could not be reached; all times in seconds.

    At most `max_connections` samples are under way at once, or as many as the server allows where that is less or this
    is None. Delays double from `retry_delay_base` to `retry_delay_max`, give or take `jitter_factor` of them. Without
    any progress for `progress_timeout` seconds a sample is taken to be stuck, unless `enable_stuck_detection` is off.
    With `enable_retry_logic` off a sample that was lost is not asked for anew.
    """

    max_connections: int | None = 1000
    progress_timeout: float = 7200.0
    retry_delay_base: float = 0.5
    retry_delay_max: float = 10.0
    jitter_factor: float = 0.25
    enable_retry_logic: bool = True
    enable_stuck_detection: bool = True


class RecoveryPolicy(PlainNumbers, frozen=True, kw_only=True):
    """How a run that the server corrupted is gone on from; all times in seconds.

    The server is asked every `poll_interval`. `checkpoint` is "latest" or a tinker path. Restoring it is tried
    `max_attempts` times, with delays that double from `backoff` to `max_backoff`.
    """

    checkpoint: str = "latest"
    restore_optimizer: bool = True
    max_attempts: int = 3
    backoff: float = 5.0
    max_backoff: float = 60.0
    poll_interval: float = 30.0
