"""A server that is killed and started again in the same folder: what its clients are told, and the way on."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from returns.result import Failure

from tests.runtime.served import served
from tests.test_documents import ROOT, blocks
from tinkex_py import (
    AdamParams,
    Config,
    Datum,
    ForwardBackwardOutput,
    ModelInput,
    Outcome,
    ServiceClient,
    errors,
    or_raise,
)
from tinkex_py.clients.training import TrainingClient

MODEL = "tinkex/tiny-random"


def client_of(address: str, transport: str) -> ServiceClient:
    return ServiceClient(config=Config(base_url=address, api_key="tml-test", timeout=60.0, transport=transport))


def example(token: int) -> Datum:
    return Datum(ModelInput.from_ints([token, 2, 3]), {"target_tokens": [2, 3, token]})


def train(trainer: TrainingClient, tokens: range) -> None:
    for token in tokens:
        gradients = trainer.forward_backward([example(token)], "cross_entropy")
        update = trainer.optim_step(AdamParams(learning_rate=0.01))
        or_raise(gradients.result(60))
        or_raise(update.result(60))


def look(trainer: TrainingClient) -> ForwardBackwardOutput:
    return or_raise(trainer.forward([example(9)], "cross_entropy").result(60))


def undisturbed() -> ForwardBackwardOutput:
    with ServiceClient.local() as service:
        trainer = or_raise(service.create_lora_training_client(MODEL, rank=2, seed=1))
        train(trainer, range(4, 8))
        return look(trainer)


@pytest.mark.parametrize("transport", ["httpx", "fast"])
@pytest.mark.parametrize("step_under_way", [False, True], ids=["between steps", "with a step under way"])
def test_after_a_kill_the_way_on_ends_with_the_same_weights(
    tmp_path: Path, transport: str, *, step_under_way: bool
) -> None:
    with served(tmp_path) as (process, address), client_of(address, transport) as service:
        trainer = or_raise(service.create_lora_training_client(MODEL, rank=2, seed=1))
        train(trainer, range(4, 6))
        saved = or_raise(trainer.save_state("halfway").result(60)).path
        begun = [trainer.optim_step(AdamParams())] if step_under_way else []
        process.kill()
        process.wait()
        with served(tmp_path, int(address.rpartition(":")[2])):
            told = [step.result(60) for step in (*begun, trainer.optim_step(AdamParams()))]
            assert isinstance(told[-1], Failure)
            assert isinstance(told[-1].failure(), errors.NotFound | errors.OutOfSequence | errors.SessionEnded)
            with client_of(address, transport) as again:
                resumed = or_raise(again.create_training_client_from_state_with_optimizer(saved))
                train(resumed, range(6, 8))
                assert look(resumed) == undisturbed()


@pytest.mark.parametrize("folder_kept", [True, False], ids=["in its folder", "in another folder"])
def test_a_server_that_was_restarted_has_the_client_made_anew_at_once(tmp_path: Path, *, folder_kept: bool) -> None:
    """No heartbeat finds it out first."""
    settings = Config(api_key="tml-test", heartbeat_interval=3600.0)
    with served(tmp_path / "first") as (process, address), ServiceClient(settings, base_url=address) as service:
        trainer = or_raise(service.create_lora_training_client(MODEL, rank=2))
        saved = or_raise(trainer.save_state("saved").result(60)).path
        process.kill()
        process.wait()
        with served(tmp_path / ("first" if folder_kept else "second"), int(address.rpartition(":")[2])):
            told = [
                service.create_lora_training_client(MODEL, rank=2),
                service.create_training_client_from_state_with_optimizer(saved, by_load=True),
                service.create_sampling_client(base_model=MODEL),
                trainer.optim_step(AdamParams()).result(60),
            ]
        kinds = [type(each.failure() if isinstance(each, Failure) else each) for each in told]
        assert kinds == [errors.SessionEnded] * 4


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page on OutOfSequence defines."""
    monkeypatch.chdir(tmp_path)
    defined: dict[str, Any] = {"__name__": "out_of_sequence"}
    for block in blocks(ROOT / "docs" / "howto" / "out-of-sequence.md"):
        exec(compile(block, "out-of-sequence.md", "exec"), defined)  # noqa: S102 - the page's own functions are tested
    return defined


def test_the_loop_of_the_documents_goes_on_after_a_restart(tmp_path: Path, page: dict[str, Any]) -> None:
    """The server is killed, and started again, when the first stretch is saved."""
    stretch = page["saved_stretch"]
    with ExitStack() as servers:
        process, address = servers.enter_context(served(tmp_path))

        def then_restarted(trainer: TrainingClient, steps: int, name: str) -> Outcome[str]:
            saved: Outcome[str] = stretch(trainer, steps, name)
            if process.poll() is None:
                process.kill()
                process.wait()
                servers.enter_context(served(tmp_path, int(address.rpartition(":")[2])))
            return saved

        page["saved_stretch"] = then_restarted
        path: str = or_raise(page["train"](lambda: client_of(address, "httpx"), range(3)))
    assert path.endswith("/weights/stretch-2")


def test_the_loop_of_the_documents_leaves_out_no_step_that_failed(page: dict[str, Any]) -> None:
    page["example"] = Datum(ModelInput.from_ints([1]), {"target_tokens": [10**6]})
    outcome: Outcome[str] = page["train"](ServiceClient.local, range(2))
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.RequestFailed)
