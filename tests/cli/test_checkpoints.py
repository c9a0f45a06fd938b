"""Deleting in bulk, and bringing checkpoints home."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from safetensors.numpy import load

from tests.cli.running import KEY, Stock, tinkex


def left(stock: Stock, path: str) -> list[str]:
    """The names of a run's checkpoints."""
    run = path.removeprefix("tinker://").split("/")[0]
    return [each["checkpoint_id"] for each in stock.json("checkpoint", "list", "--run-id", run)["checkpoints"]]


def test_paths_are_deleted_at_once_without_a_question_when_told_so(stock: Stock) -> None:
    paths = stock.saved("a", "b", "c")
    assert stock.tinkex("checkpoint", "delete", *paths[:2], "--yes").stdout == "Deleted 2 checkpoints\n"
    assert left(stock, paths[0]) == ["weights/c"]


ANSWERS = {"yes": ("y\n", 0, 0), "no": ("n\n", 0, 1), "nothing": ("\n", 0, 1), "nobody": (None, 1, 1)}


@pytest.mark.parametrize(("given", "status", "still"), ANSWERS.values(), ids=ANSWERS)
def test_the_answer_decides(stock: Stock, given: str | None, status: int, still: int) -> None:
    (path,) = stock.saved("asked")
    result = stock.tinkex("checkpoint", "delete", path, given=given)
    assert (result.exit_code, len(left(stock, path))) == (status, still)


def test_filters_choose_and_a_dry_run_only_shows(stock: Stock) -> None:
    paths = stock.saved("one", "two")
    run = paths[0].removeprefix("tinker://").split("/")[0]
    chosen = ("checkpoint", "delete", "--run-id", run, "--type", "training", "--after", "2020-01-01")
    shown = stock.tinkex(*chosen, "--dry-run")
    assert all(path in shown.stdout for path in paths)
    assert stock.tinkex(*chosen, "--before", "2020-02-01", "--yes").stdout == "Deleted 0 checkpoints\n"
    assert len(left(stock, paths[0])) == 2
    assert stock.tinkex(*chosen, "--yes", "--format", "json").stdout == '{\n  "deleted_count": 2,\n  "failed": []\n}\n'


@pytest.mark.parametrize("words", [(), ("--quiet",)], ids=["aloud", "quiet"])
def test_a_dry_run_has_the_paths_as_its_result(stock: Stock, words: tuple[str, ...]) -> None:
    paths = stock.saved("one", "two")
    shown = stock.tinkex("checkpoint", "delete", *paths, "--dry-run", *words)
    assert shown.stdout.splitlines()[:2] == paths
    said = json.loads(stock.tinkex("checkpoint", "delete", *paths, "--dry-run", *words, "-f", "json").stdout)
    assert said == {"deleted_count": 0, "failed": [], "would_delete": paths}
    assert len(left(stock, paths[0])) == 2


def test_a_dry_run_refuses_what_is_no_path_of_a_checkpoint(stock: Stock) -> None:
    rehearsed = stock.tinkex("checkpoint", "delete", "garbage", stock.training, "--dry-run", "--format", "json", "-q")
    said = json.loads(rehearsed.stdout)
    assert (rehearsed.exit_code, said["would_delete"]) == (2, [stock.training])
    assert [each["tinker_path"] for each in said["failed"]] == ["garbage"]
    assert rehearsed.stderr.startswith("Error: garbage can't be deleted: ")


def test_nothing_is_deleted_where_one_of_the_paths_is_none(stock: Stock) -> None:
    (path,) = stock.saved("mistyped")
    result = stock.tinkex("checkpoint", "delete", path, "tinkr://a", "--yes")
    assert (result.exit_code, result.stdout, len(left(stock, path))) == (2, "Nothing was deleted\n", 1)
    assert result.stderr.startswith("Error: tinkr://a can't be deleted: ")


@pytest.mark.parametrize("kind", ["training", "weights"])
def test_a_type_has_the_name_it_has_in_paths_too(stock: Stock, kind: str) -> None:
    (path,) = stock.saved("typed")
    run = path.removeprefix("tinker://").split("/")[0]
    shown = stock.tinkex("checkpoint", "delete", "--run-id", run, "--type", kind, "--dry-run")
    assert shown.stdout.splitlines()[0].startswith(path)


def test_a_path_that_is_given_twice_is_deleted_once(stock: Stock) -> None:
    (path,) = stock.saved("twice")
    result = stock.tinkex("checkpoint", "delete", path, path, "--yes")
    assert (result.exit_code, result.stdout) == (0, "Deleted 1 checkpoint\n")


def test_a_deletion_that_is_declined_is_json_all_the_same(stock: Stock) -> None:
    (path,) = stock.saved("kept")
    result = stock.tinkex("checkpoint", "delete", path, "-f", "json", given="n\n")
    assert json.loads(result.stdout) == {"deleted_count": 0, "failed": []}


def test_what_could_not_be_deleted_is_said_and_ends_with_status_1(stock: Stock) -> None:
    (path,) = stock.saved("there")
    gone = path.replace("there", "gone")
    result = stock.tinkex("checkpoint", "delete", gone, path, "--yes", "--format", "json", "--quiet")
    said = json.loads(result.stdout)
    assert (result.exit_code, said["deleted_count"]) == (1, 1)
    assert [each["tinker_path"] for each in said["failed"]] == [gone]
    assert result.stderr.startswith(f"Error: {gone} was not deleted: ")


WRONG: Sequence[tuple[str, ...]] = ((), ("tinker://a/weights/b", "--type", "training"), ("--before", "soon"))


@pytest.mark.parametrize("words", WRONG, ids=["nothing", "both", "no time"])
def test_deleting_nothing_in_particular_is_a_usage_error(words: tuple[str, ...]) -> None:
    assert tinkex("checkpoint", "delete", *words, TINKER_API_KEY=KEY).exit_code == 2


def test_a_checkpoint_comes_as_files_that_can_be_read(stock: Stock) -> None:
    found = stock.json("checkpoint", "download", stock.training, "-o", "here")
    files = {Path(each).name for each in found["files"]}
    assert "adapter.safetensors" in files
    assert load((Path(found["folder"]) / "adapter.safetensors").read_bytes())
    assert [each.name for each in Path("here").iterdir()] == [Path(found["folder"]).name]


def test_what_is_there_is_replaced_only_when_told_so(stock: Stock) -> None:
    folder = Path(stock.json("checkpoint", "download", stock.training)["folder"])
    _ = (folder / "mine").write_text("kept")
    refused = stock.tinkex("checkpoint", "download", stock.training)
    assert (refused.exit_code, (folder / "mine").exists()) == (1, True)
    assert "is there already" in refused.stderr
    assert stock.tinkex("checkpoint", "download", stock.training, "--force").exit_code == 0
    assert not (folder / "mine").exists()
