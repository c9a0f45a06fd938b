"""Whoever wants to know what a client does is told; the server is told only when it was asked for."""

from __future__ import annotations

import logging

import pytest

from tests.clients.servers import Keeping, keeping
from tinkex_py import Config, ModelInput, SamplingParams, ServiceClient, or_raise
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
