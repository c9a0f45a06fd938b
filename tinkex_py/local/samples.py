"""Sampling sessions and samples."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from returns.result import Failure, Success

from tinkex_py.local import bodies, engine
from tinkex_py.local.answers import answer, refusal, unprocessable
from tinkex_py.local.arrays import places_of, tokens_of
from tinkex_py.local.checkpoint import load_checkpoint
from tinkex_py.local.incoming import Incoming
from tinkex_py.local.records import RunRecord
from tinkex_py.local.sequence import Accepted
from tinkex_py.local.state import Conclude, Job, Sampler, Session, State, channel, owner
from tinkex_py.local.steps import promised
from tinkex_py.local.store import Stored
from tinkex_py.outcome import Outcome, change, then
from tinkex_py.request import Reply
from tinkex_py.types.sampling import PromptAltTokens, SampledSequence, SampleResponse
from tinkex_py.types.tensor import TensorData

T = TypeVar("T")

CLONE_BLOCK = 10**9
"""A clone of a sampler numbers its samples from its own number times this."""
LONGEST_QUEUE = 10_000
"""Pieces of a session's work in the queue from which on its samples are to come later."""


def create_sampling_session(state: State, body: bodies.CreateSamplingSession, request: Incoming) -> Reply:
    """POST /api/v1/create_sampling_session"""
    match state.session(body.session_id):
        case Success(session):
            number = session.samplers.next if body.sampling_session_seq_id is None else body.sampling_session_seq_id
            return _opened(state, session, number, body, request.fingerprint)
        case Failure(refused):
            return refused


def _opened(
    state: State, session: Session, number: int, body: bodies.CreateSamplingSession, fingerprint: bytes
) -> Reply:
    sampler_id = f"{session.session_id}:sample:{number}"
    accepted = session.samplers.accepted(number)
    if accepted is not None and accepted.fingerprint != fingerprint:
        return refusal(409, f"sampling_session_seq_id {number} was used before in this session")
    if accepted is None:
        match _sampler(state, sampler_id, session, body.base_model, body.model_path):
            case Success(sampler):
                session.samplers.enter(number, Accepted(fingerprint, ""))
                session.sampler_ids.append(sampler_id)
                state.samplers[sampler_id] = sampler
            case Failure(refused):
                return refused
    return answer({"sampling_session_id": sampler_id})


def _sampler(
    state: State, sampler_id: str, session: Session | None, base_model: str | None, model_path: str | None
) -> Outcome[Sampler, Reply]:
    """A sampler whose weights come with the next work, so that nothing later moves them."""
    if model_path is not None:
        found = state.checkpoint(model_path, "model_path")
        return then(found, lambda each: _of_checkpoint(state, sampler_id, session, *each, base_model))
    if base_model is None:
        return Failure(unprocessable(("body", "base_model"), "name a base_model or a model_path", "missing"))
    problem = engine.base_problem(base_model)
    if problem is not None:
        return Failure(refusal(404, problem))
    state.afterwards(session, lambda: _load(state, sampler_id, base_model, None))
    return Success(Sampler(sampler_id, base_model, None, session))


def _of_checkpoint(
    state: State, sampler_id: str, session: Session | None, stored: Stored, run: RunRecord, base_model: str | None
) -> Outcome[Sampler, Reply]:
    path = stored.record.id.path
    if base_model not in {None, run.base_model}:
        return Failure(unprocessable(("body", "base_model"), f"{path} is of {run.base_model}"))
    state.afterwards(session, lambda: _load(state, sampler_id, run.base_model, stored.folder))
    return Success(Sampler(sampler_id, run.base_model, path, session))


def _load(state: State, sampler_id: str, base_model: str, folder: Path | None) -> None:
    if folder is None:
        weights = change(engine.load_base(base_model), engine.base_sampler)
        state.shelf.put_ready(sampler_id, weights)
        return
    match load_checkpoint(folder, optimizer=False):
        case Success(model):
            state.shelf.put(sampler_id, model)
        case Failure() as failure:
            state.shelf.put_ready(sampler_id, failure)


def get_sampler(state: State, sampler_id: str) -> Reply:
    """GET /api/v1/samplers/{sampler_id}"""
    sampler = state.samplers.get(sampler_id)
    if sampler is None:
        return refusal(404, f"there is no sampler {sampler_id!r}")
    return answer(
        {"sampler_id": sampler_id, "base_model": sampler.base_model}
        | ({} if sampler.model_path is None else {"model_path": sampler.model_path})
    )


def asample(state: State, body: bodies.Sample, request: Incoming) -> Reply:
    """POST /api/v1/asample: from a sampling session, or directly from a base model or a checkpoint"""
    named = body.sampling_session_id
    found: Outcome[Sampler | None, Reply] = Success(None) if named is None else state.sampler(named)
    match then(found, lambda sampler: _ready(state, body, sampler)):
        case Success(sampler):
            return _sampled(state, sampler, body, None if named is None else body.seq_id, request.fingerprint)
        case Failure(refused):
            return refused


def _ready(state: State, body: bodies.Sample, sampler: Sampler | None) -> Outcome[Sampler, Reply]:
    """The sampler, or a new one for this sample; 429 when too much of its session's work waits already."""
    waiting = state.queue.waiting(owner(None if sampler is None else sampler.session))
    if waiting >= LONGEST_QUEUE:
        return Failure(refusal(429, f"{waiting} pieces of your work wait for the engine", {"retry-after": "1"}))
    return _nameless(state, body) if sampler is None else Success(sampler)


def _nameless(state: State, body: bodies.Sample) -> Outcome[Sampler, Reply]:
    """A sampler for one sample."""
    return _sampler(state, f"{state.name}:once:{state.promises.issued}", None, body.base_model, body.model_path)


def _sampled(state: State, sampler: Sampler, body: bodies.Sample, number: int | None, fingerprint: bytes) -> Reply:
    accepted = None if number is None else state.samples.accepted((sampler.sampler_id, number))
    if accepted is not None and accepted.fingerprint != fingerprint:
        return refusal(409, f"seq_id {number} was used before in this sampling session")
    if accepted is not None:
        return promised(accepted.request_id, samples=body.num_samples)
    request_id = state.promises.make()
    told = None if sampler.session is None else channel(sampler.sampler_id, (number or 0) // CLONE_BLOCK)
    job = Job(lambda: _computed(state, sampler, body, seed), request_id, told, lambda: _withdrawn(state, sampler))
    if told is not None:
        _ = state.completions_of(told)
    seed = _seed(state.seed, request_id) if body.sampling_params.seed is None else body.sampling_params.seed
    if number is not None:
        state.samples.enter((sampler.sampler_id, number), Accepted(fingerprint, request_id))
    state.queue.enter(owner(sampler.session), job)
    return promised(request_id, samples=body.num_samples)


def _computed(state: State, sampler: Sampler, body: bodies.Sample, seed: int) -> Outcome[Conclude, str]:
    found = then(state.shelf.take(sampler.sampler_id), lambda weights: _continued(weights, body, seed))
    if sampler.session is None:
        state.shelf.remove((sampler.sampler_id,))
    return change(found, lambda output: lambda: _counted(state, sampler, body, output))


def _withdrawn(state: State, sampler: Sampler) -> None:
    """A sampler that was made for the one sample goes with it."""
    if sampler.session is None:
        state.afterwards(None, lambda: state.shelf.remove((sampler.sampler_id,)))


def _counted(state: State, sampler: Sampler, body: bodies.Sample, output: SampleResponse) -> SampleResponse:
    """The output, its tokens entered into the usage."""
    session_id = None if sampler.session is None else sampler.session.session_id
    prompt = sum(len(chunk.tokens or ()) for chunk in body.prompt.chunks)
    sampled = sum(len(one.tokens) for one in output.sequences)
    state.usage.count("sampling_prefill", session_id, sampler.base_model, prompt)
    state.usage.count("sampling_sample", session_id, sampler.base_model, sampled)
    return output


def _seed(seed: int, request_id: str) -> int:
    """A seed for a sample that was given none: another for every request, the same for the same server's seed."""
    return int.from_bytes(sha256(f"{seed} {request_id}".encode()).digest()[:8], "little")


def _continued(weights: engine.SamplerWeights, body: bodies.Sample, seed: int) -> Outcome[SampleResponse, str]:
    return change(
        then(_options(body.sampling_params, seed), lambda options: _from_engine(weights, body, options)),
        lambda output: _wire_output(output, body),
    )


def _options(params: bodies.SamplingParams, seed: int) -> Outcome[engine.SamplingOptions, str]:
    match _stop(params.stop):
        case Success(stop):
            return Success(
                engine.SamplingOptions(
                    max_tokens=params.max_tokens,
                    temperature=params.temperature,
                    top_k=params.top_k,
                    top_p=params.top_p,
                    stop=stop,
                    seed=seed,
                )
            )
        case Failure() as failure:
            return failure


def _stop(stop: str | Sequence[str | int] | None) -> Outcome[str | tuple[str, ...] | tuple[int, ...] | None, str]:
    if stop is None or isinstance(stop, str):
        return Success(stop)
    texts = tuple(item for item in stop if isinstance(item, str))
    ids = tuple(item for item in stop if isinstance(item, int))
    if texts and ids:
        return Failure("stop is a text, a list of texts or a list of token ids, not a mixture")
    return Success(texts or ids)


def _from_engine(
    weights: engine.SamplerWeights, body: bodies.Sample, options: engine.SamplingOptions
) -> Outcome[engine.SampleOutput, str]:
    return then(
        tokens_of(body.prompt, "prompt"),
        lambda prompt: then(
            _targets(body.target_prompt_logprobs),
            lambda targets: engine.sample(
                weights,
                prompt,
                options,
                num_samples=body.num_samples,
                prompt_logprobs=bool(body.prompt_logprobs),
                topk_prompt_logprobs=body.topk_prompt_logprobs or 0,
                topk_sample_logprobs=body.topk_sample_logprobs or 0,
                targets=targets,
                alternatives=body.prompt_alt_tokens_k or 0,
            ),
        ),
    )


def _targets(tensor: bodies.Tensor | None) -> Outcome[engine.PromptTargets | None, str]:
    """The tokens asked about; of a sparse tensor only those that it lists."""
    if tensor is None:
        return Success(None)
    match places_of(tensor):
        case Success((rows, places, tokens)):
            return Success(engine.PromptTargets(rows=rows, places=places, tokens=tokens))
        case Failure(reason):
            return Failure(f"target_prompt_logprobs: {reason}")


def _wire_output(output: engine.SampleOutput, body: bodies.Sample) -> SampleResponse:
    sequences = tuple(
        SampledSequence(
            stop_reason=one.stop_reason, tokens=one.tokens, logprobs=one.logprobs, topk_logprobs=one.topk_logprobs
        )
        for one in output.sequences
    )
    return SampleResponse(
        sequences=sequences,
        prompt_logprobs=_masked(output.prompt_logprobs, body.prompt_logprobs_last_n),
        topk_prompt_logprobs=_masked(output.topk_prompt_logprobs, body.prompt_logprobs_last_n),
        target_prompt_logprobs=_target_logprobs(output, body.target_prompt_logprobs),
        prompt_alt_tokens=None if output.alternatives is None else _alternatives(output.alternatives),
    )


def _target_logprobs(output: engine.SampleOutput, asked: bodies.Tensor | None) -> TensorData | None:
    """The log-probabilities in the form that the tokens were asked about in."""
    if output.target_logprobs is None or asked is None:
        return None
    return TensorData(
        output.target_logprobs, "float32", asked.shape, asked.sparse_crow_indices, asked.sparse_col_indices
    )


def _alternatives(found: engine.Alternatives) -> PromptAltTokens:
    return PromptAltTokens(tokens=TensorData(found.tokens, "int64"), logprobs=TensorData(found.logprobs, "float32"))


def _masked(rows: tuple[T | None, ...] | None, last: int | None) -> tuple[T | None, ...] | None:
    """Only the last ones, when so many were asked for; the others are None."""
    if rows is None or last is None:
        return rows
    hidden = max(0, len(rows) - last)
    return (*(None for _ in range(hidden)), *rows[hidden:])
