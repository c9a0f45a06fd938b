"""Programs that do what a schedule says, and the story of what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from itertools import chain, repeat
from typing import Any, TypeAlias

from msgspec import Struct, field
from returns.result import Success
from typing_extensions import override

from property_tests.simulation.accepted import Accepted, accepted
from property_tests.simulation.schedules import Act, Schedule
from tinkex_py import (
    AdamParams,
    AsyncSamplingClient,
    AsyncServiceClient,
    AsyncTrainingClient,
    Config,
    Datum,
    ModelInput,
    Outcome,
    SamplingParams,
)
from tinkex_py.clients.promises import AsyncPromise
from tinkex_py.events import AnyEvent
from tinkex_py.observers.logs import LoggingObserver
from tinkex_py.testing.network import Fault, Network
from tinkex_py.testing.simulation import simulate

SECRET = "tml-secret-0123456789"
HORIZON = 3000.0
"""Seconds after which whatever still waits is taken to wait for ever, leaps of the clock aside."""
MODEL = "tinkex/tiny-random"

Marks: TypeAlias = "tuple[str, ...]"


class Taken(Struct, kw_only=True):
    """A call that was made, when on the program's clock, and its outcome; `raised` is what should not have been."""

    index: int
    act: Act
    begun: float
    ended: float | None = None
    outcome: Outcome[Any] | None = None
    raised: BaseException | None = None
    model_id: str | None = None


class Story(Struct, kw_only=True):
    """All that can be told about one run of a schedule."""

    schedule: Schedule
    network: Network
    taken: list[Taken] = field(default_factory=list[Taken])
    events: list[AnyEvent] = field(default_factory=list[AnyEvent])
    lines: list[str] = field(default_factory=list[str])
    models: dict[int, str] = field(default_factory=dict[int, str])
    accepted: tuple[Accepted, ...] = ()
    weights: dict[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    left: list[str] = field(default_factory=list[str])
    endless: str | None = None


def leaps(schedule: Schedule) -> float:
    """Seconds that the client's clock may leap ahead, and that a leap may hide from whoever waits."""
    return sum(fault.seconds for fault in schedule.faults if fault.kind == "leap")


def marks(act: Act, index: int) -> Marks:
    """What tells the pieces of an act's work from all others in the server's log."""
    match act.work:
        case "backward" | "batch" | "forward":
            return tuple(f"{'forward' if act.work == 'forward' else 'backward'} {each}" for each in _tokens(act, index))
        case "step":
            return (f"step {_rate(index)}",)
        case "save":
            return (f"save at-{index}",)
        case _:
            return ()


def play(schedule: Schedule) -> Story:
    """Run a schedule in virtual time; the story holds all that the laws ask for."""
    limits = {"fwdbwd_max_chunk_len": schedule.chunk, "parallel_fwdbwd_chunks": schedule.parallel}
    after = () if schedule.endless is None else repeat(schedule.endless)
    network = Network(chain(repeat(Fault(), schedule.calm), schedule.faults, after), api_key=SECRET, limits=limits)
    story = Story(schedule=schedule, network=network)
    config = Config(
        base_url="http://tinkex.test",
        api_key=SECRET,
        dialect=schedule.dialect,
        timeout=60.0,
        progress_timeout=60.0,
        promise_timeout=200.0,
        read_timeout=20.0,
        poll_timeout=30.0,
        heartbeat_interval=25.0,
        max_response_bytes=200_000,
        circuit_failures=schedule.circuit,
        telemetry=True,
    )

    def program(service: AsyncServiceClient) -> Coroutine[Any, Any, None]:
        return _whole(service, story)

    with _listening(story.lines) as observer:

        def observe(event: AnyEvent) -> None:
            story.events.append(event)
            observer(event)

        simulate(program, network, seed=schedule.seed, config=config, observe=observe)
    return story


async def _whole(service: AsyncServiceClient, story: Story) -> None:
    """The program, the end of its client, and a look at what is left."""
    own = asyncio.current_task()
    try:
        async with asyncio.timeout(HORIZON + leaps(story.schedule)):
            await _program(service, story)
            await _quiet(story.network)
            story.accepted = accepted(story.network)
            story.weights = {model: story.network.weights(model) for model in story.models.values()}
            await service.close()
            await _quiet(story.network)
    except TimeoutError:
        story.endless = ", ".join(f"{each.act.work} {each.index}" for each in story.taken if each.ended is None)
    story.left = [repr(task.get_coro()) for task in asyncio.all_tasks() if task is not own]
    await story.network.aclose()


async def _quiet(network: Network) -> None:
    """Wait until nothing is on its way and the server has nothing to do."""
    while network.busy:  # noqa: ASYNC110 - more may come while one waits for what there is
        await asyncio.sleep(1.0)
    await asyncio.sleep(1.0)


async def _program(service: AsyncServiceClient, story: Story) -> None:
    trainers = [await _trainer(service, story, number) for number in range(story.schedule.trainers)]
    sampler = (await service.create_sampling_client(base_model=MODEL)).value_or(None)
    watched: list[asyncio.Task[None]] = []
    for index, act in enumerate(story.schedule.acts):
        trainer = trainers[act.trainer]
        if act.work == "close":
            await service.close()
        elif trainer is not None:
            call = Taken(
                index=index, act=act, begun=asyncio.get_running_loop().time(), model_id=story.models[act.trainer]
            )
            story.taken.append(call)
            watched.append(asyncio.ensure_future(_watch(call, _started(trainer, sampler, act, index))))
            await (watched[-1] if act.waits else asyncio.sleep(0))
    await asyncio.gather(*watched)
    for trainer in filter(None, trainers):
        _ = await trainer.forward(_data(_LAST, -1), "cross_entropy")  # behind everything that goes on in the background


async def _trainer(service: AsyncServiceClient, story: Story, number: int) -> AsyncTrainingClient | None:
    outcome = await service.create_lora_training_client(MODEL, rank=1, seed=number)
    story.taken.append(Taken(index=-1 - number, act=_LAST, begun=0.0, ended=0.0, outcome=outcome))
    if isinstance(outcome, Success):
        story.models[number] = outcome.unwrap().model_id
        return outcome.unwrap()
    return None


async def _watch(call: Taken, started: AsyncPromise[Any] | Coroutine[Any, Any, Outcome[Any]]) -> None:
    try:
        if isinstance(started, AsyncPromise) and call.act.cancel is not None:
            await asyncio.sleep(call.act.cancel)
            started.cancel()
        call.outcome = await started
    except Exception as error:  # noqa: BLE001 - that none comes is one of the laws
        call.raised = error
    call.ended = asyncio.get_running_loop().time()


def _started(
    trainer: AsyncTrainingClient, sampler: AsyncSamplingClient | None, act: Act, index: int
) -> AsyncPromise[Any] | Coroutine[Any, Any, Outcome[Any]]:
    match act.work:
        case "backward" | "batch":
            return trainer.forward_backward(_data(act, index), "cross_entropy", timeout=act.timeout)
        case "faulty":
            return trainer.forward_backward([Datum(_PROMPT, {"target_tokens": ["no"]})], "cross_entropy")
        case "forward":
            return trainer.forward(_data(act, index), "cross_entropy", timeout=act.timeout)
        case "step":
            return trainer.optim_step(AdamParams(learning_rate=_rate(index)), timeout=act.timeout)
        case "save":
            return trainer.save_state(f"at-{index}", timeout=act.timeout)
        case "load":
            path = f"tinker://{trainer.model_id}/weights/at-{index - 1}"
            return trainer.load_state_with_optimizer(path, timeout=act.timeout)
        case "sample" if sampler is not None:
            return sampler.sample(_PROMPT, 2, SamplingParams(max_tokens=2, seed=index), timeout=act.timeout)
        case _:
            return _sampled(trainer, act, index)


async def _sampled(trainer: AsyncTrainingClient, act: Act, index: int) -> Outcome[Any]:
    made = await trainer.save_weights_and_get_sampling_client(timeout=act.timeout)
    if not isinstance(made, Success):
        return made
    return await made.unwrap().sample(_PROMPT, 1, SamplingParams(max_tokens=2, seed=index), timeout=act.timeout)


def _data(act: Act, index: int) -> list[Datum]:
    return [
        Datum(ModelInput.from_ints([token, 7, token]), {"target_tokens": [7, token, 9]})
        for token in _tokens(act, index)
    ]


def _tokens(act: Act, index: int) -> range:
    count = _BATCH if act.work == "batch" else 1
    return range(10 + 8 * index, 10 + 8 * index + count)


def _rate(index: int) -> float:
    return 0.01 * (1 + index)


_BATCH = 5
_LAST = Act(work="forward")
_PROMPT = ModelInput.from_ints([1, 2])


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))


@contextmanager
def _listening(lines: list[str]) -> Generator[LoggingObserver]:
    """An observer whose lines, like all others of the package, are kept."""
    log = logging.getLogger("tinkex_py")
    handler, level, propagates = _Lines(lines), log.level, log.propagate
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    try:
        yield LoggingObserver(log)
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagates
