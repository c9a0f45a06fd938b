"""What people see on a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are POSIX", allow_module_level=True)

from tests.cli.running import KEY, Stock
from tests.cli.terminal import opened, seen
from tinkex_py.cli.sparkline import BLOCKS


def test_training_shows_a_bar_and_the_falling_loss(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    found = seen("train", "a.txt", "--steps", "30", "--log", "log.jsonl", folder=tmp_path)
    assert found.status == 0
    assert "30/30 loss " in found.text
    assert set(BLOCKS) & set(found.text)
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 30
    assert "Checkpoint: tinker://" in found.text


def test_ctrl_c_ends_a_training_with_a_checkpoint(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    running = opened("train", "a.txt", "--steps", "100000", folder=tmp_path)
    running.until("loss ")
    running.press("\x03")
    found = running.ended()
    assert (found.status, "--resume tinker://" in found.text.replace("\n", "")) == (130, True)
    assert "Traceback" not in found.text


def test_a_terminal_says_that_ctrl_c_was_heard(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    running = opened("train", "a.txt", "--steps", "100000", folder=tmp_path, width=120)
    running.until("loss ")
    assert "stopping" not in running.raw
    running.press("\x03")
    assert "stopping after this step; Ctrl-C again stops now" in running.ended().text


def test_ctrl_c_at_a_question_ends_with_status_130(tmp_path: Path, stock: Stock) -> None:
    (path,) = stock.saved("kept")
    at = {"TINKER_BASE_URL": stock.address, "TINKER_API_KEY": KEY}
    asking = opened("checkpoint", "delete", path, folder=tmp_path, environment=at)
    asking.until("[y/N]")
    asking.press("\x03")
    found = asking.ended()
    assert (found.status, "Traceback" in found.text) == (130, False)
    assert stock.json("checkpoint", "info", path)


def test_a_yes_at_a_question_is_taken(tmp_path: Path, stock: Stock) -> None:
    (path,) = stock.saved("gone")
    at = {"TINKER_BASE_URL": stock.address, "TINKER_API_KEY": KEY}
    asking = opened("checkpoint", "delete", path, folder=tmp_path, environment=at)
    asking.until("[y/N]")
    asking.press("y\n")
    assert "Deleted 1 checkpoint" in asking.ended().text


def test_a_terminal_may_have_no_codes_for_letters_of_a_name(tmp_path: Path) -> None:
    _ = (tmp_path / "log.jsonl").write_text('{"größe": 1}\n{"größe": 2}\n')
    found = seen("plot", "log.jsonl", folder=tmp_path, environment={"PYTHONIOENCODING": "ascii"})
    assert (found.status, "gr\\xf6\\xdfe" in found.text) == (0, True)


def test_a_key_is_typed_unseen(tmp_path: Path, stock: Stock) -> None:
    file = tmp_path / "keys.json"
    at = {"TINKER_BASE_URL": stock.address, "TINKEX_CREDENTIALS_FILE": str(file)}
    asking = opened("auth", "login", folder=tmp_path, environment=at)
    asking.until("API key")
    asking.press(f"{KEY}\n")
    found = asking.ended()
    assert (found.status, KEY in found.raw, KEY in file.read_text()) == (0, False, True)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_a_table_fits_the_terminal_and_cuts_no_path(tmp_path: Path, stock: Stock, width: int) -> None:
    at = {"TINKER_BASE_URL": stock.address, "TINKER_API_KEY": KEY}
    found = seen("checkpoint", "list", "--run-id", stock.run_id, folder=tmp_path, environment=at, width=width)
    assert stock.training in found.text
    assert all(len(line) <= width or "tinker://" in line for line in found.text.splitlines())


COLOURS: dict[str, tuple[dict[str, str], bool]] = {"wanted": ({}, True), "unwanted": ({"NO_COLOR": "1"}, False)}


@pytest.mark.parametrize(("environment", "coloured"), COLOURS.values(), ids=COLOURS)
def test_colours_are_there_unless_they_are_unwanted(
    tmp_path: Path, environment: dict[str, str], *, coloured: bool
) -> None:
    words = ("sample", "The", "--show-logprobs", "--seed", "1", "--max-tokens", "8")
    found = seen(*words, folder=tmp_path, environment=environment)
    assert (found.status, "\x1b[3" in found.raw) == (0, coloured)


@pytest.mark.parametrize("ignored", [False, True], ids=["heard", "ignored"])
def test_a_closed_terminal_loses_no_step(tmp_path: Path, *, ignored: bool) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n" if ignored else ""
    steps = 300 if ignored else 100_000
    words = ("train", "a.txt", "--steps", str(steps), "--save-every", "7", "--log", "log.jsonl")
    running = opened(*words, folder=tmp_path, before=before)
    running.until("loss ")
    running.hang_up()
    taken = len((tmp_path / "log.jsonl").read_text().splitlines())
    saved = max(int(path.name.rpartition("-")[2]) for path in tmp_path.glob("tinkex-run/*/weights/*-step-*"))
    assert (saved, taken == steps) == (taken, ignored)
    assert (tmp_path / "tinkex-run" / "loss.png").is_file() is ignored
