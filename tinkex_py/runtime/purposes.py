"""What each request is for: every purpose has connections of its own, so that none can starve another."""

from __future__ import annotations

from collections.abc import Mapping

from tinkex_py.request import AnyRequest

_REST = "rest"
_OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "session": (
        "auth_token",
        "client_config",
        "client_dynamic_config",
        "create_session",
        "finish_session",
        "session_heartbeat",
    ),
    "training": (
        "create_model",
        "forward",
        "forward_backward",
        "load_weights",
        "optim_step",
        "save_weights",
        "save_weights_external",
        "save_weights_for_sampler",
        "unload_model",
    ),
    "sampling": ("asample", "create_sampling_session", "join_sampling_session"),
    "promises": ("cancel_future", "retrieve_future", "retrieve_futures"),
    "telemetry": ("send_telemetry",),
}
_PURPOSES = {operation: purpose for purpose, operations in _OPERATIONS.items() for operation in operations}


COMES_FIRST: Mapping[str, str] = {"promises": "sampling"}
"""Which purpose another one stands back for, for a moment: what is submitted later also ends later, so new samples go
before questions for the results of others."""
_SHARES: Mapping[str, float] = {"promises": 1 / 4, "results": 1 / 8}
_SMALL = 1 / 16
_OF_A_SAMPLE = ("x-tinker-request-type", "Sample")


def share_of(purpose: str) -> float:
    """The share of a process's files that the connections of a purpose may take: servers hold questions for results.

    Together they leave some for others even where few are allowed, such as the 256 of macOS.
    """
    return _SHARES.get(purpose, _SMALL)


def purpose_of(request: AnyRequest) -> str:
    """The purpose whose connections the request uses: a step's result doesn't wait in line with those of samples."""
    if request.address is not None:
        return "outside"
    if request.operation == "retrieve_future" and _OF_A_SAMPLE not in request.headers:
        return "results"
    return _PURPOSES.get(request.operation, _REST)
