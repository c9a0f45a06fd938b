"""Training clients: one LoRA model, its steps in call order, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from returns.result import Failure, Success

from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation, submission
from tinkex_py.clients.sampling import (
    AsyncSamplingClient,
    SamplingClient,
    open_sampler,
    retry_problem,
)
from tinkex_py.clients.states import StateOperations
from tinkex_py.endpoints import steps
from tinkex_py.errors import InvalidInput, Undecodable
from tinkex_py.outcome import Outcome
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.estimates import estimated_batch
from tinkex_py.plans.runs import entangled
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.sessions import in_session
from tinkex_py.plans.sources import Source
from tinkex_py.plans.steps import take, take_update
from tinkex_py.runtime.tracing import numpy_missing
from tinkex_py.types.batch import Batch
from tinkex_py.types.custom import LossHandle
from tinkex_py.types.datum import Datum
from tinkex_py.types.limits import loss_config_problem, name_problem, refused
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.rows import rows_of
from tinkex_py.types.training import (
    AdamParams,
    ForwardBackwardOutput,
    LossConfig,
    LossName,
    OptimizerParams,
    OptimStepResponse,
    SaveWeightsForSamplerResponse,
)
from tinkex_py.types.validation import problem

if TYPE_CHECKING:
    from tinkex_py.losses import ArrayKind, LossFunction, Objective, RegularizerSpec

SamplingT = TypeVar("SamplingT", bound=Client)


class TrainingOperations(StateOperations, Generic[SamplingT]):
    """What both training clients can do. Steps go out in the order of their calls, from any thread or task."""

    @submission
    def forward(
        self,
        data: Sequence[Datum],
        loss_fn: LossName,
        loss_fn_config: LossConfig | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The loss of a batch and its outputs, without gradients. POST /api/v1/forward

        To a server that reads batches in protobuf it goes as POST /api/v1/forward_backward, with a flag.
        """
        return self._batch(steps.forward, data, loss_fn, loss_fn_config, timeout)

    @submission
    def forward_backward(
        self,
        data: Sequence[Datum],
        loss_fn: LossName | LossHandle,
        loss_fn_config: LossConfig | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The loss of a batch, and its gradients added to those there are. POST /api/v1/forward_backward

        `loss_fn` is a loss of the server's by its name, with `loss_fn_config` for its settings, or one made by
        `create_custom_loss`, which has none. The metric `loss:sum` is a sum over the batch, not a mean.

        A large batch goes in chunks. OutOfSequence lists those that were `taken` when another failed; the next
        optim_step is then OutOfSequence too, unless it accepts a partial batch.
        """
        if isinstance(loss_fn, LossHandle):
            return self._handled("forward_backward", data, loss_fn, loss_fn_config, timeout=timeout)
        return self._batch(steps.forward_backward, data, loss_fn, loss_fn_config, timeout)

    @submission
    def forward_backward_custom(
        self,
        data: Sequence[Datum],
        loss_fn: LossFunction | LossHandle,
        *,
        loss_type_input: Literal["logprobs"] | None = None,
        arrays: ArrayKind | None = None,
        regularizers: Sequence[RegularizerSpec] = (),
        track_grad_norms: bool = False,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The gradients of a loss of your own on log-probabilities, added to those there are.

        `loss_fn(data, logprobs)` gets one array for each datum, shaped like its target tokens, in nats. It returns
        `(loss, metrics)` for torch to differentiate, or `(loss, metrics, gradients)`. `arrays` says which arrays it
        gets: "torch", "numpy", or None for torch where that is installed. `regularizers` are added to the loss;
        `track_grad_norms` puts the norm of each part's gradient into the metrics. A loss made by `create_custom_loss`
        may be given too. POST /api/v1/forward_backward, twice, or once for a loss that the server runs.

        CallbackFailed when the function fails: nothing was trained, and the next step works. ExtraMissing without
        numpy, or without torch where its arrays are asked for.
        """
        del loss_type_input
        missing = numpy_missing()
        if missing is not None:
            return halt(missing)
        from tinkex_py.losses.objective import Objective
        from tinkex_py.plans.custom import CustomLoss, take_custom

        objective = Objective(regularizers=tuple(regularizers), track_grad_norms=track_grad_norms)
        if isinstance(loss_fn, LossHandle):
            return self._handled("forward_backward_custom", data, loss_fn, objective=objective, timeout=timeout)
        loss = CustomLoss(loss_fn=loss_fn, arrays=arrays, objective=objective)
        kept = tuple(data)
        plan = take_custom(self._run, kept, loss, estimated_batch(rows_of(kept)))
        return self._limited(timeout, "forward_backward_custom", plan)

    @submission
    def optim_step(
        self,
        optim_params: OptimizerParams | None = None,
        *,
        adam_params: AdamParams | None = None,
        accept_partial: bool = False,
        timeout: float | None = None,
    ) -> Plan[OptimStepResponse]:
        """One step of the optimizer along the gradients so far, which are then zero. POST /api/v1/optim_step

        `optim_params` are the settings of the optimizer that the client was created with; `adam_params` is an older
        name for those of Adam. InvalidInput when neither or both are given.
        OutOfSequence when the gradients are those of part of a batch, unless `accept_partial`.
        """
        match _settings(optim_params, adam_params):
            case Failure(found):
                return halt(found)
            case Success(params):
                plan = take_update(self._run, steps.optim_step(params), accept_partial=accept_partial)
                return self._limited(timeout, "optim_step", plan)

    @operation
    def save_weights_and_get_sampling_client(
        self,
        name: str | None = None,
        retry_config: RetryConfig | None = None,
        record_stability_info: bool = False,
        kind: steps.SnapshotKind = "snapshot",
        *,
        timeout: float | None = None,
    ) -> Plan[SamplingT]:
        """A client that samples from the weights as they are now; training on doesn't move it.

        `name` has no effect, here as in the official SDK: what is saved is nameless, and isn't kept. A checkpoint that
        is to have a name is saved by `save_weights_for_sampler`, and sampled from by `create_sampling_client`.

        With `kind="inflight"` it samples from the weights as they are whenever it is asked, on servers that do that.
        `retry_config` says how it goes on after a sample failed; `record_stability_info` has the server keep what
        training on these samples needs to be stable. POST /api/v1/save_weights_for_sampler
        """
        del name
        found = entangled(self._run.model_id) or retry_problem(retry_config)
        sampler = self._sampler_of_now(kind, retry_config, timeout, record_stability_info=record_stability_info)
        plan = halt(found) if found else in_session(self._session, sampler)
        return self.context.limited(timeout, "save_weights_and_get_sampling_client", plan)

    @operation
    def create_sampling_client(
        self,
        model_path: str,
        retry_config: RetryConfig | None = None,
        record_stability_info: bool = False,
        *,
        timeout: float | None = None,
    ) -> Plan[SamplingT]:
        """A client that samples from saved weights. POST /api/v1/create_sampling_session

        `retry_config` says how it goes on after a sample failed; `record_stability_info` has the server keep what
        training on these samples needs to be stable.
        """
        plan = self._sampler_of(model_path, retry_config, timeout, record_stability_info=record_stability_info)
        return self.context.limited(self.context.making(timeout), "create_sampling_client", plan)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _batch(
        self,
        build: Callable[[Sequence[Datum], str, LossConfig | None], steps.BatchStep],
        data: Sequence[Datum],
        loss_fn: str,
        loss_fn_config: LossConfig | None,
        timeout: float | None,
    ) -> Plan[ForwardBackwardOutput]:
        step = build(data, loss_fn, loss_fn_config)
        size = estimated_batch(step.body.rows)
        plan = take_batch(self._run, partial(_batch_problem, step.body), lambda: step, size)
        within = self.context.limited if step.body.forward_only else self._limited
        return within(timeout, step.operation, plan)

    def _handled(
        self,
        operation: str,
        data: Sequence[Datum],
        handle: LossHandle,
        config: LossConfig | None = None,
        *,
        objective: Objective | None = None,
        timeout: float | None,
    ) -> Plan[ForwardBackwardOutput]:
        missing = numpy_missing()
        if missing is not None:
            return halt(missing)
        from tinkex_py.losses.objective import Objective
        from tinkex_py.plans.handles import take_by_handle

        if config:
            return halt(
                refused("loss_fn_config", config, f"{handle.name} has no settings; its datums bring all it reads")
            )
        plan = take_by_handle(self._run, self.context.session, tuple(data), handle, objective or Objective())
        return self._limited(timeout, operation, plan)

    def _sampler_of_now(
        self, kind: steps.SnapshotKind, retry: RetryConfig | None, timeout: float | None, *, record_stability_info: bool
    ) -> Plan[SamplingT]:
        number = self.context.session.next_sampler()
        step = steps.save_weights_for_sampler(sampling_session_seq_id=number, kind=kind)
        match (yield from take(self._run, step)):
            case SaveWeightsForSamplerResponse(sampling_session_id=str(session)):
                source = Source(sampling_session_id=session)
                sampler = self.context.sampler(source, retry=retry, record_stability_info=record_stability_info)
                return self._sampling_client(sampler, self._run.base_model)
            case SaveWeightsForSamplerResponse(path=str(path)):
                plan = self._sampler_of(path, retry, timeout, record_stability_info=record_stability_info)
                return (yield from plan)
            case _:
                return (yield from halt(_NO_SAMPLER))

    def _sampler_of(
        self, path: str, retry: RetryConfig | None, timeout: float | None, *, record_stability_info: bool
    ) -> Plan[SamplingT]:
        """What it samples from is known when the path is one of this run's own."""
        sampler = yield from open_sampler(
            self.context, model_path=path, retry=retry, record_stability_info=record_stability_info, timeout=timeout
        )
        own = path.startswith(f"tinker://{self.model_id}/")
        return self._sampling_client(sampler, self._run.base_model if own else None)


class TrainingClient(TrainingOperations[SamplingClient], Blocking):
    """A model in training, made by a service client. Blocking: steps are promises, all else returns its outcome.

    Steps take effect in the order of their calls, from any thread.
    """

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingClient:
        return SamplingClient(self.context, sampler, base_model)


class AsyncTrainingClient(TrainingOperations[AsyncSamplingClient], Asynchronous):
    """As TrainingClient, awaitable: steps are async promises, all else is awaited."""

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> AsyncSamplingClient:
        return AsyncSamplingClient(self.context, sampler, base_model)


def _batch_problem(batch: Batch) -> InvalidInput | None:
    config = None if batch.loss_fn_config is None else loss_config_problem(batch.loss_fn_config, "loss_fn_config")
    return problem(batch, "data") or name_problem(batch.loss_fn, "loss_fn") or config


def _settings(
    optim_params: OptimizerParams | None, adam_params: AdamParams | None
) -> Outcome[OptimizerParams, InvalidInput]:
    """What an optimizer step takes, under the one of its two names that was given."""
    name, given = ("optim_params", optim_params) if adam_params is None else ("adam_params", adam_params)
    if given is None:
        return Failure(refused(name, given, "give AdamParams, DimuonParams or an OtherOptimizer"))
    if optim_params is not None and adam_params is not None:
        return Failure(refused(name, given, "it is another name of optim_params; give one of the two"))
    found = problem(given, name)
    return Success(given) if found is None else Failure(found)


_NO_SAMPLER = Undecodable(message="save_weights_for_sampler: the answer names neither a session nor a path")
