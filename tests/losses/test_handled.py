"""A loss of one datum is taken of a whole batch by adding up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from tests.losses.cases import batch
from tinkex_py.losses.handled import batch_loss
from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, LossHandle


def total(logprobs: Any, targets: Any) -> Any:
    return logprobs.sum() + targets.size, {"custom/size:sum": logprobs.size, "custom/size:mean": logprobs.size}


HANDLE = LossHandle(
    name="total",
    inputs=(CustomLossInput(name="logprobs", rank=1), CustomLossInput(name="target_tokens", rank=1)),
    session_id="s",
    graph=CustomLossGraph(),
    traced=total,
)


def test_losses_add_up_and_metrics_as_their_names_say() -> None:
    data, points = batch((3,), (1,))
    loss, metrics = batch_loss(HANDLE)(data, points)[:2]
    assert float(loss) == pytest.approx(float(points[0].sum() + points[1].sum()) + 4)
    assert metrics == {"custom/size:sum": 4.0, "custom/size:mean": 2.0}


def each(logprobs: Any, targets: Any) -> Any:
    del targets
    return np.exp(logprobs), {}


def test_a_loss_of_each_token_is_refused() -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match="return a scalar"):
        _ = batch_loss(replace(HANDLE, traced=each))(data, points)


def test_a_handle_is_known_by_its_trace() -> None:
    again, uploaded = replace(HANDLE, traced=print, name="another"), replace(HANDLE, loss_id="loss-1")
    other = replace(HANDLE, inputs=HANDLE.inputs[:1])
    assert again.key == uploaded.key == HANDLE.key != other.key
    assert (HANDLE.input_names, repr(uploaded)[:18]) == (("target_tokens",), "LossHandle('total'")
