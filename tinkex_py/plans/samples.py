"""Samples: submitted within limits, waited for without any, asked for anew when they were lost. Pure."""

from __future__ import annotations

from math import inf

from msgspec import Struct, field, structs
from returns.result import Failure, Success

from tinkex_py.endpoints.sampling import asample
from tinkex_py.errors import (
    Conflict,
    ConnectionFailed,
    DeadlineExceeded,
    PromiseExpired,
    RequestTimedOut,
    ServerFault,
    Undecodable,
)
from tinkex_py.outcome import Outcome
from tinkex_py.plans.abandonment import Abandonment, attend, heard_out
from tinkex_py.plans.cells import Gate
from tinkex_py.plans.clones import BLOCK
from tinkex_py.plans.dispatch import Dispatch, Limits, dispatched
from tinkex_py.plans.effects import (
    Deadline,
    Expired,
    Plan,
    attempt,
    halt,
    now,
    random_bits,
    require,
    scoped,
    sleep,
    within,
)
from tinkex_py.plans.estimates import estimated
from tinkex_py.plans.polling import MOMENT, Progress, Ticket, Waiting, outcome_of, result_of, stuck
from tinkex_py.plans.retry import Policy, after, backoff, identity
from tinkex_py.plans.sources import Source
from tinkex_py.plans.submission import submitted
from tinkex_py.plans.watching import Watch, fetched, settled
from tinkex_py.request import Pairs, Request
from tinkex_py.types.promises import Completion, Promised
from tinkex_py.types.questions import Question, complete, lacking, misfit
from tinkex_py.types.retries import RetryConfig
from tinkex_py.types.sampling import SampleResponse
from tinkex_py.types.service import ClientConfigResponse

_NO_FLAGS = ClientConfigResponse()
_USUAL = RetryConfig()


class Sampler(Struct, kw_only=True):
    """A source of samples as this client sees it; numbers count from 0, or from the beginning of a clone's block.

    `under_way` limits how many samples are under way at once; `watch` is there when the server wants to be asked for
    all of them together.
    """

    source: Source
    dispatch: Dispatch
    waiting: Waiting
    retry: RetryConfig | None = None
    clone: int = 0
    samples: int = 0
    record_stability_info: bool = False
    anew: bool = True
    under_way: Gate | None = None
    watch: Watch | None = None
    abandonment: Abandonment = field(default_factory=Abandonment)

    def next_number(self) -> int | None:
        """The number of the next sample; samples without a session have none."""
        if self.source.sampling_session_id is None:
            return None
        self.samples += 1
        return self.clone * BLOCK + self.samples - 1


def sampler_of(
    source: Source,
    dispatch: Dispatch,
    waiting: Waiting,
    *,
    flags: ClientConfigResponse = _NO_FLAGS,
    retry: RetryConfig | None = None,
    clone: int = 0,
    abandonment: Abandonment | None = None,
    record_stability_info: bool = False,
) -> Sampler:
    """A sampler built from values: those of its session, of the server's flags and of the caller's wishes."""
    session = source.sampling_session_id if flags.sample_use_retrieve_futures else None
    return Sampler(
        source=source,
        dispatch=dispatch,
        waiting=_own(waiting, flags, retry),
        retry=retry,
        clone=clone,
        record_stability_info=record_stability_info,
        anew=(retry is None or retry.enable_retry_logic) and not flags.sample_no_retries,
        under_way=Gate(_most(flags, retry)) if session is None else None,
        watch=None if session is None else Watch(sampling_session_id=session, clone=clone),
        abandonment=abandonment or Abandonment(),
    )


def sample(
    sampler: Sampler, question: Question, timeout: float = inf, *, anew: bool | None = None
) -> Plan[SampleResponse]:
    """The samples within `timeout` seconds; what the server lost is asked for `anew`, under a new number.

    The caller has made sure that `question.problem()` is None.
    """
    yield from attend(sampler.abandonment)
    longest, course = min(timeout, sampler.waiting.config.promise_timeout), _Course()
    plan = _insist(sampler, question, longest, course, anew=sampler.anew if anew is None else anew)
    admitted = plan if sampler.under_way is None else within(sampler.under_way, 1, plan)
    answer = yield Deadline(longest, admitted)
    if isinstance(answer, Expired):
        return (yield from halt(_overdue(answer.seconds, course)))
    response: SampleResponse = yield from require(scoped(answer))
    missing = lacking(question, response) or _unfit(question, response, course)
    return response if missing is None else (yield from halt(missing))


class _Course(Struct):
    """How far a sample has come: the numbers it was submitted under, where to, and the last one's promise."""

    attempts: int = 0
    endpoint: str | None = None
    promise: str | None = None


def _insist(
    sampler: Sampler, question: Question, longest: float, course: _Course, *, anew: bool
) -> Plan[SampleResponse]:
    """Submit and wait, again and again while the server loses it and there is time."""
    begun = yield from now()
    sampler.waiting.progress.at = max(sampler.waiting.progress.at, begun)
    while True:
        course.attempts += 1
        outcome, lost = yield from _once(sampler, question, begun + longest, course)
        if isinstance(outcome, Success):
            return outcome.unwrap()
        delay = yield from _delay(sampler.retry or _USUAL, course.attempts)
        at = yield from now()
        left = min(begun + longest - at, sampler.waiting.left(begun, at))
        if not (anew and lost) or delay >= left:
            return (yield from halt(after(outcome.failure(), course.attempts, at - begun)))
        yield from sleep(delay)


def _once(
    sampler: Sampler, question: Question, until: float, course: _Course
) -> Plan[tuple[Outcome[SampleResponse], bool]]:
    """The outcome under the sampler's next number, and whether the sample is lost rather than refused.

    However often the submission is sent, the number stays the same.
    """
    request = _asked(sampler, question)
    course.endpoint, course.promise = request.endpoint, None
    headers = yield from identity(request)
    limits = Limits(until=until, quiet=sampler.waiting.config.progress_timeout)
    submission = _Submission(sampler.abandonment, request, headers, until)
    outcome = yield from dispatched(sampler.dispatch, estimated(question.prompt), submission, limits)
    if isinstance(outcome, Failure):
        return outcome, isinstance(outcome.failure(), _LOST)
    ticket = outcome.unwrap()
    course.promise = ticket.request_id
    result = yield from _result(sampler, ticket)
    if isinstance(result, Failure):
        return result, isinstance(result.failure(), PromiseExpired)
    return Success(complete(question, result.unwrap(), ticket.sequence_ids)), False


def _asked(sampler: Sampler, question: Question) -> Request[Promised]:
    """The request for the samples, under the sampler's next number."""
    return asample(
        sampling_session_id=sampler.source.sampling_session_id,
        seq_id=sampler.next_number(),
        base_model=sampler.source.base_model,
        model_path=sampler.source.model_path,
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


class _Submission(Struct, frozen=True, gc=False):
    """A sample's request under one number, with all that each try to submit it needs."""

    abandonment: Abandonment
    request: Request[Promised]
    headers: Pairs
    until: float

    def __call__(self) -> Plan[Ticket]:
        """One try."""
        policy = Policy(seconds=min(_SUBMITTING, self.until - (yield from now())), attempts=None)
        submission = submitted(self.request, "Sample", policy, headers=self.headers)
        return (yield from heard_out(self.abandonment, submission))


def _result(sampler: Sampler, ticket: Ticket) -> Plan[Outcome[SampleResponse]]:
    """The promise's outcome; when the caller gives up first, so does the server."""
    try:
        if sampler.watch is None:
            outcome = yield from outcome_of(ticket, SampleResponse, sampler.waiting)
        else:
            outcome = yield from attempt(_listed_result(sampler.watch, sampler.waiting, ticket))
    except GeneratorExit:
        sampler.abandonment.give_up(ticket.request_id)
        raise
    if isinstance(outcome, Failure) and isinstance(outcome.failure(), DeadlineExceeded):
        sampler.abandonment.give_up(ticket.request_id)
    if sampler.watch is not None:
        yield from fetched(sampler.watch, ticket.request_id, sampler.waiting.billing)
    return outcome


def _listed_result(watch: Watch, waiting: Waiting, ticket: Ticket) -> Plan[SampleResponse]:
    """The result, asked for once the server lists the promise."""
    waiting.progress.at = yield from now()
    completion = yield from _listed(watch, ticket, waiting)
    size = None if completion is None else completion.response_payload_uncompressed_size
    return (yield from result_of(structs.replace(ticket, size=size or None), SampleResponse, waiting))


def _listed(watch: Watch, ticket: Ticket, waiting: Waiting) -> Plan[Completion | None]:
    """What the server lists about the promise, as long as anything moves."""
    begun = yield from now()
    while True:
        left = waiting.left(begun, (yield from now()))
        if left < MOMENT:
            return (yield from halt(stuck(ticket, waiting, (yield from now()) - begun)))
        answer = yield Deadline(left, settled(watch, ticket.request_id, waiting.billing))
        if not isinstance(answer, Expired):
            outcome: Outcome[Completion | None] = scoped(answer)
            return (yield from require(outcome))


def _own(waiting: Waiting, flags: ClientConfigResponse, retry: RetryConfig | None) -> Waiting:
    """A sampler's own measure of progress."""
    seconds = waiting.config.progress_timeout if retry is None else retry.progress_timeout
    detects = flags.sample_enable_stuck_detection and (retry is None or retry.enable_stuck_detection)
    config = structs.replace(waiting.config, progress_timeout=seconds if detects else inf)
    return structs.replace(waiting, config=config, progress=Progress())


def _most(flags: ClientConfigResponse, retry: RetryConfig | None) -> int:
    wish = None if retry is None else retry.max_connections
    return flags.sample_max_concurrent_requests if wish is None else min(wish, flags.sample_max_concurrent_requests)


def _delay(retry: RetryConfig, count: int) -> Plan[float]:
    """Seconds before a lost sample is asked for anew, give or take the jitter."""
    policy = Policy(seconds=inf, first=retry.retry_delay_base, longest=retry.retry_delay_max)
    share = (yield from random_bits()) / 2**63 - 1
    return min(backoff(policy, count) * (1 + retry.jitter_factor * share), retry.retry_delay_max)


def _unfit(question: Question, response: SampleResponse, course: _Course) -> Undecodable | None:
    reason = misfit(question, response)
    if reason is None:
        return None
    return Undecodable(
        message=f"sample: the answer is none to this question: {reason}; tell the server's operators",
        request_id=course.promise,
        endpoint=course.endpoint,
        attempts=course.attempts,
    )


def _overdue(seconds: float, course: _Course) -> DeadlineExceeded:
    return DeadlineExceeded(
        message=f"sample: not done within {seconds:g} s; allow more with timeout=, or ask for less at once",
        request_id=course.promise,
        endpoint=course.endpoint,
        attempts=course.attempts,
        elapsed=seconds,
        seconds=seconds,
    )


_LOST = (ConnectionFailed, ServerFault, RequestTimedOut, Conflict, DeadlineExceeded)
"""After these it is not known whether the server took a submission."""
_SUBMITTING = 300.0
"""Seconds for which one number is submitted again before the sample is taken to be lost."""
