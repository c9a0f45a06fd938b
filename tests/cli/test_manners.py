"""The manners that all commands share."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from tests.cli.running import COMMAND, ENVIRONMENT, KEY, Stock, run_tinkex, tinkex
from tinkex_py.cli.complaints import REMEDIES
from tinkex_py.cli.display import harmless, harmless_json, harmless_text, shown, size
from tinkex_py.errors import LocalError, RequestError
from tinkex_py.version import PROTOCOL_VERSION, __version__


def test_every_error_has_a_way_on() -> None:
    assert set(REMEDIES) == set(get_args(RequestError)) | set(get_args(LocalError))


def test_the_version_is_printed_with_what_it_stands_on() -> None:
    said = json.loads(tinkex("version", "--json", "--deps").stdout)
    assert (said["tinkex"], said["protocol"]) == (__version__, PROTOCOL_VERSION)
    assert {"httpx", "msgspec", "protobuf", "returns"} <= {name for name, each in said["dependencies"].items() if each}
    assert tinkex("version").stdout == f"tinkex {__version__} (protocol {PROTOCOL_VERSION})\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str) -> None:
    result = tinkex("completion", shell)
    assert (result.exit_code, "_TINKEX_COMPLETE" in result.stdout) == (0, True)


def test_words_are_completed() -> None:
    asked = {
        **ENVIRONMENT,
        "_TINKEX_COMPLETE": "bash_complete",
        "COMP_WORDS": "tinkex checkpoint set",
        "COMP_CWORD": "2",
    }
    ended = subprocess.run(COMMAND, capture_output=True, text=True, check=False, env=asked)
    assert ended.stdout == "plain,set-ttl\n"


USAGE = {"no command": ["run"], "unknown command": ["jump"], "unknown option": ["run", "list", "--jump"]}


@pytest.mark.parametrize("words", USAGE.values(), ids=USAGE)
def test_wrong_usage_ends_with_status_2(words: list[str]) -> None:
    assert tinkex(*words).exit_code == 2


@pytest.mark.parametrize("number", ["nan", "inf"])
@pytest.mark.parametrize("words", [["train", "x", "--learning-rate"], ["sample", "x", "--temperature"]])
def test_what_is_no_finite_number_is_wrong_usage(words: list[str], number: str) -> None:
    result = tinkex(*words, number)
    assert (result.exit_code, f"Invalid value for '{words[-1]}': {number} is not a finite" in result.stderr) == (
        2,
        True,
    )


def test_a_bug_is_said_in_two_lines(tmp_path: Path) -> None:
    broken = (
        "import sys, tinkex_py.cli.versions as v; v._release = lambda name: 1 / 0; from tinkex_py.cli import main; "
    )
    words = [*COMMAND[:-1], f"{broken}sys.argv = ['tinkex', 'version', '--deps']; main()"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=ENVIRONMENT)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("Error: this is a bug of tinkex: ZeroDivisionError: division by zero\nWhat to do: ")


@pytest.mark.parametrize("package", ["click", "rich.console", "tinkex_py.cli.commands", "tinkex_py.cli.training"])
def test_ctrl_c_while_packages_are_imported_ends_with_status_130(package: str) -> None:
    pressed = (
        "import signal, sys\n"
        "class Pressing:\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name == {package!r}: signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressing)\n"
    )
    words = [*COMMAND[:-1], pressed + COMMAND[-1], "version"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize(
    "words", [["version"], ["version", "--json"], ["--help"], ["serve", "--port", "0"]], ids=" ".join
)
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["in the end", "at once"])
def test_an_output_that_takes_no_more_is_no_bug(words: list[str], unbuffered: str) -> None:
    line, pipe = f"{' '.join(map(repr, [*COMMAND, *words]))} > /dev/full", subprocess.PIPE
    written = {**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered}
    ended = subprocess.run(["/bin/sh", "-c", line], stderr=pipe, text=True, check=False, env=written)
    said = ended.stderr.splitlines()
    assert (ended.returncode, said[0]) == (1, "Error: the output can't be written: No space left on device")
    assert [line.partition(":")[0] for line in said] == ["Error", "What to do"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize(("words", "status"), [("bogus", 2), ("run info nobody --base-url local:", 1)])
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["in the end", "at once"])
def test_the_status_is_the_same_where_complaints_can_not_be_written(words: str, status: int, unbuffered: str) -> None:
    environment = {**ENVIRONMENT, "PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*COMMAND, *words.split()], stderr=full, check=False, env=environment)
    assert ended.returncode == status


def test_a_reader_that_goes_away_is_no_error_to_speak_of(stock: Stock) -> None:
    words = [*COMMAND, "run", "list", "--limit", "0", "--base-url", stock.address]
    line = f"{' '.join(map(repr, words))} | head -n 0"
    environment = {**ENVIRONMENT, "TINKER_API_KEY": "tml-0123456789abcdef"}
    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, env=environment)
    assert "Traceback" not in ended.stderr


CLOSED = {
    "question": (("checkpoint", "delete", "tinker://a/weights/b"), 1, "Error: there is nobody to ask"),
    "key": (("auth", "login"), 1, "Error: that is no API key"),
    "prompt": (("sample",), 2, "Error: Give a prompt, "),
    "prompt that is said to be there": (("sample", "-"), 2, "Error: "),
}


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="needs a POSIX shell")
@pytest.mark.parametrize(("words", "status", "said"), CLOSED.values(), ids=CLOSED)
def test_an_input_that_is_closed_is_one_without_anything(words: tuple[str, ...], status: int, said: str) -> None:
    line = f"{shlex.join([*COMMAND, *words, '--base-url', 'local:'])} <&-"
    ended = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert (ended.returncode, said in ended.stderr, "bug" in ended.stderr) == (status, True, False)


def test_a_message_that_nobody_wants_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "tinkex-run").mkdir()
    assert tinkex("run", "list", "--quiet").stderr == ""
    assert tinkex("run", "list").stderr.startswith("Using the embedded engine")


@pytest.mark.parametrize("words", [("doctor",), ("model", "list"), ("run", "info", "nobody")], ids=" ".join)
def test_a_pipe_gets_plain_text_also_where_colours_are_asked_for(stock: Stock, words: tuple[str, ...]) -> None:
    forced = run_tinkex(*words, "--base-url", stock.address, folder=Path(), TINKER_API_KEY=KEY, FORCE_COLOR="1")
    assert ("\t" in forced.stdout, "\x1b" in forced.stdout + forced.stderr) == (words[0] != "run", False)


@pytest.mark.parametrize("words", [("run", "list"), ("auth", "status")], ids=" ".join)
def test_a_folder_that_is_only_looked_into_is_not_made(words: tuple[str, ...]) -> None:
    """A name that is mistyped would be an engine in which nothing is."""
    result = tinkex(*words, "--base-url", "local:typo")
    assert (result.exit_code, result.stdout, Path("typo").exists()) == (1, "", False)
    assert result.stderr.startswith("Error: there is no folder typo, ")
    Path("typo").mkdir()
    assert tinkex(*words, "--base-url", "local:typo").exit_code == 0


SERVERS = {"no address": ("garbage", 2), "nobody there": ("http://127.0.0.1:9", 1)}


@pytest.mark.parametrize(("server", "status"), SERVERS.values(), ids=SERVERS)
def test_the_status_tells_what_can_not_be_used_from_what_failed(server: str, status: int) -> None:
    words = ("run", "list", "--timeout", "0.5")
    assert tinkex(*words, "--base-url", server, TINKER_API_KEY=KEY).exit_code == status
    assert tinkex(*words, TINKER_BASE_URL=server, TINKER_API_KEY=KEY).exit_code == status


def test_the_demo_takes_no_server() -> None:
    result = tinkex("demo", "--base-url", "http://127.0.0.1:9")
    assert (result.exit_code, "Leave out --base-url" in result.stderr, Path("tinkex-demo").exists()) == (2, True, False)


def test_what_is_said_does_not_depend_on_a_width_that_nobody_knows(
    stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert stock.tinkex("run", "info", "x").stderr.startswith("Error: get_training_run: ")
    assert stock.tinkex("version").stdout == f"tinkex {__version__} (protocol {PROTOCOL_VERSION})\n"


TEXTS = {
    "plain": ("abc é 世界", "abc é 世界"),
    "escape": ("a\x1b[2J", "a\\x1b[2J"),
    "csi in one byte": ("a\x9b2J", "a\\x9b2J"),
    "order of letters": ("a\u202eb", "a\\u202eb"),
    "end of line": ("a\nb\rc", "a\\nb\\rc"),
}


@pytest.mark.parametrize(("text", "seen"), TEXTS.values(), ids=TEXTS)
def test_what_could_steer_a_terminal_is_written_out(text: str, seen: str) -> None:
    assert harmless(text) == seen
    assert json.loads(harmless_json(json.dumps(text, ensure_ascii=False))) == text
    assert harmless_text(text).replace("\n", "\\n") == seen


VALUES: dict[str, tuple[object, str]] = {
    "nothing": (None, "-"),
    "yes": (True, "yes"),
    "number": (1.5, "1.5"),
    "pairs": ({"a": None, "b": 1}, "a=-, b=1"),
    "no pairs": ({}, "-"),
    "bytes": (size(999), "999 B"),
    "many bytes": (size(1_500_000), "1.5 MB"),
    "nearly a unit": (size(999_960), "1.0 MB"),
}


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_values_are_shown_as_people_write_them(value: object, text: str) -> None:
    assert shown(value) == text
