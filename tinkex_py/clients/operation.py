"""One method, two worlds: read from a blocking client it blocks, from an async client it is awaitable."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import update_wrapper
from inspect import Signature, signature
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from tinkex_py.clients.context import Context
from tinkex_py.clients.promises import AsyncPromise, Promise
from tinkex_py.config.masking import shown
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.sessions import SessionState, in_session
from tinkex_py.runtime.running import arrival
from tinkex_py.types.arguments import Check, arguments_check
from tinkex_py.types.console import session_url
from tinkex_py.types.numbers import are_plain, plain
from tinkex_py.types.once import made_once
from tinkex_py.types.telemetry import TelemetryCounts

P = ParamSpec("P")
T = TypeVar("T")
MethodT = TypeVar("MethodT", bound=Callable[..., object])


class Client:
    """What every client has: the context that it shares with the clients of its service."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.generation = context.generation

    @classmethod
    def from_context(cls, context: Context) -> Self:
        """A client of a context made elsewhere, such as one in virtual time."""
        client = cls.__new__(cls)
        Client.__init__(client, context)
        return client

    def get_telemetry(self) -> TelemetryCounts:
        """How many events the server and the observers were told of, and how many were dropped. Nothing is sent."""
        return self.context.telemetry()

    def get_console_url(self) -> str:
        """Where a person sees this client's session, or all sessions while it has none. Nothing is sent."""
        return session_url(self._session.known)

    def operating(self, plan: Plan[T]) -> Plan[T]:
        """An operation's plan, with what has to hold first."""
        return plan

    def submitting(self, plan: Plan[T]) -> Plan[T]:
        """A submission's plan, with what has to hold first: the session must not be over."""
        return in_session(self._session, plan)

    @property
    def _session(self) -> SessionState:
        """The session that its work belongs to."""
        return self.context.session

    @property
    def _about(self) -> str:
        """What it is a client of, for people, with nothing secret in it."""
        return f"of {shown('base_url', self.context.config.base_url)}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._about}>"


class Blocking(Client):
    """A client whose operations block."""


class Asynchronous(Client):
    """A client whose operations are awaited."""


def method_name(client: Client, method: Callable[..., object]) -> str:
    """The method as servers know it, whichever world it was called from: `TrainingClient.forward`."""
    return f"{type(client).__name__.removeprefix('Async')}.{method.__name__}"


class _Method(Generic[P, T]):
    """A method that returns a plan, as it was written."""

    def __init__(self, plan: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        self.plan = plan
        self._begun: Callable[..., Plan[T]] = plan
        self._signatures: dict[str, Signature] = {}
        self.__doc__, self.__name__, self.__qualname__ = plan.__doc__, plan.__name__, plan.__qualname__
        self.__wrapped__ = plan

    @made_once
    def check(self) -> Check:
        """What looks at its arguments first; made with the first call, so that importing costs nothing."""
        return arguments_check(self.plan)

    def made(self, client: Client, *args: P.args, **kwargs: P.kwargs) -> Plan[T]:
        """The plan of a call, or one that says which of its arguments can't be used."""
        if are_plain((*args, *kwargs.values())):
            return self._checked(client, args, kwargs)
        return self._checked(client, tuple(map(plain, args)), {name: plain(value) for name, value in kwargs.items()})

    def _bound(self, method: MethodT, comes: str) -> MethodT:
        """A client's method as help and editors show it: named as it was written, without the client, giving that."""
        _ = update_wrapper(method, self.plan)
        vars(method)["__signature__"] = self._signatures.get(comes) or self._signed(comes)
        return method

    def _signed(self, comes: str) -> Signature:
        """What a client's method takes and gives; kept, as methods are made whenever they are called."""
        declared = signature(self.plan)
        _, *parameters = declared.parameters.values()
        gives = str(declared.return_annotation).replace("Plan", comes, 1)
        self._signatures[comes] = declared.replace(parameters=parameters, return_annotation=gives)
        return self._signatures[comes]

    def _checked(self, client: Client, args: Sequence[object], named: Mapping[str, object]) -> Plan[T]:
        found = self.check(args, named)
        return self._begun(client, *args, **named) if found is None else halt(found)


class operation(_Method[P, T]):  # noqa: N801 - a decorator, written like a function
    """A method that returns a plan, turned into one that returns the plan's outcome, or a coroutine of it."""

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, Outcome[T]]: ...
    @overload
    def __get__(self, client: Asynchronous, owner: type) -> Callable[P, Coroutine[Any, Any, Outcome[T]]]: ...
    def __get__(self, client: Blocking | Asynchronous | None, owner: type) -> object:
        match client:
            case None:
                return self
            case Blocking():
                return self._bound(self._blocking(client), "Outcome")
            case Asynchronous():
                return self._bound(self._awaitable(client), "Outcome")

    @overload
    def __call__(self, client: Blocking, *args: P.args, **kwargs: P.kwargs) -> Outcome[T]: ...
    @overload
    def __call__(self, client: Asynchronous, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, Outcome[T]]: ...
    def __call__(self, client: Blocking | Asynchronous, *args: P.args, **kwargs: P.kwargs) -> object:
        """As a function of the client, such as `bind(TrainingClient.get_info)` takes."""
        return self.__get__(client, type(client))(*args, **kwargs)

    def _blocking(self, client: Blocking) -> Callable[P, Outcome[T]]:
        name = method_name(client, self.plan)

        def blocking(*args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
            plan = client.operating(self.made(client, *args, **kwargs))
            return Promise(client.context, client.context.submit(plan, name)).result()

        return blocking

    def _awaitable(self, client: Asynchronous) -> Callable[P, Coroutine[Any, Any, Outcome[T]]]:
        name = method_name(client, self.plan)

        async def awaitable(*args: P.args, **kwargs: P.kwargs) -> Outcome[T]:
            return await arrival(client.context.submit(client.operating(self.made(client, *args, **kwargs)), name))

        return awaitable


class submission(_Method[P, T]):  # noqa: N801 - a decorator, written like a function
    """A method that returns a plan, turned into one that starts the plan and returns the promise of its result."""

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, Promise[T]]: ...
    @overload
    def __get__(self, client: Asynchronous, owner: type) -> Callable[P, AsyncPromise[T]]: ...
    def __get__(self, client: Blocking | Asynchronous | None, owner: type) -> object:
        if client is None:
            return self

        name = method_name(client, self.plan)

        def submit(*args: P.args, **kwargs: P.kwargs) -> Promise[T] | AsyncPromise[T]:
            running = client.context.submit(client.submitting(self.made(client, *args, **kwargs)), name)
            if isinstance(client, Blocking):
                return Promise(client.context, running)
            return AsyncPromise(running)

        return self._bound(submit, "Promise" if isinstance(client, Blocking) else "AsyncPromise")

    @overload
    def __call__(self, client: Blocking, *args: P.args, **kwargs: P.kwargs) -> Promise[T]: ...
    @overload
    def __call__(self, client: Asynchronous, *args: P.args, **kwargs: P.kwargs) -> AsyncPromise[T]: ...
    def __call__(self, client: Blocking | Asynchronous, *args: P.args, **kwargs: P.kwargs) -> object:
        """As a function of the client."""
        return self.__get__(client, type(client))(*args, **kwargs)
