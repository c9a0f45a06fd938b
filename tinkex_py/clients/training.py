"""Training clients: one LoRA model, its steps in call order, and its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation, submission
from tinkex_py.clients.sampling import (
    AsyncSamplingClient,
    SamplingClient,
    loaded_tokenizer,
    open_sampler,
    retry_problem,
)
from tinkex_py.endpoints import steps
from tinkex_py.endpoints.models import ModelUnloaded, get_info, unload_model
from tinkex_py.errors import CallbackFailed, InvalidInput, OutOfSequence, Undecodable
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.effects import Plan, compute, halt, in_turn, wait_for
from tinkex_py.plans.estimates import estimated_batch
from tinkex_py.plans.retry import call
from tinkex_py.plans.runs import Run, entangled
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.sources import Source
from tinkex_py.plans.steps import Check, no_problem, take, take_update
from tinkex_py.plans.submission import kept
from tinkex_py.types.batch import Batch
from tinkex_py.types.console import training_run_url
from tinkex_py.types.custom import LossHandle
from tinkex_py.types.datum import Datum
from tinkex_py.types.limits import lifetime_problem, refused
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.tokenizing import Tokenizer
from tinkex_py.types.training import (
    ForwardBackwardOutput,
    GetInfoResponse,
    LoadWeightsResponse,
    LossConfig,
    LossName,
    OptimizerParams,
    OptimStepResponse,
    SaveWeightsExternalResponse,
    SaveWeightsForSamplerResponse,
    SaveWeightsResponse,
)
from tinkex_py.types.validation import problem

if TYPE_CHECKING:
    from tinkex_py.losses import ArrayKind, LossFunction, Objective, RegularizerSpec

T = TypeVar("T")
SamplingT = TypeVar("SamplingT", bound=Client)


class TrainingOperations(Client, Generic[SamplingT]):
    """What both training clients can do. Steps go out in the order of their calls, from any thread or task."""

    def __init__(self, context: Context, run: Run) -> None:
        super().__init__(context)
        self._run = run
        self._info: GetInfoResponse | None = None

    @override
    def operating(self, plan: Plan[T]) -> Plan[T]:
        """Nothing, in a process that was forked off: the run goes on in the parent."""
        return plan if self.generation == self.context.generation else halt(_left(self._run))

    @override
    def submitting(self, plan: Plan[T]) -> Plan[T]:
        """As `operating`, while the session lasts, and not in the middle of another step."""
        found = entangled(self._run.model_id)
        return halt(found) if found else super().submitting(self.operating(plan))

    @property
    def model_id(self) -> str:
        """The server's name for this model, which is also its training run's."""
        return self._run.model_id

    @override
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

        `loss_fn` is a loss of the server's, or one made by `create_custom_loss`, which has no settings.
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
        loss_type_input: Literal["logprobs"] = "logprobs",
        arrays: ArrayKind | None = None,
        regularizers: Sequence[RegularizerSpec] = (),
        track_grad_norms: bool = False,
        timeout: float | None = None,
    ) -> Plan[ForwardBackwardOutput]:
        """The gradients of a loss of your own on log-probabilities, added to those there are.

        `loss_fn(data, logprobs)` gets one array for each datum, shaped like its target tokens, in nats. It returns
        `(loss, metrics)` for torch to differentiate, or `(loss, metrics, gradients)`. `arrays` says which arrays it
        gets: "torch", "numpy", or None for torch where that is installed. A loss made by `create_custom_loss` may be
        given too. POST /api/v1/forward_backward, twice, or once for a loss that the server runs.

        CallbackFailed when the function fails: nothing was trained, and the next step works.
        """
        del loss_type_input
        from tinkex_py.losses.objective import Objective
        from tinkex_py.plans.custom import CustomLoss, take_custom

        objective = Objective(regularizers=tuple(regularizers), track_grad_norms=track_grad_norms)
        if isinstance(loss_fn, LossHandle):
            return self._handled("forward_backward_custom", data, loss_fn, objective=objective, timeout=timeout)
        loss = CustomLoss(loss_fn=loss_fn, arrays=arrays, objective=objective)
        plan = take_custom(self._run, tuple(data), loss, estimated_batch(data))
        return self.context.limited(timeout, "forward_backward_custom", plan)

    @submission
    def optim_step(
        self, adam_params: OptimizerParams, *, accept_partial: bool = False, timeout: float | None = None
    ) -> Plan[OptimStepResponse]:
        """One step of the optimizer along the gradients so far, which are then zero. POST /api/v1/optim_step

        OutOfSequence when they are those of part of a batch, unless `accept_partial`.
        """
        found = partial(problem, adam_params, "adam_params")
        plan = take_update(self._run, steps.optim_step(adam_params), found, accept_partial=accept_partial)
        return self.context.limited(timeout, "optim_step", plan)

    @submission
    def save_state(
        self,
        name: str,
        ttl_seconds: int | None = None,
        *,
        overwrite: bool = False,
        user_metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsResponse]:
        """A checkpoint to go on training from, optimizer included. POST /api/v1/save_weights

        Conflict when the name is taken, unless `overwrite`; `ttl_seconds` is 3600 at least, None keeps it.
        """
        step = steps.save_weights(name, ttl_seconds, overwrite=overwrite, user_metadata=user_metadata)
        plan = self._save(step, partial(_save_problem, name, ttl_seconds))
        return self.context.limited(timeout, "save_state", plan)

    @submission
    def save_weights_for_sampler(
        self,
        name: str,
        ttl_seconds: int | None = None,
        *,
        user_metadata: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsForSamplerResponse]:
        """The weights as they are now, to sample from. POST /api/v1/save_weights_for_sampler"""
        step = steps.save_weights_for_sampler(name, ttl_seconds=ttl_seconds, user_metadata=user_metadata)
        return self._take(step, timeout, partial(_save_problem, name, ttl_seconds))

    @submission
    def save_weights_external(
        self,
        name: str,
        ttl_seconds: int | None = None,
        *,
        age_encryption_recipients: Sequence[str] | None = None,
        timeout: float | None = None,
    ) -> Plan[SaveWeightsExternalResponse]:
        """The adapter as files to use elsewhere, encrypted for up to 10 age recipients if any are given.

        POST /api/v1/save_weights_external; NotFound on servers that don't know it.
        """
        step = steps.save_weights_external(name, ttl_seconds, age_encryption_recipients=age_encryption_recipients)
        found = partial(_external_problem, name, ttl_seconds, age_encryption_recipients)
        return self._take(step, timeout, found)

    @submission
    def load_state(
        self, path: str, *, weights_access_token: str | None = None, timeout: float | None = None
    ) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint, with the optimizer as new. POST /api/v1/load_weights

        `weights_access_token` is for a checkpoint of another account.
        """
        step = steps.load_weights(path, weights_access_token=weights_access_token)
        return self._take(step, timeout, partial(problem, path, "path"))

    @submission
    def load_state_with_optimizer(
        self, path: str, *, weights_access_token: str | None = None, timeout: float | None = None
    ) -> Plan[LoadWeightsResponse]:
        """The weights of a checkpoint and the optimizer as it was. POST /api/v1/load_weights

        `weights_access_token` is for a checkpoint of another account.
        """
        step = steps.load_weights(path, optimizer=True, weights_access_token=weights_access_token)
        return self._take(step, timeout, partial(problem, path, "path"))

    @submission
    def unload_model(self, *, timeout: float | None = None) -> Plan[None]:
        """Let the server forget this model once the steps before are done; saved checkpoints stay.

        POST /api/v1/unload_model; NotFound on servers that unload by themselves.
        """
        return self.context.limited(timeout, "unload_model", self._unload(timeout))

    @operation
    def get_info(self, *, timeout: float | None = None) -> Plan[GetInfoResponse]:
        """What the server says of this model. POST /api/v1/get_info, once"""
        return self._known_info(timeout)

    @operation
    def encode(self, text: str, *, timeout: float | None = None) -> Plan[list[int]]:
        """The tokens `[T]` of a text in the base model's tokenizer; ExtraMissing when its package isn't installed."""
        return self._with_tokenizer(lambda tokenizer: list(tokenizer.encode(text)), timeout)

    @operation
    def decode(self, tokens: Sequence[int], *, timeout: float | None = None) -> Plan[str]:
        """The text of tokens `[T]` in the base model's tokenizer; ExtraMissing when its package isn't installed."""
        return self._with_tokenizer(lambda tokenizer: tokenizer.decode(tokens), timeout)

    @operation
    def get_tokenizer(self, *, timeout: float | None = None) -> Plan[Tokenizer]:
        """The tokenizer of the base model; ExtraMissing when its package isn't installed."""
        return self._tokenizer(timeout)

    @operation
    def save_weights_and_get_sampling_client(
        self,
        retry_config: RetryConfig | None = None,
        *,
        kind: steps.SnapshotKind = "snapshot",
        timeout: float | None = None,
    ) -> Plan[SamplingT]:
        """A client that samples from the weights as they are now; training on doesn't move it.

        With `kind="inflight"` it samples from the weights as they are whenever it is asked, on servers that do that.
        `retry_config` says how it goes on after a sample failed. POST /api/v1/save_weights_for_sampler, nameless.
        """
        found = entangled(self._run.model_id) or retry_problem(retry_config)
        plan = halt(found) if found else self._sampler_of_now(kind, retry_config, timeout)
        return self.context.limited(timeout, "save_weights_and_get_sampling_client", plan)

    @operation
    def create_sampling_client(
        self, model_path: str, retry_config: RetryConfig | None = None, *, timeout: float | None = None
    ) -> Plan[SamplingT]:
        """A client that samples from saved weights. POST /api/v1/create_sampling_session

        `retry_config` says how it goes on after a sample failed.
        """
        plan = self._sampler_of(model_path, retry_config, timeout)
        return self.context.limited(self.context.making(timeout), "create_sampling_client", plan)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _take(self, step: steps.Step[T], timeout: float | None, found: Check) -> Plan[T]:
        return self.context.limited(timeout, step.operation, take(self._run, step, found))

    def _batch(
        self,
        build: Callable[[Sequence[Datum], str, LossConfig | None], steps.BatchStep],
        data: Sequence[Datum],
        loss_fn: str,
        loss_fn_config: LossConfig | None,
        timeout: float | None,
    ) -> Plan[ForwardBackwardOutput]:
        step = build(data, loss_fn, loss_fn_config)
        size = estimated_batch(step.body.data)
        plan = take_batch(self._run, partial(_batch_problem, step.body), lambda: step, size)
        return self.context.limited(timeout, step.operation, plan)

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
        from tinkex_py.losses.objective import Objective
        from tinkex_py.plans.handles import take_by_handle

        if config:
            return halt(
                refused("loss_fn_config", config, f"{handle.name} has no settings; its datums bring all it reads")
            )
        plan = take_by_handle(self._run, self.context.session, tuple(data), handle, objective or Objective())
        return self.context.limited(timeout, operation, plan)

    def _save(self, step: steps.Step[SaveWeightsResponse], found: Check) -> Plan[SaveWeightsResponse]:
        saved = yield from take(self._run, step, found)
        self._run.checkpoint = saved.path
        return saved

    def _unload(self, timeout: float | None) -> Plan[None]:
        yield from in_turn(self._run.queue, lambda turn: wait_for(turn.ready))
        policy = self.context.policy(timeout)
        request = unload_model(self.model_id)
        _ = yield from kept(request, "UnloadModel", ModelUnloaded, policy, self.context.waiting)

    def _known_info(self, timeout: float | None) -> Plan[GetInfoResponse]:
        if self._info is None:
            self._info = yield from call(get_info(self.model_id), self.context.policy(timeout))
        return self._info

    def _with_tokenizer(self, use: Callable[[Tokenizer], T], timeout: float | None) -> Plan[T]:
        tokenizer = yield from self._tokenizer(timeout)
        match (yield from compute(lambda: use(tokenizer))):
            case Success(value):
                return value
            case Failure(reason):
                message = f"the tokenizer of {self.model_id} can't do that: {reason}"
                return (yield from halt(CallbackFailed(message=message, callback="tokenizer", reason=reason)))

    def _tokenizer(self, timeout: float | None) -> Plan[Tokenizer]:
        info = yield from self._known_info(timeout)
        model = info.model_data.model_name or info.model_name or ""
        return (yield from loaded_tokenizer(model, info.model_data.tokenizer_id))

    def _sampler_of_now(
        self, kind: steps.SnapshotKind, retry: RetryConfig | None, timeout: float | None
    ) -> Plan[SamplingT]:
        number = self.context.session.next_sampler()
        step = steps.save_weights_for_sampler(sampling_session_seq_id=number, kind=kind)
        match (yield from take(self._run, step, no_problem)):
            case SaveWeightsForSamplerResponse(sampling_session_id=str(session)):
                sampler = self.context.sampler(Source(sampling_session_id=session), retry=retry)
                return self._sampling_client(sampler, self._run.base_model)
            case SaveWeightsForSamplerResponse(path=str(path)):
                return (yield from self._sampler_of(path, retry, timeout))
            case _:
                return (yield from halt(_NO_SAMPLER))

    def _sampler_of(self, path: str, retry: RetryConfig | None, timeout: float | None) -> Plan[SamplingT]:
        """What it samples from is known when the path is one of this run's own."""
        sampler = yield from open_sampler(self.context, model_path=path, retry=retry, timeout=timeout)
        own = path.startswith(f"tinker://{self.model_id}/")
        return self._sampling_client(sampler, self._run.base_model if own else None)


class TrainingClient(TrainingOperations[SamplingClient], Blocking):
    """Blocking: steps are promises, everything else returns its outcome."""

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingClient:
        return SamplingClient(self.context, sampler, base_model)


class AsyncTrainingClient(TrainingOperations[AsyncSamplingClient], Asynchronous):
    """Awaitable: steps are async promises, everything else is awaited."""

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> AsyncSamplingClient:
        return AsyncSamplingClient(self.context, sampler, base_model)


def _batch_problem(batch: Batch) -> InvalidInput | None:
    config = None if batch.loss_fn_config is None else problem(batch.loss_fn_config, "loss_fn_config")
    return problem(batch.data, "data") or problem(batch.loss_fn, "loss_fn") or config


def _save_problem(name: str, ttl_seconds: int | None) -> InvalidInput | None:
    return problem(name, "name") or lifetime_problem(ttl_seconds, "ttl_seconds")


def _external_problem(name: str, ttl_seconds: int | None, recipients: Sequence[str] | None) -> InvalidInput | None:
    given = list(recipients or ())
    if isinstance(recipients, str) or len(given) > _RECIPIENTS:
        return refused("age_encryption_recipients", recipients, f"give a list of at most {_RECIPIENTS} recipients")
    named = (problem(each, f"age_encryption_recipients[{place}]") for place, each in enumerate(given))
    return _save_problem(name, ttl_seconds) or next(filter(None, named), None)


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


_NO_SAMPLER = Undecodable(message="save_weights_for_sampler: the answer names neither a session nor a path")
_RECIPIENTS = 10
"""How many may be given the key to external weights."""
