"""Files that commands write: what is there already, and names that can't be."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.relay import relay
from tests.cli.running import KEY, Stock, tinkex

SAMPLE = ("sample", "A", "--base-model", "tinkex/tiny-random", "--max-tokens", "1", "--quiet")
SAVE = ("checkpoint", "save", "--base-model", "tinkex/tiny-random", "--rank", "1", "--quiet")


def test_a_symlink_is_followed_and_stays_one(stock: Stock) -> None:
    Path("folder").mkdir()
    _ = Path("folder/real.json").write_text("old")
    for link, real in (("link.json", "folder/real.json"), ("dangling.json", "folder/new.json")):
        Path(link).symlink_to(real)
        assert stock.tinkex(*SAMPLE, "-o", link).exit_code == 0
        assert Path(link).is_symlink()
        assert json.loads(Path(real).read_text())["samples"]
    assert sorted(each.name for each in Path("folder").iterdir()) == ["new.json", "real.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of POSIX")
def test_a_file_that_is_replaced_is_open_to_nobody_else(stock: Stock) -> None:
    file = Path("private.json")
    file.touch(0o600)
    assert stock.tinkex(*SAMPLE, "-o", str(file)).exit_code == 0
    assert (bool(json.loads(file.read_text())["samples"]), file.stat().st_mode & 0o777) == (True, 0o600)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_written_into_and_stays_one(stock: Stock) -> None:
    os.mkfifo("pipe")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(Path("pipe").read_text)
        assert stock.tinkex(*SAMPLE, "-o", "pipe").exit_code == 0
        assert json.loads(read.result(30))["samples"]
    assert Path("pipe").is_fifo()


NAMED = {
    "sample": SAMPLE,
    "save": SAVE,
    "trace": ("session", "export-trace", "s"),
    "usage": ("billing", "usage", "2026-07-13", "2026-07-14"),
    "storage": ("billing", "checkpoint-storage"),
}


@pytest.mark.parametrize("name", ["", "."])
@pytest.mark.parametrize("words", NAMED.values(), ids=NAMED)
def test_an_empty_name_and_a_folder_are_refused_before_anything_is_done(words: tuple[str, ...], name: str) -> None:
    option = "--csv" if words[0] == "billing" else "-o"
    result = tinkex(*words, option, name, "--base-url", "http://127.0.0.1:9")
    assert (result.exit_code, "Invalid value for" in result.stderr) == (2, True)


EMPTY = {
    "text": ("train", ""),
    "folder": ("train", "a.txt", "--out", ""),
    "log": ("train", "a.txt", "--log", ""),
    "curve": ("train", "a.txt", "--curve", ""),
    "demo": ("demo", "--out", ""),
    "plot": ("plot", ""),
    "picture": ("plot", "a.jsonl", "--output", ""),
    "prompt": ("sample", "--prompt-file", ""),
    "engine": ("sample", "A", "--out", ""),
    "server": ("serve", "--port", "0", "--host", "no.such.host.invalid", "--directory", ""),
    "download": ("checkpoint", "download", "tinker://a/weights/b", "--output", ""),
}


@pytest.mark.parametrize("words", EMPTY.values(), ids=EMPTY)
def test_a_name_that_is_empty_is_not_the_folder_that_one_is_in(words: tuple[str, ...]) -> None:
    result = tinkex(*words)
    assert (result.exit_code, "the name is empty" in result.stderr, list(Path().iterdir())) == (2, True, [])


@pytest.mark.parametrize("name", ["file/below", "no/folder"])
@pytest.mark.parametrize("words", [SAMPLE, SAVE], ids=["sample", "save"])
def test_a_file_that_can_not_be_written_is_no_bug(stock: Stock, words: tuple[str, ...], name: str) -> None:
    _ = Path("file").write_text("")
    result = stock.tinkex(*words, "-o", name)
    assert (result.exit_code, " can't be written: " in result.stderr) == (1, True)
    early = tinkex(*words, "-o", name, "--base-url", "http://127.0.0.1:9", TINKER_API_KEY="tml-0123456789abcdef")
    assert (early.exit_code, " can't be written: " in early.stderr) == (1, True)


OVER = {
    "log": ("train", "kept.jsonl", "--log", "./kept.jsonl", "--steps", "1"),
    "picture": ("plot", "kept.png"),
    "picture of that name": ("plot", "kept.jsonl", "--output", "kept.png"),
}


@pytest.mark.parametrize("words", OVER.values(), ids=OVER)
def test_what_is_read_is_not_written_over(words: tuple[str, ...]) -> None:
    content = '{"text": "some text to learn", "loss": 1}\n'
    _ = Path("kept.jsonl").write_text(content)
    Path("kept.png").symlink_to("kept.jsonl")
    result = tinkex(*words)
    assert (result.exit_code, " is read here, and would be written to" in result.stderr) == (2, True)
    assert Path("kept.jsonl").read_text() == content


@pytest.mark.parametrize(("words", "said"), [(SAMPLE, "samples"), (SAVE, "tinker_path")], ids=["sample", "save"])
def test_a_dash_is_the_screen(stock: Stock, words: tuple[str, ...], said: str) -> None:
    result = stock.tinkex(*words, "-o", "-")
    assert (result.exit_code, Path("-").exists()) == (0, False)
    assert json.loads(result.stdout)[said]


@pytest.mark.parametrize(("trace", "ending"), [(b"\n\xff\x00\r\n", "pftrace"), (b' {"traceEvents": []}', "json")])
def test_a_trace_is_written_as_it_comes(stock: Stock, trace: bytes, ending: str) -> None:
    with relay(stock.address) as front:
        ready = {"status": "ready", "url": f"{front.address}/signed/trace"}
        front.instead |= {"/trace_export": (200, json.dumps(ready).encode()), "/signed/trace": (200, trace)}
        words = ("session", "export-trace", "s:1", "--base-url", front.address)
        assert tinkex(*words, TINKER_API_KEY=KEY).exit_code == 0
        assert Path(f"trace-s_1.{ending}").read_bytes() == trace
        assert tinkex(*words, "-o", "-", TINKER_API_KEY=KEY).stdout_bytes == trace


def test_a_quiet_command_still_says_where_what_it_made_is(stock: Stock) -> None:
    _ = Path("text.txt").write_text("The sun is warm. " * 20)
    model = ("--base-model", "tinkex/tiny-random", "--quiet")
    saved = stock.tinkex("checkpoint", "save", *model).stdout.splitlines()
    trained = stock.tinkex("train", "text.txt", *model, "--steps", "1").stdout.splitlines()
    assert [line.partition("/")[0] for line in (*saved, *trained)] == ["tinker:", "tinker:"]
    assert Path(stock.tinkex("checkpoint", "download", *saved, "--quiet").stdout.strip()).is_dir()
    trace = ("session", "export-trace", stock.session_id)
    assert Path(stock.tinkex(*trace, "--quiet").stdout.strip()) == Path(stock.json(*trace, "--quiet")["file"])
    assert stock.tinkex("checkpoint", "set-ttl", *saved, "--ttl", "60", "--quiet").stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
@pytest.mark.parametrize("form", ["table", "json", "jsonl"])
def test_a_folder_whose_name_is_no_text_is_named_as_well_as_can_be(stock: Stock, form: str) -> None:
    result = stock.tinkex("checkpoint", "download", stock.training, "-o", "dl\udcff", "-f", form)
    assert result.exit_code == 0
    if form == "table":
        assert result.stdout.startswith("Downloaded: dl\\udcff/")
    else:
        said = json.loads(result.stdout)
        assert {each.partition("/")[0] for each in (said["folder"], *said["files"])} == {"dl\ufffd"}


@pytest.mark.skipif(sys.platform != "linux", reason="needs names of any bytes")
@pytest.mark.parametrize("words", [("train", "a.txt"), ("demo",), ("sample", "A")], ids=" ".join)
def test_a_folder_that_the_engine_can_not_have_is_named_and_not_made(words: tuple[str, ...]) -> None:
    _ = Path("a.txt").write_text("some text")
    ended = tinkex(*words, "--out", "out\udcff")
    assert (ended.exit_code, Path("out\udcff").exists()) == (2, False)
    assert ended.stderr.startswith("Error: out\\udcff can't be used: its name is no text in UTF-8\n")
