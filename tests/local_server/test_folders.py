"""The folders of a server: whose they are, and what they hold whenever it stops."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import pytest

from tests.local_server.driving import Driven, Json
from tests.local_server.test_checkpoints import save
from tinkex_py.local.records import label
from tinkex_py.request import Reply

FORKING = """
import os, sys
from tinkex_py.local.bases import RANDOM, load_base
from tinkex_py.local.engine import create_model
from tinkex_py.local.shelf import Shelf
from tinkex_py.local.store import Store
from tinkex_py.types.training import LoraConfig

store, shelf = Store(), Shelf(ready=0)
shelf.put("sampler", create_model(load_base(RANDOM).unwrap(), LoraConfig(rank=2)).unwrap())
child = os.fork()
if child == 0:
    if sys.argv[1] == "closes":
        store.close()
    sys.exit()
_ = os.waitpid(child, 0)
assert store.directory.is_dir()
_ = shelf.take("sampler").unwrap()
store.close()
assert not store.directory.exists()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.parametrize("what", ["ends", "closes"])
def test_a_process_that_was_forked_off_leaves_temporary_folders_to_the_one_that_made_them(what: str) -> None:
    ended = subprocess.run([sys.executable, "-c", FORKING, what], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def names(folder: Path) -> list[str]:
    """The folders of checkpoints, whatever is in them."""
    return sorted(path.name for path in folder.glob("*/*weights/*"))


def copying(path: str) -> Json:
    return {"source_path": path, "destination_project_id": "p"}


CROWDED = """
import resource, sys
from pathlib import Path
from tests.local_server.driving import Driven

driven = Driven(Path(sys.argv[1]))
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
refusal = driven.call("POST", "create_session", {})
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(refusal.status, refusal.header("x-should-retry"), driven.status("POST", "create_session", {}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_what_can_not_be_written_while_too_many_files_are_open_may_be_asked_again(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CROWDED, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert ended.stdout == "500 None 200\n"


def test_a_copy_that_fails_leaves_nothing_of_it(driven: Driven) -> None:
    folder = driven.server.directory
    path = save(driven, driven.model())
    (saved,) = folder.glob("*/weights/*")
    (saved / "zzz").symlink_to("nowhere")
    assert driven.status("POST", "copy_weights", copying(path)) == 500
    assert (names(folder), len(driven.get("training_runs")["training_runs"])) == (["000001-a"], 1)
    again = Driven(folder)
    assert again.get("checkpoints") == driven.get("checkpoints")
    assert "path" in again.result("load_weights", {"session_id": again.session(), "path": path})


@pytest.mark.parametrize("copied", [False, True])
def test_a_checkpoint_whose_record_can_not_be_written_is_none(
    driven: Driven, monkeypatch: pytest.MonkeyPatch, *, copied: bool
) -> None:
    folder, model_id, replace = driven.server.directory, driven.model(), os.replace
    path = save(driven, model_id)

    def full(source: Path, target: Path) -> None:
        if target.name == "record.json":
            raise OSError(ENOSPC, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    if copied:
        assert driven.status("POST", "copy_weights", copying(path)) == 500
    else:
        body: Json = {"model_id": model_id, "path": "a", "overwrite": True}
        assert driven.result("save_weights", body)["category"] == "server"
    assert names(folder) == ["000001-a"]
    assert Driven(folder).get("checkpoints") == driven.get("checkpoints")


def test_a_record_that_can_not_be_written_leaves_no_half_of_it(driven: Driven, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_source: Path, _target: Path) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert driven.status("POST", "create_session", {}) == 500
    assert [path for path in driven.server.directory.rglob("*") if path.is_file()] == []


def test_a_record_counts_only_in_its_own_folder(driven: Driven) -> None:
    """As copies that were cut short lay there before records were written last."""
    folder, model_id = driven.server.directory, driven.model()
    path = save(driven, model_id)
    (saved,) = folder.glob("*/weights/*")
    other = driven.model()
    _ = save(driven, other, "b")
    for place in (
        folder / label(other) / "weights" / "000002-a",
        folder / label(model_id) / "sampler_weights" / "000001-a",
        folder / label(model_id) / "weights" / "000002-b",
    ):
        place.mkdir(parents=True)
        _ = shutil.copy(saved / "record.json", place)
    again = Driven(folder)
    assert again.get("checkpoints") == driven.get("checkpoints")
    assert "path" in again.result("load_weights", {"session_id": again.session(), "path": path})
    assert again.status("DELETE", f"training_runs/{model_id}/checkpoints/weights/a") == 204
    assert len(Driven(folder).get("checkpoints")["checkpoints"]) == 1


def test_what_was_being_replaced_when_the_process_ended_goes(driven: Driven) -> None:
    folder, model_id = driven.server.directory, driven.model()
    _ = save(driven, model_id)
    (first,) = folder.glob("*/weights/*")
    record = (first / "record.json").read_bytes()
    driven.time += 1
    _ = driven.post("save_weights", {"model_id": model_id, "path": "a", "overwrite": True})
    assert driven.server.work()
    _ = (first / "record.json").write_bytes(record)
    again = Driven(folder)
    assert names(folder) == ["000002-a"]
    assert again.get("checkpoints") == driven.get("checkpoints")
    assert again.status("DELETE", f"training_runs/{model_id}/checkpoints/weights/a") == 204
    assert Driven(folder).get("checkpoints")["checkpoints"] == []


def test_what_was_being_saved_or_deleted_when_the_process_ended_goes(driven: Driven) -> None:
    folder, model_id = driven.server.directory, driven.model()
    _ = save(driven, model_id)
    (saved,) = folder.glob("*/weights/*")
    for name in ("000002-deleted", ".000003-saved.new", "000004-broken", "notes"):
        _ = shutil.copytree(saved, saved.with_name(name), ignore=shutil.ignore_patterns("record.json"))
    _ = (saved.with_name("000004-broken") / "record.json").write_bytes(b"{")
    again = Driven(folder)
    assert names(folder) == ["000001-a", "000004-broken", "notes"]
    assert again.get("checkpoints") == driven.get("checkpoints")


def test_what_was_deleted_or_replaced_is_gone_when_the_server_has_closed(driven: Driven) -> None:
    """Its turn among the engine's work need not have come."""
    folder, model_id = driven.server.directory, driven.model()
    _ = save(driven, model_id)
    _ = save(driven, model_id, "b")
    _ = driven.post("save_weights", {"model_id": model_id, "path": "a", "overwrite": True})
    assert driven.server.work()
    assert driven.status("DELETE", f"training_runs/{model_id}/checkpoints/weights/b") == 204
    assert names(folder) == ["000001-a", "000002-b", "000003-a"]
    driven.server.close()
    assert names(folder) == ["000003-a"]


def test_what_cannot_be_written_of_a_session_has_not_happened(tmp_path: Path) -> None:
    driven = Driven(tmp_path)
    session_id = driven.post("create_session", {})["session_id"]
    shutil.rmtree(tmp_path / "sessions")
    _ = (tmp_path / "sessions").write_text("no folder")
    refusal = driven.call("POST", "create_session", {})
    assert isinstance(refusal, Reply)
    assert (refusal.status, refusal.header("x-should-retry")) == (500, "false")
    assert driven.status("POST", f"sessions/{session_id}/finish", {}) == 500
    assert driven.get("sessions")["sessions"] == [session_id]
    assert driven.status("POST", "session_heartbeat", {"session_id": session_id}) == 200
    driven.wait(4000)
    (tmp_path / "sessions").unlink()
    assert driven.status("POST", f"sessions/{session_id}/finish", {}) == 204
    assert driven.status("POST", "session_heartbeat", {"session_id": session_id}) == 410
