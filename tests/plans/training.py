"""A server that numbers steps as the protocol has it, and refuses, loses or fails those that a test names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from math import prod
from typing import Any

from tests.plans.scripted import Script, reply, waiting
from tinkex_py import Datum, ModelInput
from tinkex_py.endpoints.promises import RetrieveFuture
from tinkex_py.endpoints.steps import BatchStep, forward_backward
from tinkex_py.errors import TransportError
from tinkex_py.plans.cells import Queue
from tinkex_py.plans.chunks import Limits
from tinkex_py.plans.dialects import Dialects
from tinkex_py.plans.effects import Plan, pure
from tinkex_py.plans.runs import Run
from tinkex_py.request import AnyRequest, Encoded, Pairs, Reply


class Trainer(Script):
    """Takes steps in any order of their numbers. `answers` come for the n-th submission, `results` for a number.

    `most` submissions were under way at once.
    """

    def __init__(self, answers: Mapping[int, Reply] | None = None, results: Mapping[int, Reply] | None = None) -> None:
        super().__init__(reply(500))
        self.answers = answers or {}
        self.results = results or {}
        self.submissions = 0
        self.taken: dict[int, tuple[str, Any]] = {}
        self.delay = 0.0
        self.under_way = self.most = 0

    async def exchange(self, request: AnyRequest, headers: Pairs) -> Reply | TransportError:
        """The answer to a submission or to the question for a result."""
        if request.operation == "retrieve_future":
            assert isinstance(request.body, RetrieveFuture)
            number = int(request.body.request_id)
            await asyncio.sleep(self.delay / 2)
            return self.results.get(number) or reply(200, result_of(self.taken[number][1]))
        assert isinstance(request.body, Encoded)
        self.sent.append((request, headers))
        self.submissions += 1
        answer = self.answers.get(self.submissions)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.delay)
        self.under_way -= 1
        body = json.loads(request.body.content)
        number = body["seq_id"]
        if answer is None and number in self.taken:
            return reply(409, {"detail": f"Sequence conflict: expected {number + 1}, got {number}."})
        if answer is None:
            self.taken[number] = (request.operation, body)
        return answer or reply(200, {"request_id": str(number)})

    @property
    def order(self) -> list[tuple[int, str]]:
        """What was taken, by number."""
        return [(number, self.taken[number][0]) for number in sorted(self.taken)]


def result_of(body: Any) -> object:
    """Each datum's output names its first token, and is dense whatever its targets are; the metric counts data."""
    batch = body.get("forward_backward_input") or body.get("forward_input")
    if batch is None:
        return {"metrics": None, "path": "tinker://m/weights/a"}
    firsts = [datum["model_input"]["chunks"][0]["tokens"][0] for datum in batch["data"]]
    targets = [datum["loss_fn_inputs"]["target_tokens"] for datum in batch["data"]]
    shapes = [tensor.get("shape") or [len(tensor["data"])] for tensor in targets]
    outputs = [
        {"logprobs": {"data": [-float(first)] * prod(shape), "dtype": "float32", "shape": shape}}
        for first, shape in zip(firsts, shapes, strict=True)
    ]
    return {"loss_fn_output_type": "A", "loss_fn_outputs": outputs, "metrics": {"loss:sum": float(len(firsts))}}


def a_run(limits: Limits | None = None, **settings: Any) -> Run:
    """A run of a JSON-speaking server that takes one datum a chunk unless told otherwise."""
    shared = waiting(dialect="json", **settings)

    def known() -> Plan[Limits]:
        return pure(limits or Limits(count=1))

    dialects = Dialects(config=shared.config, known={})
    return Run(model_id="m", queue=Queue(), waiting=shared, dialects=dialects, limits=known)


def datum(first: int, length: int = 2) -> Datum:
    return Datum(ModelInput.from_ints([first] * length), {"target_tokens": [1] * length})


def batch_of(count: int) -> BatchStep:
    return forward_backward([datum(first) for first in range(count)], "cross_entropy")


def good() -> None:
    return None
