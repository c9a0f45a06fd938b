"""A client finishes its session with how it went, and leaves nothing running."""

from __future__ import annotations

import asyncio
import copy
import gc
import os
import pickle
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from returns.result import Failure, Success

from tests.clients.servers import Keeping, keeping
from tests.runtime.served import served
from tinkex_py import (
    AdamParams,
    AsyncSamplingClient,
    AsyncServiceClient,
    Config,
    ModelInput,
    Outcome,
    Promise,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    errors,
    or_raise,
)
from tinkex_py.clients.training import TrainingClient
from tinkex_py.plans.effects import Plan, sleep
from tinkex_py.runtime.running import Running
from tinkex_py.types.handles import read

PROMPT, PARAMS = ModelInput.from_ints([1]), SamplingParams(max_tokens=1)


def config(server: Keeping, **settings: float) -> Config:
    return Config(base_url=server.address, api_key="tml-secret", **settings)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - times


def finished(server: Keeping) -> list[tuple[str, str | None]]:
    return [(body["reason"]["type"], body["detail"]) for body in server.bodies("finish")]


def test_closing_finishes_the_session_once_and_later_operations_find_it_closed() -> None:
    with keeping() as server:
        service = ServiceClient(config(server))
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        service.close("interrupted", "enough")
        service.close()
        assert finished(server) == [("interrupted", "enough")]
        assert isinstance(sampler.sample(PROMPT, 1, PARAMS).result().failure(), errors.ClientClosed)
        late = service.create_sampling_client(base_model="m")
        assert isinstance(late.failure(), errors.ClientClosed)


def test_a_client_that_nobody_holds_any_more_is_gone_without_the_garbage_collector() -> None:
    collecting = gc.isenabled()
    gc.disable()
    try:
        service = ServiceClient(base_url="http://server.test", api_key="tml-secret")
        left = weakref.ref(service.context)
        del service
        assert left() is None
    finally:
        if collecting:
            gc.enable()


def test_a_client_that_needed_no_session_finishes_none() -> None:
    with keeping() as server:
        with ServiceClient(config(server, max_attempts=1)) as service:
            service.get_server_capabilities()
        assert (finished(server), server.bodies("create_session")) == ([], [])


ENDINGS: dict[str, tuple[type[BaseException] | None, tuple[str, str | None]]] = {
    "success": (None, ("success", None)),
    "errored": (ZeroDivisionError, ("errored", "ZeroDivisionError")),
    "interrupted": (KeyboardInterrupt, ("interrupted", "KeyboardInterrupt")),
}


@pytest.mark.parametrize(("error", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_a_block_ends_as_its_program_does(error: type[BaseException] | None, ending: tuple[str, str | None]) -> None:
    with keeping() as server:
        with suppress(ZeroDivisionError, KeyboardInterrupt), ServiceClient(config(server)) as service:
            or_raise(service.create_sampling_client(base_model="m"))
            if error is not None:
                raise error
        assert finished(server) == [ending]


@pytest.mark.parametrize(("error", "ending"), ENDINGS.values(), ids=ENDINGS)
def test_an_async_block_ends_as_its_program_does(
    error: type[BaseException] | None, ending: tuple[str, str | None]
) -> None:
    async def program(server: Keeping) -> None:
        async with AsyncServiceClient(config(server)) as service:
            or_raise(await service.create_sampling_client(base_model="m"))
            if error is not None:
                raise error

    with keeping() as server:
        with suppress(ZeroDivisionError, KeyboardInterrupt):
            asyncio.run(program(server))
        assert finished(server) == [ending]


def test_a_server_that_does_not_answer_the_finish_does_not_hold_up_closing() -> None:
    before = set(threading.enumerate())
    with keeping({"finish": (503, {})}) as server:
        service = ServiceClient(config(server))
        or_raise(service.create_sampling_client(base_model="m"))
        service.close()
        left = [thread.name for thread in set(threading.enumerate()) - before if thread.name.startswith("tinkex")]
    assert left == []


def test_all_threads_and_loops_share_one_session() -> None:
    async def awaited(service: AsyncServiceClient) -> object:
        return or_raise(await service.create_sampling_client(base_model="m"))

    with keeping() as server:
        with ServiceClient(config(server)) as service, ThreadPoolExecutor(8) as pool:
            made = [pool.submit(service.create_sampling_client, base_model="m") for _ in range(8)]
            assert all(isinstance(each.result(), Success) for each in made)
        shared = AsyncServiceClient(config(server))
        with ThreadPoolExecutor(4) as pool:
            loops = [pool.submit(lambda: asyncio.run(awaited(shared))) for _ in range(4)]
            assert all(each.result() for each in loops)
        asyncio.run(shared.close())
        assert (len(server.bodies("create_session")), len(finished(server))) == (2, 2)
        numbers = [body["sampling_session_seq_id"] for body in server.bodies("create_sampling_session")]
        assert sorted(numbers) == sorted([*range(8), *range(4)])


def test_signs_of_life_go_on_while_the_main_thread_and_the_loop_are_busy() -> None:
    async def program(server: Keeping) -> int:
        async with AsyncServiceClient(config(server, heartbeat_interval=0.01)) as service:
            or_raise(await service.create_sampling_client(base_model="m"))
            busy_until = time.monotonic() + 10
            while len(server.bodies("session_heartbeat")) < 3 and time.monotonic() < busy_until:
                pass
        return len(server.bodies("session_heartbeat"))

    with keeping() as server:
        assert asyncio.run(program(server)) >= 3


def test_when_the_server_ends_the_session_operations_say_so() -> None:
    over = threading.Event()
    with (
        keeping({"session_heartbeat": (410, {"detail": "finished"})}) as server,
        ServiceClient(config(server, heartbeat_interval=0.01), observers=[lambda event: _note(event, over)]) as service,
    ):
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        assert over.wait(10)
        trainer = TrainingClient(service.context, service.context.run("m"))
        outcomes = [
            sampler.sample(PROMPT, 1, PARAMS).result(),
            service.create_sampling_client(base_model="m"),
            trainer.save_weights_and_get_sampling_client(),
        ]
        kinds = [type(each.failure() if isinstance(each, Failure) else each) for each in outcomes]
        assert kinds == [errors.SessionEnded] * 3
        assert len(server.bodies("session_heartbeat")) == 1
    assert finished(server) == []


def _note(event: object, over: threading.Event) -> None:
    if type(event).__name__ == "SessionOver":
        over.set()


def test_a_handle_holds_no_credential_and_makes_the_client_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "tml-of-the-other")
    with keeping() as server, ServiceClient(config(server)) as service:
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        handle = or_raise(sampler.get_sampler_handle())
        assert "tml-secret" not in repr(or_raise(read(handle)))
        rebuilt = or_raise(SamplingClient.from_sampler_handle(handle))
        assert isinstance(rebuilt.sample(PROMPT, 1, PARAMS).result(), Success)
        assert isinstance(rebuilt.sample(PROMPT, 1, PARAMS).result(), Success)
        rebuilt.context.close()
        first, second = (body["seq_id"] for body in server.bodies("asample"))
        assert first >= 10**9
        assert (first % 10**9, second) == (0, first + 1)
        assert server.keys == {"tml-secret", "tml-of-the-other"}
        assert len(server.bodies("create_session")) == 1
        assert finished(server) == []


@pytest.mark.parametrize("settings", [Config(api_key="tml-of-settings"), None], ids=["settings", "environment"])
def test_a_key_given_with_a_handle_wins(monkeypatch: pytest.MonkeyPatch, settings: Config | None) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "tml-of-the-other")
    with keeping() as server, ServiceClient(config(server)) as service:
        handle = or_raise(or_raise(service.create_sampling_client(base_model="m")).get_sampler_handle())
        rebuilt = or_raise(SamplingClient.from_sampler_handle(handle, api_key="tml-own", config=settings))
        assert isinstance(rebuilt.sample(PROMPT, 1, PARAMS).result(), Success)
        rebuilt.context.close()
        assert server.keys == {"tml-secret", "tml-own"}


def test_samplers_are_picklable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINKER_API_KEY", "tml-secret")
    with keeping() as server, ServiceClient(config(server)) as service:
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        copies = [pickle.loads(pickle.dumps(sampler)) for _ in range(2)]
        for each in copies:
            assert isinstance(each.sample(PROMPT, 1, PARAMS).result(), Success)
            each.context.close()
        numbers = [body["seq_id"] for body in server.bodies("asample")]
        assert len({number // 10**9 for number in numbers}) == 2


def test_clients_and_promises_that_are_pickled_or_copied_say_that_they_stay_where_they_are() -> None:
    with keeping() as server, ServiceClient(config(server)) as service:
        trainer = TrainingClient(service.context, service.context.run("s:train:0"))
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        sample = sampler.sample(PROMPT, 1, PARAMS)
        asynchronous = AsyncServiceClient.beside(service)
        async_sample = or_raise(asyncio.run(asynchronous.create_sampling_client(base_model="m"))).sample(
            PROMPT, 1, PARAMS
        )
        assert all(isinstance(each, Success) for each in (sample.result(30), asyncio.run(async_sample.result(30))))
        for each in (service, trainer, or_raise(service.create_rest_client()), sample, async_sample):
            for spread in (pickle.dumps, copy.deepcopy):
                with pytest.raises(pickle.PicklingError, match="hand over a sampler"):
                    spread(each)


def test_a_rebuilt_client_without_a_credential_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINKER_API_KEY", raising=False)
    with keeping() as server, ServiceClient(config(server)) as service:
        handle = or_raise(or_raise(service.create_sampling_client(base_model="m")).get_sampler_handle())
        rebuilt = or_raise(AsyncSamplingClient.from_sampler_handle(handle))
        outcome = asyncio.run(rebuilt.sample(PROMPT, 1, PARAMS).result())
        assert isinstance(outcome.failure(), errors.MissingCredentials)
        rebuilt.context.close()


def test_a_sampler_of_the_embedded_engine_stays_where_it_is() -> None:
    with ServiceClient.local() as service:
        sampler = or_raise(service.create_sampling_client(base_model="tinkex/tiny-random"))
        assert isinstance(sampler.get_sampler_handle().failure(), errors.InvalidInput)
        with pytest.raises(pickle.PicklingError, match="tinkex serve"):
            pickle.dumps(sampler)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_after_a_fork_samplers_begin_anew_and_trainers_stay_with_the_parent() -> None:
    with keeping() as server, ServiceClient(config(server)) as service:
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        trainer = TrainingClient(service.context, service.context.run("s:train:0"))
        promise = sampler.sample(PROMPT, 1, PARAMS)
        or_raise(promise.result())
        pending = sampler.context.submit(_forever())
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, _told(sampler, trainer, pending).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert os.read(reading, 10_000).decode() == "Success Success OutOfSequence ClientClosed"
        os.close(reading)
        os.close(writing)
        or_raise(sampler.sample(PROMPT, 1, PARAMS).result())
        first, childs, next_ = (body["seq_id"] for body in server.bodies("asample"))
        assert (first, next_) == (0, 1)
        assert childs >= 10**9
        assert finished(server) == []
    assert finished(server) == [("success", None)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_what_each_process_makes_after_a_fork_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    with served(tmp_path) as (_, address), ServiceClient(base_url=address, api_key="tml-secret") as service:
        sampler = or_raise(service.create_sampling_client(base_model="tinkex/tiny-random"))
        children = [_in_a_child(lambda: _made_here(service, sampler)) for _ in range(2)]
        model = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2)).model_id
        listed = or_raise(or_raise(service.create_rest_client()).list_sessions()).sessions
    own, *others = reversed(listed)
    assert model == f"{own}:train:0"
    assert children == [[f"{each}:train:0", "2", each, own] for each in others]
    assert len(children) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_after_a_fork_a_transport_that_was_given_stays_with_the_parent() -> None:
    with keeping() as server, ServiceClient(config(server), transport=httpx.AsyncHTTPTransport()) as service:
        sampler = or_raise(service.create_sampling_client(base_model="m"))
        told = _in_a_child(lambda: [type(sampler.sample(PROMPT, 1, PARAMS).result(30).failure()).__name__])
        assert told == ["ClientClosed"]
        assert server.bodies("asample") == []
        or_raise(sampler.sample(PROMPT, 1, PARAMS).result(30))


def _made_here(service: ServiceClient, inherited: SamplingClient) -> list[str]:
    """A new model, the steps that it took, and the sessions of a new sampler and of one that was there before."""
    trainer = or_raise(service.create_lora_training_client("tinkex/tiny-random", rank=2))
    steps = [or_raise(trainer.optim_step(AdamParams()).result(60)) for _ in range(2)]
    samplers = [or_raise(service.create_sampling_client(base_model="tinkex/tiny-random")), inherited]
    for sampler in samplers:
        or_raise(sampler.sample(PROMPT, 1, PARAMS).result(60))
    handles = [or_raise(read(or_raise(sampler.get_sampler_handle()))) for sampler in samplers]
    service.close()
    return [trainer.model_id, str(len(steps)), *(handle.session_id for handle in handles)]


def _in_a_child(work: Callable[[], list[str]]) -> list[str]:
    """What the work tells in a process that is forked off for it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, "\n".join(work()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as told:
        return told.read().splitlines()


def _forever() -> Plan[None]:
    yield from sleep(1e6)


def _told(sampler: SamplingClient, trainer: TrainingClient, pending: Running[None]) -> str:
    """What a child of this process is told, in the child."""
    outcomes: list[Outcome[object]] = [
        Success(sampler.context.generation),
        sampler.sample(PROMPT, 1, PARAMS).result(30),
        trainer.optim_step(AdamParams()).result(30),
        Promise(sampler.context, pending).result(30),
    ]
    sampler.context.close()
    kinds = [type(each.failure() if isinstance(each, Failure) else each).__name__ for each in outcomes]
    return " ".join(kinds)
