"""What servers read of a traced loss, and what a loss may not do; none of it needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf, nan
from typing import Any

import msgspec
import pytest

from tinkex_py.losses.graphs import Ref, checked, encoded, inputs_of
from tinkex_py.losses.protocol import LossError
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, CustomLossNode
from tinkex_py.wire.json import encode


def constant(kind: str, text: str) -> object:
    """What torch's constants look like."""

    def shown(_: object) -> str:
        return text

    return type(kind, (), {"__module__": "torch", "__str__": shown})()


ENCODED: dict[str, tuple[object, object]] = {
    "none": (None, None),
    "truth": (True, True),
    "number": (-2, -2),
    "float": (0.5, 0.5),
    "infinity": (inf, {"float": "inf"}),
    "minus infinity": (-inf, {"float": "-inf"}),
    "nan": (nan, {"float": "nan"}),
    "text": ("sum", "sum"),
    "node": (Ref("mul"), {"ref": "mul"}),
    "list": ([1, Ref("a")], [1, {"ref": "a"}]),
    "tuple": ((1, (2,)), {"tuple": [1, {"tuple": [2]}]}),
    "dict": ({"dim": None}, {"dict": {"dim": None}}),
    "slice": (slice(1, None, Ref("a")), {"slice": [1, None, {"ref": "a"}]}),
    "ellipsis": (..., {"ellipsis": True}),
    "dtype": (constant("dtype", "torch.float32"), {"dtype": "float32"}),
    "device": (constant("device", "cpu"), {"device": "cpu"}),
    "memory format": (constant("memory_format", "torch.contiguous_format"), {"memory_format": "contiguous_format"}),
}


@pytest.mark.parametrize(("value", "wire"), ENCODED.values(), ids=ENCODED)
def test_an_argument_is_written_as_the_protocol_has_it(value: object, wire: object) -> None:
    node = CustomLossNode(op="call_function", name="a", target="torch.exp", args=(encoded(value),))
    body = msgspec.json.decode(encode(CustomLossGraph(nodes=(node,))).content)
    expected: dict[str, object] = {
        "op": "call_function",
        "name": "a",
        "target": "torch.exp",
        "args": [wire],
        "kwargs": {},
    }
    assert body == {"format": 1, "nodes": [expected]}


@pytest.mark.parametrize("value", [object(), {1: 2}, constant("Generator", "g")])
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(LossError, match="can't be sent"):
        _ = encoded(value)


def test_an_encoded_argument_can_be_hashed() -> None:
    assert hash(encoded([{"a": (1, slice(2))}])) == hash(encoded([{"a": (1, slice(2))}]))


def weighed(logprobs: object, advantages: object) -> None:
    del logprobs, advantages


def test_inputs_are_the_parameters_with_their_ranks() -> None:
    found = inputs_of(weighed, {"advantages": 0, "logprobs": 2})
    assert found == (CustomLossInput(name="logprobs", rank=2), CustomLossInput(name="advantages", rank=0))


def starred(logprobs: object, *more: object) -> None:
    del logprobs, more


def capital(logprobs: object, A: object) -> None:  # noqa: N803 - that is what is refused
    del logprobs, A


def optional(logprobs: object, weights: object = None) -> None:
    del logprobs, weights


def other(weights: object) -> None:
    del weights


def good(logprobs: object) -> None:
    del logprobs


exec(f"def many(logprobs, {', '.join(f'a{i}' for i in range(16))}): ...")  # noqa: S102 - sixteen parameters
SIGNATURES: dict[str, tuple[Callable[..., object], Mapping[str, Any], str]] = {
    "no logprobs": (other, {"weights": 1}, "first parameter"),
    "no parameter": (lambda: None, {}, "first parameter"),
    "too many": (globals()["many"], {}, "17 parameters"),
    "capital letter": (capital, {}, "'A' must be named in lowercase"),
    "starred": (starred, {}, "'more' must be a plain one"),
    "default": (optional, {}, "'weights' has a default"),
    "no rank": (good, {}, r"give one for each of \['logprobs'\]"),
    "one rank too many": (good, {"logprobs": 1, "b": 1}, r"ranks for \['b', 'logprobs'\]"),
    "scalar": (good, {"logprobs": 0}, "logprobs 1 or 2"),
    "rank": (good, {"logprobs": 3}, "give 0, 1 or 2"),
}


@pytest.mark.parametrize(("loss", "ranks", "why"), SIGNATURES.values(), ids=SIGNATURES)
def test_a_loss_that_a_server_could_not_call_is_refused(
    loss: Callable[..., object], ranks: Mapping[str, Any], why: str
) -> None:
    with pytest.raises(LossError, match=why):
        _ = inputs_of(loss, ranks)


def output(returned: object) -> CustomLossNode:
    return CustomLossNode(op="output", name="output", target="output", args=(encoded(returned),))


def node(op: str, target: str) -> CustomLossNode:
    return CustomLossNode(op=op, name="n", target=target)


NOTHING: dict[str, object] = {}
LOSS, METRIC = Ref("sum_1"), "custom/mine:mean"
ALLOWED = {
    "parameter": node("placeholder", "logprobs"),
    "torch": node("call_function", "torch.nn.functional.relu"),
    "operator": node("call_function", "operator.mul"),
    "math": node("call_function", "math.log"),
    "attribute": node("call_function", "getattr"),
    "method": node("call_method", "sum"),
    "pair": output((LOSS, {METRIC: LOSS})),
    "list": output([LOSS, NOTHING]),
}


@pytest.mark.parametrize("allowed", ALLOWED.values(), ids=ALLOWED)
def test_torch_and_math_are_allowed(allowed: CustomLossNode) -> None:
    graph = CustomLossGraph(nodes=(allowed,))
    assert checked(graph) is graph


REFUSED = {
    "foreign function": (node("call_function", "numpy.exp"), "numpy.exp"),
    "backward": (node("call_method", "backward"), "differentiated for you"),
    "item": (node("call_method", "item"), "leaves torch"),
    "module": (node("call_module", "linear"), "the module 'linear'"),
    "captured": (node("get_attr", "_tensor_constant0"), "captures a tensor"),
    "nothing": (node("output", "output"), "must return"),
    "loss alone": (output(LOSS), "must return"),
    "three": (output((LOSS, NOTHING, NOTHING)), "must return"),
    "constant loss": (output((1.0, NOTHING)), "must return"),
    "no metrics": (output((LOSS, None)), "metrics as a dict"),
    "metrics in a node": (output((LOSS, LOSS)), "metrics as a dict"),
    "name": (output((LOSS, {"mine": LOSS})), "'mine' must be named"),
    "constant metric": (output((LOSS, {METRIC: 1.0})), "must be a tensor"),
}


@pytest.mark.parametrize(("refused", "why"), REFUSED.values(), ids=REFUSED)
def test_everything_else_is_refused(refused: CustomLossNode, why: str) -> None:
    with pytest.raises(LossError, match=why):
        _ = checked(CustomLossGraph(nodes=(refused,)))
