"""The service client: where every program begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.clients.admin import AdminClient, AsyncAdminClient
from tinkex_py.clients.copies import CopyOperations
from tinkex_py.clients.opened import OpenedAsync, OpenedBlocking
from tinkex_py.clients.operation import Client, operation, submission
from tinkex_py.clients.rest import AsyncRestClient, RestClient
from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient, open_sampler
from tinkex_py.clients.training import AsyncTrainingClient, TrainingClient
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.steps import load_weights
from tinkex_py.plans.capabilities import require_model
from tinkex_py.plans.creation import Making, Origin, created, creation_problem, described, like, loaded, optimizer_of
from tinkex_py.plans.effects import Plan, halt, pure
from tinkex_py.plans.recovery import corrupted, recovered
from tinkex_py.plans.retry import call
from tinkex_py.plans.runs import Run
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.steps import take
from tinkex_py.runtime.tracing import torch_trace
from tinkex_py.types.batch import Dialect
from tinkex_py.types.custom import InputRank, LossHandle, PerDatumLoss
from tinkex_py.types.retries import RecoveryPolicy, RetryConfig
from tinkex_py.types.service import GetServerCapabilitiesResponse
from tinkex_py.types.training import LoraConfig, OptimizerConfig
from tinkex_py.types.validation import problem

TrainingT = TypeVar("TrainingT", bound=Client)
SamplingT = TypeVar("SamplingT", bound=Client)


class ServiceOperations(CopyOperations, Generic[TrainingT, SamplingT]):
    """What both service clients can do."""

    @property
    def dialect(self) -> Dialect | None:
        """What the server reads batches in: set by `Config.dialect`, or found out with the first batch; None before."""
        return self.context.dialects.found

    @operation
    def get_server_capabilities(self, *, timeout: float | None = None) -> Plan[GetServerCapabilitiesResponse]:
        """The base models that the server has. GET /api/v1/get_server_capabilities"""
        return call(get_server_capabilities(), self.context.policy(timeout))

    @operation
    def create_lora_training_client(
        self,
        base_model: str,
        rank: int = 32,
        seed: int | None = None,
        train_mlp: bool = True,
        train_attn: bool = True,
        train_unembed: bool = True,
        user_metadata: Mapping[str, str] | None = None,
        optimizer: OptimizerConfig | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[TrainingT]:
        """A client that trains a new LoRA adapter of a base model. POST /api/v1/create_model

        `rank` is that of the adapter, and `seed` makes its random half the same each time. `train_mlp`, `train_attn`
        and `train_unembed` say which of the model's weights it adapts. `optimizer` is what `optim_step` will use:
        AdamOptimizerConfig(), which None means too, or DimuonOptimizerConfig().

        CapabilityMissing or NotFound when the server has no such base model, or can't train it.
        """
        lora = LoraConfig(rank=rank, seed=seed, train_mlp=train_mlp, train_attn=train_attn, train_unembed=train_unembed)
        plan = self._create(self._making(user_metadata, optimizer, timeout), base_model, lora)
        return self.context.limited(self.context.making(timeout), "create_lora_training_client", plan)

    @operation
    def create_training_client_from_state(
        self,
        path: str,
        base_model: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        weights_access_token: str | None = None,
        optimizer: OptimizerConfig | None = None,
        *,
        by_load: bool | None = None,
        timeout: float | None = None,
    ) -> Plan[TrainingT]:
        """A client that goes on from a checkpoint's weights, with the optimizer as new.

        POST /api/v1/weights_info, create_model and load_weights. With `by_load` it is load_weights alone, as servers
        of later releases know it; None does that where the server can't say what the checkpoint was trained on.
        `base_model` takes the place of the one that the checkpoint was trained on. `weights_access_token` is for a
        checkpoint of another account. NotFound when there is no such checkpoint.
        """
        origin = Origin(path=path, base_model=base_model, weights_access_token=weights_access_token)
        plan = self._restore(self._making(user_metadata, optimizer, timeout), origin, timeout, by_load=by_load)
        return self.context.limited(timeout, "create_training_client_from_state", plan)

    @operation
    def create_training_client_from_state_with_optimizer(
        self,
        path: str,
        base_model: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        weights_access_token: str | None = None,
        *,
        optimizer: OptimizerConfig | None = None,
        by_load: bool | None = None,
        timeout: float | None = None,
    ) -> Plan[TrainingT]:
        """A client that goes on from a checkpoint exactly as if training had not stopped.

        POST /api/v1/weights_info, create_model and load_weights; the arguments are those of
        `create_training_client_from_state`.
        """
        origin = Origin(
            path=path, restore_optimizer=True, base_model=base_model, weights_access_token=weights_access_token
        )
        plan = self._restore(self._making(user_metadata, optimizer, timeout), origin, timeout, by_load=by_load)
        return self.context.limited(timeout, "create_training_client_from_state_with_optimizer", plan)

    @submission
    def recover_training_client(
        self,
        training_run_id: str,
        recovery: RecoveryPolicy | None = None,
        user_metadata: Mapping[str, str] | None = None,
        *,
        timeout: float | None = None,
    ) -> Plan[TrainingT]:
        """A client that goes on from a checkpoint of a run, as soon as the server says that the run is corrupted.

        The promise is pending while all is well; `cancel()` ends the watch. OutOfSequence when nothing was saved,
        SessionEnded when this client's session ends meanwhile.
        GET /api/v1/training_runs/{training_run_id}, every `recovery.poll_interval` seconds.
        """
        chosen = recovery or RecoveryPolicy()
        found = problem(chosen, "recovery")
        plan = halt(found) if found else self._recover(training_run_id, chosen, user_metadata)
        return self.context.limited(timeout, "recover_training_client", plan)

    @operation
    def create_sampling_client(
        self,
        model_path: str | None = None,
        base_model: str | None = None,
        retry_config: RetryConfig | None = None,
        record_stability_info: bool = False,
        *,
        timeout: float | None = None,
    ) -> Plan[SamplingT]:
        """A client that samples from saved weights or from a base model. POST /api/v1/create_sampling_session

        `model_path` is a path that saving for a sampler returned; where both are given, it is what is sampled from.
        `retry_config` says how it goes on after a sample failed; `record_stability_info` has the server keep what
        training on these samples needs to be stable.

        InvalidInput when neither is given. NotFound when there is no such checkpoint, CapabilityMissing or NotFound
        when the server has no such base model, or can't sample from it.
        """
        plan = open_sampler(
            self.context,
            base_model=base_model,
            model_path=model_path,
            retry=retry_config,
            record_stability_info=record_stability_info,
            timeout=timeout,
        )
        named = self._sample_from(plan, base_model)
        return self.context.limited(self.context.making(timeout), "create_sampling_client", named)

    @operation
    def create_custom_loss(
        self, fn: PerDatumLoss, input_ranks: Mapping[str, InputRank], *, timeout: float | None = None
    ) -> Plan[LossHandle]:
        """A loss of your own, traced by torch, to be given to `forward_backward_custom` in the place of a function.

        `fn(logprobs, ...)` gets torch tensors of one datum: its log-probabilities, shaped like its target tokens and
        in nats, and the loss inputs that its other parameters are named for. It returns a scalar and metrics named
        `custom/<name>:sum` or `:mean`; the losses of all data are added up. `input_ranks` are the ranks of all
        parameters. POST /api/v1/create_custom_loss where the server runs losses itself; elsewhere nothing is sent.

        InvalidInput when it can't be traced, or was made in this session before; ExtraMissing without torch.
        """
        match torch_trace():
            case Failure(missing):
                return halt(missing)
            case Success(trace):
                from tinkex_py.plans.handles import Maker, created_loss

                maker = Maker(
                    session=self.context.session,
                    startup=self.context.startup,
                    waiting=self.context.waiting,
                    policy=self.context.policy(timeout),
                    trace=trace,
                )
                return self.context.limited(timeout, "create_custom_loss", created_loss(maker, fn, input_ranks))

    def _training_client(self, run: Run) -> TrainingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _making(
        self, user_metadata: Mapping[str, str] | None, optimizer: OptimizerConfig | None, timeout: float | None
    ) -> Making:
        return Making(
            session=self.context.session,
            waiting=self.context.waiting,
            policy=self.context.policy(self.context.making(timeout)),
            user_metadata=user_metadata,
            optimizer=optimizer,
        )

    def _create(self, making: Making, base_model: str, lora: LoraConfig) -> Plan[TrainingT]:
        found = creation_problem(making, base_model, lora)
        if found is not None:
            return (yield from halt(found))
        yield from require_model(self.context.capabilities, base_model, "trainable")
        return self._training_client(self.context.run((yield from created(making, base_model, lora)), base_model))

    def _restore(
        self, making: Making, origin: Origin, timeout: float | None, *, by_load: bool | None
    ) -> Plan[TrainingT]:
        """Making the model and loading the checkpoint have a time each, unless the caller gives one for both."""
        beginning = self.context.limited(self.context.making(timeout), "making a model", self._begun(making, origin))
        run = None if by_load else (yield from beginning)
        loading = self._loaded(making, origin, run)
        run = yield from self.context.limited(self.context.loading(timeout), "loading a checkpoint", loading)
        return self._training_client(run)

    def _begun(self, making: Making, origin: Origin) -> Plan[Run | None]:
        """A new model like the one that the checkpoint is of; None where the server can't say what that was."""
        info = yield from described(making, origin)
        if info is None:
            return None
        making = structs.replace(making, optimizer=making.optimizer or optimizer_of(info))
        base_model = origin.base_model or info.base_model
        yield from require_model(self.context.capabilities, base_model, "trainable")
        return self.context.run((yield from created(making, base_model, like(info))), base_model, origin.path)

    def _loaded(self, making: Making, origin: Origin, run: Run | None) -> Plan[Run]:
        """The model with the checkpoint's weights; without one, a model that loading makes."""
        if run is None:
            if origin.base_model is not None and origin.problem() is None:
                yield from require_model(self.context.capabilities, origin.base_model, "trainable")
            return self.context.run((yield from loaded(making, origin)), origin.base_model, origin.path)
        token = origin.weights_access_token
        step = load_weights(origin.path, optimizer=origin.restore_optimizer, weights_access_token=token)
        _ = yield from take(run, step)
        return run

    def _recover(
        self, training_run_id: str, recovery: RecoveryPolicy, user_metadata: Mapping[str, str] | None
    ) -> Plan[TrainingT]:
        making, policy = self._making(user_metadata, None, None), self.context.policy()
        run = yield from corrupted(training_run_id, making.session, recovery, policy)

        def restore(path: str) -> Plan[TrainingT]:
            origin = Origin(path=path, restore_optimizer=recovery.restore_optimizer)
            return self._restore(making, origin, None, by_load=None)

        return (yield from recovered(run, restore, recovery, policy))

    def _sample_from(self, plan: Plan[Sampler], base_model: str | None) -> Plan[SamplingT]:
        return self._sampling_client((yield from plan), base_model)


class ServiceClient(ServiceOperations[TrainingClient, SamplingClient], OpenedBlocking):
    """Where every program begins. Blocking: every operation returns its outcome.

    The arguments are those of `tinkex_py.clients.opened.Opened`.

    >>> with ServiceClient() as service:  # doctest: +SKIP
    ...     service.get_server_capabilities()
    """

    @operation
    def create_rest_client(self) -> Plan[RestClient]:
        """A client that lists and manages runs, checkpoints and sessions; it ends with this one."""
        return pure(RestClient.beside(self))

    @operation
    def create_admin_client(self) -> Plan[AdminClient]:
        """A client that reads an organization's audit log and usage; it ends with this one."""
        return pure(AdminClient.beside(self))

    def _training_client(self, run: Run) -> TrainingClient:
        return TrainingClient(self.context, run)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingClient:
        return SamplingClient(self.context, sampler, base_model)


class AsyncServiceClient(ServiceOperations[AsyncTrainingClient, AsyncSamplingClient], OpenedAsync):
    """Where every async program begins. Every operation returns a coroutine of its outcome.

    It can be used from any event loop, or from several. The arguments are those of `tinkex_py.clients.opened.Opened`.
    """

    @operation
    def create_rest_client(self) -> Plan[AsyncRestClient]:
        """A client that lists and manages runs, checkpoints and sessions; it ends with this one."""
        return pure(AsyncRestClient.beside(self))

    @operation
    def create_admin_client(self) -> Plan[AsyncAdminClient]:
        """A client that reads an organization's audit log and usage; it ends with this one."""
        return pure(AsyncAdminClient.beside(self))

    def _training_client(self, run: Run) -> AsyncTrainingClient:
        return AsyncTrainingClient(self.context, run)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> AsyncSamplingClient:
        return AsyncSamplingClient(self.context, sampler, base_model)
