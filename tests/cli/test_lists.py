"""Runs, checkpoints, sessions, models and billing, on a server that has some."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.running import KEY, Stock, tinkex

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
BILLED = ["billing", "usage", HOUR.isoformat(), (HOUR + timedelta(hours=1)).isoformat()]

LISTS = {
    "models": (["model", "list"], "models"),
    "runs": (["run", "list"], "runs"),
    "checkpoints": (["checkpoint", "list"], "checkpoints"),
    "sessions": (["session", "list"], "sessions"),
    "found sessions": (["session", "search"], "sessions"),
    "usage": (BILLED, "data"),
    "storage": (["billing", "checkpoint-storage"], "data"),
}


@pytest.mark.parametrize(("words", "key"), LISTS.values(), ids=LISTS)
def test_a_list_holds_the_same_in_each_format(stock: Stock, words: list[str], key: str) -> None:
    rows = stock.json(*words)[key]
    lines = stock.tinkex(*words, "--format", "jsonl").stdout.splitlines()
    table = stock.tinkex(*words).stdout.splitlines()
    assert rows
    assert [json.loads(line) for line in lines] == rows
    assert len(table) == 1 + len(rows)
    assert len({line.count("\t") for line in table}) == 1


def test_a_model_is_found_by_part_of_its_name(stock: Stock) -> None:
    assert [each["model_name"] for each in stock.json("model", "list", "RANDOM")["models"]] == ["tinkex/tiny-random"]


def test_a_run_is_listed_and_told_of(stock: Stock) -> None:
    listed = stock.json("run", "list", "--limit", "0")["runs"]
    told = stock.json("run", "info", stock.run_id)
    assert told in listed
    assert (told["training_run_id"], told["lora_rank"]) == (stock.run_id, 2)
    assert datetime.fromisoformat(told["last_request_time"]).tzinfo is not None


def test_columns_are_chosen_by_name(stock: Stock) -> None:
    lines = stock.tinkex("run", "list", "--limit", "0", "--columns", "model,id").stdout.splitlines()
    assert lines[0] == "model\tid"
    assert f"tinkex/tiny-random\t{stock.run_id}" in lines


def test_an_unknown_column_is_a_usage_error_that_names_those_there_are_and_nobody_is_asked() -> None:
    result = tinkex("run", "list", "--columns", "colour", "--base-url", "http://127.0.0.1:9", TINKER_API_KEY=KEY)
    assert result.exit_code == 2
    assert "colour is no column; there are id, model, owner" in " ".join(result.stderr.split())


FAR = "99999999999999999999"


def test_runs_are_passed_over(stock: Stock) -> None:
    assert stock.saved("state") != []
    runs = stock.json("run", "list", "--limit", "0")["runs"]
    assert stock.json("run", "list", "--limit", "1", "--offset", "1")["runs"] == runs[1:2] != []
    assert stock.json("run", "list", "--limit", FAR, "--offset", str(len(runs)))["runs"] == []


def test_an_offset_that_no_list_has_is_named(stock: Stock) -> None:
    result = stock.tinkex("run", "list", "--offset", FAR)
    assert (result.exit_code, "offset" in result.stderr, "limit" in result.stderr) == (2, True, False)


def test_what_is_not_there_ends_with_status_1_and_two_lines(stock: Stock) -> None:
    result = stock.tinkex("run", "info", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["Error", "What to do"]


def test_verbose_adds_the_request_and_the_attempts(stock: Stock) -> None:
    said = stock.tinkex("run", "info", "nobody", "-v").stderr
    assert "GET /api/v1/training_runs/nobody, " in said
    assert "1 attempt in" in said


def test_checkpoints_are_those_of_a_run_when_one_is_named(stock: Stock) -> None:
    found = stock.json("checkpoint", "list", "--run-id", stock.run_id)
    paths = {each["tinker_path"] for each in found["checkpoints"]}
    assert (found["run_id"], paths) == (stock.run_id, {stock.training, stock.sampler})


def test_a_checkpoint_is_told_of_with_its_run(stock: Stock) -> None:
    found = stock.json("checkpoint", "info", stock.training)
    assert (found["checkpoint"]["tinker_path"], found["run"]["training_run_id"]) == (stock.training, stock.run_id)


@pytest.mark.parametrize("words", [("--project-id", ""), ("--project-id", "\udcff"), ("--offset", str(2**64))])
def test_what_no_list_can_be_asked_for_is_not_asked(words: tuple[str, ...]) -> None:
    result = tinkex("run", "list", *words, "--base-url", "http://127.0.0.1:9", TINKER_API_KEY=KEY)
    assert (result.exit_code, result.stderr.startswith(f"Error: {words[0][2:].replace('-', '_')} is ")) == (2, True)


def test_a_session_is_told_of_with_its_runs(stock: Stock) -> None:
    assert stock.json("session", "info", stock.session_id)["training_run_ids"] == [stock.run_id]


def test_sessions_are_found_by_what_they_say_of_themselves(stock: Stock) -> None:
    found = stock.json("session", "search", "--metadata", "purpose=test", "--status", "client_finished")
    assert [each["session_id"] for each in found["sessions"]] == [stock.session_id]


def test_a_trace_is_exported_to_a_file_or_as_an_address(stock: Stock) -> None:
    file = Path("trace.json")
    assert stock.tinkex("session", "export-trace", stock.session_id, "-o", str(file)).exit_code == 0
    assert json.loads(file.read_text())
    assert stock.json("session", "export-trace", stock.session_id, "--url-only")["url"].startswith("http://")


def test_publishing_and_keeping_are_done_and_undone(stock: Stock) -> None:
    (path,) = stock.saved("kept")
    done = [
        stock.json("checkpoint", *words, path)
        for words in (["publish"], ["unpublish"], ["set-ttl", "--ttl", "7200"], ["set-ttl", "--remove"])
    ]
    assert done == [
        {"tinker_path": path, "public": True},
        {"tinker_path": path, "public": False},
        {"tinker_path": path, "ttl_seconds": 7200},
        {"tinker_path": path, "ttl_seconds": None},
    ]


def test_a_time_to_live_is_either_given_or_removed(stock: Stock) -> None:
    assert stock.tinkex("checkpoint", "set-ttl", stock.training).exit_code == 2
    assert stock.tinkex("checkpoint", "set-ttl", stock.training, "--ttl", "3600", "--remove").exit_code == 2


def test_usage_is_written_as_csv(stock: Stock) -> None:
    assert stock.tinkex(*BILLED, "--csv", "usage.csv", "--sessions-csv", "sessions.csv").exit_code == 0
    rows = list(csv.DictReader(Path("usage.csv").read_text().splitlines()))
    sessions = list(csv.DictReader(Path("sessions.csv").read_text().splitlines()))
    assert {"training", "sampling_sample"} <= {row["type"] for row in rows}
    assert {"session_id": stock.session_id, "name": "purpose", "value": "test"} in sessions


def test_csv_goes_to_the_screen_for_a_dash(stock: Stock) -> None:
    said = stock.tinkex("billing", "checkpoint-storage", "--csv", "-").stdout
    assert said.startswith("project_id,org_user_urn,")


def test_a_checkpoint_is_saved_of_a_base_model_and_of_another(stock: Stock) -> None:
    made = stock.json("checkpoint", "save", "--base-model", "tinkex/tiny-random", "--rank", "1", "--name", "new")
    again = stock.json("checkpoint", "save", "--model-path", made["tinker_path"], "--for", "sampler", "-o", "said.json")
    assert made["tinker_path"].endswith("/weights/new")
    assert json.loads(Path("said.json").read_text()) == again


@pytest.mark.parametrize("where", [0, 1, 2, 3], ids=["first", "after the group", "before the argument", "last"])
def test_shared_options_stand_anywhere(stock: Stock, where: int) -> None:
    words = ["run", "info", stock.run_id]
    result = tinkex(
        *words[:where], "--format", "json", "--base-url", stock.address, *words[where:], TINKER_API_KEY="tml-0123456789"
    )
    assert json.loads(result.stdout)["training_run_id"] == stock.run_id


def test_the_last_of_two_formats_wins(stock: Stock) -> None:
    assert stock.tinkex("--format", "json", "run", "list", "--format", "table").stdout.startswith("id\t")


def test_a_key_is_read_from_a_file(stock: Stock) -> None:
    _ = Path("key").write_text("tml-0123456789abcdef\n")
    assert tinkex("--api-key-file", "key", "run", "list", "--base-url", stock.address).exit_code == 0


def test_without_server_and_key_it_says_what_to_do() -> None:
    result = tinkex("run", "list")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: there is no API key")
    assert "tinkex auth login" in result.stderr
