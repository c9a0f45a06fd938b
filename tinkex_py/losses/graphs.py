"""What a loss that is traced may look like, and its trace in the form that servers read. Pure; needs no torch.

JSON's own kinds stand for themselves; everything else is a mapping with one name, such as `{"ref": "mul"}`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from math import isfinite
from types import EllipsisType
from typing import NamedTuple

from typing_extensions import TypeIs

from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, CustomLossNode, InputRank
from tinkex_py.types.kinds import is_list, is_mapping, is_tuple
from tinkex_py.types.mapping import FrozenMapping

LOGPROBS = "logprobs"
"""The first parameter of every loss."""


class Ref(NamedTuple):
    """The value of another node."""

    name: str


def encoded(value: object) -> object:
    """An argument of a node as the server reads it; LossError when it has no such form."""
    match value:
        case Ref(name):
            return FrozenMapping({"ref": name})
        case float() if not isfinite(value):
            return FrozenMapping({"float": str(value)})
        case None | bool() | int() | float() | str():
            return value
        case EllipsisType():
            return FrozenMapping({"ellipsis": True})
        case _:
            return _encoded_collection(value)


def _encoded_collection(value: object) -> object:
    kind = type(value)
    if is_list(value):
        return tuple(map(encoded, value))
    if is_tuple(value):
        return FrozenMapping({"tuple": tuple(map(encoded, value))})
    if is_mapping(value) and all(isinstance(name, str) for name in value):
        return FrozenMapping({"dict": FrozenMapping({str(name): encoded(each) for name, each in value.items()})})
    if _is_slice(value):
        return FrozenMapping({"slice": tuple(map(encoded, (value.start, value.stop, value.step)))})
    if kind.__module__ == "torch" and kind.__name__ in _TORCH:
        return FrozenMapping({kind.__name__: str(value).removeprefix("torch.")})
    raise LossError(f"it passes a {kind.__name__}, which can't be sent to a server: compute with tensors and numbers")


def inputs_of(loss: Callable[..., object], ranks: Mapping[str, InputRank]) -> tuple[CustomLossInput, ...]:
    """What the loss takes, by the names of its parameters; LossError when a server couldn't give it that."""
    parameters = list(inspect.signature(loss).parameters.values())
    names = [each.name for each in parameters]
    if names[:1] != [LOGPROBS]:
        raise LossError("its first parameter must be `logprobs`, as in `def loss(logprobs, advantages)`")
    if len(names) > _MOST_INPUTS:
        raise LossError(f"it takes {len(names)} parameters; give it {_MOST_INPUTS} at most")
    for parameter in parameters:
        _plain(parameter)
    if set(ranks) != set(names):
        raise LossError(f"input_ranks has ranks for {sorted(ranks)}; give one for each of {names}")
    wrong = {name: rank for name, rank in ranks.items() if rank not in ((1, 2) if name == LOGPROBS else (0, 1, 2))}
    if wrong:
        raise LossError(f"input_ranks has {wrong}: give 0, 1 or 2, and for logprobs 1 or 2")
    return tuple(CustomLossInput(name=name, rank=ranks[name]) for name in names)


def checked(graph: CustomLossGraph) -> CustomLossGraph:
    """The graph if a server may run it; LossError says what it may not do."""
    for node in graph.nodes:
        _RULES.get(node.op, _nothing)(node)
    return graph


def _plain(parameter: inspect.Parameter) -> None:
    name = parameter.name
    if _INPUT.fullmatch(name) is None:
        raise LossError(f"its parameter {name!r} must be named in lowercase letters, digits and underscores")
    if parameter.kind not in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
        raise LossError(f"its parameter {name!r} must be a plain one, without * and **")
    if parameter.default is not parameter.empty:
        raise LossError(f"its parameter {name!r} has a default; every datum has to bring a value")


def _function(node: CustomLossNode) -> None:
    if node.target != "getattr" and node.target.partition(".")[0] not in _MODULES:
        raise LossError(f"it calls {node.target}; a loss may call functions of torch, math and operator only")


def _method(node: CustomLossNode) -> None:
    if node.target == "backward":
        raise LossError("it calls backward(); return the loss, which is differentiated for you")
    if node.target in _LEAVING:
        raise LossError(f"it calls {node.target}(), which leaves torch; keep every value a tensor, metrics too")


def _module(node: CustomLossNode) -> None:
    raise LossError(f"it uses the module {node.target!r}; call functions, such as those of torch.nn.functional")


def _captured(node: CustomLossNode) -> None:
    raise LossError(f"it captures a tensor ({node.target}); let every datum bring it as a loss input")


def _output(node: CustomLossNode) -> None:
    returned = node.args[0] if node.args else None
    pair = returned.get("tuple") if is_mapping(returned) else returned
    if not (is_tuple(pair) and len(pair) == 2 and _holds(pair[0], "ref")):
        raise LossError("it must return (loss, metrics), the loss a tensor computed from its parameters")
    metrics = pair[1]["dict"] if is_mapping(pair[1]) and "dict" in pair[1] else None
    if not is_mapping(metrics):
        raise LossError("it must return its metrics as a dict, which may be empty")
    for name, value in metrics.items():
        if _METRIC.fullmatch(str(name)) is None:
            raise LossError(f"its metric {name!r} must be named custom/<lowercase name>:sum or :mean")
        if not _holds(value, "ref"):
            raise LossError(f"its metric {name!r} must be a tensor computed from its parameters")


def _nothing(node: CustomLossNode) -> None:
    """Parameters were looked at before the loss was traced."""
    del node


def _holds(value: object, name: str) -> bool:
    return is_mapping(value) and name in value


def _is_slice(value: object) -> TypeIs[slice[object, object, object]]:
    return isinstance(value, slice)


_TORCH = frozenset({"dtype", "device", "layout", "memory_format"})
_MODULES = frozenset({"torch", "math", "operator"})
_LEAVING = frozenset({"item", "numpy", "tolist"})
_MOST_INPUTS = 16
_INPUT = re.compile(r"[a-z_][a-z0-9_]{0,63}")
_METRIC = re.compile(r"custom/[a-z0-9_./-]{1,64}:(sum|mean)")
_RULES: Mapping[str, Callable[[CustomLossNode], None]] = {
    "call_function": _function,
    "call_method": _method,
    "call_module": _module,
    "get_attr": _captured,
    "output": _output,
}
