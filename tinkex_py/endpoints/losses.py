"""Losses of a caller's own that the server runs. Pure."""

from __future__ import annotations

from msgspec import Struct

from tinkex_py.endpoints.verbs import submit
from tinkex_py.request import Request
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput
from tinkex_py.types.promises import Promised


class CreateCustomLoss(Struct, frozen=True, kw_only=True, tag="create_custom_loss"):
    """Body of `create_custom_loss`."""

    session_id: str
    custom_loss_seq_id: int
    name: str
    inputs: tuple[CustomLossInput, ...]
    graph: CustomLossGraph


def create_custom_loss(
    *,
    session_id: str,
    custom_loss_seq_id: int,
    name: str,
    inputs: tuple[CustomLossInput, ...],
    graph: CustomLossGraph,
) -> Request[Promised]:
    """POST /api/v1/create_custom_loss: promises CustomLossCreated"""
    body = CreateCustomLoss(
        session_id=session_id, custom_loss_seq_id=custom_loss_seq_id, name=name, inputs=inputs, graph=graph
    )
    return submit("create_custom_loss", body)
