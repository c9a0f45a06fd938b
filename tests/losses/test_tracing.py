"""Losses traced by torch; these rules need torch, which is not among the packages that tests install."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.losses.cases import batch
from tinkex_py.losses.evaluation import evaluated
from tinkex_py.losses.graphs import inputs_of
from tinkex_py.losses.handled import batch_loss
from tinkex_py.losses.objective import Objective
from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import LossHandle

torch: Any = pytest.importorskip("torch")


def clipped(logprobs: Any, target_tokens: Any) -> Any:
    ratio = torch.clamp(logprobs * 2, max=float("inf"))
    loss = -(ratio[..., None] * target_tokens[:, None].to(torch.float32)).sum(dim=(0, 1))
    return loss, {"custom/ratio:mean": ratio.mean()}


def test_a_trace_is_written_node_by_node() -> None:
    from tinkex_py.losses.tracing import traced

    graph, _ = traced(clipped)
    nodes = msgspec.to_builtins(graph, enc_hook=dict)["nodes"]
    assert [(each["op"], each["target"]) for each in nodes] == [
        ("placeholder", "logprobs"),
        ("placeholder", "target_tokens"),
        ("call_function", "operator.mul"),
        ("call_function", "torch.clamp"),
        ("call_function", "operator.getitem"),
        ("call_function", "operator.getitem"),
        ("call_method", "to"),
        ("call_function", "operator.mul"),
        ("call_method", "sum"),
        ("call_function", "operator.neg"),
        ("call_method", "mean"),
        ("output", "output"),
    ]
    assert nodes[3]["kwargs"] == {"max": {"float": "inf"}}
    assert nodes[4]["args"][1:] == ({"tuple": ({"ellipsis": True}, None)},)
    assert nodes[6]["args"][1:] == ({"dtype": "float32"},)
    assert nodes[-1]["args"] == ({"tuple": ({"ref": "neg"}, {"dict": {"custom/ratio:mean": {"ref": "mean"}}})},)


def test_a_handle_runs_as_the_function_does() -> None:
    from tinkex_py.losses.tracing import traced

    graph, run = traced(clipped)
    ranks: Any = {"logprobs": 1, "target_tokens": 1}
    handle = LossHandle(name="clipped", inputs=inputs_of(clipped, ranks), session_id="s", graph=graph, traced=run)
    data, points = batch((3,), (2,))
    found = evaluated(batch_loss(handle), Objective(), data, points, "torch")
    for slope, datum in zip(found.gradients, data, strict=True):
        np.testing.assert_allclose(slope, -2.0 * datum.loss_fn_inputs["target_tokens"].to_numpy())
    ratios = [2 * point.mean() for point in points]
    assert found.metrics == {"custom/ratio:mean": pytest.approx(np.mean(ratios), rel=1e-5)}


def test_where_a_loss_is_traced_torch_need_not_follow() -> None:
    from tinkex_py.losses.tracing import traced

    with torch.no_grad():
        graph, _ = traced(clipped)
    assert graph.nodes == traced(clipped)[0].nodes


def scaled(logprobs: Any) -> Any:
    clipped = torch.clamp(logprobs * np.float64(2), max=np.float32(5))
    return torch.einsum("i->", clipped).reshape((np.int64(1),))[0], {"custom/tokens:sum": logprobs.numel()}


def unlinked(logprobs: Any) -> Any:
    return math.exp(logprobs.detach().sum()), {}


def handle_of(loss: Any) -> LossHandle:
    from tinkex_py.losses.tracing import traced

    graph, run = traced(loss)
    return LossHandle(name="a", inputs=inputs_of(loss, {"logprobs": 1}), session_id="s", graph=graph, traced=run)


def test_numbers_of_numpy_and_sizes_are_numbers() -> None:
    data, points = batch((3,), (2,))
    handle = handle_of(scaled)
    assert handle.key == handle_of(scaled).key
    assert evaluated(batch_loss(handle), Objective(), data, points, "torch").metrics == {"custom/tokens:sum": 5.0}


def test_a_traced_loss_that_is_no_tensor_is_refused_in_words() -> None:
    data, points = batch((3,))
    with pytest.raises(LossError, match="does not depend"):
        _ = evaluated(batch_loss(handle_of(unlinked)), Objective(), data, points, "torch")


def branching(logprobs: Any) -> Any:
    return (logprobs.sum() if logprobs.mean() > 0 else logprobs.mean()), {}


def odd(logprobs: Any) -> Any:
    return logprobs.brighten(), {}


def unfollowed(logprobs: Any) -> Any:
    with torch.no_grad():
        weights = torch.exp(logprobs)
    return (weights * logprobs).sum(), {}


def all_unfollowed(logprobs: Any) -> Any:
    with torch.inference_mode():
        return logprobs.sum(), {}


REFUSED = [
    (branching, "can't be traced"),
    (odd, "tensors don't have"),
    (unfollowed, "no_grad.*use detach"),
    (all_unfollowed, "no_grad"),
]


@pytest.mark.parametrize(("loss", "why"), REFUSED)
def test_a_loss_that_is_no_graph_is_refused(loss: Any, why: str) -> None:
    from tinkex_py.losses.tracing import traced

    with pytest.raises(LossError, match=why):
        _ = traced(loss)
