"""Samples: submitted within a limit, waited for without one. Pure."""

from __future__ import annotations

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.endpoints.sampling import asample
from tinkex_py.errors import PromiseExpired
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.effects import Plan, attempt, halt, within
from tinkex_py.plans.polling import Ticket, Waiting, result_of
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.submission import submitted
from tinkex_py.types.questions import Question, complete, lacking
from tinkex_py.types.sampling import SampleResponse


class Sampler(Struct, kw_only=True):
    """A sampling session as this client sees it; numbers count from 0."""

    sampling_session_id: str
    dispatch: Gate
    waiting: Waiting
    samples: int = 0
    record_stability_info: bool = False


def sample(sampler: Sampler, question: Question) -> Plan[SampleResponse]:
    """The samples; a promise that the server lost is asked for anew, under a new number."""
    found = question.problem()
    if found is not None:
        return (yield from halt(found))
    while True:
        ticket = yield from within(sampler.dispatch, 1, _submit(sampler, question))
        match (yield from attempt(result_of(ticket, SampleResponse, sampler.waiting))):
            case Success(response):
                return (yield from _answer(question, complete(question, response, ticket.sequence_ids)))
            case Failure(PromiseExpired()):
                continue
            case Failure(error):
                return (yield from halt(error))


def _answer(question: Question, response: SampleResponse) -> Plan[SampleResponse]:
    missing = lacking(question, response)
    return response if missing is None else (yield from halt(missing))


def _submit(sampler: Sampler, question: Question) -> Plan[Ticket]:
    number = sampler.samples
    sampler.samples += 1
    request = asample(
        sampling_session_id=sampler.sampling_session_id,
        seq_id=number,
        prompt=question.prompt,
        num_samples=question.num_samples,
        sampling_params=question.sampling_params,
        include_prompt_logprobs=question.include_prompt_logprobs,
        topk_prompt_logprobs=question.topk_prompt_logprobs,
        topk_sample_logprobs=question.topk_sample_logprobs,
        target_prompt_logprobs=question.target_prompt_logprobs,
        prompt_alt_tokens_k=question.prompt_alt_tokens_k,
        prompt_logprobs_last_n=question.prompt_logprobs_last_n,
        record_stability_info=question.record_stability_info,
    )
    policy = Policy(seconds=sampler.waiting.config.progress_timeout, attempts=None)
    return (yield from submitted(request, "Sample", policy))
