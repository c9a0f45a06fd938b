"""The service client: where every program begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from os import PathLike, fspath
from types import TracebackType
from typing import Generic, Self, TypeVar

from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client, operation
from tinkex_py.clients.sampling import AsyncSamplingClient, SamplingClient, open_sampler
from tinkex_py.clients.training import AsyncTrainingClient, TrainingClient
from tinkex_py.config import LOCAL_SCHEME, Config
from tinkex_py.endpoints.models import ModelCreated, create_model, weights_info
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.endpoints.steps import load_weights
from tinkex_py.errors import TinkerError
from tinkex_py.plans.capabilities import require_model
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.retry import Policy, call
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.sessions import session_id
from tinkex_py.plans.steps import Run, take
from tinkex_py.plans.submission import fulfilled
from tinkex_py.request import Request
from tinkex_py.runtime.observing import Observer
from tinkex_py.runtime.opening import HttpxTransport, from_environment, open_runtime
from tinkex_py.types.batch import Dialect
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.service import GetServerCapabilitiesResponse
from tinkex_py.types.training import LoraConfig
from tinkex_py.types.validation import problem

T = TypeVar("T")
TrainingT = TypeVar("TrainingT", bound=Client)
SamplingT = TypeVar("SamplingT", bound=Client)


class ServiceOperations(Client, Generic[TrainingT, SamplingT]):
    """What both service clients can do.

    Settings come from `config`, else from the environment (TINKER_BASE_URL, TINKER_API_KEY, TINKER_PROJECT_ID,
    TINKER_TAGS); the other arguments win over both. Construction sends nothing and never fails: settings that can't
    work become the outcome of every operation.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        project_id: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        observers: Sequence[Observer] = (),
        transport: HttpxTransport | None = None,
    ) -> None:
        given = {"base_url": base_url, "api_key": api_key, "project_id": project_id}
        settings, unclear = _settings(config)
        settings = structs.replace(settings, **{name: text for name, text in given.items() if text is not None})
        opened = open_runtime(settings, observers, transport)
        super().__init__(
            Context(
                opened.config,
                opened.runtime,
                startup=opened.startup,
                problem=opened.problem or unclear,
                user_metadata=FrozenMapping(user_metadata),
                shared=transport is None,
            )
        )

    @classmethod
    def local(cls, directory: str | PathLike[str] | None = None, *, observers: Sequence[Observer] = ()) -> Self:
        """A client of the embedded engine, which needs no account; checkpoints are kept below `directory`."""
        return cls(Config(base_url=f"{LOCAL_SCHEME}{fspath(directory or '')}"), observers=observers)

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
        *,
        timeout: float | None = None,
    ) -> Plan[TrainingT]:
        """A client that trains a new LoRA adapter of a base model. POST /api/v1/create_model"""
        lora = LoraConfig(rank=rank, seed=seed, train_mlp=train_mlp, train_attn=train_attn, train_unembed=train_unembed)
        plan = self._create(base_model, lora, user_metadata, timeout)
        return self.context.limited(timeout, "create_lora_training_client", plan)

    @operation
    def create_training_client_from_state(
        self, path: str, user_metadata: Mapping[str, str] | None = None, *, timeout: float | None = None
    ) -> Plan[TrainingT]:
        """A client that goes on from a checkpoint's weights, with the optimizer as new.

        POST /api/v1/weights_info, create_model and load_weights.
        """
        plan = self._restore(path, user_metadata, timeout, optimizer=False)
        return self.context.limited(timeout, "create_training_client_from_state", plan)

    @operation
    def create_training_client_from_state_with_optimizer(
        self, path: str, user_metadata: Mapping[str, str] | None = None, *, timeout: float | None = None
    ) -> Plan[TrainingT]:
        """A client that goes on from a checkpoint exactly as if training had not stopped.

        POST /api/v1/weights_info, create_model and load_weights.
        """
        plan = self._restore(path, user_metadata, timeout, optimizer=True)
        return self.context.limited(timeout, "create_training_client_from_state_with_optimizer", plan)

    @operation
    def create_sampling_client(
        self, model_path: str | None = None, base_model: str | None = None, *, timeout: float | None = None
    ) -> Plan[SamplingT]:
        """A client that samples from saved weights or from a base model. POST /api/v1/create_sampling_session"""
        return self._sample_from(model_path, base_model, timeout)

    @operation
    def execute(self, work: Request[T] | Plan[T], *, retry: Policy | None = None) -> Plan[T]:
        """The outcome of any request, repeated as `retry` says, or of any plan."""
        if isinstance(work, Request):
            return call(work, self.context.policy() if retry is None else retry)
        return work

    def _training_client(self, run: Run) -> TrainingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingT:
        """The companion client of this world."""
        raise NotImplementedError

    def _create(
        self, base_model: str, lora: LoraConfig, user_metadata: Mapping[str, str] | None, timeout: float | None
    ) -> Plan[TrainingT]:
        yield from require_model(self.context.capabilities, base_model, "trainable")
        return self._training_client((yield from self._model(base_model, lora, user_metadata, timeout)))

    def _model(
        self, base_model: str, lora: LoraConfig, user_metadata: Mapping[str, str] | None, timeout: float | None
    ) -> Plan[Run]:
        found = problem(base_model, "base_model") or problem(lora, "lora_config")
        if found is not None:
            return (yield from halt(found))
        session = yield from session_id(self.context.session)
        request = create_model(
            session_id=session,
            model_seq_id=self.context.session.next_model(),
            base_model=base_model,
            lora_config=lora,
            user_metadata=user_metadata,
        )
        policy = self.context.policy(timeout)
        made = yield from fulfilled(request, "CreateModel", ModelCreated, policy, self.context.waiting, fresh=True)
        return self.context.run(made.model_id)

    def _restore(
        self, path: str, user_metadata: Mapping[str, str] | None, timeout: float | None, *, optimizer: bool
    ) -> Plan[TrainingT]:
        found = problem(path, "path")
        if found is not None:
            return (yield from halt(found))
        info = yield from call(weights_info(path), self.context.policy(timeout))
        lora = LoraConfig(
            rank=info.lora_rank or LoraConfig().rank,
            train_mlp=info.train_mlp is not False,
            train_attn=info.train_attn is not False,
            train_unembed=info.train_unembed is not False,
        )
        run = yield from self._model(info.base_model, lora, user_metadata, timeout)
        _ = yield from take(run, load_weights(path, optimizer=optimizer), partial(problem, path, "path"))
        run.checkpoint = path
        return self._training_client(run)

    def _sample_from(self, model_path: str | None, base_model: str | None, timeout: float | None) -> Plan[SamplingT]:
        sampler = yield from open_sampler(self.context, base_model=base_model, model_path=model_path, timeout=timeout)
        return self._sampling_client(sampler, base_model)


class ServiceClient(ServiceOperations[TrainingClient, SamplingClient], Blocking):
    """Blocking: every operation returns its outcome.

    >>> with ServiceClient() as service:  # doctest: +SKIP
    ...     service.get_server_capabilities()
    """

    def close(self) -> None:
        """End everything this client and its companions do, within 5 s; their operations then answer ClientClosed."""
        _ = self.context.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _training_client(self, run: Run) -> TrainingClient:
        return TrainingClient(self.context, run)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> SamplingClient:
        return SamplingClient(self.context, sampler, base_model)


class AsyncServiceClient(ServiceOperations[AsyncTrainingClient, AsyncSamplingClient], Asynchronous):
    """Awaitable: every operation returns a coroutine of its outcome; usable from any event loop, or several."""

    async def close(self) -> None:
        """End everything this client and its companions do, within 5 s; their operations then answer ClientClosed."""
        await self.context.runtime.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _training_client(self, run: Run) -> AsyncTrainingClient:
        return AsyncTrainingClient(self.context, run)

    def _sampling_client(self, sampler: Sampler, base_model: str | None) -> AsyncSamplingClient:
        return AsyncSamplingClient(self.context, sampler, base_model)


def _settings(config: Config | None) -> tuple[Config, TinkerError | None]:
    """The settings to begin with, and what is wrong with the environment if that is where they come from."""
    if config is not None:
        return config, None
    match from_environment():
        case Success(settings):
            return settings, None
        case Failure(error):
            return Config(), error
