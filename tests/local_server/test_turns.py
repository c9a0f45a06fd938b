"""Whose work is done next."""

from __future__ import annotations

from tests.local_server.driving import RANDOM, TEXT, Driven, batch
from tests.local_server.test_polls import sampled, sampler
from tinkex_py.local.incoming import Held
from tinkex_py.local.samples import LONGEST_QUEUE
from tinkex_py.local.turns import Turns
from tinkex_py.request import Reply


def turns(*items: str) -> Turns[str]:
    """Items of the owners that their first letters name."""
    found: Turns[str] = Turns()
    for item in items:
        found.enter(item[0], item)
    return found


def taken(waiting: Turns[str]) -> list[str | None]:
    return [waiting.take() for _ in range(len(waiting) + 1)]


def test_owners_take_turns_and_each_ones_items_keep_their_order() -> None:
    assert taken(turns("a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3", None]


def test_who_comes_late_waits_for_one_item_of_each_other_owner() -> None:
    waiting = turns("a1", "a2", "a3", "b1", "b2")
    assert waiting.take() == "a1"
    waiting.enter("c", "c1")
    assert taken(waiting) == ["b1", "a2", "c1", "b2", "a3", None]


def test_what_is_last_comes_after_all_that_waited_and_before_what_came_later() -> None:
    waiting = turns("a1", "a2", "b1")
    waiting.enter_last("last")
    waiting.enter_last("very last")
    waiting.enter("b", "b2")
    waiting.enter("c", "c1")
    assert sorted(waiting) == ["a1", "a2", "b1", "b2", "c1", "last", "very last"]
    found = taken(waiting)
    assert found.index("last") > max(found.index(item) for item in ("a1", "a2", "b1"))
    assert (found.index("very last"), found[-1]) == (found.index("last") + 1, None)


def test_an_item_that_is_removed_is_not_taken() -> None:
    waiting = turns("a1", "a2", "b1")
    for item in ("b1", "a1", "none"):
        waiting.remove(item)
    assert (waiting.waiting("a"), waiting.waiting("b"), taken(waiting)) == (1, 0, ["a2", None])


def test_a_session_that_sends_much_does_not_keep_another_from_going_on(driven: Driven) -> None:
    model_id = driven.model()
    flooding = sampler(driven)
    for number in range(50):
        _ = sampled(driven, flooding, number)
    step = driven.post("forward_backward", batch(model_id))
    assert all(driven.server.work() for _ in range(2))
    assert isinstance(driven.poll(step["request_id"]), Reply)


def test_a_session_whose_queue_is_full_leaves_room_for_others(driven: Driven) -> None:
    full, other = sampler(driven), sampler(driven)
    for number in range(LONGEST_QUEUE - 1):
        _ = sampled(driven, full, number)
    assert driven.status("POST", "asample", {"sampling_session_id": full, "prompt": TEXT}) == 429
    assert driven.status("POST", "asample", {"sampling_session_id": other, "prompt": TEXT}) == 200
    assert driven.status("POST", "asample", {"base_model": RANDOM, "prompt": TEXT}) == 200


def test_a_deleted_checkpoint_is_there_for_work_of_others_that_was_promised_it(driven: Driven) -> None:
    saving = driven.model()
    path = driven.result("save_weights_for_sampler", {"model_id": saving, "path": "a"})["path"]
    busy = sampler(driven)
    for number in range(5):
        _ = sampled(driven, busy, number)
    late = driven.post("create_sampling_session", {"session_id": busy.partition(":")[0], "model_path": path})
    asked = driven.post("asample", {**late, "prompt": TEXT, "sampling_params": {"max_tokens": 1}})
    assert driven.status("DELETE", f"training_runs/{saving}/checkpoints/sampler_weights/a") == 204
    driven.work()
    found = driven.poll(asked["request_id"])
    assert not isinstance(found, Held)
    assert b"sequences" in found.body
