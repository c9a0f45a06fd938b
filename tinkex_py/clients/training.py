"""Training clients: one LoRA model, its steps in call order, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from typing_extensions import override

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation, submission
from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient, loaded_tokenizer, open_sampler
from tinkex_py.endpoints import steps
from tinkex_py.endpoints.models import get_info
from tinkex_py.errors import InvalidInput, OutOfSequence, TinkerError, Undecodable
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.retry import call
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.steps import Run, take
from tinkex_py.runtime.tokenizers import Tokenizer
from tinkex_py.types.console import training_run_url
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
from tinkex_py.types.validation import problem

T = TypeVar("T")
SamplingT = TypeVar("SamplingT", bound=Client)


class TrainingOperations(Client, Generic[SamplingT]):
    """What both training clients can do. Steps go out in the order of their calls, from any thread or task."""

    def __init__(self, context: Context, run: Run) -> None:
        super().__init__(context)
        self._run = run

    @override
    def operating(self, plan: Plan[T]) -> Plan[T]:
        """Nothing, in a process that was forked off: the run goes on in the parent."""
        return plan if self.generation == self.context.generation else halt(_left(self._run))

    @override
    def submitting(self, plan: Plan[T]) -> Plan[T]:
        """As `operating`, while the session lasts."""
        return super().submitting(self.operating(plan))

    @property
    def model_id(self) -> str:
        """The server's name for this model, which is also its training run's."""
        return self._run.model_id

    def get_console_url(self) -> str:
        """Where a person sees this training run."""
        return training_run_url(self._run.model_id)

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
        return self._take(step, timeout, partial(_batch_problem, data, loss_fn_config), heavy=True)

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
        return self._take(step, timeout, partial(_batch_problem, data, loss_fn_config), heavy=True)

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
        return self.context.limited(timeout, "save_state", self._save(name, ttl_seconds, overwrite=overwrite))

    @submission
    def save_weights_for_sampler(
        self, name: str, ttl_seconds: int | None = None, *, timeout: float | None = None
    ) -> Plan[SaveWeightsForSamplerResponse]:
        """The weights as they are now, to sample from. POST /api/v1/save_weights_for_sampler"""
        step = steps.save_weights_for_sampler(name, ttl_seconds=ttl_seconds)
        return self._take(step, timeout, partial(problem, name, "name"))

    @submission
    def load_state(self, path: str, *, timeout: float | None = None) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint, with the optimizer as new. POST /api/v1/load_weights"""
        return self._take(steps.load_weights(path), timeout, partial(problem, path, "path"))

    @submission
    def load_state_with_optimizer(self, path: str, *, timeout: float | None = None) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint and the optimizer as it was. POST /api/v1/load_weights"""
        return self._take(steps.load_weights(path, optimizer=True), timeout, partial(problem, path, "path"))

    @operation
    def get_info(self, *, timeout: float | None = None) -> Plan[GetInfoResponse]:
        """What the server says of this model. POST /api/v1/get_info"""
        return call(get_info(self.model_id), self.context.policy(timeout))

    @operation
    def get_tokenizer(self, *, timeout: float | None = None) -> Plan[Tokenizer]:
        """The tokenizer of the base model; ExtraMissing when its package isn't installed."""
        return self._tokenizer(timeout)

    @operation
    def save_weights_and_get_sampling_client(self, *, timeout: float | None = None) -> Plan[SamplingT]:
        """A client that samples from the weights as they are now; training on doesn't move it.

        POST /api/v1/save_weights_for_sampler, nameless.
        """
        return self.context.limited(timeout, "save_weights_and_get_sampling_client", self._sampler_of_now(timeout))

    @operation
    def create_sampling_client(self, model_path: str, *, timeout: float | None = None) -> Plan[SamplingT]:
        """A client that samples from saved weights. POST /api/v1/create_sampling_session"""
        return self.context.limited(timeout, "create_sampling_client", self._sampler_of(model_path, timeout))

    def _sampling_client(self, sampler: Sampler) -> SamplingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _take(
        self,
        step: steps.Step[T],
        timeout: float | None,
        found: Callable[[], TinkerError | None],
        *,
        heavy: bool = False,
    ) -> Plan[T]:
        return self.context.limited(timeout, step.operation, take(self._run, step, found, heavy=heavy))

    def _save(self, name: str, ttl_seconds: int | None, *, overwrite: bool) -> Plan[SaveWeightsResponse]:
        step = steps.save_weights(name, ttl_seconds, overwrite=overwrite)
        saved = yield from take(self._run, step, partial(problem, name, "name"))
        self._run.checkpoint = saved.path
        return saved

    def _tokenizer(self, timeout: float | None) -> Plan[Tokenizer]:
        info = yield from call(get_info(self.model_id), self.context.policy(timeout))
        name = info.model_data.tokenizer_id or info.model_data.model_name or info.model_name or ""
        return (yield from loaded_tokenizer(name))

    def _sampler_of_now(self, timeout: float | None) -> Plan[SamplingT]:
        number = self.context.session.next_sampler()
        step = steps.save_weights_for_sampler(sampling_session_seq_id=number)
        match (yield from take(self._run, step, _no_problem)):
            case SaveWeightsForSamplerResponse(sampling_session_id=str(session)):
                return self._sampling_client(self.context.sampler(session))
            case SaveWeightsForSamplerResponse(path=str(path)):
                return (yield from self._sampler_of(path, timeout))
            case _:
                return (yield from halt(_NO_SAMPLER))

    def _sampler_of(self, path: str, timeout: float | None) -> Plan[SamplingT]:
        return self._sampling_client((yield from open_sampler(self.context, model_path=path, timeout=timeout)))


class TrainingClient(TrainingOperations[SamplingClient], Blocking):
    """Blocking: steps are promises, everything else returns its outcome."""

    def _sampling_client(self, sampler: Sampler) -> SamplingClient:
        return SamplingClient(self.context, sampler)


class AsyncTrainingClient(TrainingOperations[AsyncSamplingClient], Asynchronous):
    """Awaitable: steps are async promises, everything else is awaited."""

    def _sampling_client(self, sampler: Sampler) -> AsyncSamplingClient:
        return AsyncSamplingClient(self.context, sampler)


def _batch_problem(data: Sequence[Datum], loss_fn_config: LossConfig | None) -> InvalidInput | None:
    config = None if loss_fn_config is None else problem(loss_fn_config, "loss_fn_config")
    return problem(data, "data") or config


def _left(run: Run) -> OutOfSequence:
    way_on = (
        f"make one of {run.checkpoint} with create_training_client_from_state_with_optimizer"
        if run.checkpoint
        else "make a new training client"
    )
    return OutOfSequence(
        message=f"{run.model_id} is trained by the process that this one was forked from, and one run has one trainer; "
        f"{way_on}",
        checkpoint=run.checkpoint,
    )


def _no_problem() -> None:
    return None


_NO_SAMPLER = Undecodable(message="save_weights_for_sampler: the answer names neither a session nor a path")
