"""REST and admin clients: beside a service client or alone, in both worlds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from math import nan
from typing import Any

import httpx
import pytest
from msgspec import structs
from returns.result import Failure, Success

from tests.clients.servers import keeping
from tinkex_py import (
    AdminClient,
    AsyncAdminClient,
    AsyncRestClient,
    AsyncServiceClient,
    Config,
    Outcome,
    RestClient,
    ServiceClient,
    errors,
)
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.plans.effects import Plan, pure, sleep
from tinkex_py.plans.retry import Policy
from tinkex_py.request import Reply
from tinkex_py.testing.answering import answering
from tinkex_py.testing.simulation import simulate
from tinkex_py.types import CheckpointsListResponse, GetServerCapabilitiesResponse, SessionSearchRequest

PATH = "tinker://run/weights/a"
CAPABLE: Outcome[Any] = Success(GetServerCapabilitiesResponse(supported_models=[]))


class Answering:
    """Answers everything but what comes before with one status and body; keeps what was asked."""

    def __init__(self, status: int = 204, body: object = None) -> None:
        self.answer = httpx.Response(status, json=body)
        self.asked: list[str] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        if "/client/" in request.url.path:
            return httpx.Response(404)
        self.asked.append(f"{request.method} {request.url.raw_path.decode().removeprefix('/api/v1/')}")
        return httpx.Response(self.answer.status_code, content=self.answer.content)


def alone(server: Answering) -> RestClient:
    return RestClient(base_url="http://server.test", api_key="tml-key", transport=server.transport)


AT = "training_runs/run/checkpoints/weights/a"
BOTH_WAYS: dict[str, tuple[Callable[[RestClient], Outcome[Any]], Callable[[RestClient], Outcome[Any]]]] = {
    f"DELETE {AT}": (
        lambda rest: rest.delete_checkpoint("run", "weights/a"),
        lambda rest: rest.delete_checkpoint_from_tinker_path(PATH),
    ),
    f"POST {AT}/publish": (
        lambda rest: rest.publish_checkpoint("run", "weights/a"),
        lambda rest: rest.publish_checkpoint_from_tinker_path(PATH),
    ),
    f"DELETE {AT}/publish": (
        lambda rest: rest.unpublish_checkpoint("run", "weights/a"),
        lambda rest: rest.unpublish_checkpoint_from_tinker_path(PATH),
    ),
    f"PUT {AT}/ttl": (
        lambda rest: rest.set_checkpoint_ttl("run", "weights/a", 3600),
        lambda rest: rest.set_checkpoint_ttl_from_tinker_path(PATH, 3600),
    ),
    f"GET {AT}/archive": (
        lambda rest: rest.get_checkpoint_archive_url("run", "weights/a"),
        lambda rest: rest.get_checkpoint_archive_url_from_tinker_path(PATH),
    ),
    "GET training_runs/run?access_scope=owned": (
        lambda rest: rest.get_training_run("run"),
        lambda rest: rest.get_training_run_by_tinker_path(PATH),
    ),
}


@pytest.mark.parametrize(("asked", "calls"), BOTH_WAYS.items(), ids=BOTH_WAYS)
def test_a_checkpoint_is_named_by_run_and_id_or_by_its_path(asked: str, calls: Any) -> None:
    server = Answering(404, {"detail": "not there"})
    with alone(server) as rest:
        assert all(isinstance(call(rest).failure(), errors.NotFound) for call in calls)
    assert server.asked == [asked] * 2


REFUSED: dict[str, tuple[Callable[[RestClient], Outcome[Any]], str]] = {
    "path": (lambda rest: rest.delete_checkpoint_from_tinker_path("run/weights/a"), "tinker_path"),
    "run": (lambda rest: rest.get_training_run(""), "training_run_id"),
    "id": (lambda rest: rest.delete_checkpoint("run", ""), "checkpoint_id"),
    "kind alone": (lambda rest: rest.unpublish_checkpoint("run", "weights"), "checkpoint_id"),
    "no name": (lambda rest: rest.unpublish_checkpoint("run", "sampler_weights/"), "checkpoint_id"),
    "no kind": (lambda rest: rest.publish_checkpoint("run", "/a"), "checkpoint_id"),
    "more than a name": (lambda rest: rest.delete_checkpoint("run", "weights/a/publish"), "checkpoint_id"),
    "limit": (lambda rest: rest.list_training_runs(limit=0), "limit"),
    "wanted": (lambda rest: rest.all_training_runs(limit=-1), "limit"),
    "ttl": (lambda rest: rest.set_checkpoint_ttl("run", "weights/a", -1), "ttl_seconds"),
    "ttl at a path": (lambda rest: rest.set_checkpoint_ttl_from_tinker_path(PATH, -1), "ttl_seconds"),
    "kind": (lambda rest: rest.get_external_weights_urls(PATH), "tinker_path"),
    "project": (lambda rest: rest.copy_weights(PATH), "destination_project_id"),
    "search": (lambda rest: rest.search_sessions(SessionSearchRequest(display_name="")), "request.display_name"),
    "search on pages": (
        lambda rest: rest.all_found_sessions(SessionSearchRequest(limit=0)),
        "request.limit",
    ),
    "trace": (lambda rest: rest.export_session_trace(""), "session_id"),
}


@pytest.mark.parametrize(("call", "path"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_sent(
    call: Callable[[RestClient], Outcome[Any]], path: str
) -> None:
    server = Answering()
    with alone(server) as rest:
        error = call(rest).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, server.asked) == (path, [])


ADMIN_REFUSED: dict[str, Callable[[AdminClient], Outcome[Any]]] = {
    "day": lambda admin: admin.get_audit_log(day="today"),
    "event_type": lambda admin: admin.get_audit_log("some"),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - refused
    "starting_on": lambda admin: admin.get_billing_usage("noon", "2026-07-14T00:00:00Z"),
    "ending_before": lambda admin: admin.get_billing_usage("2026-07-13T00:00:00Z", "night"),
    "project_id": lambda admin: admin.get_current_checkpoint_storage_usage(""),
}


@pytest.mark.parametrize(("path", "call"), ADMIN_REFUSED.items(), ids=ADMIN_REFUSED)
def test_administrators_are_told_what_cannot_be_asked_for(
    path: str, call: Callable[[AdminClient], Outcome[Any]]
) -> None:
    server = Answering()
    with AdminClient(base_url="http://server.test", api_key="tml-key", transport=server.transport) as admin:
        error = call(admin).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, server.asked) == (path, [])


class Slow:
    """Takes 3 s for each answer, of which an operation needs several; counts them."""

    def __init__(self) -> None:
        self.answered = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if "/client/" in request.url.path:
            return httpx.Response(404)
        await asyncio.sleep(3)
        self.answered += 1
        names = [f"{self.answered}-{each}" for each in range(100)]
        cursor = {"last_created_at": names[0], "last_session_id": "s"}
        listed: dict[str, Any] = {
            "training_runs": {"training_runs": [{"training_run_id": name, "base_model": "m"} for name in names]},
            "checkpoints": {"checkpoints": [{"checkpoint_id": name, "tinker_path": PATH + name} for name in names]},
            "sessions": {"sessions": names},
            "search": {"sessions": [{"session_id": "s"}], "next_cursor": cursor},
            "audit": {"location": "http://files.test/audit"},
        }
        found = listed.get(request.url.path.rpartition("/")[2])
        status = 404 if found is None else 302 if "location" in found else 200
        return httpx.Response(status, headers=found if status == 302 else {}, json=found)


SEVERAL: dict[str, Callable[[AsyncRestClient, float], Awaitable[Outcome[Any]]]] = {
    "all_training_runs": lambda rest, timeout: rest.all_training_runs(timeout=timeout),
    "all_user_checkpoints": lambda rest, timeout: rest.all_user_checkpoints(timeout=timeout),
    "all_sessions": lambda rest, timeout: rest.all_sessions(timeout=timeout),
    "all_found_sessions": lambda rest, timeout: rest.all_found_sessions(SessionSearchRequest(), timeout=timeout),
    "delete_checkpoint": lambda rest, timeout: rest.delete_checkpoint_from_tinker_path(PATH, timeout=timeout),
    "get_audit_log": lambda rest, timeout: AsyncAdminClient.beside(rest).get_audit_log(timeout=timeout),
}


@pytest.mark.parametrize("operation", SEVERAL)
def test_the_time_that_an_operation_is_given_is_for_all_its_requests_together(operation: str) -> None:
    async def program(service: AsyncServiceClient) -> tuple[Outcome[Any], float]:
        begun = asyncio.get_running_loop().time()
        outcome = await SEVERAL[operation](AsyncRestClient.beside(service), 5.0)
        return outcome, asyncio.get_running_loop().time() - begun

    server = Slow()
    outcome, took = simulate(program, httpx.MockTransport(server), config=Config(base_url="http://server.test"))
    error = outcome.failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert (error.message, took) == (f"{operation}: not done within 5 s; allow more with timeout=", 5.0)
    assert server.answered == 1


def test_a_conflict_that_has_a_meaning_is_not_asked_about_again() -> None:
    server = Answering(409, {"detail": "already public"})
    with alone(server) as rest:
        assert isinstance(rest.publish_checkpoint("run", "weights/a").failure(), errors.Conflict)
    assert len(server.asked) == 1


def test_a_client_beside_another_leaves_it_running() -> None:
    server = Answering(200, {"supported_models": []})
    with ServiceClient(base_url="http://server.test", api_key="tml-key", transport=server.transport) as service:
        rest, admin = service.create_rest_client().unwrap(), service.create_admin_client().unwrap()
        rest.close()
        admin.close()
        assert (rest.get_server_capabilities(), service.get_server_capabilities()) == (CAPABLE, CAPABLE)
    assert isinstance(rest.get_server_capabilities().failure(), errors.ClientClosed)


def test_a_client_that_cannot_work_makes_none_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TINKER_API_KEY", "TINKER_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with ServiceClient() as service:
        assert isinstance(service.create_rest_client().failure(), errors.MissingCredentials)


def test_an_answer_may_be_had_as_it_came() -> None:
    server = Answering(200, {"supported_models": [], "more": 1})
    with alone(server) as rest:
        raw = rest.execute(get_server_capabilities(), raw=True).unwrap()
        assert (raw.status, raw.body) == (200, server.answer.content)
        assert rest.execute(get_server_capabilities()) == CAPABLE


def test_a_refusal_is_a_failure_however_it_is_asked_for() -> None:
    with alone(Answering(404, {"detail": "no"})) as rest:
        assert isinstance(rest.execute(get_server_capabilities(), raw=True), Failure)


ODD: Any = "odd"
POLICIES: dict[str, Policy] = {
    "seconds": Policy(seconds=nan),
    "attempts": Policy(seconds=1, attempts=0),
    "first": Policy(seconds=1, first=ODD),
    "longest": Policy(seconds=1, longest=-1),
    "jitter": Policy(seconds=1, jitter=2),
    "repeat": Policy(seconds=1, repeat=ODD),
    "connecting": Policy(seconds=1, connecting=ODD),
}


@pytest.mark.parametrize("field", POLICIES)
def test_a_policy_that_means_nothing_is_refused_before_anything_is_sent(field: str) -> None:
    server = Answering(200, {"supported_models": []})
    with alone(server) as rest:
        error = rest.execute(get_server_capabilities(), retry=POLICIES[field]).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, server.asked) == (f"retry.{field}", [])


WORKS: dict[str, dict[str, Any]] = {
    "operation": {"operation": None},
    "method": {"method": "PATCH"},
    "path": {"path": ("\ud800",)},
    "returns": {"returns": int},
    "query": {"query": (("a", 1),)},
    "headers": {"headers": (("a", "b\n"),)},
    "body": {"body": {}},
    "repeat": {"repeat": None},
    "timeout": {"timeout": nan},
    "address": {"address": "http://elsewhere.test"},
}


@pytest.mark.parametrize("field", WORKS)
def test_a_request_that_cannot_be_sent_is_refused(field: str) -> None:
    server = Answering(200, {"supported_models": []})
    with alone(server) as rest:
        error = rest.execute(structs.replace(get_server_capabilities(), **WORKS[field])).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, server.asked) == (f"work.{field}", [])


def test_a_header_without_a_name_or_a_value_is_refused() -> None:
    headers: Any = (("a",), ("authorization", "hush\n"))
    with alone(Answering(200, {"supported_models": []})) as rest:
        refused = rest.execute(structs.replace(get_server_capabilities(), headers=headers)).failure()
        assert isinstance(rest.execute(structs.replace(get_server_capabilities(), headers=(("a", ""),))), Success)
    assert isinstance(refused, errors.InvalidInput)
    assert refused.value == "('a', 'authorization')"


@pytest.mark.parametrize("name", ["authorization: hush", "a b", "a:", ""])
def test_a_header_whose_name_is_none_is_refused_without_showing_it(name: str) -> None:
    server = Answering(200, {"supported_models": []})
    with alone(server) as rest:
        refused = rest.execute(structs.replace(get_server_capabilities(), headers=((name, "x"),))).failure()
    assert isinstance(refused, errors.InvalidInput)
    assert (refused.value, server.asked) == ("('***',)", [])


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_a_header_that_says_where_a_body_ends_is_refused(name: str) -> None:
    server = Answering(200, {"supported_models": []})
    with alone(server) as rest:
        refused = rest.execute(structs.replace(get_server_capabilities(), headers=((name, "5"),))).failure()
    assert isinstance(refused, errors.InvalidInput)
    assert (refused.value, server.asked) == (f"('{name}',)", [])


def test_a_plan_runs_once() -> None:
    plan = pure(5)
    with alone(Answering(200, {})) as rest:
        assert rest.execute(plan) == Success(5)
        refused = rest.execute(plan).failure()
    assert isinstance(refused, errors.InvalidInput)
    assert "a plan runs once" in refused.message


def endless(steps: list[str]) -> Plan[None]:
    try:
        while True:
            steps.append("step")
            yield from sleep(1)
    finally:
        steps.append("end")


def test_a_plan_ends_when_nobody_waits_for_it_any_more() -> None:
    steps: list[str] = []

    async def program(service: AsyncServiceClient) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(2.5):
                _ = await service.execute(endless(steps))
        await asyncio.sleep(60)

    simulate(program, answering({}))
    assert steps == ["step", "step", "step", "end"]


def test_a_plan_that_nobody_can_wait_for_never_begins() -> None:
    steps: list[str] = []

    def waiting_for_itself(rest: RestClient) -> Plan[None]:
        with pytest.raises(RuntimeError, match="would wait for itself"):
            _ = rest.execute(endless(steps))
        yield from sleep(0)

    with alone(Answering(200, {})) as rest:
        assert rest.execute(waiting_for_itself(rest)) == rest.execute(sleep(0)) == Success(None)
    assert steps == []


def test_async_clients_do_the_same() -> None:
    server = Answering(200, {"checkpoints": []})

    options: dict[str, Any] = {
        "base_url": "http://server.test",
        "api_key": "tml-key",
        "transport": server.transport,
    }

    async def program() -> tuple[Outcome[CheckpointsListResponse], Outcome[Reply]]:
        async with AsyncRestClient(**options) as rest, AsyncAdminClient(**options) as admin:
            await AsyncRestClient.beside(rest).close()
            assert isinstance(await admin.get_audit_log(), Success)
            return await rest.list_checkpoints("run"), await rest.execute(get_server_capabilities(), raw=True)

    listed, raw = asyncio.run(program())
    assert (listed, raw.unwrap().status) == (Success(CheckpointsListResponse(checkpoints=[])), 200)


def test_whose_key_it_is_is_not_waited_for_longer_than_an_answer() -> None:
    with keeping() as server:
        server.held.add("config")
        settings = Config(base_url=server.address, api_key="tml-key", timeout=0.2)
        with RestClient(settings) as rest:
            assert isinstance(rest.whoami().failure(), errors.DeadlineExceeded)
