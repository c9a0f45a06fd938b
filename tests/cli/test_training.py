"""The commands, run as a user runs them."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import COMMAND, ENVIRONMENT, KEY, Stock
from tests.cli.running import run_tinkex as tinkex
from tests.cli.running import tinkex as in_process


def test_the_demo_learns_the_zen_of_python(tmp_path: Path) -> None:
    ended = tinkex("demo", folder=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "after: Beautiful is better than ugly." in ended.stdout
    assert "before: Beautiful is better than ugly." not in ended.stdout
    assert ("What to try next:" in ended.stdout.splitlines(), "\\n" in ended.stdout) == (True, False)
    assert float(ended.stdout.split("Loss of the last steps: ")[1].split()[0]) < 0.5
    assert (tmp_path / "tinkex-demo" / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    _ = (tmp_path / "rhyme.txt").write_text("One, two, three, four, five.\nOnce I caught a fish alive.\n")
    first = in_process("train", "rhyme.txt", "--steps", "3", "--log", "log.jsonl")
    path = next(word for word in first.stdout.split() if word.startswith("tinker://"))
    again = in_process("train", "rhyme.txt", "--steps", "5", "--taken", "3", "--resume", path, "--log", "log.jsonl")
    assert (first.exit_code, again.exit_code, again.stderr) == (0, 0, "")
    assert "step-00005" in again.stdout
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5]


def test_completions_are_trained_from_jsonl(tmp_path: Path) -> None:
    _ = (tmp_path / "sums.jsonl").write_text('{"prompt": "1+1=", "completion": "2"}\n{"text": "2+2=4"}\n')
    assert in_process("train", "sums.jsonl", "--steps", "2").exit_code == 0


BAD_FILES = {
    "missing": ("none.txt", None, "none.txt can't be read"),
    "empty": ("empty.txt", " \n", "empty.txt is empty"),
    "broken line": ("bad.jsonl", '{"text": "a"}\n{"text": \n', "bad.jsonl, line 2:"),
    "nested deep": ("deep.jsonl", '{"text": "a"}\n{"b": ' + "[" * 100_000 + "\n", "deep.jsonl, line 2: it is nested"),
    "wrong keys": ("keys.jsonl", '{"words": "a"}\n', 'keys.jsonl, line 1: it has neither "text"'),
    "too little": ("little.txt", "x", "little.txt holds too little to learn"),
}


@pytest.mark.parametrize(("name", "content", "complaint"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_gets_the_line_and_the_reason(
    tmp_path: Path, name: str, content: str | None, complaint: str
) -> None:
    if content is not None:
        _ = (tmp_path / name).write_text(content)
    ended = in_process("train", name)
    assert ended.exit_code == 1
    assert ended.stderr.startswith(f"Error: {complaint}")
    assert "Traceback" not in ended.stderr


def test_an_unknown_model_is_said_in_plain_words(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text")
    ended = in_process("train", "a.txt", "--base-model", "no/such")
    assert ended.exit_code == 1
    assert "no/such" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
def test_an_interrupt_saves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    words = [*COMMAND, "train", "a.txt", "--steps", "100000"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("100000 steps on 5 examples")
        process.send_signal(signal.SIGINT)
        said, complaints = process.communicate()
    assert (process.returncode, complaints) == (130, "")
    assert "--resume tinker://" in said.replace("\n", " ")


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert tinkex("version", folder=tmp_path).stdout.startswith("tinkex 0.")


def one_more(words: list[str]) -> str:
    """Steps of which those that a command says were taken leave one."""
    return str(1 + int(words[words.index("--taken") + 1])) if "--taken" in words else "1"


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
@pytest.mark.parametrize("words", [["train", "a b.txt", "--out", "x"], ["demo", "--out", "x"]], ids=["train", "demo"])
def test_what_an_interrupt_says_can_be_run(tmp_path: Path, words: list[str]) -> None:
    _ = (tmp_path / "a b.txt").write_text("some text to learn\n" * 5)
    pipe, started = subprocess.PIPE, [*COMMAND, *words, "--steps", "100000"]
    with subprocess.Popen(started, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert any(line.startswith("100000 steps on") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
    suggested = shlex.split(said.strip().splitlines()[-1])
    assert in_process(*suggested[1:], "--steps", one_more(suggested)).exit_code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
def test_what_goes_on_keeps_every_option_and_no_key(tmp_path: Path, stock: Stock) -> None:
    _ = (tmp_path / "-x y.txt").write_text("some text to learn\n" * 5)
    _ = (tmp_path / "key").write_text(KEY)
    kept = ["--base-url", stock.address, "--api-key-file", "key", "--timeout", "50.0", "--log", "log.jsonl"]
    kept += [
        "--curve",
        "c.svg",
        "--seed",
        "7",
        "--learning-rate",
        "0.002",
        "--batch-size",
        "3",
        "--out",
        "x",
        "--format",
        "json",
        "--verbose",
    ]
    words = [*COMMAND, "train", "--steps", "100000", *kept, "--", "-x y.txt"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=ENVIRONMENT) as process:
        assert process.stderr is not None
        assert any(line.startswith("100000 steps on") for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate()
    suggested = shlex.split(next(line for line in complaints.splitlines() if line.startswith("  tinkex train")))
    assert [word for word in kept if word not in suggested] == []
    assert (suggested[-2:], KEY in complaints) == (["--", "-x y.txt"], False)
    again = tinkex(*suggested[1:-2], "--steps", one_more(suggested), *suggested[-2:], folder=tmp_path)
    assert (again.returncode, (tmp_path / "c.svg").exists()) == (0, True)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_picture_that_cant_be_written_does_not_hide_the_checkpoint(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "loss.png").symlink_to("/dev/full")
    ended = in_process("train", "a.txt", "--steps", "1", "--out", "x")
    assert ended.exit_code == 1
    assert "Checkpoint: tinker://" in ended.stdout
    assert ended.stderr.startswith("Error: x/loss.png can't be written")
    assert "\nWhat to do: " in ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("steps", [1, 100_000])
def test_a_log_that_takes_no_more_ends_the_training_with_a_checkpoint(tmp_path: Path, steps: int) -> None:
    _ = (tmp_path / "a.txt").write_text("some text")
    ended = tinkex("train", "a.txt", "--steps", str(steps), "--log", "/dev/full", folder=tmp_path)
    assert ended.returncode == 1
    assert "Checkpoint: tinker://" in ended.stdout
    assert ("Go on with:" in ended.stdout) is (steps > 1)
    said = ended.stderr.splitlines()
    assert said[0] == "Error: /dev/full can't be written: No space left on device"
    assert [line.partition(":")[0] for line in said] == ["Error", "What to do"]


SETTLED = {
    "rank": (["train", "a.txt", "--resume", "tinker://x", "--rank", "32"], "--rank"),
    "model": (["train", "a.txt", "--resume", "x", "--rank", "64", "--base-model", "y"], "--base-model, --rank"),
    "seed": (["checkpoint", "save", "--model-path", "tinker://x", "--rank", "1", "--seed", "0"], "--rank, --seed"),
    "part": (["checkpoint", "save", "--model-path", "x", "--no-train-mlp"], "--train-mlp/--no-train-mlp"),
}


@pytest.mark.parametrize(("words", "options"), SETTLED.values(), ids=SETTLED)
def test_what_a_checkpoint_has_settled_is_wrong_usage(words: list[str], options: str) -> None:
    ended = in_process(*words)
    assert (ended.exit_code, f"Error: Leave out {options}: the checkpoint of --" in ended.stderr) == (2, True)


USELESS = {
    "nothing left": (["--steps", "3", "--taken", "3", "--resume", "x"], "Give more --steps: of 3, 3 are taken."),
    "taken by nobody": (["--taken", "3"], "Give --resume with --taken"),
}


@pytest.mark.parametrize(("words", "complaint"), USELESS.values(), ids=USELESS)
def test_steps_behind_need_a_checkpoint_and_something_before_them(words: list[str], complaint: str) -> None:
    ended = in_process("train", "a.txt", *words)
    assert (ended.exit_code, f"Error: {complaint}" in ended.stderr) == (2, True)


NO_PLACES = {
    "ending": ("x.gif", "x.gif has an ending of no picture; give one of .png, .svg or .pdf"),
    "no folder": ("no/x.png", "no/x.png can't be written: there is no folder no"),
    "folder": ("folder.png", "folder.png can't be written: it is a folder"),
    "name": (f"{'x' * 300}.png", f"{'x' * 300}.png can't be written: "),
}


@pytest.mark.parametrize(("place", "complaint"), NO_PLACES.values(), ids=NO_PLACES)
def test_a_place_of_no_picture_is_refused_before_the_first_step(tmp_path: Path, place: str, complaint: str) -> None:
    _ = (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "folder.png").mkdir()
    ended = in_process("train", "a.txt", "--steps", "1", "--curve", place)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"Error: {complaint}")
