"""Whoever wants to know what a client does is told; the server is told only when it was asked for."""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

import pytest

from tests.clients.servers import Keeping, keeping
from tinkex_py import (
    Config,
    Failure,
    ModelInput,
    SamplingClient,
    SamplingParams,
    ServiceClient,
    Success,
    or_raise,
)
from tinkex_py.events import AnyEvent, PromiseSettled
from tinkex_py.observers.metrics import Metrics
from tinkex_py.types.telemetry import TelemetryCounts


def work(service: ServiceClient) -> None:
    sampler = or_raise(service.create_sampling_client(base_model="m"))
    or_raise(sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)).result())


def config(server: Keeping, *, telemetry: bool = False) -> Config:
    return Config(base_url=server.address, api_key="tml-very-secret", telemetry=telemetry)


def test_telemetry_is_sent_only_when_asked_for() -> None:
    with keeping() as server, ServiceClient(config(server)) as service:
        work(service)
        assert service.get_telemetry() == TelemetryCounts()
        service.close()
        assert server.bodies("telemetry") == []


def test_telemetry_goes_out_at_the_latest_when_the_client_closes() -> None:
    with keeping() as server:
        service = ServiceClient(config(server, telemetry=True))
        work(service)
        assert service.get_telemetry() == TelemetryCounts(reporting=True, waiting=1)
        service.close()
        [batch] = server.bodies("telemetry")
        assert (batch["session_id"], [event["event"] for event in batch["events"]]) == (
            "s",
            ["SESSION_START", "SESSION_END"],
        )
        assert {"platform", "sdk_version", "process_uuid"} < set(batch)
        assert "tml-very-secret" not in repr(batch)
        assert service.get_telemetry() == TelemetryCounts(reporting=True, sent=2)


def test_a_session_that_another_client_opened_is_not_told_to_begin_and_end() -> None:
    with keeping() as server, ServiceClient(config(server)) as service:
        handle = or_raise(or_raise(service.create_sampling_client(base_model="m")).get_sampler_handle())
        rebuilt = or_raise(SamplingClient.from_sampler_handle(handle, config=config(server, telemetry=True)))
        _ = or_raise(rebuilt.sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)).result())
        rebuilt.context.close()
        assert rebuilt.get_telemetry() == TelemetryCounts(reporting=True)
        assert server.bodies("telemetry") == []


def test_a_server_that_takes_no_telemetry_is_not_in_the_way() -> None:
    with keeping({"telemetry": (500, {})}) as server:
        service = ServiceClient(config(server, telemetry=True))
        work(service)
        service.close()
        assert service.get_telemetry() == TelemetryCounts(reporting=True, dropped=2)


def test_observers_plain_and_async_are_called_and_their_failures_counted() -> None:
    metrics, seen = Metrics(), list[AnyEvent]()

    async def awaited(event: AnyEvent) -> None:
        seen.append(event)

    def failing(_: AnyEvent) -> None:
        raise ZeroDivisionError

    with keeping() as server:
        service = ServiceClient(config(server), observers=[metrics, awaited, failing])
        work(service)
        service.close()
        assert service.get_telemetry().observer_failures == len(seen)
    assert metrics.snapshot().counters["tinkex_promises_kept:asample"] == 1
    assert [event.operation for event in seen if isinstance(event, PromiseSettled)] == ["asample"]


def test_an_observer_that_raises_when_it_is_asked_harms_no_operation() -> None:
    class Unsure:
        def cares(self, _: AnyEvent) -> bool:
            raise SystemExit

        def __call__(self, _: AnyEvent) -> None:
            pass

    with keeping() as server, ServiceClient(config(server), observers=[Unsure()]) as service:
        work(service)
        assert service.get_telemetry().observer_failures > 0


def handed_over(service: ServiceClient, observers: Any) -> SamplingClient:
    handle = or_raise(or_raise(service.create_sampling_client(base_model="m")).get_sampler_handle())
    settings = service.context.config
    return or_raise(SamplingClient.from_sampler_handle(handle, config=settings, observers=observers))


def test_observers_that_can_be_gone_through_only_once_are_kept() -> None:
    own, handed = [list[AnyEvent](), list[AnyEvent]()], [list[AnyEvent](), list[AnyEvent]()]
    once: Any = (each.append for each in own)
    with keeping() as server, ServiceClient(config(server), observers=once) as service:
        sampler = handed_over(service, (each.append for each in handed))
        _ = or_raise(sampler.sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)).result())
        sampler.context.close()
    assert own[0] == own[1] != []
    assert handed[0] == handed[1] != []


def test_what_are_no_observers_is_the_outcome_of_what_a_handed_over_sampler_does() -> None:
    with keeping() as server, ServiceClient(config(server)) as service:
        outcome = handed_over(service, 5).sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1)).result()
    assert isinstance(outcome, Failure)
    assert outcome.failure().message.startswith("observers is 5")


@pytest.fixture
def log() -> Generator[logging.Logger]:
    log = logging.getLogger("tinkex_py")
    level, handlers = log.level, log.handlers[:]
    yield log
    log.setLevel(level)
    log.handlers[:] = handlers


REFUSED: dict[str, dict[str, Any]] = {
    "no word": {"config": Config(base_url="local:", log="loud")},
    "another setting": {"config": Config(base_url="local:", log="debug", max_attempts=0)},
    "another argument": {"config": Config(base_url="local:", log="debug"), "poll_backoff": -1.0},
    "observers": {"config": Config(base_url="local:", log="debug"), "observers": 5},
}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_the_log_as_it_is(log: logging.Logger, refused: dict[str, Any]) -> None:
    before = (log.level, log.handlers[:])
    with ServiceClient(**refused) as service:
        assert isinstance(service.get_server_capabilities(), Failure)
        assert (log.level, log.handlers) == before


def test_the_level_of_the_settings_is_that_of_the_log(log: logging.Logger) -> None:
    with ServiceClient(Config(base_url="local:", log="DEBUG")) as service:
        assert isinstance(service.get_server_capabilities(), Success)
    assert (log.level, len(log.handlers)) == (logging.DEBUG, 1)


def test_without_observers_the_log_hears_of_trouble(caplog: pytest.LogCaptureFixture) -> None:
    opened = {"session_id": "s", "warning_message": "mind the gap"}
    with keeping({"create_session": (200, opened)}) as server:
        for observers in (None, ()):
            with (
                caplog.at_level(logging.WARNING, "tinkex_py"),
                ServiceClient(config(server), observers=observers) as service,
            ):
                work(service)
    assert [record.message for record in caplog.records] == ["the server says: mind the gap"]
