"""The table of endpoints: which function answers which method and path, with what body. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.local import accounts, batches, bodies, catalog, creation, files, polls, samples, sessions, steps
from tinkex_py.local.answers import answer, refusal
from tinkex_py.local.incoming import LARGEST_BODY, Answer, Incoming
from tinkex_py.local.records import parse_path
from tinkex_py.local.state import State
from tinkex_py.local.store import Stored
from tinkex_py.outcome import Outcome
from tinkex_py.request import Reply
from tinkex_py.types.paths import SCHEME

T = TypeVar("T")

Prepared: TypeAlias = Callable[[State], Answer]
"""A request whose body has been read: what is left to do needs the state."""
Action: TypeAlias = Callable[[Incoming, tuple[str, ...]], Prepared]
"""Reads a request; the texts are the parts of the path that its pattern leaves open."""
Read: TypeAlias = Callable[[Incoming], Outcome[T, Reply]]

LIMITS = {
    "parallel_fwdbwd_chunks": True,
    "fwdbwd_max_chunk_len": 1024,
    "fwdbwd_max_chunk_bytes_count": 5_000_000,
}
"""What a client may send at once, as `client/config` says it."""
DYNAMIC = {"refresh_interval_sec": 300, "sample_cancel_enabled": True}


def always(value: object) -> Action:
    """The same answer whatever is asked."""
    reply = answer(value)
    return lambda _request, _open: lambda _state: reply


def asking(act: Callable[[State, Incoming], Answer]) -> Action:
    """A question whose query matters."""
    return lambda request, _open: lambda state: act(state, request)


def about(act: Callable[[State, str], Answer]) -> Action:
    """A question about the one thing that the path names."""
    return lambda _request, opened: lambda state: act(state, opened[0])


def asking_about(act: Callable[[State, str, Incoming], Answer]) -> Action:
    """A question about the one thing that the path names, whose headers matter."""
    return lambda request, opened: lambda state: act(state, opened[0], request)


def on_state(act: Callable[[State], Answer]) -> Action:
    """A question that needs nothing but the state."""
    return lambda _request, _open: act


def posting(form: TypeForm[T], act: Callable[[State, T], Answer], most: int = bodies.SMALL) -> Action:
    """A command with a body of so many bytes."""
    return lambda request, _open: _read(form, request, act, most)


def posting_whole(form: TypeForm[T], act: Callable[[State, T, Incoming], Answer], most: int = bodies.SMALL) -> Action:
    """A command with a body of so many bytes, where the rest of the request matters too: its fingerprint, say."""
    return lambda request, _open: _read(form, request, lambda state, body: act(state, body, request), most)


def posting_about(form: TypeForm[T], act: Callable[[State, str, T], Answer]) -> Action:
    """A command with a body, about the one thing that the path names."""
    return lambda request, opened: _read(form, request, lambda state, body: act(state, opened[0], body))


def posting_about_checkpoint(form: TypeForm[T], act: Callable[[State, Stored, T], Answer]) -> Action:
    """A command with a body, about the checkpoint that the path names."""

    def prepare(request: Incoming, opened: tuple[str, ...]) -> Prepared:
        return _read(form, request, lambda state, body: _found(state, opened, lambda stored: act(state, stored, body)))

    return prepare


def _read(
    form: TypeForm[T], request: Incoming, act: Callable[[State, T], Answer], most: int = bodies.SMALL
) -> Prepared:
    match bodies.read(form, request.body, most):
        case Success(body):
            return lambda state: act(state, body)
        case Failure(refused):
            return _refusing(refused)


def stepping(read: Read[T], act: Callable[[State, T, Incoming], Answer]) -> Action:
    """A numbered step: when its body can't be read, its number is free again."""

    def prepare(request: Incoming, _open: tuple[str, ...]) -> Prepared:
        match read(request):
            case Success(body):
                return lambda state: act(state, body, request)
            case Failure(refused):
                return lambda state: steps.refused_step(state, request, refused)

    return prepare


def reading(form: TypeForm[T]) -> Read[T]:
    """A body that is JSON in every vintage."""
    return lambda request: bodies.read(form, request.body)


def on_checkpoint(act: Callable[[State, Stored], Answer]) -> Action:
    """Something done to the checkpoint that the path names."""
    return lambda _request, opened: lambda state: _found(state, opened, lambda stored: act(state, stored))


def of_checkpoint(act: Callable[[State, Stored, Incoming], Answer]) -> Action:
    """A question about the checkpoint that the path names, whose headers matter."""
    return lambda request, opened: lambda state: _found(state, opened, lambda stored: act(state, stored, request))


def _found(state: State, opened: tuple[str, ...], act: Callable[[Stored], Answer]) -> Answer:
    """What is done with the checkpoint whose run, kind and name the path has; 404 without one."""
    path = SCHEME + "/".join(opened)
    checkpoint = parse_path(path)
    stored = None if checkpoint is None else state.store.find(checkpoint, state.now())
    return refusal(404, f"there is no checkpoint {path}") if stored is None else act(stored)


def client_config(state: State) -> Answer:
    """POST /api/v1/client/config"""
    return answer({**LIMITS, **state.limits, "pjwt_auth_enabled": state.exchanges_keys})


OPEN = "*"
"""A part of a path that any text fits."""
_CHECKPOINT = f"training_runs/{OPEN}/checkpoints/{OPEN}/{OPEN}"

_TABLE: Mapping[str, Mapping[str, Action]] = {
    "healthz": {"GET": always({"status": "ok"})},
    "get_server_capabilities": {"GET": always(catalog.capabilities())},
    "client/config": {"POST": on_state(client_config)},
    "client/dynamic_config": {"POST": always(DYNAMIC)},
    "auth/token": {"POST": on_state(accounts.token)},
    "auth/apikey/me": {"GET": always(accounts.api_key()), "DELETE": on_state(accounts.revoke)},
    "telemetry": {"POST": always({"status": "accepted"})},
    "create_session": {"POST": posting(bodies.CreateSession, sessions.create_session)},
    "session_heartbeat": {"POST": posting(bodies.OfSession, sessions.session_heartbeat)},
    "create_custom_loss": {"POST": posting(bodies.CreateCustomLoss, creation.create_custom_loss, LARGEST_BODY)},
    "create_model": {"POST": posting_whole(bodies.CreateModel, creation.create_model)},
    "get_info": {"POST": posting(bodies.OfModel, creation.get_info)},
    "unload_model": {"POST": posting(bodies.OfModel, creation.unload_model)},
    "weights_info": {"POST": posting(bodies.WeightsInfo, catalog.weights_info)},
    "forward": {"POST": stepping(batches.read_forward, steps.train)},
    "forward_backward": {"POST": stepping(batches.read_forward_backward, steps.train)},
    "optim_step": {"POST": stepping(reading(bodies.OptimStep), steps.optim_step)},
    "save_weights": {"POST": stepping(reading(bodies.SaveWeights), steps.save_weights)},
    "save_weights_for_sampler": {"POST": stepping(reading(bodies.SaveWeights), steps.save_weights_for_sampler)},
    "save_weights_external": {"POST": stepping(reading(bodies.SaveWeights), steps.save_weights_external)},
    "copy_weights": {"POST": posting(bodies.CopyWeights, catalog.copy_weights)},
    "load_weights": {"POST": stepping(reading(bodies.LoadWeights), creation.load_weights)},
    "create_sampling_session": {"POST": posting_whole(bodies.CreateSamplingSession, samples.create_sampling_session)},
    "asample": {"POST": posting_whole(bodies.Sample, samples.asample, LARGEST_BODY)},
    "join_sampling_session": {"POST": posting(bodies.OfSampler, polls.join_sampling_session)},
    "retrieve_future": {"POST": posting_whole(bodies.RetrieveFuture, polls.retrieve_future)},
    "retrieve_futures": {"POST": posting(bodies.RetrieveFutures, polls.retrieve_futures)},
    "cancel_future": {"POST": posting(bodies.OfPromise, polls.cancel_future)},
    f"samplers/{OPEN}": {"GET": about(samples.get_sampler)},
    "training_runs": {"GET": asking(catalog.training_runs)},
    f"training_runs/{OPEN}": {"GET": about(catalog.training_run)},
    f"training_runs/{OPEN}/checkpoints": {"GET": about(catalog.run_checkpoints)},
    "checkpoints": {"GET": asking(catalog.checkpoints)},
    _CHECKPOINT: {"DELETE": on_checkpoint(catalog.delete_checkpoint)},
    f"{_CHECKPOINT}/publish": {
        "POST": on_checkpoint(catalog.publish),
        "DELETE": on_checkpoint(catalog.unpublish),
    },
    f"{_CHECKPOINT}/ttl": {"PUT": posting_about_checkpoint(bodies.TimeToLive, catalog.set_ttl)},
    f"{_CHECKPOINT}/archive": {"GET": of_checkpoint(files.archive)},
    f"{_CHECKPOINT}/external_weights_urls": {"GET": of_checkpoint(files.external_weights_urls)},
    f"files/{OPEN}/{OPEN}": {"GET": asking_about(files.download)},
    "sessions": {"GET": asking(sessions.sessions)},
    "sessions/search": {"POST": posting(bodies.SearchSessions, sessions.search_sessions)},
    f"sessions/{OPEN}": {"GET": about(sessions.session_info)},
    f"sessions/{OPEN}/finish": {"POST": posting_about(bodies.FinishSession, sessions.finish_session)},
    f"sessions/{OPEN}/project": {"PUT": posting_about(bodies.OfProject, sessions.set_project)},
    f"sessions/{OPEN}/trace_export": {"GET": asking_about(sessions.trace_export)},
    "audit": {"GET": asking(accounts.audit)},
    "billing/usage/events": {"GET": asking(accounts.usage_events)},
    "billing/usage/checkpoints/current": {"GET": asking(accounts.storage)},
}

REPEATABLE = frozenset(
    ("api", "v1", *name.split("/"))
    for name in (
        "retrieve_future",
        "retrieve_futures",
        "session_heartbeat",
        "telemetry",
        "get_info",
        "weights_info",
        "auth/token",
        "sessions/search",
    )
)
"""Posts that change nothing: their answers are not kept for repeats, so a large result is not held twice."""

_PATTERNS: Mapping[tuple[str, ...], Mapping[str, Action]] = {
    ("api", "v1", *pattern.split("/")): methods for pattern, methods in _TABLE.items()
}


def endpoints() -> Iterator[tuple[str, str]]:
    """Every method and path there is, `*` for what is left open."""
    return ((method, "/".join(("", *pattern))) for pattern, methods in _PATTERNS.items() for method in methods)


def prepare(request: Incoming) -> Prepared:
    """Find what answers the request, and read its body: 404 for an unknown path, 405 for a wrong method."""
    segments = request.segments
    pattern = segments if segments in _PATTERNS else _fitting(segments)
    if pattern is None:
        return _refusing(refusal(404, f"there is no {request.path[:200]}"))
    action = _PATTERNS[pattern].get(request.method)
    if action is None:
        allowed = ", ".join(_PATTERNS[pattern])
        return _refusing(refusal(405, f"this path answers {allowed}", {"allow": allowed}))
    opened = tuple(part for part, wanted in zip(segments, pattern, strict=True) if wanted == OPEN)
    return action(request, opened)


def _fitting(segments: tuple[str, ...]) -> tuple[str, ...] | None:
    return next((pattern for pattern in _PATTERNS if _fits(pattern, segments)), None)


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(
        wanted == part or (wanted == OPEN and part != "") for wanted, part in zip(pattern, segments, strict=True)
    )


def _refusing(refused: Reply) -> Prepared:
    return lambda _state: refused
