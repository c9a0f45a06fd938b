"""The commands, run as a user runs them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cli.relay import relay
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
    command = ended.stdout.split("Sample from what was learned:\n")[1].splitlines()[0]
    sampled = tinkex(*shlex.split(command)[1:], "--temperature", "0", "--max-tokens", "6", folder=tmp_path)
    assert sampled.stdout.rstrip() == " ugly."


def test_what_an_engine_without_a_folder_trained_is_there_afterwards(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n")
    trained = in_process("train", "a.txt", "--steps", "1", "--out", "mine", "--quiet", "--base-url", "local:")
    path = trained.stdout.strip()
    assert in_process("train", "a.txt", "--steps", "1", "--out", "mine", "--resume", path, "--quiet").exit_code == 0
    saved = in_process("checkpoint", "save", "--base-model", "tinkex/tiny-random", "--quiet", "--base-url", "local:")
    listed = in_process("checkpoint", "list", "--columns", "path", "--base-url", "local:")
    assert listed.stdout.splitlines()[1:] == saved.stdout.splitlines()


def test_training_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    _ = (tmp_path / "rhyme.txt").write_text("One, two, three, four, five.\nOnce I caught a fish alive.\n")
    first = in_process("train", "rhyme.txt", "--steps", "3", "--log", "log.jsonl")
    path = next(word for word in first.stdout.split() if word.startswith("tinker://"))
    again = in_process("train", "rhyme.txt", "--steps", "5", "--taken", "3", "--resume", path, "--log", "log.jsonl")
    assert (first.exit_code, again.exit_code, again.stderr) == (0, 0, "")
    assert "step-00005" in again.stdout
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3, 4, 5]


def test_steps_that_are_taken_once_more_have_their_numbers_again_in_the_log(tmp_path: Path) -> None:
    """As after a kill, which leaves steps in the log that the last checkpoint doesn't have behind."""
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    words = ["train", "a.txt", "--steps", "4", "--log", "log.jsonl"]
    runs = [in_process(*words), in_process(*words, "--save-every", "2")]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    again = in_process(*words, "--taken", "2", "--resume", lines[5]["checkpoint"])
    assert [ended.exit_code for ended in (*runs, again)] == [0, 0, 0]
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in logged] == [1, 2, 3, 4, 5, 6, 7, 8, 7, 8]
    assert [line["loss"] for line in logged[8:]] == [line["loss"] for line in logged[6:8]]


def test_one_is_not_told_of_as_of_several(tmp_path: Path) -> None:
    _ = (tmp_path / "one.jsonl").write_text('{"text": "some text to learn"}\n')
    ended = in_process("train", "one.jsonl", "--steps", "1", "--save-every", "1")
    said = (ended.stdout.splitlines()[0], ended.stderr.partition(":")[0])
    assert said == ("1 step on 1 example", "Checkpoint after 1 step")


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
@pytest.mark.parametrize(
    ("words", "sent", "status"),
    [
        (["train", "a.txt"], ["SIGINT"], 130),
        (["train", "a.txt"], ["SIGTERM"], 143),
        (["train", "a.txt"], ["SIGTERM", "SIGTERM"], 143),
        (["train", "a.txt"], ["SIGHUP", "SIGHUP"], 129),
        (["demo"], ["SIGTERM"], 143),
    ],
    ids=["ctrl-c", "sigterm", "as timeout sends it", "hangup", "demo"],
)
def test_a_signal_saves_a_checkpoint_and_says_how_to_go_on(
    tmp_path: Path, words: list[str], sent: list[str], status: int
) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    pipe, started = subprocess.PIPE, [*COMMAND, *words, "--steps", "100000"]
    with subprocess.Popen(started, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=ENVIRONMENT) as process:
        assert process.stdout is not None
        assert any(line.startswith("100000 steps on") for line in process.stdout)
        for each in sent:
            process.send_signal(signal.Signals[each])
        said, complaints = process.communicate()
    assert (process.returncode, complaints) == (status, "")
    assert "Checkpoint: tinker://" in said
    assert said.strip().splitlines()[-1].startswith(f"  tinkex {words[0]}")


def test_a_checkpoint_is_saved_every_so_many_steps_and_told(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    ended = in_process("train", "a.txt", "--steps", "4", "--save-every", "2", "--log", "log.jsonl")
    first, last = ended.stderr.splitlines()
    paths = {
        line["step"]: line.get("checkpoint", "") for line in map(json.loads, Path("log.jsonl").read_text().splitlines())
    }
    assert (ended.exit_code, {step for step, path in paths.items() if path}) == (0, {2, 4})
    assert (first, last) == (f"Checkpoint after 2 steps: {paths[2]}", f"Checkpoint after 4 steps: {paths[4]}")
    assert paths[2].endswith("/weights/step-00002")
    assert f"Checkpoint: {paths[4]}\n" in ended.stdout
    again = in_process("train", "a.txt", "--steps", "3", "--taken", "2", "--resume", paths[2])
    assert (again.exit_code, "step-00003" in again.stdout) == (0, True)


RANDOM = ("--base-model", "tinkex/tiny-random")


@pytest.mark.skipif(sys.platform == "win32", reason="moves a folder that is in use")
def test_a_failure_says_which_checkpoint_is_the_last_and_how_to_go_on(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    words = [*COMMAND, "train", "a.txt", "--steps", "100000", "--save-every", "3", "--out", "x", "--quiet"]
    words += ["--log", "log.jsonl", "--curve", "loss.png"]
    pipe = subprocess.PIPE
    log = tmp_path / "log.jsonl"
    os.mkfifo(log)
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path, env=ENVIRONMENT) as process:
        with log.open() as lines:
            _ = next(line for line in lines if '"checkpoint"' in line)
            (tmp_path / "x").rename(tmp_path / "moved")
            _ = (tmp_path / "x").write_text("")
            for _ in lines:
                pass
        _, complaints = process.communicate()
    (tmp_path / "x").unlink()
    (tmp_path / "moved").rename(tmp_path / "x")
    log.unlink()
    stands, command = complaints.splitlines()[2:4]
    found = re.fullmatch(
        r"Stopped after \d+ steps; the last checkpoint has (\d+) of them behind. Go on from it with:", stands
    )
    assert (process.returncode, found is not None) == (1, True)
    suggested = shlex.split(command)
    again = in_process(*suggested[1:], "--steps", one_more(suggested))
    assert (found and found[1], again.exit_code) == (suggested[suggested.index("--taken") + 1], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="bounds a process by a POSIX limit")
def test_a_checkpoint_that_finds_no_room_is_said_with_what_is_left(tmp_path: Path) -> None:
    _ = (tmp_path / "a.txt").write_text("some text to learn\n" * 5)
    bound = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
    words = [*COMMAND[:-1], bound + COMMAND[-1], "train", "a.txt", "--steps", "2"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=ENVIRONMENT)
    assert (ended.returncode, "File too large" in ended.stderr) == (1, True)
    assert ended.stderr.endswith("\nStopped after 2 steps; nothing was saved.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="signals a thread of this process")
@pytest.mark.parametrize("resumed", [False, True], ids=["nothing saved", "a checkpoint before"])
def test_a_second_ctrl_c_while_it_saves_says_what_there_is(stock: Stock, *, resumed: bool) -> None:
    _ = Path("a.txt").write_text("some text to learn\n" * 5)
    begun = ("--resume", stock.training, "--taken", "1") if resumed else RANDOM
    pressed: list[str] = []
    with relay(stock.address) as server:

        def press(path: str) -> None:
            if path.endswith(("/optim_step", "/save_weights")) and path not in pressed:
                pressed.append(path)
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        server.watching = press
        at = ("--steps", "100000", "--base-url", server.address)
        ended = in_process("train", "a.txt", *begun, *at, TINKER_API_KEY=KEY)
    assert (ended.exit_code, len(pressed), "Checkpoint: " in ended.stdout) == (130, 2, False)
    kept = "the last checkpoint has 1 of them behind. Go on from it with:" if resumed else "nothing was saved."
    assert re.fullmatch(rf"Stopped after \d+ steps?; {re.escape(kept)}", ended.stderr.splitlines()[0])


def test_the_version_is_printed(tmp_path: Path) -> None:
    assert tinkex("version", folder=tmp_path).stdout.startswith("tinkex 0.")


def test_the_command_is_also_the_package_run_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tinkex_py", "version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, env=ENVIRONMENT)
    assert ran.stdout == tinkex("version", folder=tmp_path).stdout


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
    "ending": ("x.gif", 2, "x.gif has an ending of no picture; give one of .png, .svg or .pdf"),
    "no folder": ("no/x.png", 1, "no/x.png can't be written: there is no folder no"),
    "folder": ("folder.png", 1, "folder.png can't be written: it is a folder"),
    "name": (f"{'x' * 300}.png", 1, f"{'x' * 300}.png can't be written: "),
}


@pytest.mark.parametrize(("place", "status", "complaint"), NO_PLACES.values(), ids=NO_PLACES)
def test_a_place_of_no_picture_is_refused_before_the_first_step(
    tmp_path: Path, place: str, status: int, complaint: str
) -> None:
    _ = (tmp_path / "a.txt").write_text("some text")
    (tmp_path / "folder.png").mkdir()
    ended = in_process("train", "a.txt", "--steps", "1", "--curve", place)
    assert (ended.exit_code, ended.stdout) == (status, "")
    assert ended.stderr.startswith(f"Error: {complaint}")
