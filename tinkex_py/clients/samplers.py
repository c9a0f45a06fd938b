"""Samplers that leave their process: handed over as text, pickled, or taken along by a fork, each with own numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pickle import PicklingError
from typing import Self, TypeVar

from msgspec import structs
from returns.result import Failure, Success
from typing_extensions import override

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Client, operation
from tinkex_py.config import Config
from tinkex_py.errors import InvalidInput, TinkerError
from tinkex_py.outcome import Outcome, or_raise, then
from tinkex_py.plans.clones import clone_number
from tinkex_py.plans.effects import Plan, attempt, require
from tinkex_py.plans.once import Once
from tinkex_py.plans.samples import Sampler
from tinkex_py.plans.sessions import SessionState
from tinkex_py.plans.sources import Source
from tinkex_py.runtime.carriage import HttpxTransport
from tinkex_py.runtime.observing import Observer
from tinkex_py.runtime.opening import IN_PROCESS, settings_for
from tinkex_py.types.handles import Holder, SamplerHandle, read, written
from tinkex_py.types.service import ClientConfigResponse

SamplerT = TypeVar("SamplerT", bound="SamplerOperations")

_TIED = InvalidInput(
    message="a sampler of the embedded engine can't leave its process; serve the engine to several processes with "
    "tinkex serve",
    path="sampler",
)

_SESSIONLESS = InvalidInput(
    message="this sampler has no session that another process could join; make one there with create_sampling_client",
    path="sampler",
)


class SamplerOperations(Client):
    """What a client samples with, and how another process comes by it."""

    def __init__(self, context: Context, sampler: Sampler, base_model: str | None = None) -> None:
        super().__init__(context)
        self._sampler = sampler
        self._base_model: str | None = base_model
        self._session_id = context.session.known
        self._joining: Once[Sampler, TinkerError] | None = None
        self._asking: Once[None, TinkerError] = Once()

    @classmethod
    def from_sampler_handle(
        cls,
        handle: str,
        *,
        api_key: str | None = None,
        config: Config | None = None,
        observers: Sequence[Observer] | None = None,
        transport: HttpxTransport | None = None,
    ) -> Outcome[Self]:
        """A client that goes on with the sampling session of `get_sampler_handle`, which another process may have made.

        The handle says where the server is, so take handles only from those you trust; the credential and all else
        come from `config`, else from this process's environment, and an `api_key` wins over both. InvalidInput when it
        is no handle.
        """
        return then(read(handle), partial(cls._rebuilt, api_key, config, observers, transport))

    @classmethod
    def _rebuilt(
        cls,
        api_key: str | None,
        config: Config | None,
        observers: Sequence[Observer] | None,
        transport: HttpxTransport | None,
        handle: SamplerHandle,
    ) -> Outcome[Self]:
        settings, unclear = settings_for(config)
        holder = handle.holder
        headers = {**settings.default_headers, **holder.default_headers_overrides}
        key = settings.api_key if api_key is None else api_key
        settings = structs.replace(settings, base_url=holder.base_url, api_key=key, default_headers=headers)
        context = Context.opened(settings, observers, transport, problem=unclear)
        context.startup.learn(holder.client_config)
        sampler = context.sampler(Source(sampling_session_id=handle.sampling_session_id))
        sampler.record_stability_info = handle.record_stability_info
        client = cls(context, sampler, handle.base_model)
        client._session_id, client._joining = handle.session_id, Once()
        return Success(client)

    @property
    @override
    def _about(self) -> str:
        source = self._sampler.source
        return f"of {source.sampling_session_id or source.name}"

    def __reduce__(self) -> tuple[Callable[[type[Self], str], Self], tuple[type[Self], str]]:
        match self._handle():
            case Success(handle):
                return _unpickled, (type(self), handle)
            case Failure(error):
                raise PicklingError(error.message)

    @operation
    def get_sampler_handle(self, *, timeout: float | None = None) -> Plan[str]:
        """A text from which `from_sampler_handle` makes this client anew, in this process or another.

        It holds no credential. Nothing is sent.
        """
        return self.context.limited(timeout, "get_sampler_handle", require(self._handle()))

    @property
    @override
    def _session(self) -> SessionState:
        """That in which the sampler was made, wherever it is used."""
        return self.context.session_of(self._session_id)

    def _own(self) -> Plan[Sampler]:
        """This client's sampler; one that was rebuilt, or that a fork took along, gets numbers of its own first."""
        if self.generation != self.context.generation:
            self.generation, self._joining, self._asking = self.context.generation, Once(), Once()
        if self._joining is None:
            return self._sampler
        return (yield from require((yield from self._joining.ask(self._joined))))

    def _joined(self) -> Plan[Outcome[Sampler]]:
        session = self._sampler.source.sampling_session_id
        if session is None:
            return Success(self._sampler)
        match (yield from attempt(clone_number(self.context.startup, session, self.context.policy()))):
            case Success(number):
                self._sampler = self._clone(number)
                return Success(self._sampler)
            case Failure() as failed:
                return failed

    def _clone(self, number: int) -> Sampler:
        return self.context.sampler(
            self._sampler.source,
            retry=self._sampler.retry,
            clone=number,
            record_stability_info=self._sampler.record_stability_info,
        )

    def _handle(self) -> Outcome[str]:
        session, config = self._session.known, self.context.config
        sampled = self._sampler.source.sampling_session_id
        if session is None or config.base_url == IN_PROCESS:
            return Failure(_TIED)
        if sampled is None:
            return Failure(_SESSIONLESS)
        holder = Holder(base_url=config.base_url, client_config=self.context.startup.known or ClientConfigResponse())
        return Success(
            written(
                SamplerHandle(
                    session_id=session,
                    sampling_session_id=sampled,
                    holder=holder,
                    base_model=self._base_model,
                    record_stability_info=self._sampler.record_stability_info,
                )
            )
        )


def _unpickled(kind: type[SamplerT], handle: str) -> SamplerT:
    return or_raise(kind.from_sampler_handle(handle))
