"""What the clients of one service share: settings, the runtime, the session, and the limits."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pickle import PicklingError
from typing import NoReturn, Self, TypeVar

from msgspec import structs
from returns.result import Success

from tinkex_py.clients.watching import watching_with
from tinkex_py.config import Config
from tinkex_py.errors import ConnectionFailed, DeadlineExceeded, TinkerError
from tinkex_py.plans.abandonment import Abandonment
from tinkex_py.plans.capabilities import Capabilities
from tinkex_py.plans.cells import Gate, Queue
from tinkex_py.plans.chunks import Limits
from tinkex_py.plans.circuit import Circuit, guarded
from tinkex_py.plans.dialects import Dialects
from tinkex_py.plans.dispatch import Dispatch
from tinkex_py.plans.effects import Plan, deadline, halt
from tinkex_py.plans.patience import Patience
from tinkex_py.plans.polling import Progress, Waiting
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.runs import Run
from tinkex_py.plans.samples import Sampler, sampler_of
from tinkex_py.plans.sessions import SessionState, finish
from tinkex_py.plans.sources import Source
from tinkex_py.plans.startup import Startup, dynamic, flags
from tinkex_py.plans.telemetry import flush, reporting
from tinkex_py.plans.trouble import OWN, Trouble
from tinkex_py.runtime.calling import METHOD
from tinkex_py.runtime.carriage import HttpxTransport
from tinkex_py.runtime.forks import renew_after_fork
from tinkex_py.runtime.observing import Observatory, Observer
from tinkex_py.runtime.opening import Opened, open_again, open_runtime
from tinkex_py.runtime.reporting import Reporter
from tinkex_py.runtime.running import STAYS, Running, Runtime
from tinkex_py.types.batch import Dialect
from tinkex_py.types.kinds import is_collection, is_function, is_tuple, optional
from tinkex_py.types.limits import Rule, broken
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.service import ClientConfigResponse
from tinkex_py.types.sessions import Ending
from tinkex_py.types.telemetry import TelemetryCounts

T = TypeVar("T")

_ROOM = 50 * 2**20
"""Bytes of announced answers that are fetched at once."""
_MORE = "allow more with timeout="
_KNOWN: dict[str, Dialect] = {}
"""The dialects of servers by address, as found out by this process."""


class Context:
    """Shared by a service client and all the clients it made. `problem` is why none of them can work.

    `startup` is what is known of the server: `flags(context.startup)` and `dynamic(context.startup)` are plans.
    What a server at an address was found to speak is `shared` with the other clients of the process.
    """

    def __init__(
        self,
        config: Config,
        runtime: Runtime,
        *,
        startup: Startup | None = None,
        problem: TinkerError | None = None,
        user_metadata: Mapping[str, str] = FrozenMapping(),
        trouble: Trouble | None = None,
        shared: bool = False,
        observatory: Observatory | None = None,
        reporter: Reporter | None = None,
        backoff: Patience = None,
        open_again: Callable[[], Opened] | None = None,
    ) -> None:
        self.config = config
        self.runtime = runtime
        self.problem = problem
        self.trouble = trouble or Trouble()
        self.startup = startup or Startup(config=config)
        self.session = SessionState(config=config, sdk_version=self.startup.sdk_version, user_metadata=user_metadata)
        self.capabilities = Capabilities(checking=config.check_capabilities)
        self.circuit = Circuit(failures=config.circuit_failures, reset=config.circuit_reset)
        self.waiting = Waiting(config=config, progress=Progress(), room=Gate(_ROOM), backoff=backoff)
        self.dispatch = Dispatch(billing=self.waiting.billing)
        # Nothing here refers to the context itself, so one that nobody holds any more ends at once.
        self.abandonment = Abandonment(
            wishes=partial(dynamic, self.startup), known=partial(getattr, self.startup, "wishes")
        )
        self.dialects = Dialects(config=config, known=_KNOWN if shared else {}, startup=self.startup)
        self.in_flight = Gate(ClientConfigResponse().fwdbwd_dispatch_bytes_semaphore_size)
        self.ahead = Gate(self.in_flight.capacity)
        self.startup.heed = partial(_heed, self.dispatch, self.waiting, (self.in_flight, self.ahead))
        self.observatory = observatory
        self.reporter = reporter
        if reporter is not None:
            self.session.companions.append(partial(reporting, reporter.outbox))
        self.generation = 0
        """How often this began anew after a fork: what was made before has another one."""
        self._joined: dict[str, SessionState] = {}
        self._shared = shared
        self._open_again = open_again
        # A context that nobody holds any more closes its runtime.
        self._detach: Callable[[], object] = weakref.finalize(self, runtime.close).detach
        self._left_behind: tuple[Runtime, ...] = ()
        """The runtimes of the processes that this one was forked off from, kept so that nobody ends them here."""
        renew_after_fork(self)

    def __reduce__(self) -> NoReturn:
        raise PicklingError(STAYS)

    @classmethod
    def opened(
        cls,
        config: Config,
        observers: Sequence[Observer] | None,
        transport: HttpxTransport | None,
        *,
        problem: TinkerError | None = None,
        shared: bool = False,
        backoff: Patience = None,
    ) -> Self:
        """A context with a runtime of its own for these settings, which after a fork is opened again."""
        observers = tuple(observers) if is_collection(observers) else observers
        unusable = broken(_BESIDE, {"observers": observers, "transport": transport})
        observers, transport = (None, None) if unusable else (observers, transport)
        problem = problem or unusable
        usable = problem is None and isinstance(config.checked(), Success)
        watching = watching_with(observers, config) if usable else ()
        opened = open_runtime(config, watching, transport)
        return cls(
            opened.config,
            opened.runtime,
            startup=opened.startup,
            problem=opened.problem or problem,
            user_metadata=opened.config.user_metadata,
            trouble=opened.trouble,
            shared=shared,
            observatory=opened.observatory,
            reporter=opened.reporter,
            backoff=backoff,
            open_again=partial(open_again, opened, watching, transport),
        )

    def close(self, status: Ending = "success", detail: str | None = None) -> None:
        """Finish the session and end everything, in a bounded time; once."""
        self._leave()
        self.runtime.close(self._farewell(status, detail))

    async def aclose(self, status: Ending = "success", detail: str | None = None) -> None:
        """As `close`, without blocking the caller's event loop."""
        self._leave()
        await self.runtime.aclose(self._farewell(status, detail))

    def telemetry(self) -> TelemetryCounts:
        """What became of the events so far."""
        watched, outbox = self.observatory, None if self.reporter is None else self.reporter.outbox
        counts = TelemetryCounts(
            events_dropped=0 if watched is None else watched.dropped,
            observer_failures=0 if watched is None else watched.failures,
        )
        if outbox is None:
            return counts
        sent, waiting, dropped = outbox.sent, len(outbox.waiting), outbox.dropped
        return structs.replace(counts, reporting=True, sent=sent, waiting=waiting, dropped=dropped)

    def _leave(self) -> None:
        """No garbage collection and no fork need to see to a client that is closed."""
        self._open_again = None
        _ = self._detach()

    def _farewell(self, status: Ending, detail: str | None) -> Plan[None]:
        yield from finish(self.session, status, detail)
        if self.reporter is not None:
            self.reporter.end()
            yield from flush(self.reporter.outbox)

    def renew(self) -> None:
        """Begin anew in a process that was forked off: with a runtime of its own, and a session for what is made here.

        What the parent's runtime was in the middle of is left behind, untouched, because the parent goes on with it.
        """
        self.generation += 1
        if self._open_again is None:
            return
        _ = self._detach()
        left_behind, generation = (*self._left_behind, self.runtime), self.generation
        opened = self._open_again()
        Context.__init__(
            self,
            self.config,
            opened.runtime,
            startup=opened.startup,
            problem=self.problem or opened.problem,
            user_metadata=self.session.user_metadata,
            trouble=opened.trouble,
            shared=self._shared,
            observatory=opened.observatory,
            reporter=opened.reporter,
            backoff=self.waiting.backoff,
            open_again=self._open_again,
        )
        self._left_behind, self.generation = left_behind, generation

    def session_of(self, session: str | None) -> SessionState:
        """The session of that id: the one that is opened here, or another's that is joined and never finished here."""
        if session is None or session == self.session.known:
            return self.session
        own = self.session
        joined = SessionState(
            config=own.config, sdk_version=own.sdk_version, joined=session, known=session, companions=own.companions
        )
        return self._joined.setdefault(session, joined)

    def submit(self, plan: Plan[T], method: str = "") -> Running[T]:
        """Start a plan that does what the public `method` says; it fails at once when the client can't work."""
        if self.problem is not None:
            return self.runtime.submit(halt(self.problem))
        own = Trouble()
        method_token, own_token = METHOD.set(method), OWN.set(own)
        try:
            return self.runtime.submit(guarded(self.circuit, plan, own) if self.circuit.failures else plan)
        finally:
            METHOD.reset(method_token)
            OWN.reset(own_token)

    def policy(self, timeout: float | None = None) -> Policy:
        """How one call is repeated, within `timeout` seconds or the client's own time."""
        return Policy(seconds=self.config.timeout if timeout is None else timeout, attempts=self.config.max_attempts)

    def making(self, timeout: float | None) -> float:
        """Seconds that making a client may take."""
        return self._first_given(timeout, self.config.call_timeout)

    def loading(self, timeout: float | None) -> float:
        """Seconds that loading a checkpoint into a new client may take."""
        return self._first_given(timeout, self.config.load_timeout)

    def _first_given(self, *times: float | None) -> float:
        return next((seconds for seconds in times if seconds is not None), self.config.timeout)

    def limited(self, timeout: float | None, operation: str, plan: Plan[T], way_on: str = _MORE) -> Plan[T]:
        """The plan within the caller's own time limit, if there is one; `way_on` is what to do when that is over."""
        if timeout is None:
            return plan
        return deadline(timeout, plan, partial(_overdue, operation, self.trouble, way_on))

    def sampler(
        self,
        source: Source,
        *,
        retry: RetryConfig | None = None,
        clone: int = 0,
        record_stability_info: bool = False,
    ) -> Sampler:
        """What is sampled from, before its first sample, as the server's flags want it used."""
        return sampler_of(
            source,
            self.dispatch,
            self.waiting,
            flags=self.startup.known or ClientConfigResponse(),
            retry=retry,
            clone=clone,
            abandonment=self.abandonment,
            record_stability_info=record_stability_info,
        )

    def run(self, model_id: str, base_model: str | None = None, checkpoint: str | None = None) -> Run:
        """A model in training, before its first step; `base_model` where it is known, `checkpoint` if it is of one."""
        return Run(
            model_id=model_id,
            queue=Queue(),
            waiting=self.waiting,
            dialects=self.dialects,
            limits=self._limits,
            in_flight=self.in_flight,
            ahead=self.ahead,
            base_model=base_model,
            checkpoint=checkpoint,
        )

    def _limits(self) -> Plan[Limits]:
        known = yield from flags(self.startup)
        return Limits(
            count=known.fwdbwd_max_chunk_len,
            size=known.fwdbwd_max_chunk_bytes_count,
            parallel=known.parallel_fwdbwd_chunks is True,
        )


def _are_observers(value: object) -> bool:
    return is_tuple(value) and all(map(is_function, value))


def _is_transport(value: object) -> bool:
    """Whether the value has the method of httpx's transports, or that of its clients, which is loaded only later."""
    return hasattr(value, "handle_async_request") or hasattr(value, "send")


_BESIDE = (
    Rule("observers", optional(_are_observers), "give functions of an event, in a list, or None for the log"),
    Rule("transport", optional(_is_transport), "give a transport or an AsyncClient of httpx"),
)


def _heed(dispatch: Dispatch, waiting: Waiting, batches: Sequence[Gate], flags: ClientConfigResponse) -> None:
    """Let the limits be those of the server's flags."""
    dispatch.room.capacity = flags.sample_dispatch_bytes_semaphore_size
    waiting.room.capacity = flags.inflight_response_bytes_semaphore_size
    waiting.billing.longest = flags.billing_exception_max_pause_duration_sec
    for gate in batches:
        gate.capacity = flags.fwdbwd_dispatch_bytes_semaphore_size


def _overdue(operation: str, trouble: Trouble, way_on: str, seconds: float) -> TinkerError:
    """What ended the time: the connection if that failed last, else that it is over."""
    last = trouble.known
    if isinstance(last, ConnectionFailed):
        return structs.replace(last, elapsed=seconds)
    said = "" if last is None else f" (the last said: {last.message})"
    return DeadlineExceeded(
        message=f"{operation}: not done within {seconds:g} s{said}; {way_on}",
        endpoint=trouble.own.endpoint,
        attempts=trouble.own.attempts,
        elapsed=seconds,
        seconds=seconds,
    )
