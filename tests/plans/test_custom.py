"""A loss of one's own takes two passes in one turn; when it fails, nothing has happened."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Immediate, late, reply
from tests.plans.training import Trainer, a_run, batch_of, datum, good
from tinkex_py import AdamParams, Datum, ModelInput, TensorData, errors
from tinkex_py.endpoints.steps import optim_step
from tinkex_py.losses import Arrays, Entropy, LossFunction, Objective, RegularizerSpec
from tinkex_py.losses.surrogates import first_pass, second_pass
from tinkex_py.outcome import Outcome
from tinkex_py.plans.batches import take_batch
from tinkex_py.plans.chunks import Limits
from tinkex_py.plans.custom import CustomLoss, take_custom
from tinkex_py.plans.effects import attempt, deadline, together
from tinkex_py.plans.steps import take_update
from tinkex_py.runtime.executor import Executor
from tinkex_py.testing import clock
from tinkex_py.types.datum import PromptProvenanceSpan

DATA = (datum(1), datum(2, 3), datum(3))


def halves(data: Sequence[Datum], logprobs: Arrays) -> Any:
    """The loss is half the sum of all log-probabilities."""
    del data
    return sum(each.sum() for each in logprobs) / 2, {"mine": 4}, [np.full(each.shape, 0.5) for each in logprobs]


def failing(data: Sequence[Datum], logprobs: Arrays) -> Any:
    raise ZeroDivisionError(f"{len(data)}, {len(logprobs)}")


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is there")
def test_without_torch_its_arrays_are_refused_before_anything_is_sent() -> None:
    trainer = Trainer()
    error = trainer.run(take_custom(a_run(), DATA, CustomLoss(loss_fn=halves, arrays="torch"))).failure()
    assert isinstance(error, errors.ExtraMissing)
    assert (error.extra, "pip install 'tinkex-py[torch]'" in error.message, trainer.taken) == ("torch", True, {})


EMPTY: Any = json.loads('{"loss_fn_outputs": [{}], "metrics": {}}')
LOSS = CustomLoss(loss_fn=halves, arrays="numpy")
FAILING = CustomLoss(loss_fn=failing, arrays="numpy")


def weights_of(trainer: Trainer, number: int) -> list[list[float]]:
    _, body = trainer.taken[number]
    batch = body.get("forward_input") or body["forward_backward_input"]
    return [each["loss_fn_inputs"]["weights"]["data"] for each in batch["data"]]


@pytest.mark.parametrize("parallel", [False, True])
def test_both_passes_have_the_same_chunks_and_consecutive_numbers(*, parallel: bool) -> None:
    trainer = Trainer()
    output = trainer.run(take_custom(a_run(Limits(count=2, parallel=parallel)), DATA, LOSS)).unwrap()
    assert [operation for _, operation in trainer.order] == ["forward"] * 2 + ["forward_backward"] * 2
    assert [weights_of(trainer, number) for number in (1, 2)] == [[[0, 0], [0, 0, 0]], [[0, 0]]]
    assert [weights_of(trainer, number) for number in (3, 4)] == [[[-0.5] * 2, [-0.5] * 3], [[-0.5] * 2]]
    assert output.metrics == {"loss:sum": -(2 + 6 + 6) / 2, "surrogate_loss:sum": 3.0, "mine": 4.0}


def test_no_other_step_comes_between_the_passes() -> None:
    run, trainer = a_run(Limits()), Trainer()
    trainer.delay = 1.0
    plans = [take_custom(run, DATA, LOSS), take_batch(run, good, lambda: batch_of(1))]
    assert isinstance(trainer.run(together(plans)), Success)
    assert [operation for _, operation in trainer.order] == ["forward", "forward_backward", "forward_backward"]
    assert len(weights_of(trainer, 2)) == 3


def test_a_failing_loss_harms_nothing() -> None:
    run, trainer = a_run(), Trainer()
    failed, stepped = trainer.run(
        together([take_custom(run, DATA, FAILING), take_update(run, optim_step(AdamParams()))])
    ).unwrap()
    error = failed.failure()
    assert isinstance(error, errors.CallbackFailed)
    assert (error.callback, error.reason) == ("failing", "ZeroDivisionError: 3, 3")
    assert (isinstance(stepped, Success), trainer.order[-1]) == (True, (4, "optim_step"))


def listless(data: Sequence[Datum], logprobs: Arrays) -> Any:
    del data, logprobs
    return 0.0, {}, []


def leaving(data: Sequence[Datum], logprobs: Arrays) -> Any:
    del data, logprobs
    raise SystemExit(1)


BLAMED: dict[str, tuple[LossFunction, str]] = {
    "raises": (failing, "ZeroDivisionError: 3, 3"),
    "returns nothing of use": (listless, "LossError: the gradients have shapes []"),
    "ends the program": (leaving, "SystemExit: 1"),
}


@pytest.mark.parametrize(("function", "reason"), BLAMED.values(), ids=BLAMED)
def test_a_failing_regularizer_is_named_and_the_loss_is_not(function: LossFunction, reason: str) -> None:
    specs = tuple(RegularizerSpec(fn=fn, weight=1, name=name) for name, fn in (("flat", halves), ("smooth", function)))
    loss = CustomLoss(loss_fn=halves, arrays="numpy", objective=Objective(regularizers=specs))
    error = Trainer().run(take_custom(a_run(), DATA, loss)).failure()
    assert isinstance(error, errors.CallbackFailed)
    assert (error.callback, error.reason[: len(reason)]) == ("smooth", reason)
    assert error.message.startswith(f"forward_backward_custom: smooth failed: {reason}")


def test_who_takes_too_long_is_one_of_those_that_run() -> None:
    spec = RegularizerSpec(fn=halves, weight=1, name="smooth")
    assert CustomLoss(loss_fn=halves, objective=Objective(regularizers=(spec,))).names == "halves or smooth"


def test_weights_that_a_datum_has_go_into_the_first_pass_and_other_inputs_stay_here() -> None:
    own = Datum(ModelInput.from_ints([5]), {"target_tokens": [1], "weights": [0.5], "advantages": [2.0]})
    trainer = Trainer()
    assert isinstance(trainer.run(take_custom(a_run(), (own,), LOSS)), Success)
    assert weights_of(trainer, 1) == [[0.5]]
    assert "advantages" not in trainer.taken[1][1]["forward_input"]["data"][0]["loss_fn_inputs"]


def test_where_tokens_come_from_goes_into_both_passes() -> None:
    spans = (PromptProvenanceSpan(sequence_id="s", length=2),)
    known = datum(1).with_provenance(spans, spans)
    passes = (*first_pass([known]), *second_pass([known], (np.zeros(2),)))
    assert [(each.model_input_spans, each.loss_fn_input_spans) for each in passes] == [(spans, spans)] * 2


def test_sparse_targets_keep_their_form() -> None:
    targets = TensorData([7, 8], "int64", (2, 9), sparse_crow_indices=(0, 1, 2), sparse_col_indices=(3, 4))
    sparse = Datum(ModelInput.from_ints([5, 5]), {"target_tokens": targets})
    trainer = Trainer()
    assert isinstance(trainer.run(take_custom(a_run(), (sparse,), LOSS)), Success)
    sent = trainer.taken[2][1]["forward_backward_input"]["data"][0]["loss_fn_inputs"]["weights"]
    assert (sent["data"], sent["shape"], sent["sparse_col_indices"]) == ([-0.5, -0.5], [2, 9], [3, 4])


LISTED: Any = {"data": [-1, -2], "dtype": "float32", "shape": [2, 3]}
ANSWERS: dict[str, Any] = {
    "the whole matrix": {"data": [0, 0, -1, 0, -2, 0], "dtype": "float32", "shape": [2, 3]},
    "what is listed": {"data": [-1, -2], "dtype": "float32", "shape": [2]},
    "what is listed, as it was asked": {**LISTED, "sparse_crow_indices": [0, 1, 2], "sparse_col_indices": [2, 1]},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_loss_is_given_what_sparse_targets_list(answer: Any) -> None:
    given: list[list[float]] = []

    def noting(data: Sequence[Datum], logprobs: Arrays) -> Any:
        given.extend(each.tolist() for each in logprobs)
        return halves(data, logprobs)

    targets = TensorData([7, 8], "int64", (2, 3), sparse_crow_indices=(0, 1, 2), sparse_col_indices=(2, 1))
    sparse = Datum(ModelInput.from_ints([5, 5]), {"target_tokens": targets})
    trainer = Trainer(results={1: reply(200, {"loss_fn_outputs": [{"logprobs": answer}], "metrics": {}})})
    output = trainer.run(take_custom(a_run(), (sparse,), CustomLoss(loss_fn=noting, arrays="numpy"))).unwrap()
    assert (given, output.metrics["loss:sum"]) == ([[-1.0, -2.0]], -1.5)


BAD: dict[str, tuple[tuple[Datum, ...], Objective, str]] = {
    "no targets": ((Datum(ModelInput.from_ints([1]), {}),), Objective(), "data[0].loss_fn_inputs['target_tokens']"),
    "no data": ((), Objective(), "data"),
    "regularizer": (DATA, Objective(regularizers=(RegularizerSpec(fn=halves, weight=-1, name="a"),)), "regularizers"),
}


@pytest.mark.parametrize(("data", "objective", "path"), BAD.values(), ids=BAD)
def test_bad_input_is_found_before_anything_is_sent(data: tuple[Datum, ...], objective: Objective, path: str) -> None:
    trainer = Trainer()
    loss = CustomLoss(loss_fn=halves, arrays="numpy", objective=objective)
    error = trainer.run(take_custom(a_run(), data, loss)).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, trainer.sent) == (path, [])


def test_a_setting_of_the_loss_itself_is_found_before_anything_is_sent() -> None:
    trainer, odd = Trainer(), Entropy(mode="min")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    error = trainer.run(take_custom(a_run(), DATA, CustomLoss(loss_fn=odd))).failure()
    assert isinstance(error, errors.InvalidInput)
    assert error.message == "loss_fn: mode is 'min': give 'minimize' or 'maximize'"
    assert (error.path, trainer.sent) == ("loss_fn.mode", [])


def test_an_async_loss_is_refused_before_anything_is_sent() -> None:
    async def awaited(data: Sequence[Datum], logprobs: Arrays) -> Any:
        del data, logprobs

    trainer, odd = Trainer(), CustomLoss(loss_fn=awaited)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    error = trainer.run(take_custom(a_run(), DATA, odd)).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, trainer.sent, "isn't async" in error.message) == ("loss_fn", [], True)


UNFIT: dict[str, tuple[list[Any], str]] = {
    "no log-probabilities": ([{}], "log-probabilities of [None] tokens for data with [2]"),
    "no datum": ([], "log-probabilities of [] tokens for data with [2]"),
    "too few": ([{"logprobs": {"data": [-1.0]}}], "log-probabilities of [1] tokens for data with [2]"),
}


@pytest.mark.parametrize(("outputs", "reason"), UNFIT.values(), ids=UNFIT)
def test_an_answer_without_the_log_probabilities_is_undecodable(outputs: list[Any], reason: str) -> None:
    answer = reply(200, {"loss_fn_outputs": outputs, "metrics": {}})
    error = Trainer(results={1: answer}).run(take_custom(a_run(), DATA[:1], LOSS)).failure()
    assert isinstance(error, errors.Undecodable)
    assert reason in error.message


def test_a_backward_pass_that_fails_says_what_was_taken() -> None:
    run, trainer = a_run(), Trainer({5: reply(422)})
    error = trainer.run(take_custom(run, DATA, LOSS)).failure()
    assert isinstance(error, errors.OutOfSequence)
    assert (error.taken, run.partial) == ((4,), (4,))


def test_a_first_pass_that_is_refused_leaves_nothing() -> None:
    run, trainer = a_run(), Trainer({2: reply(422)})
    assert isinstance(trainer.run(take_custom(run, DATA, LOSS)).failure(), errors.Unprocessable)
    assert run.partial == ()


def test_a_server_without_a_loss_metric_is_read_too() -> None:
    output = Trainer(results={2: reply(200, EMPTY)}).run(take_custom(a_run(), DATA[:1], LOSS)).unwrap()
    assert output.metrics == {"loss:sum": -1.0, "mine": 4.0}


def test_a_loss_that_does_not_return_is_given_up_and_lets_the_next_step_go() -> None:
    over = threading.Event()

    def endless(_data: Sequence[Datum], _logprobs: Sequence[Any]) -> Any:
        _ = over.wait()

    async def program() -> Outcome[tuple[Outcome[object], ...]]:
        executor = Executor(trainer, pool=Immediate())
        plans = [
            take_custom(run, DATA, CustomLoss(loss_fn=endless, arrays="numpy")),
            take_update(run, optim_step(AdamParams())),
        ]
        return await executor.run(together(plans))

    run, trainer = a_run(progress_timeout=60.0), Trainer()
    given_up, stepped = clock.run(program()).unwrap()
    over.set()
    error = given_up.failure()
    assert isinstance(error, errors.DeadlineExceeded)
    assert ("endless did not return within 60 s" in error.message, isinstance(stepped, Success)) == (True, True)


def test_a_custom_step_that_is_stopped_between_the_passes_trains_nothing() -> None:
    def patient() -> Any:
        stopped = yield from attempt(deadline(1.5, take_custom(run, DATA, LOSS), late))
        return stopped, (yield from attempt(take_update(run, optim_step(AdamParams()))))

    run, trainer = a_run(), Trainer()
    trainer.delay = 1.0
    outcomes: tuple[Outcome[object], Outcome[object]] = trainer.run(patient()).unwrap()
    assert [type(each) for each in outcomes] == [Failure, Success]
    assert "forward_backward" not in [operation for _, operation in trainer.order]
