"""Checkpoints: saved, listed, loaded, shared, deleted; on disk, so that a restart finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server.driving import RANDOM, Driven, Json, batch, refused
from tinkex_py.local.records import CheckpointRecord
from tinkex_py.local.store import Store


def save(driven: Driven, model_id: str, name: str = "a", **fields: object) -> str:
    return str(driven.result("save_weights", {"model_id": model_id, "path": name, **fields})["path"])


NAMES = (("s:train:0", "old"), ("s:train:0", "a"), ("s:train:0", "b"), ("s:train:1", "a"), ("s:train:2", "old"))


def record(run_id: str, name: str, expires_at: float | None) -> CheckpointRecord:
    return CheckpointRecord(run_id=run_id, kind="weights", name=name, created_at=1.0, expires_at=expires_at)


def loss(driven: Driven, model_id: str) -> Json:
    return driven.result("forward", {"model_id": model_id, "forward_input": batch(model_id)["forward_backward_input"]})


def test_a_saved_checkpoint_is_listed(driven: Driven) -> None:
    model_id = driven.model()
    path = save(driven, model_id, user_metadata={"step": 1}, ttl_seconds=3600)
    listed = driven.get(f"training_runs/{model_id}/checkpoints")["checkpoints"]
    size = listed[0].pop("size_bytes")
    assert size > 0
    assert (path, listed) == (
        f"tinker://{model_id}/weights/a",
        [
            {
                "checkpoint_id": "weights/a",
                "checkpoint_type": "training",
                "time": "1970-01-01T00:16:40+00:00",
                "tinker_path": path,
                "public": False,
                "user_metadata": {"step": 1},
                "expires_at": "1970-01-01T01:16:40+00:00",
            }
        ],
    )


def test_a_run_shows_its_latest_checkpoints(driven: Driven) -> None:
    model_id = driven.model()
    _ = save(driven, model_id, "a")
    driven.time += 1
    _ = save(driven, model_id, "b")
    _ = driven.result("save_weights_for_sampler", {"model_id": model_id, "path": "s"})
    run = driven.get(f"training_runs/{model_id}")
    listed = driven.get(f"training_runs/{model_id}/checkpoints")["checkpoints"]
    assert run == {
        "training_run_id": model_id,
        "base_model": RANDOM,
        "model_owner": "local",
        "is_lora": True,
        "corrupted": False,
        "lora_rank": 4,
        "last_request_time": "1970-01-01T00:16:41+00:00",
        "last_checkpoint": listed[1],
        "last_sampler_checkpoint": listed[2],
        "user_metadata": None,
    }


def test_runs_and_checkpoints_are_paged(driven: Driven) -> None:
    runs: list[str] = []
    saved: list[str] = []
    for _ in range(3):
        driven.time += 1
        runs.append(driven.model())
        saved.append(save(driven, runs[-1]))
    page = driven.get("training_runs", (("limit", "2"), ("offset", "1")))
    assert [run["training_run_id"] for run in page["training_runs"]] == runs[1::-1]
    assert [run["last_checkpoint"]["tinker_path"] for run in page["training_runs"]] == saved[1::-1]
    assert page["cursor"] == {"limit": 2, "offset": 1, "total_count": 3}
    assert driven.get("checkpoints", (("limit", "1"),))["cursor"] == {"limit": 1, "offset": 0, "total_count": 3}


def test_the_checkpoints_of_all_runs_are_told_apart_at_once(tmp_path: Path) -> None:
    store = Store(tmp_path)
    kept = {name: record(*name, expires_at=2.0 if "old" in name else None) for name in NAMES}
    for one in kept.values():
        folder = store.new_folder(*one.id)
        folder.mkdir(parents=True)
        _ = store.keep(one, folder)
    assert store.checkpoints_by_run(3.0) == {
        "s:train:0": (kept[NAMES[1]], kept[NAMES[2]]),
        "s:train:1": (kept[NAMES[3]],),
    }


@pytest.mark.parametrize(
    "query", [("limit", "0"), ("limit", "x"), ("offset", "-1"), ("limit", "9" * 30), ("offset", "")]
)
def test_a_page_that_cannot_be_is_422(driven: Driven, query: tuple[str, str]) -> None:
    status, detail = refused(driven.call("GET", "training_runs", query=(query,)))
    assert (status, detail[0]["loc"]) == (422, ["query", query[0]])


def test_a_checkpoint_tells_what_it_was_trained_on(driven: Driven) -> None:
    path = save(driven, driven.model(train_mlp=False))
    assert driven.post("weights_info", {"tinker_path": path}) == {
        "base_model": RANDOM,
        "is_lora": True,
        "lora_rank": 4,
        "train_unembed": True,
        "train_mlp": False,
        "train_attn": True,
    }


def test_a_taken_name_is_409_unless_it_is_to_be_replaced(driven: Driven) -> None:
    model_id = driven.model()
    path = save(driven, model_id)
    conflict = driven.call("POST", "save_weights", {"model_id": model_id, "path": "a"})
    assert refused(conflict)[0] == 409
    driven.train(model_id)
    assert save(driven, model_id, overwrite=True) == path
    resumed = driven.result("load_weights", {"session_id": driven.session(), "path": path})["model_id"]
    assert loss(driven, str(resumed)) == loss(driven, model_id)


def test_a_name_is_taken_while_its_save_waits(driven: Driven) -> None:
    model_id = driven.model()
    _ = driven.post("save_weights", {"model_id": model_id, "path": "a"})
    assert driven.status("POST", "save_weights", {"model_id": model_id, "path": "a"}) == 409
    assert "request_id" in driven.post("save_weights_for_sampler", {"model_id": model_id, "path": "a"})


def test_a_name_is_free_again_when_its_save_fails(driven: Driven) -> None:
    promise = driven.post(
        "create_model", {"session_id": driven.session(), "base_model": RANDOM, "lora_config": {"rank": 0}}
    )
    body: Json = {"model_id": promise["model_id"], "path": "a"}
    first, second = driven.result("save_weights", body), driven.result("save_weights", body)
    assert first == second == {"error": f"the model {promise['model_id']} was never made", "category": "user"}


@pytest.mark.parametrize("name", ["", "a/b", "../x", "..", ".", "a\nb", "x" * 201, None])
def test_a_name_that_is_not_one_part_of_a_path_is_422(driven: Driven, name: str | None) -> None:
    body: Json = {"model_id": driven.model(), "path": name}
    assert driven.status("POST", "save_weights", body) == 422


@pytest.mark.parametrize("name", ["a b", "ä#?%2F", "a\\..\\b", "C:", "...", "'\"$(x)", "日本語" * 60, "~", "CON."])
def test_an_odd_name_stays_in_its_folder_and_can_be_loaded(driven: Driven, tmp_path: Path, name: str) -> None:
    model_id = driven.model()
    path = save(driven, model_id, name)
    assert path == f"tinker://{model_id}/weights/{name}"
    saved = list(tmp_path.rglob("record.json"))
    assert [len(found.relative_to(tmp_path / "checkpoints").parts) for found in saved] == [4]
    assert "path" in driven.result("load_weights", {"session_id": driven.session(), "path": path})


def test_resuming_with_the_optimizer_is_as_not_having_stopped(driven: Driven) -> None:
    model_id = driven.model()
    driven.train(model_id)
    path = save(driven, model_id)
    session_id = driven.session()
    body: Json = {"session_id": session_id, "model_seq_id": 0, "path": path, "optimizer": True}
    resumed, without = (
        driven.result("load_weights", {**body, "model_seq_id": number, "optimizer": optimizer})
        for number, optimizer in ((0, True), (1, False))
    )
    assert resumed == {"path": path, "model_id": f"{session_id}:train:0"}
    for model in (model_id, resumed["model_id"], without["model_id"]):
        driven.train(str(model))
    assert loss(driven, model_id) == loss(driven, f"{session_id}:train:0") != loss(driven, f"{session_id}:train:1")


def test_a_checkpoint_may_be_loaded_into_a_model_that_there_is(driven: Driven) -> None:
    model_id = driven.model()
    path = save(driven, model_id)
    before = loss(driven, model_id)
    driven.train(model_id)
    assert loss(driven, model_id) != before
    loaded = driven.result("load_weights", {"model_id": model_id, "path": path, "optimizer": False})
    assert loaded == {"path": path, "model_id": model_id}
    assert loss(driven, model_id) == before


def test_a_checkpoint_of_another_shape_is_not_loaded(driven: Driven) -> None:
    path = save(driven, driven.model(rank=4))
    failed = driven.result("load_weights", {"model_id": driven.model(rank=8), "path": path})
    assert failed["category"] == "user"


def test_a_checkpoint_that_is_not_there_fails_the_promise(driven: Driven) -> None:
    model_id = driven.model()
    path = f"tinker://{model_id}/weights/none"
    missing = {"error": f"there is no checkpoint {path}", "category": "user"}
    assert driven.result("load_weights", {"model_id": model_id, "path": path}) == missing
    assert driven.result("load_weights", {"session_id": driven.session(), "path": path}) == missing
    assert driven.status("POST", "weights_info", {"tinker_path": path}) == 404


@pytest.mark.parametrize(
    "path", ["", "a", "tinker://a", "tinker://a/b/c", "tinker://a/weights/", "tinker://a/weights/b/c"]
)
def test_a_path_that_is_none_is_422(driven: Driven, path: str) -> None:
    session_id = driven.session()
    for endpoint, body in {
        "load_weights": {"session_id": session_id, "path": path},
        "weights_info": {"tinker_path": path},
        "create_sampling_session": {"session_id": session_id, "model_path": path},
    }.items():
        assert driven.status("POST", endpoint, body) == 422


@pytest.mark.parametrize("shape", ["weights/a", "weights%2Fa"])
def test_a_deleted_checkpoint_is_gone(driven: Driven, tmp_path: Path, shape: str) -> None:
    model_id = driven.model()
    _ = save(driven, model_id)
    place = f"training_runs/{model_id}/checkpoints/{shape}"
    assert driven.status("DELETE", place) == 204
    driven.work()
    assert driven.status("DELETE", place) == 404
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_a_checkpoint_is_made_public_once(driven: Driven) -> None:
    model_id = driven.model()
    _ = save(driven, model_id)
    place = f"training_runs/{model_id}/checkpoints/weights/a/publish"
    statuses = [driven.status(method, place) for method in ("DELETE", "POST", "POST", "DELETE", "DELETE")]
    assert statuses == [409, 204, 409, 204, 409]


def test_a_checkpoint_expires(driven: Driven) -> None:
    model_id = driven.model()
    _ = save(driven, model_id, "a", ttl_seconds=3600)
    _ = save(driven, model_id, "b")
    assert driven.status("PUT", f"training_runs/{model_id}/checkpoints/weights/b/ttl", {"ttl_seconds": 7200}) == 204
    counts: list[int] = []
    for _ in range(3):
        counts.append(len(driven.get("checkpoints")["checkpoints"]))
        driven.time += 3600
    assert counts == [2, 1, 0]


def test_work_that_was_promised_a_checkpoint_has_its_weights_after_it_expires(driven: Driven, tmp_path: Path) -> None:
    model_id = driven.model()
    driven.train(model_id)
    path = save(driven, model_id, ttl_seconds=3600)
    before = driven.logprobs({"model_path": path})
    driven.time += 3599
    sampler = driven.post("create_sampling_session", {"session_id": driven.session(), "model_path": path})
    driven.time += 1
    assert driven.get("checkpoints")["checkpoints"] == []
    assert driven.status("POST", "weights_info", {"tinker_path": path}) == 404
    assert driven.logprobs({"sampling_session_id": sampler["sampling_session_id"]}) == before
    assert list(tmp_path.rglob("*.safetensors")) == []


def test_a_lifetime_can_be_taken_back(driven: Driven) -> None:
    model_id = driven.model()
    _ = save(driven, model_id, ttl_seconds=3600)
    assert driven.status("PUT", f"training_runs/{model_id}/checkpoints/weights/a/ttl", {"ttl_seconds": None}) == 204
    driven.time += 3601
    assert driven.status("POST", "weights_info", {"tinker_path": f"tinker://{model_id}/weights/a"}) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", ""), ("POST", "/publish"), ("DELETE", "/publish"), ("PUT", "/ttl")],
    ids=["delete", "publish", "unpublish", "ttl"],
)
@pytest.mark.parametrize("name", ["weights/none", "external_weights/a"])
def test_nothing_can_be_done_to_a_checkpoint_that_is_not_there(
    driven: Driven, method: str, path: str, name: str
) -> None:
    place = f"training_runs/{driven.model()}/checkpoints/{name}{path}"
    assert driven.status(method, place, {"ttl_seconds": 3600}) == 404


def test_a_restart_finds_runs_and_checkpoints(driven: Driven, tmp_path: Path) -> None:
    model_id = driven.model()
    driven.train(model_id)
    path = save(driven, model_id, "zen ä", user_metadata={"a": "b"})
    _ = driven.post("save_weights", {"model_id": model_id, "path": "b"})
    driven.work()
    assert driven.status("POST", f"training_runs/{model_id}/checkpoints/weights/b/publish") == 204
    again = Driven(tmp_path / "checkpoints")
    runs = f"training_runs/{model_id}/checkpoints"
    assert (again.get("training_runs"), again.get(runs)) == (driven.get("training_runs"), driven.get(runs))
    resumed = again.result("load_weights", {"session_id": again.session(), "path": path, "optimizer": True})
    assert loss(again, str(resumed["model_id"])) == loss(driven, model_id)


def test_a_temporary_folder_is_deleted_at_the_end() -> None:
    from tinkex_py.local.server import Server

    server = Server(now=lambda: 0.0)
    assert server.directory.is_dir()
    server.close()
    assert not server.directory.exists()


def test_a_folder_that_cannot_be_written_is_the_servers_mistake(driven: Driven) -> None:
    model_id = driven.model()
    (driven.server.directory / model_id.replace(":", "%3A") / "weights").touch()
    failed = driven.result("save_weights", {"model_id": model_id, "path": "a"})
    assert failed["category"] == "server"
    assert "metrics" in driven.result("forward_backward", batch(model_id))
