from collections.abc import Callable, Iterable
from typing import Any

from torch.fx.node import Node, map_arg

__all__ = ["Graph", "GraphModule", "Node", "Tracer", "map_arg"]

class Graph:
    nodes: Iterable[Node]

class GraphModule:
    graph: Graph
    def __init__(self, root: object, graph: Graph) -> None: ...
    def __call__(self, *args: Any) -> Any: ...

class Tracer:
    root: object
    def trace(self, root: Callable[..., Any]) -> Graph: ...
    def create_node(self, *args: Any, **kwargs: Any) -> Node: ...
    def create_arg(self, a: Any) -> Any: ...
