"""Losses traced by torch, and run from their traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch.fx import GraphModule, Node, Tracer, map_arg
from torch.fx.node import _get_qualified_name  # pyright: ignore[reportPrivateUsage] - the names that servers know

from tinkex_py.losses.graphs import Ref, checked, encoded
from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import CustomLossGraph, CustomLossNode, PerDatumLoss
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.numbers import plain
from tinkex_py.types.raised import in_words


def traced(loss: PerDatumLoss) -> tuple[CustomLossGraph, PerDatumLoss]:
    """The loss as a value, and as a function that runs from its trace; LossError when it can't be one."""
    try:
        with torch.enable_grad():
            tracer = _Tracer()
            graph = tracer.trace(loss)
    except LossError:
        raise
    except Exception as error:
        raise LossError(
            f"it can't be traced by torch.fx ({in_words(error)}); don't branch on the values of tensors, "
            "and call nothing but torch and math"
        ) from error
    return checked(CustomLossGraph(nodes=tuple(map(_node, graph.nodes)))), Traced(GraphModule(tracer.root, graph))


class Traced:
    """A loss that runs from its trace: it takes a tensor of log-probabilities, and arrays of what else it reads."""

    def __init__(self, module: GraphModule) -> None:
        self._module = module

    def __call__(self, logprobs: torch.Tensor, *inputs: NDArray[Any]) -> tuple[Any, Mapping[str, Any]]:
        """The loss of one datum and its metrics."""
        loss, metrics = self._module(logprobs, *(torch.from_numpy(each.copy()) for each in inputs))
        return loss, {name: _let_go(value) for name, value in metrics.items()}


class _Tracer(Tracer):
    """Refuses `torch.no_grad()`: a trace holds the calls and not that torch was told not to follow them."""

    def create_node(self, *args: Any, **kwargs: Any) -> Node:
        """The node of a call."""
        if not torch.is_grad_enabled():
            raise LossError("it computes under torch.no_grad(), which a trace can't hold: use detach() instead")
        return super().create_node(*args, **kwargs)

    def create_arg(self, a: Any) -> Any:
        """An argument of a call; numpy's numbers are numbers."""
        return super().create_arg(plain(a))


def _let_go(value: object) -> object:
    """What torch need not differentiate; sizes of tensors are plain numbers."""
    return value.detach() if isinstance(value, torch.Tensor) else value


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
