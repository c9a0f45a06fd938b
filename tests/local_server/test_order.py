"""The numbers of a model's steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.local_server.driving import Driven, Json, answered, batch, refused
from tinkex_py.local.incoming import Held
from tinkex_py.request import Reply


def optim_step(model_id: str, seq_id: int | None, rate: float = 1e-2) -> Json:
    return {"model_id": model_id, "seq_id": seq_id, "adam_params": {"learning_rate": rate}}


def gradient(driven: Driven, promise: Json) -> Any:
    metrics = answered(driven.poll(promise["request_id"]))["metrics"]
    return metrics["grad_norm"]


def test_a_promise_is_pending_until_its_work_is_done(driven: Driven) -> None:
    promise = driven.post("forward_backward", batch(driven.model(), seq_id=1))
    request_id = str(promise["request_id"])
    assert driven.poll(request_id) == Held(request_id)
    assert driven.server.work()
    assert isinstance(driven.poll(request_id), Reply)


def test_there_is_nothing_to_do_when_nothing_was_submitted(driven: Driven) -> None:
    assert not driven.server.work()


def test_steps_run_in_the_order_of_their_numbers(driven: Driven) -> None:
    model_id = driven.model()
    update = driven.post("optim_step", optim_step(model_id, 3))
    _ = driven.post("forward_backward", batch(model_id, seq_id=2))
    driven.work()
    assert isinstance(driven.poll(update["request_id"]), Held)
    _ = driven.post("forward_backward", batch(model_id, seq_id=1))
    driven.work()
    late = driven.model()
    _ = driven.post("forward_backward", batch(late))
    _ = driven.post("forward_backward", batch(late))
    reference = driven.post("optim_step", optim_step(late, None))
    driven.work()
    assert gradient(driven, update) == gradient(driven, reference)


def test_a_repeated_number_answers_the_same_promise_and_runs_once(driven: Driven) -> None:
    model_id = driven.model()
    body = batch(model_id, seq_id=1)
    assert driven.post("forward_backward", body) == driven.post("forward_backward", body)
    driven.work()
    assert not driven.server.work()
    assert driven.post("forward_backward", body) == driven.post("forward_backward", body)


@pytest.mark.parametrize("number", [1, 2])
def test_an_accepted_number_with_another_body_is_409(driven: Driven, number: int) -> None:
    model_id = driven.model()
    _ = driven.post("forward_backward", batch(model_id, seq_id=1))
    _ = driven.post("forward_backward", batch(model_id, seq_id=2))
    conflict = driven.call("POST", "optim_step", optim_step(model_id, number))
    assert refused(conflict) == (409, f"Sequence conflict: expected 3, got {number}")


def test_a_waiting_number_with_another_body_is_409(driven: Driven) -> None:
    model_id = driven.model()
    _ = driven.post("forward_backward", batch(model_id, seq_id=2))
    conflict = driven.call("POST", "optim_step", optim_step(model_id, 2))
    assert refused(conflict) == (409, "Sequence conflict: expected 1, got 2")


def test_a_refused_number_may_come_again(driven: Driven) -> None:
    model_id = driven.model()
    assert driven.status("POST", "optim_step", {"model_id": model_id, "seq_id": 1, "adam_params": 5}) == 422
    assert "metrics" in driven.result("optim_step", optim_step(model_id, 1))


def test_a_refused_number_may_be_skipped(driven: Driven) -> None:
    model_id = driven.model()
    assert driven.status("POST", "optim_step", {"model_id": model_id, "seq_id": 1, "adam_params": 5}) == 422
    assert "metrics" in driven.result("optim_step", optim_step(model_id, 2))
    conflict = driven.call("POST", "optim_step", optim_step(model_id, 1))
    assert refused(conflict) == (409, "Sequence conflict: expected 3, got 1")


def test_a_later_step_goes_on_when_the_one_before_it_is_refused(driven: Driven) -> None:
    model_id = driven.model()
    waiting = driven.post("optim_step", optim_step(model_id, 2))
    assert driven.status("POST", "save_weights", {"model_id": model_id, "seq_id": 1, "path": "a/b"}) == 422
    driven.work()
    assert "metrics" in answered(driven.poll(waiting["request_id"]))


def test_a_step_without_a_number_takes_the_next(driven: Driven) -> None:
    model_id = driven.model()
    _ = driven.result("optim_step", optim_step(model_id, None))
    assert "metrics" in driven.result("optim_step", optim_step(model_id, 2))


def test_a_step_that_fails_has_used_its_number(driven: Driven) -> None:
    model_id = driven.model()
    failed = driven.result("optim_step", optim_step(model_id, 1, rate=-1.0))
    assert failed == {"error": "learning_rate must be 0 or more", "category": "user"}
    assert "metrics" in driven.result("optim_step", optim_step(model_id, 2))


@pytest.mark.parametrize("number", [0, -1, 2**40])
def test_a_number_below_1_or_too_large_is_422(driven: Driven, number: int) -> None:
    assert driven.status("POST", "optim_step", optim_step(driven.model(), number)) == 422


def test_a_nameless_save_repeated_with_another_sampler_number_is_the_same_save(driven: Driven) -> None:
    model_id = driven.model()
    body: Json = {"model_id": model_id, "seq_id": 1, "sampling_session_seq_id": 0}
    first = driven.post("save_weights_for_sampler", body)
    assert driven.post("save_weights_for_sampler", {**body, "sampling_session_seq_id": 1}) == first


def test_models_do_not_wait_for_one_another(driven: Driven) -> None:
    session_id = driven.session()
    first, second = driven.model(session_id), driven.model(session_id)
    _ = driven.post("optim_step", optim_step(first, 2))
    assert "metrics" in driven.result("optim_step", optim_step(second, 1))


def test_an_unknown_promise_is_404(driven: Driven) -> None:
    detail = "there is no promise 'promise-5feceb66-0'; work that was given to an earlier server is lost"
    assert refused(driven.poll("promise-5feceb66-0")) == (404, detail)


def test_not_ready_is_the_pending_answer(driven: Driven) -> None:
    promise = driven.post("forward_backward", batch(driven.model()))
    held = driven.poll(promise["request_id"])
    assert isinstance(held, Held)
    assert (held.otherwise.status, held.otherwise.body) == (408, b'{"queue_state":"active"}')
