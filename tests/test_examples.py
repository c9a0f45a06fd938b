"""The examples do what they say."""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
from pathlib import Path
from typing import Any

import pytest

from tinkex_py import AsyncServiceClient, ServiceClient, or_raise

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_sentence_is_learned() -> None:
    with ServiceClient.local() as service:
        lesson: tuple[list[float], str] = or_raise(example("supervised").lesson(service))
    losses, continuation = lesson
    assert losses[-1] < 0.1 < losses[0]
    assert continuation == " brown fox jumps over the lazy dog."


def test_the_reward_at_least_doubles() -> None:
    with ServiceClient.local() as service:
        rewards: tuple[float, ...] = or_raise(example("reinforcement").learn(service))
    assert rewards[-1] >= 2 * rewards[0]


def test_a_loss_of_ones_own_is_learned_as_far_as_it_asks() -> None:
    with ServiceClient.local() as service:
        measured: list[dict[str, float]] = or_raise(example("custom_loss").lesson(service))
    first, last = measured[0], measured[-1]
    assert (first["learned:mean"], first["regularizer/nearby:sum"]) < (0.1, 0.001)
    assert (last["learned:mean"], last["regularizer/nearby:sum"]) > (0.9, 0.01)


def test_resumed_training_is_uninterrupted_training_bit_for_bit(tmp_path: Path) -> None:
    resume = example("resume")
    with ServiceClient.local(tmp_path) as service:
        assert or_raise(resume.interrupted(service, 3, 3)) == or_raise(resume.straight(service, 6))


def test_everything_works_everywhere() -> None:
    everywhere = example("everywhere")
    journal = everywhere.Journal(everywhere.show)
    with ServiceClient.local() as service:
        everywhere.tour(service, None, journal)
    assert {row.operation: row.said for row in journal.rows if row.outcome != "ok"} == {}


def test_what_a_server_does_not_do_is_told_and_what_needs_it_is_not_tried() -> None:
    everywhere = example("everywhere")
    journal = everywhere.Journal(everywhere.show)
    with ServiceClient.local() as service:
        everywhere.tour(service, "no/such", journal)
    outcomes = {row.operation: row.outcome for row in journal.rows}
    assert (outcomes["create"], outcomes["train"], outcomes["list_sessions"]) == ("NotFound", "not tried", "ok")


def test_many_samples_are_in_flight_at_once() -> None:
    async def ask() -> list[str]:
        async with AsyncServiceClient.local() as service:
            return list(or_raise(await example("many_samples").ask(service, 200)))

    assert len(asyncio.run(ask())) == 200


@pytest.mark.parametrize(
    "name",
    [
        "supervised",
        "reinforcement",
        "custom_loss",
        "resume",
        "many_samples",
        "first_program",
        "everywhere",
        "carried_over",
    ],
)
def test_an_example_prints_what_came_of_it(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [name])
    monkeypatch.setenv("TINKER_BASE_URL", "local:")
    main = example(name).main
    if inspect.iscoroutinefunction(main):
        asyncio.run(main())
    else:
        main()
    assert capsys.readouterr().out
