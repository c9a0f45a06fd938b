"""Samples from the command line."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.running import COMMAND, ENVIRONMENT, Stock, tinkex
from tinkex_py.cli.surprise import Piece, colour, pieces, show_pieces

GREEDY = ("--base-model", "tinkex/tiny-english", "--temperature", "0", "--max-tokens", "5")


def text(*words: str, stock: Stock, given: str | None = None) -> str:
    result = stock.tinkex("sample", *words, *GREEDY, given=given)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_a_prompt_comes_from_an_argument_a_file_standard_input_or_tokens(stock: Stock) -> None:
    _ = Path("prompt.txt").write_text("The sun\n")
    _ = Path("tokens.json").write_text(json.dumps(list(b"The sun")))
    one = text("The sun", stock=stock)
    assert len(one) == 6
    assert one == text("--prompt-file", "prompt.txt", stock=stock)
    assert one == text("--prompt-file", "tokens.json", stock=stock)
    assert one == text("-", stock=stock, given="The sun\n")
    assert one == text(stock=stock, given="The sun")


def test_the_mark_that_some_editors_put_first_is_no_part_of_a_prompt(stock: Stock) -> None:
    one = text("The sun", stock=stock)
    for name, content in (("prompt.txt", "The sun\r\n"), ("tokens.txt", json.dumps(list(b"The sun")))):
        _ = Path(name).write_text(content, encoding="utf-8-sig", newline="")
        assert one == text("--prompt-file", name, stock=stock)
    assert one == text("-", stock=stock, given="\ufeffThe sun\r\n")


def test_each_sequence_is_a_line_of_jsonl_and_all_are_in_the_file(stock: Stock) -> None:
    words = ("sample", "A", "-n", "3", "--seed", "1", "--max-tokens", "4", "--base-model", "tinkex/tiny-english")
    result = stock.tinkex(*words, "--format", "jsonl", "-o", "samples.json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(each["index"] for each in lines) == [0, 1, 2]
    assert len({each["text"] for each in lines}) > 1
    written = json.loads(Path("samples.json").read_text())
    assert written["samples"] == sorted(lines, key=lambda each: each["index"])
    assert stock.json(*words) == written


def test_saved_weights_are_sampled_from(stock: Stock) -> None:
    result = stock.tinkex("sample", "A", "--model-path", stock.sampler, "--max-tokens", "2", "--format", "json")
    assert len(json.loads(result.stdout)["samples"][0]["tokens"]) == 2


def test_without_colours_each_token_stands_beside_its_log_probability(stock: Stock) -> None:
    lines = text("The sun", "--show-logprobs", stock=stock).splitlines()
    assert len(lines) == 5
    assert all(float(line.split("\t")[1]) <= 0 for line in lines)


WRONG = {
    "two models": ["A", "--base-model", "a", "--model-path", "tinker://a/weights/b"],
    "two prompts": ["A", "--prompt-file", "b"],
    "no tokens": ["A", "--max-tokens", "0"],
}


@pytest.mark.parametrize("words", WRONG.values(), ids=WRONG)
def test_what_contradicts_itself_is_a_usage_error(words: list[str]) -> None:
    assert tinkex("sample", *words).exit_code == 2


def test_a_file_of_tokens_that_is_none_is_said_so() -> None:
    _ = Path("tokens.json").write_text('["a"]')
    result = tinkex("sample", "--prompt-file", "tokens.json")
    assert (result.exit_code, result.stderr.startswith("Error: tokens.json is no JSON list of token ids")) == (1, True)


def test_a_character_of_several_tokens_is_one_piece() -> None:
    tokens = list("aé€".encode())
    found = pieces(tokens, [-1.0] * len(tokens), lambda ids: bytes(ids).decode("utf-8", "replace"))
    assert found == (Piece("a", -1.0), Piece("é", -2.0), Piece("€", -3.0))


COLOURS = {
    "certain": (0.0, "green"),
    "half": (math.log(0.5), "cyan"),
    "a tenth": (-2.3, "yellow"),
    "never": (-99.0, "bold underline red"),
}


@pytest.mark.parametrize(("logprob", "name"), COLOURS.values(), ids=COLOURS)
def test_surprise_has_a_colour(logprob: float, name: str) -> None:
    assert colour(logprob) == name


def test_a_sampled_escape_does_not_reach_the_terminal() -> None:
    console = Console(force_terminal=True, color_system="standard", width=80)
    with console.capture() as said:
        show_pieces(console, [Piece("\x1b]0;title\x07", -0.01)])
    assert "\x1b]0" not in said.get()
    assert "\\x1b]0;title\\x07" in said.get()


@pytest.mark.parametrize(("words", "given"), [(("",), None), ((), ""), (("-",), "\n")], ids=["text", "input", "dash"])
def test_an_empty_prompt_is_not_sent(stock: Stock, words: tuple[str, ...], given: str | None) -> None:
    result = stock.tinkex("sample", *words, *GREEDY, given=given)
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        2,
        "Error: the prompt is empty: give a text or token ids",
    )


def test_an_argument_that_is_no_utf8_is_refused() -> None:
    result = tinkex("sample", "caf\udce9", "--max-tokens", "1", "--base-url", "http://127.0.0.1:9")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        2,
        "Error: the prompt can't be read: it is no text in UTF-8",
    )


def test_standard_input_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    words = [*COMMAND, "sample", "-", "--max-tokens", "1"]
    ended = subprocess.run(words, input=b"caf\xe9", capture_output=True, check=False, cwd=tmp_path, env=ENVIRONMENT)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert ended.stderr.startswith(b"Error: standard input can't be read: it is no text in UTF-8\n")
