"""The embedded server: a request in, an answer out, and work for the engine in between. No socket, thread or clock.

`handle` answers at once; `work` carries out one piece of what was submitted. The two may be called from two threads
when a lock is given, which is never held while the engine computes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from errno import EMFILE, ENFILE
from hmac import compare_digest
from pathlib import Path
from typing import TypeAlias

from returns.result import Failure, Success

from tinkex_py.local.answers import encoded, refusal
from tinkex_py.local.incoming import Answer, Incoming, plain
from tinkex_py.local.promises import Result
from tinkex_py.local.routes import REPEATABLE, prepare
from tinkex_py.local.state import Job, State, failed
from tinkex_py.local.store import Store
from tinkex_py.request import Reply
from tinkex_py.types.raised import in_words
from tinkex_py.types.sampling import SampleResponse
from tinkex_py.types.training import ForwardBackwardOutput
from tinkex_py.wire.protobuf import outputs

REMEMBERED_KEYS = 4096
"""Idempotency keys whose answers are kept."""
TOKEN_SECONDS = 3600
OPEN_TO_ALL = ("/api/v1/healthz", "/api/v1/files/")
"""Where no key is needed: what is below files has a signature of its own."""
_PASSING = frozenset({EMFILE, ENFILE})
"""What is over when others close their connections."""

Key: TypeAlias = "tuple[str, tuple[str, ...], str]"


class Server:
    """Sessions, models, samplers and checkpoints below `directory` (None: a temporary folder, deleted by `close`).

    `now` gives seconds since 1970 and `seed` makes the ids, so that the same requests get the same answers.
    `on_settled` is called with each key that a question may be held for when there is news of it, by the thread that
    brought it. With an `api_key`, requests
    have to carry it, or a token that it was exchanged for; with `token_seconds`, a token's lifetime, clients are told
    to exchange it. `limits` are flags of `client/config` in the place of the usual ones.
    """

    def __init__(
        self,
        *,
        now: Callable[[], float],
        directory: Path | None = None,
        seed: int = 0,
        lock: AbstractContextManager[object] | None = None,
        on_settled: Callable[[str], None] | None = None,
        api_key: str | None = None,
        token_seconds: int | None = None,
        limits: Mapping[str, object] | None = None,
    ) -> None:
        self._store = Store(directory)
        self._lock = nullcontext() if lock is None else lock
        self._state = State(self._store, seed, now, self._lock)
        self._state.limits = limits or {}
        self._state.exchanges_keys = token_seconds is not None
        self._state.token_seconds = TOKEN_SECONDS if token_seconds is None else token_seconds
        self._on_settled = on_settled
        self._api_key = api_key
        self._answered: OrderedDict[Key, Reply] = OrderedDict()

    @property
    def directory(self) -> Path:
        """Where the checkpoints are."""
        return self._store.directory

    def handle(self, request: Incoming) -> Answer:
        """The answer; Held when it is the result of work that isn't done."""
        refused = self._refused(request)
        if refused is not None:
            return refused
        match plain(request):
            case Success(readable):
                return self._handled(readable)
            case Failure(unreadable):
                return unreadable

    def work(self) -> bool:
        """Carry out the next piece of work; False when there is none."""
        with self._lock:
            job = self._state.queue.take()
        if job is None:
            return False
        result = self._carried_out(job)
        with self._lock:
            self._state.settle(job, result)
            settled = self._state.drain_settled()
        self._announce(settled)
        return True

    def news(self, key: str) -> bool:
        """Whether a question that was held for this key would be answered now."""
        with self._lock:
            return self._state.news(key)

    def close(self) -> None:
        """Delete what was still to be removed, and the temporary folder, if there is one."""
        self._store.close()

    def _refused(self, request: Incoming) -> Reply | None:
        given = request.header("x-api-key") or (request.header("authorization") or "").removeprefix("Bearer ")
        if self._api_key is None or request.path.startswith(OPEN_TO_ALL):
            return None
        return None if compare_digest(given.encode("utf-8", "replace"), self._api_key.encode()) else self._token(given)

    def _token(self, given: str) -> Reply | None:
        """None for a token that was exchanged for the key and is still good."""
        match self._state.signer.claims(given, self._state.now()):
            case Success({"aud": "api"}):
                return None
            case Failure("expired"):
                return refusal(401, "the token has expired", {"www-authenticate": 'Bearer error="invalid_token"'})
            case _:
                return refusal(401, "the X-API-Key header does not hold this server's key")

    def _handled(self, request: Incoming) -> Answer:
        key = _key(request)
        with self._lock:
            repeated = None if key is None else self._answered.get(key)
        if repeated is not None:
            return repeated
        prepared = prepare(request)
        try:
            with self._lock:
                self._state.sweep()
                found = prepared(self._state)
                self._state.discard_expired()
                self._remember(key, found)
                settled = self._state.drain_settled()
        except OSError as error:
            # A folder that can't be written, or is full, is so a second later too.
            lasting = error.errno not in _PASSING
            return refusal(500, f"the server's folder: {error}", {"x-should-retry": "false"} if lasting else {})
        self._announce(settled)
        return found

    def _remember(self, key: Key | None, found: Answer) -> None:
        if key is not None and isinstance(found, Reply) and 200 <= found.status < 300:
            self._answered[key] = found
            if len(self._answered) > REMEMBERED_KEYS:
                _ = self._answered.popitem(last=False)

    def _carried_out(self, job: Job) -> Result:
        """The promise's result. A mistake in the engine ends this one promise and nothing else."""
        try:
            match job.compute():
                case Success(conclude):
                    with self._lock:
                        result = conclude()
                    return Result(encoded(result), protobuf=_in_protobuf(result))
                case Failure(reason):
                    return failed(reason)
        except Exception as error:  # noqa: BLE001
            return failed(in_words(error), "server")

    def _announce(self, settled: list[str]) -> None:
        if self._on_settled is not None:
            for request_id in settled:
                self._on_settled(request_id)


def _in_protobuf(result: object) -> bytes | None:
    """The result in that form, if it has one."""
    return outputs.encode(result) if isinstance(result, (ForwardBackwardOutput, SampleResponse)) else None


def _key(request: Incoming) -> Key | None:
    """What a repeat of the request is recognized by: its method, its path and its idempotency key."""
    key = request.header("x-idempotency-key")
    if not key or request.method == "GET" or request.segments in REPEATABLE:
        return None
    return (request.method, request.segments, key)
