from collections.abc import Callable
from typing import Any

class Node:
    op: str
    name: str
    target: Callable[..., Any] | str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

def map_arg(a: Any, fn: Callable[[Node], Any]) -> Any: ...
def _get_qualified_name(func: Callable[..., Any]) -> str: ...
