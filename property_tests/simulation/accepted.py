"""What the server accepted, as its log has it: numbered steps, with what tells each from all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct
from returns.result import Success

from tinkex_py.local.batches import read_forward, read_forward_backward
from tinkex_py.local.incoming import Incoming
from tinkex_py.testing.network import Exchange, Network

Ending: TypeAlias = Literal["kept", "failed", "open", "forgotten"]


class Accepted(Struct, frozen=True, kw_only=True):
    """A step that the server made a promise for, and how that ended."""

    model_id: str
    number: int | None
    marks: tuple[str, ...]
    promise: str
    ending: Ending


def accepted(network: Network) -> tuple[Accepted, ...]:
    """Each promise for a numbered step, once, in the order of arrival."""
    found: dict[str, Accepted] = {}
    for exchange in tuple(network.log):
        for model_id, number, marks in _marked(exchange):
            promise = str(_fields(exchange.answer.body)["request_id"])
            if promise not in found:
                ending = _ending(network, promise)
                found[promise] = Accepted(model_id=model_id, number=number, marks=marks, promise=promise, ending=ending)
    return tuple(found.values())


def _marked(exchange: Exchange) -> Iterator[tuple[str, int | None, tuple[str, ...]]]:
    operation = exchange.request.path.rpartition("/")[2]
    if exchange.answer.status != 200 or operation not in _STEPS:
        return
    if operation in {"forward", "forward_backward"}:
        yield from _batch(exchange.request, operation)
    else:
        body = _fields(exchange.request.body)
        yield str(body["model_id"]), body.get("seq_id"), _marks(operation, body)


def _marks(operation: str, body: Mapping[str, Any]) -> tuple[str, ...]:
    match operation:
        case "optim_step":
            return (f"step {body['adam_params']['learning_rate']}",)
        case "save_weights":
            return (f"save {body['path']}",)
        case _:
            return ()


def _batch(request: Incoming, operation: str) -> Iterator[tuple[str, int | None, tuple[str, ...]]]:
    match read_forward(request) if operation == "forward" else read_forward_backward(request):
        case Success(step):
            work = "forward" if step.forward_only else "backward"
            tokens = [next(iter(datum.model_input.chunks[0].tokens or (0,))) for datum in step.batch.data]
            yield step.model_id, step.seq_id, tuple(f"{work} {token}" for token in tokens)
        case _:
            return


def _ending(network: Network, promise: str) -> Ending:
    answer = network.ask("retrieve_future", {"request_id": promise})
    if answer.status == 408:
        return "open"
    if answer.status != 200:
        return "forgotten"
    return "failed" if "error" in _fields(answer.body) else "kept"


def _fields(body: bytes) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = msgspec.json.decode(body)
    return fields


_STEPS = frozenset(
    {"forward", "forward_backward", "optim_step", "save_weights", "save_weights_for_sampler", "load_weights"}
)
