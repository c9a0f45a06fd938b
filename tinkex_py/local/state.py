"""What the embedded server knows: sessions, models, samplers, promises, and the work that waits for the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import TypeAlias

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.local.answers import encoded, refusal
from tinkex_py.local.engine import LoraModel, SamplerWeights
from tinkex_py.local.promises import Promises
from tinkex_py.local.records import CheckpointId, RunRecord
from tinkex_py.local.sequence import Ledger, Sequence
from tinkex_py.local.store import Store
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply

Conclude: TypeAlias = Callable[[], object]
"""Enters what was computed into the state, and returns the promise's result."""
Compute: TypeAlias = Callable[[], Outcome[Conclude, str]]
"""Computes, while the server goes on answering; touches only what belongs to the engine's thread."""


class Job(Struct, frozen=True):
    """Work for the engine, and the promise that it keeps, if any."""

    compute: Compute
    request_id: str | None = None


class Session:
    """A client's session and the numbers it has given to its models and samplers."""

    def __init__(self, session_id: str, user_metadata: Mapping[str, object] | None, display_name: str | None) -> None:
        self.session_id = session_id
        self.user_metadata = user_metadata
        self.display_name = display_name
        self.ended = False
        self.models = Ledger()
        self.samplers = Ledger()
        self.run_ids: list[str] = []
        self.sampler_ids: list[str] = []


class Run:
    """A model in training. `model` belongs to the engine's thread; `record` is there once the model is."""

    def __init__(self, run_id: str, session: Session) -> None:
        self.run_id = run_id
        self.session = session
        self.record: RunRecord | None = None
        self.model: LoraModel | None = None
        self.sequence: Sequence[Job] = Sequence()

    def trained(self) -> Outcome[LoraModel, str]:
        """The model, for the engine's thread."""
        return Failure(f"the model {self.run_id} was never made") if self.model is None else Success(self.model)


class Sampler:
    """Something to sample from. `weights` belong to the engine's thread and come with the first work that waits."""

    def __init__(self, sampler_id: str, base_model: str, model_path: str | None) -> None:
        self.sampler_id = sampler_id
        self.base_model = base_model
        self.model_path = model_path
        self.weights: Outcome[SamplerWeights, str] = Failure("the weights of this sampler were never loaded")
        self.numbers = Ledger()


class State:
    """Everything behind the server's lock; `now` gives seconds since 1970, `seed` makes the ids."""

    def __init__(self, store: Store, seed: int, now: Callable[[], float], lock: AbstractContextManager[object]) -> None:
        self.lock = lock
        self.store = store
        self.now = now
        self.seed = seed
        self.name = sha256(b"%d" % seed).hexdigest()[:8]
        self.promises = Promises(f"promise-{self.name}")
        self.queue: deque[Job] = deque()
        self.sessions: dict[str, Session] = {}
        self.runs: dict[str, Run] = {}
        self.samplers: dict[str, Sampler] = {}
        self.reserved: dict[str, CheckpointId] = {}
        self._settled: list[str] = []
        self._taken = {run.run_id.partition(":")[0] for run in store.runs()}
        self._opened = 0

    def new_session_id(self) -> str:
        """An id that no session has had, those of the runs in the store included."""
        while True:
            session_id = f"session-{self.name}-{self._opened}"
            self._opened += 1
            if session_id not in self._taken:
                return session_id

    def session(self, session_id: str) -> Outcome[Session, Reply]:
        """A session that goes on; 404 for one that never was, 410 for one that has ended."""
        session = self.sessions.get(session_id)
        if session is None:
            return Failure(refusal(404, f"there is no session {session_id!r}"))
        return Failure(refusal(410, f"the session {session_id!r} has ended")) if session.ended else Success(session)

    def run(self, model_id: str) -> Outcome[Run, Reply]:
        """A model that is in training here."""
        run = self.runs.get(model_id)
        return Failure(refusal(404, f"there is no model {model_id!r}")) if run is None else Success(run)

    def promise(self, compute: Compute) -> Job:
        """Work with a new promise, not yet in the queue."""
        return Job(compute, self.promises.make())

    def submit(self, compute: Compute) -> str:
        """Put work with a new promise into the queue; return the promise."""
        request_id = self.promises.make()
        self.queue.append(Job(compute, request_id))
        return request_id

    def afterwards(self, action: Callable[[], None]) -> None:
        """Have the engine's thread do something when all that is in the queue now is done."""

        def compute() -> Outcome[Conclude, str]:
            action()
            return done(None)

        self.queue.append(Job(compute))

    def settle(self, job: Job, answer: bytes) -> None:
        """Keep a job's promise."""
        if job.request_id is not None:
            _ = self.reserved.pop(job.request_id, None)
            self.promises.settle(job.request_id, answer)
            self._settled.append(job.request_id)

    def abandon(self, jobs: Iterable[Job], reason: str) -> None:
        """Settle promises of work that will never be done."""
        for job in jobs:
            self.settle(job, failed(reason))

    def drain_settled(self) -> list[str]:
        """The promises that were settled since the last call."""
        settled, self._settled = self._settled, []
        return settled


def failed(reason: str, category: str = "user") -> bytes:
    """The result of a promise whose work failed, and whose mistake it was."""
    return encoded({"error": reason, "category": category})


def done(value: object) -> Outcome[Conclude, str]:
    """A computation whose result is all there is to it."""
    return Success(lambda: value)
