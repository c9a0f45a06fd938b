"""What has to hold of every story; each law yields a sentence for each way in which it is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias
from urllib.parse import unquote

from msgspec import structs
from returns.result import Failure, Success

from property_tests.simulation.programs import SECRET, Story, Taken, leaps, marks, play
from property_tests.simulation.schedules import Act, Schedule
from tinkex_py.errors import (
    Cancelled,
    ClientClosed,
    ConnectionFailed,
    DeadlineExceeded,
    NotFound,
    OutOfSequence,
    PromiseExpired,
    RequestCause,
    TinkerError,
)
from tinkex_py.events import PromiseSettled, RequestSent, StepNumbered
from tinkex_py.testing.faults import ELSEWHERE
from tinkex_py.wire.dialects import NOBODY

Law: TypeAlias = Callable[[Story], Iterator[str]]

STEPS = frozenset({"backward", "batch", "step", "save"})
"""The work whose traces the server's log shows."""


def broken(story: Story) -> tuple[str, ...]:
    """The laws that a story breaks, in words."""
    return tuple(f"{law.__name__}: {found}" for law in LAWS for found in law(story))


def everything_ends(story: Story) -> Iterator[str]:
    """Every promise ends, and nothing is left running."""
    if story.endless is not None:
        yield f"still waiting after hours: {story.endless or 'the end of the client'}"
    yield from (f"left running: {task}" for task in story.left)


def nothing_raises(story: Story) -> Iterator[str]:
    """No operation raises, and no plan in the background does."""
    for call in story.taken:
        if call.raised is not None:
            yield f"{_name(call)} raised {call.raised!r}"
    yield from (line for line in story.lines if "this is a bug" in line)


def deadlines_hold(story: Story) -> Iterator[str]:
    """No operation outlasts its time by more than the client's clock leapt."""
    for call in story.taken:
        if call.ended is not None and call.act.timeout is not None:
            # A sampler of now is two operations, each with that time.
            allowed = call.act.timeout * (2 if call.act.work in {"sampler", "sample"} else 1)
            if call.ended - call.begun > allowed + leaps(story.schedule) + 0.5:
                yield f"{_name(call)} took {call.ended - call.begun:.1f} s of {call.act.timeout}"


def no_number_is_applied_twice(story: Story) -> Iterator[str]:
    """No number, and no piece of work, is accepted under two promises."""
    numbers = Counter((each.model_id, each.number) for each in story.accepted)
    yield from (
        f"number {number} of {model} was accepted {times} times"
        for (model, number), times in numbers.items()
        if times > 1
    )
    work = Counter(
        (each.model_id, mark) for each in story.accepted for mark in each.marks if not mark.startswith("forward")
    )
    yield from (f"{mark} of {model} was accepted {times} times" for (model, mark), times in work.items() if times > 1)


def outcomes_are_true(story: Story) -> Iterator[str]:
    """A success was carried out; what failed with no doubt was not.

    A server that was restarted has forgotten how its steps ended, but what it never accepted has no success either.
    """
    true = {"kept", "forgotten"} if _restarted(story) else {"kept"}
    endings = {(each.model_id, mark): each.ending for each in story.accepted for mark in each.marks}
    for call in story.taken:
        if call.act.work not in STEPS or call.outcome is None or call.index < 0:
            continue
        found = [endings.get((call.model_id or "", mark)) for mark in marks(call.act, call.index)]
        match call.outcome:
            case Success(_):
                lies = [each for each in found if each not in true]
                yield from (f"{_name(call)} succeeded, but the server says {found}" for _ in lies)
            case Failure(error) if not doubtful(error, call):
                yield from (
                    f"{_name(call)} ended with {error!r}, but was carried out" for each in found if each == "kept"
                )
            case _:
                pass


def order_is_kept(story: Story) -> Iterator[str]:
    """Steps have numbers in the order of their calls."""
    places = {(call.model_id, mark): call.index for call in story.taken for mark in marks(call.act, call.index)}
    for model in story.models.values():
        numbered = sorted(
            (each.number or 0, places[model, mark])
            for each in story.accepted
            for mark in each.marks[:1]
            if each.model_id == model and (model, mark) in places
        )
        yield from (f"{model}: {first} before {second}" for first, second in pairwise(numbered) if first[1] > second[1])


def numbers_have_no_holes(story: Story) -> Iterator[str]:
    """As long as nothing is in doubt, the numbers are 1, 2, 3, and so on."""
    for model in story.models.values():
        failures = [
            call.outcome.failure()
            for call in story.taken
            if call.model_id == model and isinstance(call.outcome, Failure)
        ]
        numbers = sorted(each.number or 0 for each in story.accepted if each.model_id == model)
        if not any(map(_in_doubt, failures)) and numbers != list(range(1, len(numbers) + 1)):
            yield f"{model}: {numbers}"


def repeats_are_the_same(story: Story) -> Iterator[str]:
    """The same step goes out under the same idempotency key, however often."""
    keys: dict[tuple[str, bytes], set[str]] = {}
    for request in story.network.carried:
        if (
            request.url.path.endswith(("/forward_backward", "/optim_step", "/save_weights"))
            and NOBODY.encode() not in request.content
        ):
            keys.setdefault((request.url.path, request.content), set()).add(request.headers["x-idempotency-key"])
    yield from (f"{path} went out under {len(found)} keys" for (path, _), found in keys.items() if len(found) > 1)


def weights_are_those_of_the_steps_taken(story: Story) -> Iterator[str]:
    """The weights are, bit for bit, those of an undisturbed run of the steps that were carried out."""
    if _restarted(story) or not story.accepted:
        return
    kept = {(each.model_id, mark) for each in story.accepted if each.ending == "kept" for mark in each.marks}
    for number, model in story.models.items():
        acts = tuple(
            (call.index, call.act)
            for call in story.taken
            if call.model_id == model and call.index >= 0 and _carried_out(call, kept)
        )
        partly = [call for call in story.taken if call.model_id == model and _partly(call, kept)]
        if not partly and story.weights.get(model) not in {None, undisturbed(acts, number, _chunk(story))}:
            yield f"{model}: the weights are not those of {[(index, act.work) for index, act in acts]}"


def events_tell_what_happened(story: Story) -> Iterator[str]:
    """Events agree with what the network carried, and with what the server accepted and settled."""
    sent = Counter(event.endpoint for event in story.events if isinstance(event, RequestSent))
    carried = Counter(f"{request.method} {unquote(request.url.path)}" for request in story.network.carried)
    yield from (
        f"{endpoint} went out {times} times more than events say" for endpoint, times in (carried - sent).items()
    )
    if not _cut_short(story):
        yield from (f"{endpoint} has {times} events too many" for endpoint, times in (sent - carried).items())
    numbered = Counter((event.model_id, event.number) for event in story.events if isinstance(event, StepNumbered))
    yield from (f"{step} has two events" for step, times in numbered.items() if times > 1)
    known = {(each.model_id, each.number) for each in story.accepted}
    if not _restarted(story) and story.accepted:
        marked = {
            (event.model_id, event.number)
            for event in story.events
            if isinstance(event, StepNumbered) and event.operation in _MARKED
        }
        yield from (f"{step} was never accepted, by the server's log" for step in marked - known)
    settled = set(story.network.settled)
    for event in story.events:
        if isinstance(event, PromiseSettled) and event.error is None and event.promise not in settled:
            yield f"{event.promise} has a result, but the server has not settled it"


def the_secret_stays(story: Story) -> Iterator[str]:
    """The credential is in the header for it, of requests to the server's own address, and nowhere else."""
    for request in story.network.carried:
        shown = [name for name, text in request.headers.items() if SECRET in text]
        if shown != ["x-api-key"][: len(shown)] or SECRET in str(request.url) or SECRET.encode() in request.content:
            yield f"{request.url}: {shown}"
        if str(request.url).startswith(ELSEWHERE):
            yield f"a request went to another origin: {request.url}"
    told = [*map(repr, story.events), *story.lines, *(repr(call.outcome) for call in story.taken)]
    yield from (f"the credential is in {text[:80]}" for text in told if SECRET in text)


LAWS: tuple[Law, ...] = (
    the_secret_stays,
    everything_ends,
    nothing_raises,
    deadlines_hold,
    no_number_is_applied_twice,
    outcomes_are_true,
    order_is_kept,
    numbers_have_no_holes,
    repeats_are_the_same,
    weights_are_those_of_the_steps_taken,
    events_tell_what_happened,
)


def doubtful(error: TinkerError, call: Taken) -> bool:
    """Whether an error says that the step may have been carried out: by its kind, or as only its result is lost."""
    if isinstance(error, (OutOfSequence, DeadlineExceeded, Cancelled, ClientClosed)):
        return True
    if isinstance(error, ConnectionFailed) and call.act.timeout is not None:
        return True
    return isinstance(error, RequestCause) and "/retrieve_future" in (error.endpoint or "")


@lru_cache(maxsize=4096)
def undisturbed(acts: tuple[tuple[int, Act], ...], number: int, chunk: int) -> bytes | None:
    """The weights of a trainer with that number after these acts, with nothing in their way."""
    padded: dict[int, Act] = dict(acts)
    last = max(padded, default=-1)
    plain = [
        structs.replace(padded[index], trainer=number, timeout=None, cancel=None, waits=True)
        if index in padded
        else _IDLE
        for index in range(last + 1)
    ]
    story = play(Schedule(acts=tuple(plain), trainers=number + 1, chunk=chunk))
    return story.weights[story.models[number]]


def _carried_out(call: Taken, kept: set[tuple[str, str]]) -> bool:
    """A load leaves no trace of its own in the log but its outcome."""
    if call.act.work == "load":
        return isinstance(call.outcome, Success)
    return call.act.work in STEPS and all((call.model_id or "", mark) in kept for mark in marks(call.act, call.index))


def _partly(call: Taken, kept: set[tuple[str, str]]) -> bool:
    """Whether some chunks of a batch were carried out and others not, or a load is in doubt."""
    if call.act.work == "load":
        return (
            not isinstance(call.outcome, Success)
            and isinstance(call.outcome, Failure)
            and doubtful(call.outcome.failure(), call)
        )
    found = [(call.model_id or "", mark) in kept for mark in marks(call.act, call.index)]
    return any(found) and not all(found)


def _restarted(story: Story) -> bool:
    """Whether what the server knew is lost, so that its log can't be asked any more."""
    happened = story.network.happened
    return bool(happened["restarted"] or happened["restored"])


def _cut_short(story: Story) -> bool:
    """Whether a request that was about to leave may not have: the start failed that it waited for, or its caller left.

    A start that fails stands for the request that waited for it.
    """
    acts = story.schedule.acts
    return not story.schedule.calm or any(act.work == "close" or act.cancel is not None or act.timeout for act in acts)


def _chunk(story: Story) -> int:
    """How many data went together: a client that the server's flags did not reach has its own idea of that."""
    sizes = [len(each.marks) for each in story.accepted]
    return max(story.schedule.chunk, *sizes)


def _in_doubt(error: TinkerError) -> bool:
    return isinstance(
        error,
        OutOfSequence | DeadlineExceeded | Cancelled | ClientClosed | ConnectionFailed | PromiseExpired | NotFound,
    )


def _name(call: Taken) -> str:
    return f"act {call.index} ({call.act.work})"


_IDLE = Act(work="sample", waits=True)
_MARKED = frozenset({"forward_backward", "optim_step", "save_weights"})
