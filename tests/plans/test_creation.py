"""Models are made by requests that every server knows, and by the one of later releases where those are missing."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Answers, reply, waiting
from tinkex_py import DimuonOptimizerConfig, LoraConfig, OtherOptimizer, Outcome, errors
from tinkex_py.events import SessionOver
from tinkex_py.plans.creation import Making, Origin, created, described, like, loaded, optimizer_of
from tinkex_py.plans.effects import Plan, attempt, sleep, together
from tinkex_py.plans.retry import Policy
from tinkex_py.plans.sessions import SessionState, session_id
from tinkex_py.request import Reply
from tinkex_py.types.training import OptimizerInfo, WeightsInfoResponse

PATH = "tinker://run/weights/a"
MADE: Mapping[str, Reply] = {
    "create_session": reply(200, {"session_id": "s"}),
    "create_model": reply(200, {"request_id": "r"}),
    "load_weights": reply(200, {"request_id": "r"}),
    "retrieve_future": reply(200, {"model_id": "s:train:9"}),
    "weights_info": reply(200, {"base_model": "b", "is_lora": True, "lora_rank": 8, "train_mlp": False}),
}


def maker_of(**answers: Reply) -> Answers:
    return Answers(**{**MADE, **answers})


def making(**settings: Any) -> Making:
    shared = waiting()
    session = SessionState(config=shared.config, sdk_version="1")
    return Making(session=session, waiting=shared, policy=Policy(seconds=60, attempts=2), **settings)


def test_a_new_model_is_numbered_in_its_session() -> None:
    maker, made = maker_of(), making(optimizer=DimuonOptimizerConfig())
    assert maker.run(created(made, "b", LoraConfig())) == Success("s:train:9")
    assert (made.session.models, maker.operations[:3]) == (1, ["create_session", "create_model", "retrieve_future"])


def ways(made: Making) -> dict[str, Plan[str]]:
    """The ways to make a model, by the request that names its session."""
    return {"create_model": created(made, "b", LoraConfig()), "load_weights": loaded(made, Origin(path=PATH))}


OVER = {
    "gone": reply(410),
    "ended": reply(410, {"detail": "too old; go on from a checkpoint of session s"}),
    "forgotten": reply(404, {"detail": "Failed to create model: Session s not found."}),
    "never known": reply(404, {"detail": "there is no session 's'"}),
}
NOT_OVER = {
    "expired weights": reply(410, {"detail": "the checkpoint tinker://s:train:0/weights/a has expired"}),
    "no such weights": reply(404, {"detail": "no weights of session s:train:0"}),
    "no such base model": reply(404, {"detail": "Unknown model: b"}),
    "no such route": reply(404),
}


@pytest.mark.parametrize("way", ways(making()))
@pytest.mark.parametrize("answer", OVER.values(), ids=OVER)
def test_a_session_that_the_server_no_longer_has_is_over_at_once_for_all_later_work(way: str, answer: Reply) -> None:
    made, maker = making(), maker_of(**{way: answer})

    def later() -> Plan[tuple[Outcome[str], Outcome[str]]]:
        first = yield from attempt(ways(made)[way])
        yield from sleep(100)
        return first, (yield from attempt(session_id(made.session)))

    first, second = maker.run(later()).unwrap()
    assert isinstance(first.failure(), errors.SessionEnded)
    assert first.failure().message.endswith("make a new client, and go on from the last checkpoint")
    assert second == first
    assert maker.operations == ["create_session", way]
    assert [type(event) for event in maker.events].count(SessionOver) == 1


def test_all_who_find_a_session_gone_are_told_the_same_and_observers_once() -> None:
    made, maker = making(), maker_of(create_model=reply(410))
    outcomes = maker.run(together([created(made, "b", LoraConfig()) for _ in range(2)])).unwrap()
    assert (maker.operations.count("create_model"), outcomes[0]) == (2, outcomes[1])
    assert isinstance(outcomes[0].failure(), errors.SessionEnded)
    assert [type(event) for event in maker.events].count(SessionOver) == 1


@pytest.mark.parametrize("way", ways(making()))
@pytest.mark.parametrize("answer", NOT_OVER.values(), ids=NOT_OVER)
def test_other_refusals_leave_the_session_as_it_is(way: str, answer: Reply) -> None:
    made, maker = making(), maker_of(**{way: answer})
    assert isinstance(maker.run(ways(made)[way]).failure(), errors.NotFound | errors.PromiseExpired)
    assert made.session.ended is None


@pytest.mark.parametrize("way", ways(making()))
def test_a_promise_that_the_server_lost_says_nothing_of_the_session(way: str) -> None:
    made, maker = making(), maker_of(retrieve_future=reply(410))
    assert isinstance(maker.run(ways(made)[way]).failure(), errors.PromiseExpired)
    assert made.session.ended is None


BAD: dict[str, tuple[Any, str]] = {
    "base model": (created(making(), "", LoraConfig()), "base_model"),
    "rank": (created(making(), "b", LoraConfig(rank=0)), "lora_config.rank"),
    "optimizer": (created(making(optimizer=DimuonOptimizerConfig(version=0)), "b", LoraConfig()), "optimizer.version"),
    "family": (created(making(optimizer=OtherOptimizer("")), "b", LoraConfig()), "optimizer.type"),
    "setting": (
        loaded(making(optimizer=OtherOptimizer("a", {"lr": inf})), Origin(path=PATH)),
        "optimizer.settings['lr']",
    ),
    "path": (described(making(), Origin(path="")), "path"),
    "other base model": (loaded(making(), Origin(path=PATH, base_model="")), "base_model"),
}


@pytest.mark.parametrize(("plan", "path"), BAD.values(), ids=BAD)
def test_bad_input_is_found_before_anything_is_sent(plan: Any, path: str) -> None:
    maker = maker_of()
    error = maker.run(plan).failure()
    assert isinstance(error, errors.InvalidInput)
    assert (error.path, maker.sent) == (path, [])


def test_a_checkpoint_says_what_can_hold_it() -> None:
    info = maker_of().run(described(making(), Origin(path=PATH))).unwrap()
    assert info is not None
    assert (like(info), optimizer_of(info)) == (LoraConfig(rank=8, train_mlp=False), None)


def test_the_optimizer_of_a_checkpoint_is_kept() -> None:
    dimuon = reply(200, {"base_model": "b", "optimizer_config": {"type": "dimuon", "version": 2}})
    info = maker_of(weights_info=dimuon).run(described(making(), Origin(path=PATH))).unwrap()
    assert info is not None
    assert optimizer_of(info) == DimuonOptimizerConfig(version=2)
    assert optimizer_of(WeightsInfoResponse(base_model="b")) is None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (OptimizerInfo(type="adamw"), None),
        (OptimizerInfo(type="lion"), OtherOptimizer("lion")),
        (OptimizerInfo(type="lion", version=2), OtherOptimizer("lion", {"version": 2})),
    ],
)
def test_an_optimizer_that_has_no_class_here_is_kept_by_its_name(
    said: OptimizerInfo, kept: OtherOptimizer | None
) -> None:
    assert optimizer_of(WeightsInfoResponse(base_model="b", optimizer_config=said)) == kept


WITH_TOKEN = Origin(path=PATH, weights_access_token="hush")
CANNOT_SAY: dict[str, tuple[Reply, Origin]] = {
    "no such route": (reply(404, {"detail": "Not Found"}), Origin(path=PATH)),
    "no such method": (reply(405), Origin(path=PATH)),
    "another account's, unknown": (reply(404, {"detail": "no such checkpoint"}), WITH_TOKEN),
    "another account's, forbidden": (reply(403), WITH_TOKEN),
}


@pytest.mark.parametrize(("answer", "origin"), CANNOT_SAY.values(), ids=CANNOT_SAY)
def test_a_server_that_can_not_say_may_load_it_all_the_same(answer: Reply, origin: Origin) -> None:
    assert maker_of(weights_info=answer).run(described(making(), origin)) == Success(None)


@pytest.mark.parametrize("answer", [reply(404, {"detail": "no such checkpoint"}), reply(403), reply(400)])
def test_a_refusal_of_the_checkpoint_is_the_answer(answer: Reply) -> None:
    assert isinstance(maker_of(weights_info=answer).run(described(making(), Origin(path=PATH))), Failure)


def test_loading_makes_a_model_whose_id_is_known_or_built() -> None:
    assert maker_of().run(loaded(making(), WITH_TOKEN)) == Success("s:train:9")
    silent = maker_of(retrieve_future=reply(200, {"path": PATH}))
    assert silent.run(loaded(making(), Origin(path=PATH))) == Success("s:train:0")


def test_an_access_token_is_not_shown() -> None:
    assert "hush" not in repr(WITH_TOKEN)
