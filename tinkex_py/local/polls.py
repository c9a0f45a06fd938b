"""Questions for the results of promises, one at a time and a sampler's together, and the cancelling of samples."""

from __future__ import annotations

from returns.result import Failure, Success

from tinkex_py.local import bodies
from tinkex_py.local.answers import NOT_READY, answer, encoded_answer, nothing, refusal
from tinkex_py.local.completions import Completion
from tinkex_py.local.incoming import Answer, Held, Incoming
from tinkex_py.local.promises import Result
from tinkex_py.local.state import State, channel, failed
from tinkex_py.request import Reply
from tinkex_py.wire.protobuf.requests import CONTENT_TYPE as PROTOBUF

LARGE = 1 << 20
"""Bytes from which on a result's size is told before it is sent."""
BUSY = 64
"""Pieces of work in the queue from which on a question that was held in vain is told so."""


def retrieve_future(state: State, body: bodies.RetrieveFuture, request: Incoming) -> Answer:
    """POST /api/v1/retrieve_future: Held while the work is not done"""
    match state.promises.standing(body.request_id):
        case "pending":
            return Held(body.request_id, _pending(state, body.request_id))
        case "forgotten":
            return refusal(410, f"the result of {body.request_id!r} is not kept any more")
        case "unknown":
            lost = "work that was given to an earlier server is lost"
            return refusal(404, f"there is no promise {body.request_id!r}; {lost}")
        case Result(content) if body.allow_metadata_only and len(content) >= LARGE:
            return answer({"status": "complete_metadata", "response_payload_size": len(content)})
        case Result(content, protobuf=protobuf):
            accepted = request.header("accept") or ""
            return encoded_answer(content) if protobuf is None or PROTOBUF not in accepted else _in_protobuf(protobuf)


def _in_protobuf(content: bytes) -> Reply:
    return Reply(status=200, headers=(("content-type", PROTOBUF),), body=content)


def _pending(state: State, request_id: str) -> Reply:
    """What a question is answered that was held in vain: 408, or try_again with the length of a long queue."""
    missing = state.missing(request_id)
    if missing is not None:
        reason = f"the model's step {missing} comes first, and it has not come"
        return answer({"queue_state": "active", "queue_state_reason": reason}, 408)
    if len(state.queue) < BUSY:
        return NOT_READY
    return answer(
        {
            "type": "try_again",
            "request_id": request_id,
            "queue_state": "paused_capacity",
            "queue_state_reason": f"{len(state.queue)} pieces of work wait for the engine",
        }
    )


def retrieve_futures(state: State, body: bodies.RetrieveFutures) -> Answer:
    """POST /api/v1/retrieve_futures: Held while nothing new is settled, unless the question has no time for that"""
    match state.sampler(body.target.sampling_session_id):
        case Success(sampler):
            return _completions(state, channel(sampler.sampler_id, body.target.cloned_sampler_id), body)
        case Failure(refused):
            return refused


def _completions(state: State, key: str, body: bodies.RetrieveFutures) -> Answer:
    for request_id in body.retrieved_request_ids or ():
        state.promises.forget(request_id)
    completions = state.completions_of(key)
    found = completions.after(body.prev_cursor)
    told = answer({"completions": [_told(one) for one in found], "cursor": max(completions.cursor, body.prev_cursor)})
    return told if found or body.timeout == 0 else Held(key, told, body.timeout)


def _told(completion: Completion) -> dict[str, object]:
    if completion.size is None:
        return {"state": "failed", "request_id": completion.request_id}
    return {
        "state": "finished",
        "request_id": completion.request_id,
        "response_payload_uncompressed_size": completion.size,
    }


def cancel_future(state: State, body: bodies.OfPromise) -> Reply:
    """POST /api/v1/cancel_future: a sample that is still in the queue is taken out, one that is begun goes on"""
    if state.promises.standing(body.request_id) == "unknown":
        return refusal(404, f"there is no promise {body.request_id!r}")
    job = state.unbegun(body.request_id)
    if job is None:
        return nothing()
    if job.withdrawn is None:
        return refusal(400, "a training step can't be cancelled: the steps after it count on it")
    state.queue.remove(job)
    state.settle(job, failed("the sample was cancelled"))
    job.withdrawn()
    return nothing()


def join_sampling_session(state: State, body: bodies.OfSampler) -> Reply:
    """POST /api/v1/join_sampling_session: a number of its own for a clone of a sampler, from 1"""
    match state.sampler(body.sampling_session_id):
        case Success(sampler):
            sampler.clones += 1
            return answer({"client_counter": sampler.clones})
        case Failure(refused):
            return refused
