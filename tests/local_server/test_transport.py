"""The server in the same process, behind httpx."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine
from pathlib import Path

import httpx
import pytest
from returns.result import Success

from tests.local_server.driving import RANDOM, TEXT, Json
from tinkex_py import ServiceClient
from tinkex_py.errors import FileFailed
from tinkex_py.local.transport import LocalTransport, open_transport
from tinkex_py.local.worker import Worker


def client(transport: LocalTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=transport, base_url="http://local/api/v1/")


async def poll(server: httpx.AsyncClient, request_id: object) -> httpx.Response:
    return await server.post("retrieve_future", json={"request_id": request_id})


async def sample(server: httpx.AsyncClient, seed: int) -> object:
    params = {"max_tokens": 1, "seed": seed}
    body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": params}
    promise = (await server.post("asample", json=body)).json()
    return (await poll(server, promise["request_id"])).json()


def engine_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "tinkex-engine"]


def run(program: Coroutine[object, object, None]) -> None:
    asyncio.run(program)


def test_a_poll_waits_for_the_work() -> None:
    async def program() -> None:
        async with client(open_transport(None)) as server:
            answers = await asyncio.gather(*(sample(server, seed) for seed in range(50)))
            assert answers == [await sample(server, seed) for seed in range(50)]

    run(program())


def test_many_polls_may_wait_for_one_promise() -> None:
    async def program() -> None:
        async with client(open_transport(None)) as server:
            body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": {"max_tokens": 200, "stop": []}}
            promise = (await server.post("asample", json=body)).json()["request_id"]
            replies = await asyncio.gather(*(poll(server, promise) for _ in range(1000)))
            assert {reply.content for reply in replies} == {replies[0].content}
            assert replies[0].status_code == 200

    run(program())


def test_a_poll_that_lasts_too_long_is_answered_as_pending() -> None:
    async def program() -> None:
        async with client(LocalTransport(Worker(poll_seconds=0.01))) as server:
            session_id = (await server.post("create_session", json={})).json()["session_id"]
            create = {"session_id": session_id, "base_model": RANDOM}
            model_id = (await server.post("create_model", json=create)).json()["model_id"]
            step: Json = {"model_id": model_id, "seq_id": 2, "adam_params": {}}
            waiting = (await server.post("optim_step", json=step)).json()["request_id"]
            reply = await poll(server, waiting)
            reason = "the model's step 1 comes first, and it has not come"
            assert (reply.status_code, reply.json()) == (408, {"queue_state": "active", "queue_state_reason": reason})

    run(program())


def test_closing_answers_what_is_held_and_ends_the_thread() -> None:
    async def program() -> None:
        transport = open_transport(None)
        server = client(transport)
        session_id = (await server.post("create_session", json={})).json()["session_id"]
        create = {"session_id": session_id, "base_model": RANDOM}
        model_id = (await server.post("create_model", json=create)).json()["model_id"]
        step: Json = {"model_id": model_id, "seq_id": 2, "adam_params": {}}
        waiting = (await server.post("optim_step", json=step)).json()["request_id"]
        held = asyncio.ensure_future(poll(server, waiting))
        for _ in range(20):
            await asyncio.sleep(0)
        await transport.aclose()
        assert (await held).status_code == 408
        assert (engine_threads(), transport.directory.exists()) == ([], False)

    run(program())


def test_a_closed_server_refuses_the_connection() -> None:
    async def program() -> None:
        transport = open_transport(None)
        await transport.aclose()
        assert not transport.directory.exists()
        with pytest.raises(httpx.ConnectError, match="closed"):
            _ = await transport.handle_async_request(httpx.Request("GET", "http://local/api/v1/healthz"))

    run(program())


def test_a_folder_outlives_the_server(tmp_path: Path) -> None:
    async def program() -> None:
        async with client(open_transport(str(tmp_path / "new" / "folder"))) as server:
            assert (await server.get("healthz")).json() == {"status": "ok"}

    run(program())
    assert (tmp_path / "new" / "folder").is_dir()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        _ = open_transport(str(tmp_path / "file"))


@pytest.mark.parametrize("folder", ["~nobody-of-this-name", "a\0b"])
def test_a_folder_that_can_be_nowhere_is_the_outcome_of_every_operation(folder: str) -> None:
    with ServiceClient.local(folder) as service:
        outcome = service.get_server_capabilities()
    assert isinstance(outcome.failure(), FileFailed)


def test_a_folder_has_one_client_at_a_time(tmp_path: Path) -> None:
    with ServiceClient.local(tmp_path) as service:
        trainer = service.create_lora_training_client(RANDOM, rank=2).unwrap()
        with ServiceClient.local(tmp_path) as second:
            refused = second.get_server_capabilities().failure()
        assert isinstance(refused, FileFailed)
        assert f"uses the folder {tmp_path}: give another directory" in refused.message
        _ = trainer.save_state("kept").result().unwrap()
    with ServiceClient.local(tmp_path) as again:
        assert isinstance(again.get_server_capabilities(), Success)
    assert not (tmp_path / ".lock").exists()


def test_a_folder_that_nobody_asked_anything_of_is_free_again(tmp_path: Path) -> None:
    with ServiceClient.local(tmp_path):
        pass
    _ = gc.collect()
    assert not (tmp_path / ".lock").exists()


class Gate:
    """Lets nobody in until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.inside = 0

    def __enter__(self) -> None:
        assert self.opened.wait(60)
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1


def test_the_engine_computes_inside_of_what_it_is_given() -> None:
    gate = Gate()

    async def program() -> None:
        async with client(LocalTransport(Worker(poll_seconds=0.01, computing=lambda: gate))) as server:
            body: Json = {"base_model": RANDOM, "prompt": TEXT, "sampling_params": {"max_tokens": 1}}
            promise = (await server.post("asample", json=body)).json()["request_id"]
            assert (await poll(server, promise)).status_code == 408
            gate.opened.set()
            while (await poll(server, promise)).status_code == 408:
                pass

    run(program())
    assert gate.inside == 0


def test_two_loops_may_share_a_server() -> None:
    worker = Worker()
    found: list[object] = []

    async def program() -> None:
        async with httpx.AsyncClient(transport=LocalTransport(worker), base_url="http://local/api/v1/") as server:
            found.append(await sample(server, 1))
            await asyncio.get_running_loop().run_in_executor(None, lambda: asyncio.run(other()))

    async def other() -> None:
        server = client(LocalTransport(worker))
        found.append(await sample(server, 1))

    run(program())
    assert found[0] == found[1]
