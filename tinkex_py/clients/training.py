"""Training clients: one LoRA model, its steps in call order, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation, submission
from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient, loaded_tokenizer, open_sampler
from tinkex_py.endpoints import steps
from tinkex_py.endpoints.models import get_info
from tinkex_py.errors import InvalidInput
from tinkex_py.plans.effects import Plan
from tinkex_py.plans.retry import call
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.steps import Run, take
from tinkex_py.runtime.tokenizers import Tokenizer
from tinkex_py.types.datum import Datum
from tinkex_py.types.training import (
    AdamParams,
    ForwardBackwardOutput,
    GetInfoResponse,
    LoadWeightsResponse,
    LossConfig,
    LossName,
    OptimStepResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
)
from tinkex_py.types.validation import batch_problem, name_problem, path_problem, problem

T = TypeVar("T")
SamplingT = TypeVar("SamplingT", bound=Client)


class TrainingOperations(Client, Generic[SamplingT]):
    """What both training clients can do. Steps go out in the order of their calls, from any thread or task."""

    def __init__(self, context: Context, run: Run) -> None:
        super().__init__(context)
        self._run = run

    @property
    def model_id(self) -> str:
        """The server's name for this model, which is also its training run's."""
        return self._run.model_id

    @submission
    def forward(
        self,
        data: Sequence[Datum],
        loss_fn: LossName,
        loss_fn_config: LossConfig | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The loss of a batch and its outputs, without gradients. POST /api/v1/forward"""
        step = steps.forward(data, loss_fn, loss_fn_config)
        return self._take(step, timeout, partial(batch_problem, data, loss_fn_config), heavy=True)

    @submission
    def forward_backward(
        self,
        data: Sequence[Datum],
        loss_fn: LossName,
        loss_fn_config: LossConfig | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The loss of a batch, and its gradients added to those there are. POST /api/v1/forward_backward"""
        step = steps.forward_backward(data, loss_fn, loss_fn_config)
        return self._take(step, timeout, partial(batch_problem, data, loss_fn_config), heavy=True)

    @submission
    def optim_step(self, adam_params: AdamParams, *, timeout: float | None = None) -> Plan[OptimStepResponse]:
        """One step of the optimizer along the gradients so far, which are then zero. POST /api/v1/optim_step"""
        return self._take(steps.optim_step(adam_params), timeout, partial(problem, adam_params, "adam_params"))

    @submission
    def save_state(
        self, name: str, ttl_seconds: int | None = None, *, overwrite: bool = False, timeout: float | None = None
    ) -> Plan[SaveWeightsResponse]:
        """A checkpoint to go on training from, optimizer included. POST /api/v1/save_weights

        Conflict when the name is taken, unless `overwrite`; `ttl_seconds` is 3600 at least, None keeps it.
        """
        return self._save(name, ttl_seconds, overwrite=overwrite, timeout=timeout)
