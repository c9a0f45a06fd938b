"""Losses traced by torch, and run from their traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch.fx import GraphModule, Node, map_arg, symbolic_trace
from torch.fx.node import _get_qualified_name  # pyright: ignore[reportPrivateUsage] - the names that servers know

from tinkex_py.losses.graphs import Ref, checked, encoded
from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import CustomLossGraph, CustomLossNode, PerDatumLoss
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.raised import in_words


def traced(loss: PerDatumLoss) -> tuple[CustomLossGraph, PerDatumLoss]:
    """The loss as a value, and as a function that runs from its trace; LossError when it can't be one."""
    try:
        module = symbolic_trace(loss)
    except LossError:
        raise
    except Exception as error:
        raise LossError(
            f"it can't be traced by torch.fx ({in_words(error)}); don't branch on the values of tensors, "
            "and call nothing but torch and math"
        ) from error
    return checked(CustomLossGraph(nodes=tuple(map(_node, module.graph.nodes)))), Traced(module)


class Traced:
    """A loss that runs from its trace: it takes a tensor of log-probabilities, and arrays of what else it reads."""

    def __init__(self, module: GraphModule) -> None:
        self._module = module

    def __call__(self, logprobs: torch.Tensor, *inputs: NDArray[Any]) -> tuple[Any, Mapping[str, Any]]:
        """The loss of one datum and its metrics."""
        loss, metrics = self._module(logprobs, *(torch.from_numpy(each.copy()) for each in inputs))
        return loss, {name: value.detach() for name, value in metrics.items()}


def _node(node: Node) -> CustomLossNode:
    if node.op == "call_method" and not hasattr(torch.Tensor, str(node.target)):
        raise LossError(f"it calls {node.target}(), which tensors don't have")
    args, kwargs = map_arg((list(node.args), dict(node.kwargs)), lambda each: Ref(each.name))
    return CustomLossNode(
        op=node.op,
        name=node.name,
        target=_target(node),
        args=tuple(map(encoded, args)),
        kwargs=FrozenMapping({name: encoded(value) for name, value in kwargs.items()}),
    )


def _target(node: Node) -> str:
    """Python's operators live in a private module, and are known by the public one."""
    if isinstance(node.target, str):
        return node.target
    name = _get_qualified_name(node.target)
    return f"operator.{name.removeprefix('_operator.')}" if name.startswith("_operator.") else name
