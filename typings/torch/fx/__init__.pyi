from collections.abc import Callable, Iterable
from typing import Any

from torch.fx.node import Node, map_arg

__all__ = ["Graph", "GraphModule", "Node", "map_arg", "symbolic_trace"]

class Graph:
    nodes: Iterable[Node]

class GraphModule:
    graph: Graph
    def __call__(self, *args: Any) -> Any: ...

def symbolic_trace(root: Callable[..., Any]) -> GraphModule: ...
