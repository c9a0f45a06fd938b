"""Clients that programs open by themselves: their settings, `execute`, and their end, in both worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

from msgspec import structs
from returns.result import Failure

from tinkex_py.clients.context import Context
from tinkex_py.clients.operation import Asynchronous, Blocking, Client
from tinkex_py.clients.promises import Promise
from tinkex_py.clients.work import work_problem
from tinkex_py.config import LOCAL_SCHEME, Config
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.patience import PollBackoff, patience
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Reply, Request
from tinkex_py.runtime.carriage import HttpxTransport
from tinkex_py.runtime.observing import Observer
from tinkex_py.runtime.opening import settings_for
from tinkex_py.runtime.running import arrival
from tinkex_py.types.kinds import any_of, optional
from tinkex_py.types.limits import Rule, broken
from tinkex_py.types.sessions import Ending
from tinkex_py.wire.replies import Whole

T = TypeVar("T")


class Opened(Client):
    """A client with a runtime of its own, or beside another client.

    Settings come from `config`, else from the environment (docs/settings.md lists its variables). The settings that are
    arguments too win over both: `base_url` and `api_key` of the server, `project_id`, `user_metadata` and
    `display_name` of the session, `default_headers_overrides` for every request, and `parity`.

    `observers` are called with every event; with none given, what a person wants to know goes to the log `tinkex_py`.
    `transport`, a transport or an AsyncClient of httpx, carries the requests. `poll_backoff` is how long to wait
    between two questions for a result: "none", "exponential" (1 s doubled up to 30 s), `(first, longest)` in seconds,
    or a function that is given how often in a row there was no result, and returns seconds.

    Construction sends nothing and never fails: settings that can't work become the outcome of every operation.
    """

    guest = False
    """Whether another client has the runtime, and ends it."""

    def __init__(
        self,
        config: Config | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        project_id: str | None = None,
        user_metadata: Mapping[str, str] | None = None,
        display_name: str | None = None,
        default_headers_overrides: Mapping[str, str] | None = None,
        parity: str | None = None,
        observers: Sequence[Observer] | None = None,
        transport: HttpxTransport | None = None,
        poll_backoff: PollBackoff = "none",
    ) -> None:
        given = {
            "base_url": base_url,
            "api_key": api_key,
            "project_id": project_id,
            "user_metadata": user_metadata,
            "display_name": display_name,
            "default_headers": default_headers_overrides,
            "parity": parity,
        }
        settings, unclear = settings_for(config)
        settings = settings.changed({name: value for name, value in given.items() if value is not None})
        chosen = patience(poll_backoff)
        super().__init__(
            Context.opened(
                settings,
                observers,
                transport,
                problem=unclear or (chosen.failure() if isinstance(chosen, Failure) else None),
                shared=transport is None,
                backoff=None if isinstance(chosen, Failure) else chosen.unwrap(),
            )
        )

    @classmethod
    def local(
        cls, directory: str | PathLike[str] | None = None, *, observers: Sequence[Observer] | None = None
    ) -> Self:
        """A client of the embedded engine, which needs no account; checkpoints are kept below `directory`."""
        folder = fspath(directory) if isinstance(directory, (str, PathLike)) else ""
        client = cls(Config(base_url=f"{LOCAL_SCHEME}{folder}"), observers=observers)
        client.context.problem = client.context.problem or broken(_FOLDER, {"directory": directory})
        return client

    @classmethod
    def beside(cls, other: Client) -> Self:
        """A client that shares what another one has, and leaves it to that one to end it."""
        client = cls.from_context(other.context)
        client.guest = True
        return client


class OpenedBlocking(Opened, Blocking):
    """What such clients have besides in the blocking world."""

    @overload
    def execute(self, work: Request[Any], *, raw: Literal[True], retry: Policy | None = None) -> Outcome[Reply]: ...
    @overload
    def execute(
        self, work: Request[T] | Plan[T], *, raw: Literal[False] = False, retry: Policy | None = None
    ) -> Outcome[T]: ...
    def execute(self, work: Request[T] | Plan[T], *, raw: bool = False, retry: Policy | None = None) -> Outcome[Any]:
        """The outcome of any request, repeated as `retry` says, or of any plan; `raw` gives an answer as it came.

        What a plan of your own raises is a bug in it, and is raised here, as no operation of the library is: a plan
        fails by `halt(error)`. It ends when nobody waits for it any more, as after Ctrl-C.
        """
        running = self.context.submit(_plan(self.context, work, retry, raw=raw))
        try:
            return Promise(self.context, running).result()
        finally:
            running.cancel()

    def close(self, status: Ending = "success", detail: str | None = None) -> None:
        """Tell the server how it went, and end everything this client and its companions do, within 5 s.

        Their operations then answer ClientClosed. A second time does nothing. As a context manager it closes with
        `success`, with `errored` after an exception, and with `interrupted` after Ctrl-C and the like.
        POST /api/v1/sessions/{session_id}/finish
        """
        if not self.guest:
            self.context.close(status, detail)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(_ending(kind), None if kind is None else kind.__name__)


class OpenedAsync(Opened, Asynchronous):
    """What such clients have besides in the async world."""

    @overload
    async def execute(
        self, work: Request[Any], *, raw: Literal[True], retry: Policy | None = None
    ) -> Outcome[Reply]: ...
    @overload
    async def execute(
        self, work: Request[T] | Plan[T], *, raw: Literal[False] = False, retry: Policy | None = None
    ) -> Outcome[T]: ...
    async def execute(
        self, work: Request[T] | Plan[T], *, raw: bool = False, retry: Policy | None = None
    ) -> Outcome[Any]:
        """The outcome of any request, repeated as `retry` says, or of any plan; `raw` gives an answer as it came.

        What a plan of your own raises is a bug in it, and is raised here, as no operation of the library is: a plan
        fails by `halt(error)`. It ends when nobody waits for it any more, as after a cancellation or a time-out.
        """
        running = self.context.submit(_plan(self.context, work, retry, raw=raw))
        try:
            return await arrival(running)
        finally:
            running.cancel()

    async def close(self, status: Ending = "success", detail: str | None = None) -> None:
        """Tell the server how it went, and end everything this client and its companions do, within 5 s.

        Their operations then answer ClientClosed. A second time does nothing. As a context manager it closes with
        `success`, with `errored` after an exception, and with `interrupted` after Ctrl-C and the like.
        POST /api/v1/sessions/{session_id}/finish
        """
        if not self.guest:
            await self.context.aclose(status, detail)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(_ending(kind), None if kind is None else kind.__name__)


def _plan(context: Context, work: Request[T] | Plan[T], retry: Policy | None, *, raw: bool) -> Plan[Any]:
    found = work_problem(work, retry)
    if found is not None:
        return halt(found)
    if not isinstance(work, Request):
        return work
    policy = context.policy() if retry is None else retry
    return call(structs.replace(work, returns=Whole(work.returns.statuses)) if raw else work, policy)


_FOLDER = (Rule("directory", optional(any_of(str, PathLike)), "give a path, or None for the usual one"),)


def _ending(kind: type[BaseException] | None) -> Ending:
    if kind is None:
        return "success"
    return "errored" if issubclass(kind, Exception) else "interrupted"
