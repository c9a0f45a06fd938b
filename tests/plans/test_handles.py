"""A loss is made once in a session, uploaded where the server runs losses, and fits its data or is refused."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.plans.scripted import Script, late, reply, waiting
from tests.plans.training import Trainer, a_run, datum
from tinkex_py.endpoints.losses import CreateCustomLoss
from tinkex_py.errors import DeadlineExceeded, InvalidInput, NotFound, RequestFailed, SessionEnded
from tinkex_py.losses import L2, Objective, RegularizerSpec
from tinkex_py.losses.protocol import LossError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import attempt, deadline, together
from tinkex_py.plans.handles import Maker, created_loss, take_by_handle
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.sessions import SessionState
from tinkex_py.plans.startup import Startup
from tinkex_py.types.custom import CustomLossGraph, CustomLossInput, CustomLossNode, LossHandle
from tinkex_py.types.service import ClientConfigResponse

SESSION, DYNAMIC, PROMISE = (reply(200, {"session_id": "s"}), reply(200, {}), reply(200, {"request_id": "r"}))
MADE = {"loss_id": "loss-1"}
RANKS: Any = {"logprobs": 1}


def loss(logprobs: Any) -> Any:
    return logprobs.sum(), {}


def trace(function: Any) -> Any:
    """A trace of no torch: all that is known of the function is its name."""
    return CustomLossGraph(nodes=(CustomLossNode(op="output", name="output", target=function.__name__),)), function


def a_maker(*, server_side: bool = True, **given: Any) -> Maker:
    shared = waiting()
    return Maker(
        session=SessionState(config=shared.config, sdk_version="0.38.0"),
        startup=Startup(config=shared.config, known=ClientConfigResponse(custom_loss_server_side=server_side)),
        waiting=shared,
        policy=Policy(seconds=60),
        **{"trace": trace, **given},
    )


def uploads(script: Script) -> list[Any]:
    return [each.body for each, _ in script.sent if each.operation == "create_custom_loss"]


def test_a_server_that_runs_losses_is_given_the_trace_under_a_number() -> None:
    script, maker = Script(SESSION, DYNAMIC, PROMISE, reply(200, MADE)), a_maker()
    handle = script.run(created_loss(maker, loss, RANKS)).unwrap()
    inputs = (CustomLossInput(name="logprobs", rank=1),)
    assert handle == LossHandle(
        name="loss", inputs=inputs, session_id="s", graph=trace(loss)[0], traced=loss, loss_id="loss-1"
    )
    assert uploads(script) == [
        CreateCustomLoss(session_id="s", custom_loss_seq_id=0, name="loss", inputs=inputs, graph=handle.graph)
    ]


def test_elsewhere_nothing_is_uploaded() -> None:
    script = Script(SESSION)
    assert script.run(created_loss(a_maker(server_side=False), loss, RANKS)).unwrap().loss_id is None
    assert uploads(script) == []


def test_the_same_trace_is_made_once_in_a_session() -> None:
    script, maker = Script(SESSION), a_maker(server_side=False)
    plans = [created_loss(maker, loss, RANKS), created_loss(maker, loss, RANKS)]
    first, second = script.run(together(plans)).unwrap()
    assert (first.unwrap().name, type(second.failure())) == ("loss", InvalidInput)
    assert "use the handle that there is" in second.failure().message


def test_a_loss_that_the_server_refused_may_be_given_again_under_the_next_number() -> None:
    script, maker = Script(SESSION, DYNAMIC, reply(404, {"detail": "Not Found"}), PROMISE, reply(200, MADE)), a_maker()

    def twice() -> Any:
        refused = yield from attempt(created_loss(maker, loss, RANKS))
        return refused, (yield from created_loss(maker, loss, RANKS))

    refused, made = script.run(twice()).unwrap()
    assert (type(refused.failure()), made.loss_id) == (NotFound, "loss-1")
    assert [body.custom_loss_seq_id for body in uploads(script)] == [0, 1]


def test_a_loss_whose_making_was_cut_short_may_be_made_again() -> None:
    script, maker = Script(SESSION, DYNAMIC, 100.0, PROMISE, reply(200, MADE)), a_maker()

    def twice() -> Any:
        cut = yield from attempt(deadline(1, created_loss(maker, loss, RANKS), late))
        return cut, (yield from created_loss(maker, loss, RANKS))

    cut, made = script.run(twice()).unwrap()
    assert (type(cut.failure()), made.loss_id) == (DeadlineExceeded, "loss-1")


def test_a_session_that_the_server_no_longer_has_is_over() -> None:
    script = Script(SESSION, DYNAMIC, reply(410))
    error = script.run(created_loss(a_maker(), loss, RANKS)).failure()
    assert (type(error), error.message[:26]) == (SessionEnded, "the server ended session s")


def test_a_failed_promise_is_the_failure() -> None:
    script = Script(SESSION, DYNAMIC, PROMISE, reply(200, {"error": "no such op", "category": "user"}))
    error = script.run(created_loss(a_maker(), loss, RANKS)).failure()
    assert isinstance(error, RequestFailed)


def leaving(_function: object) -> Any:
    raise SystemExit(3)


def failing(_: Any) -> Any:
    raise LossError("it branches")


@pytest.mark.parametrize(
    ("function", "given", "why"),
    [
        (loss, {"trace": failing}, "it branches"),
        (loss, {"trace": leaving}, "SystemExit"),
        (print, {}, "logprobs"),
        (trace, {}, "first parameter"),
    ],
)
def test_a_loss_that_can_not_be_traced_is_refused_before_anything_is_sent(function: Any, given: Any, why: str) -> None:
    script = Script(SESSION)
    error = script.run(created_loss(a_maker(**given), function, RANKS)).failure()
    assert isinstance(error, InvalidInput)
    assert (error.path, why in error.message, script.sent) == ("fn", True, [])


HERE = LossHandle(
    name="mine",
    inputs=(CustomLossInput(name="logprobs", rank=1),),
    session_id="s",
    graph=CustomLossGraph(),
    traced=loss,
)
THERE = replace(HERE, loss_id="loss-1")
WEIGHED = replace(HERE, inputs=(*HERE.inputs, CustomLossInput(name="weights", rank=0)))


NOTHING_ADDED = Objective()


def taken(trainer: Trainer, handle: LossHandle, objective: Objective = NOTHING_ADDED) -> Outcome[Any]:
    state = SessionState(config=waiting().config, sdk_version="0.38.0", known="s")
    return trainer.run(take_by_handle(a_run(), state, (datum(1), datum(2)), handle, objective))


def test_the_server_takes_its_own_losses_by_their_id() -> None:
    trainer = Trainer()
    assert taken(trainer, THERE).unwrap().metrics == {"loss:sum": 2.0}
    asked = [body["forward_backward_input"] for _, body in trainer.taken.values()]
    assert [(each["loss_fn"], each["loss_fn_config"]) for each in asked] == [("custom", {"loss_id": "loss-1"})] * 2


MISFITS = {
    "another session": (replace(HERE, session_id="t"), Objective(), "loss_fn", "of session t"),
    "regularizers": (
        THERE,
        Objective(regularizers=(RegularizerSpec(fn=L2(), weight=1.0, name="l2"),)),
        "regularizers",
        "can't be added",
    ),
    "missing": (WEIGHED, Objective(), "data[0].loss_fn_inputs['weights']", "is missing"),
    "rank": (
        replace(HERE, inputs=(CustomLossInput(name="logprobs", rank=2),)),
        Objective(),
        "data[0].loss_fn_inputs['target_tokens']",
        "has rank 1",
    ),
    "rank there": (
        replace(THERE, inputs=(CustomLossInput(name="logprobs", rank=2),)),
        Objective(),
        "data[0].loss_fn_inputs['target_tokens']",
        "has rank 1",
    ),
}


@pytest.mark.parametrize(("handle", "objective", "path", "why"), MISFITS.values(), ids=MISFITS)
def test_a_loss_that_does_not_fit_is_refused_before_anything_is_sent(
    handle: LossHandle, objective: Objective, path: str, why: str
) -> None:
    trainer = Trainer()
    error = taken(trainer, handle, objective).failure()
    assert isinstance(error, InvalidInput)
    assert (error.path, why in error.message, trainer.taken) == (path, True, {})
