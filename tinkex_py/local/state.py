"""What the embedded server knows: sessions, models, samplers, promises, and the work that waits for the engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct, structs
from returns.result import Failure, Success

from tinkex_py.local.answers import encoded, refusal, unprocessable
from tinkex_py.local.completions import COMPLETIONS_KEPT, Completion, Completions
from tinkex_py.local.engine import LoraModel
from tinkex_py.local.promises import Promises, Result
from tinkex_py.local.records import ACTIVE, CheckpointId, RunRecord, SessionRecord, Status, parse_path
from tinkex_py.local.sequence import SAMPLES_REMEMBERED, Ledger, Numbers, Sequence
from tinkex_py.local.shelf import Shelf
from tinkex_py.local.signer import Signer
from tinkex_py.local.store import Store, Stored
from tinkex_py.local.turns import Turns
from tinkex_py.local.usage import Usage
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply

Conclude: TypeAlias = Callable[[], object]
"""Enters what was computed into the state, and returns the promise's result."""
Compute: TypeAlias = Callable[[], Outcome[Conclude, str]]
"""Computes, while the server goes on answering; touches only what belongs to the engine's thread."""


PATIENCE = 900.0
"""Seconds that steps wait for one whose number comes before theirs; the client repeats what was lost for 5 minutes."""
SILENCE = 1800.0
"""Seconds after which a session of which nothing is heard is over; a heartbeat is due every 10."""
SWEPT = 10.0
"""Seconds between two looks for what has waited too long."""
ASLEEP = 120.0
"""Seconds without any request after which the machine may have slept, and its clients with it: that is no waiting."""


class Job(Struct, frozen=True):
    """Work for the engine, and the promise that it keeps, if any; a sample's `channel` is told when it is settled.

    `withdrawn` is what else has to be done when the work is cancelled before it is begun; None where it can't be.
    """

    compute: Compute
    request_id: str | None = None
    channel: str | None = None
    withdrawn: Callable[[], None] | None = None


class Session:
    """A client's session and the numbers it has given to its models and samplers; `seen` is its last sign of life.

    `run_ids` are the models that have been made in it.
    """

    def __init__(self, record: SessionRecord, run_ids: Iterable[str] = ()) -> None:
        self.record = record
        self.seen = record.created_at
        self.models = Numbers()
        self.samplers = Numbers()
        self.run_ids: list[str] = list(run_ids)
        self.sampler_ids: list[str] = []

    @property
    def session_id(self) -> str:
        """What it is called."""
        return self.record.session_id

    @property
    def ended(self) -> bool:
        """Whether it has been finished or given up."""
        return self.record.status != ACTIVE

    @property
    def why(self) -> str:
        """Why it has ended, if that is known, in brackets."""
        return f" ({self.record.status.detail[:200]})" if self.record.status.detail else ""


class Run:
    """A model in training. `model` belongs to the engine's thread; `record` is there once the model is."""

    def __init__(self, run_id: str, session: Session) -> None:
        self.run_id = run_id
        self.session = session
        self.record: RunRecord | None = None
        self.model: LoraModel | None = None
        self.sequence: Sequence[Job] = Sequence()
        self._missing: tuple[int | None, float] = (None, 0.0)

    def awaits(self, now: float) -> tuple[int | None, float]:
        """The number that its steps wait for, and for how many seconds it has been the same."""
        missing = self.sequence.missing
        if missing != self._missing[0]:
            self._missing = (missing, now)
        return missing, now - self._missing[1]

    def trained(self) -> Outcome[LoraModel, str]:
        """The model, for the engine's thread."""
        return Failure(f"the model {self.run_id} was never made") if self.model is None else Success(self.model)


class Sampler:
    """Something to sample from; its weights are on the engine's shelf, put there by work that comes before its own."""

    def __init__(self, sampler_id: str, base_model: str, model_path: str | None, session: Session | None) -> None:
        self.sampler_id = sampler_id
        self.base_model = base_model
        self.model_path = model_path
        self.session = session
        self.clones = 0


class State:
    """Everything behind the server's lock; `now` gives seconds since 1970, `seed` makes the ids."""

    def __init__(self, store: Store, seed: int, now: Callable[[], float], lock: AbstractContextManager[object]) -> None:
        self.lock = lock
        self.store = store
        self.now = now
        self.seed = seed
        self.name = sha256(b"%d" % seed).hexdigest()[:8]
        self.promises = Promises(f"promise-{self.name}")
        self.queue: Turns[Job] = Turns()
        self.shelf = Shelf()
        self.usage = Usage(now)
        self.signer = Signer(sha256(b"secret %d" % seed).digest())
        self.limits: Mapping[str, object] = {}
        self.exchanges_keys = False
        self.token_seconds = 0
        self.completions: dict[str, Completions] = {}
        self.sessions: dict[str, Session] = {}
        self.runs: dict[str, Run] = {}
        self.samplers: dict[str, Sampler] = {}
        self.samples: Ledger[tuple[str, int]] = Ledger(SAMPLES_REMEMBERED)
        self.reserved: dict[str, CheckpointId] = {}
        self._told: deque[tuple[str, int]] = deque()
        self._settled: list[str] = []
        self._swept = self._awake = 0.0
        self._opened = 0
        self._remember_sessions()

    def open_session(self, **fields: Any) -> Session:
        """A new session."""
        record = SessionRecord(session_id=self.new_session_id(), created_at=self.now(), **fields)
        self.store.keep_session(record)
        self.sessions[record.session_id] = session = Session(record)
        return session

    def new_session_id(self) -> str:
        """An id that no session has had, those of the runs in the store included."""
        while True:
            session_id = f"session-{self.name}-{self._opened}"
            self._opened += 1
            if session_id not in self.sessions and self.store.run(f"{session_id}:train:0") is None:
                return session_id

    def change(self, session: Session, **changes: Any) -> None:
        """Change what is kept of a session."""
        changed = structs.replace(session.record, **changes)
        self.store.keep_session(changed)
        session.record = changed

    def end(self, session: Session, status: Status) -> None:
        """End a session: its models and samplers go when the work they have is done."""
        self.change(session, status=status)
        for run_id in [run.run_id for run in self.runs.values() if run.session is session]:
            self.drop(run_id)
        gone = {sampler_id for sampler_id in session.sampler_ids if self.samplers.pop(sampler_id, None) is not None}
        for key in [key for key in self.completions if key.partition("|")[0] in gone]:
            del self.completions[key]
        if gone:
            self.afterwards(session, lambda: self.shelf.remove(gone))

    def drop(self, run_id: str) -> None:
        """Take a model out of service; steps that wait for a number that never came fail, those queued are done."""
        run = self.runs.pop(run_id, None)
        if run is not None:
            self.abandon(
                run.sequence.abandon(), f"the model {run_id} was unloaded while this waited for an earlier step"
            )

    def sweep(self) -> None:
        """Refuse steps that have waited too long for an earlier one, and end sessions that have gone silent."""
        now = self.now()
        if now - self._swept < SWEPT:
            return
        if now - self._swept >= ASLEEP:
            self._awake = now
        self._swept = now
        awake = now - self._awake
        for run in self.runs.values():
            missing, waited = run.awaits(now)
            if min(waited, awake) >= PATIENCE and missing is not None:
                reason = f"step {missing} of {run.run_id} has not come for {waited:.0f} s: this later one was not made"
                self.abandon(run.sequence.abandon(), f"{reason}; send it again under a new number")
        for session in [
            one for one in self.sessions.values() if not one.ended and min(now - one.seen, awake) >= SILENCE
        ]:
            with suppress(OSError):  # it is looked for again
                self.end(session, Status(type="cancelled", detail=f"nothing was heard of it for {SILENCE:.0f} s"))

    def _remember_sessions(self) -> None:
        """Take up the sessions of the store; what was open when the server stopped is over, as its models are gone."""
        runs: dict[str, list[str]] = {}
        for run in reversed(self.store.runs()):
            runs.setdefault(run.run_id.partition(":")[0], []).append(run.run_id)
        for record in self.store.sessions():
            session = Session(record, runs.get(record.session_id, ()))
            self.sessions[record.session_id] = session
            if not session.ended:
                self.change(session, status=Status(type="cancelled", detail="the server was stopped"))

    def session(self, session_id: str) -> Outcome[Session, Reply]:
        """A session that goes on; 404 for one that never was, 410 for one that has ended."""
        session = self.sessions.get(session_id)
        if session is None:
            return Failure(refusal(404, f"there is no session {session_id!r}"))
        session.seen = self.now()
        if session.ended:
            return Failure(refusal(410, f"the session {session_id!r} has ended{session.why}"))
        return Success(session)

    def run(self, model_id: str) -> Outcome[Run, Reply]:
        """A model that is in training here."""
        run = self.runs.get(model_id)
        if run is not None:
            run.session.seen = self.now()
            return Success(run)
        saved = self.store.run(model_id) is not None
        remedy = "; it was unloaded: make a model from one of its checkpoints" if saved else ""
        return Failure(refusal(404, f"there is no model {model_id!r}{remedy}"))

    def sampler(self, sampler_id: str) -> Outcome[Sampler, Reply]:
        """A sampler that can be sampled from."""
        sampler = self.samplers.get(sampler_id)
        if sampler is None:
            session = self.sessions.get(sampler_id.partition(":")[0])
            gone = f"; it went with its session{session.why}: make a new one" if session and session.ended else ""
            return Failure(refusal(404, f"there is no sampling session {sampler_id!r}{gone}"))
        if sampler.session is not None:
            sampler.session.seen = self.now()
        return Success(sampler)

    def checkpoint(self, path: str, field: str) -> Outcome[tuple[Stored, RunRecord], Reply]:
        """The checkpoint that a field of a body names, with its training run; 422 for a text that is no path."""
        checkpoint = parse_path(path)
        if checkpoint is None:
            return Failure(unprocessable(("body", field), "the path is tinker://<training run>/<kind>/<name>"))
        stored, run = self.store.find(checkpoint, self.now()), self.store.run(checkpoint.run_id)
        if stored is None or run is None:
            return Failure(refusal(404, f"there is no checkpoint {path}"))
        return Success((stored, run))

    def project_of(self, run_id: str) -> str | None:
        """The project of the session that a training run was made in."""
        session = self.sessions.get(run_id.partition(":")[0])
        return None if session is None else session.record.project_id

    def completions_of(self, key: str) -> Completions:
        """What a channel is told."""
        return self.completions.setdefault(key, Completions())

    def news(self, key: str) -> bool:
        """Whether a question held for a promise or a channel would be answered now."""
        completions = self.completions.get(key)
        return self.promises.standing(key) != "pending" if completions is None else completions.waiting

    def promise(self, compute: Compute) -> Job:
        """Work with a new promise, not yet in the queue."""
        return Job(compute, self.promises.make())

    def submit(self, session: Session, compute: Compute) -> str:
        """Put work of a session with a new promise into the queue; return the promise."""
        request_id = self.promises.make()
        self.queue.enter(session.session_id, Job(compute, request_id))
        return request_id

    def begin(self, run: Run, steps: Iterable[Job]) -> None:
        """Put steps whose turn has come into the queue."""
        for job in steps:
            self.queue.enter(run.session.session_id, job)

    def unbegun(self, request_id: str) -> Job | None:
        """Work that keeps the promise and is not begun: it is in the queue, or waits for an earlier step."""
        jobs = chain(self.queue, *(run.sequence.waiting for run in self.runs.values()))
        return next((job for job in jobs if job.request_id == request_id), None)

    def missing(self, request_id: str) -> int | None:
        """The number of the step that has to come before the one that keeps the promise."""
        waiting = (run.sequence for run in self.runs.values() if run.sequence.waiting)
        return next((one.missing for one in waiting if any(job.request_id == request_id for job in one.waiting)), None)

    def afterwards(self, session: Session | None, action: Callable[[], None]) -> None:
        """Have the engine's thread do something when what a session (None: nobody's) has in the queue now is done."""
        self.queue.enter(owner(session), Job(lambda: _acted(action)))

    def discard(self, folder: Path) -> None:
        """Remove what is no checkpoint any more when the work that may have been promised its weights is done."""
        self.store.doom(folder)
        self.queue.enter_last(Job(lambda: _acted(lambda: self.store.remove(folder))))

    def discard_expired(self) -> None:
        """Remove the checkpoints that were found to have expired."""
        for folder in self.store.drain_expired():
            self.discard(folder)

    def settle(self, job: Job, result: Result) -> None:
        """Keep a job's promise."""
        if job.request_id is not None:
            _ = self.reserved.pop(job.request_id, None)
            self.promises.settle(job.request_id, result)
            self._settled.append(job.request_id)
        if job.request_id is not None and job.channel in self.completions:
            self._tell(job.channel, Completion(job.request_id, None if result.failed else len(result.content)))

    def _tell(self, key: str, completion: Completion) -> None:
        """Tell a channel of one more, and forget the oldest that was told to any when there are too many."""
        self._told.append((key, self.completions[key].add(completion)))
        self._settled.append(key)
        if len(self._told) > COMPLETIONS_KEPT:
            oldest, number = self._told.popleft()
            if oldest in self.completions:
                self.completions[oldest].forget(number)

    def abandon(self, jobs: Iterable[Job], reason: str) -> None:
        """Settle promises of work that will never be done."""
        for job in jobs:
            self.settle(job, failed(reason))

    def drain_settled(self) -> list[str]:
        """The promises that were settled since the last call."""
        settled, self._settled = self._settled, []
        return settled


def owner(session: Session | None) -> str:
    """Whose line in the queue the work of a session waits in; samples without a session share one."""
    return "" if session is None else session.session_id


def channel(sampler_id: str, clone: int) -> str:
    """Where one clone of a sampler hears of its samples."""
    return f"{sampler_id}|{clone}"


def failed(reason: str, category: str = "user") -> Result:
    """The result of a promise whose work failed, and whose mistake it was."""
    return Result(encoded({"error": reason, "category": category}), failed=True)


def _acted(action: Callable[[], None]) -> Outcome[Conclude, str]:
    action()
    return done(None)


def done(value: object) -> Outcome[Conclude, str]:
    """A computation whose result is all there is to it."""
    return Success(lambda: value)
