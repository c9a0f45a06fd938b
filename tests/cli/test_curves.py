"""Logs of trainings, and curves in text and as pictures."""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path
from xml.parsers import expat

import pytest

from tests.cli.running import run_tinkex, tinkex
from tinkex_py import Failure, Success, or_raise
from tinkex_py.cli.pictures import FORMATS, place_problem, save_curves
from tinkex_py.cli.records import Curve, StepLog, read_curves
from tinkex_py.cli.sparkline import sparkline

BOTH = [{"step": 2 * n, "reward": n / 10, "loss": 3 / (n + 1), "learning_rate": 0.1} for n in range(60)]


def written(name: str, lines: list[dict[str, float]] | str) -> Path:
    file = Path(name)
    _ = file.write_text(lines if isinstance(lines, str) else "".join(f"{json.dumps(each)}\n" for each in lines))
    return file


def test_a_log_that_is_written_is_read_again() -> None:
    with or_raise(StepLog(Path("log.jsonl")).begin()) as log:
        or_raise(log.add({"step": 1, "loss": 2.0}))
        or_raise(log.add({"step": 2, "loss": 1.0}))
    assert or_raise(read_curves(Path("log.jsonl"))) == (Curve("loss", (1, 2), (2.0, 1.0)),)


def test_the_loss_comes_first_and_what_is_no_number_is_passed_over() -> None:
    file = written("log.jsonl", '{"reward": 1, "loss": 2, "ok": true, "name": "x"}\n\n{"loss": NaN, "reward": 3}\n')
    match read_curves(file):
        case Failure(error):
            assert "line 3" in error.message
        case found:
            pytest.fail(str(found))
    file = written("log.jsonl", '{"reward": 1, "loss": 2, "ok": true, "name": "x"}\n\n{"loss": null, "reward": 3}\n')
    assert or_raise(read_curves(file)) == (Curve("loss", (1,), (2,)), Curve("reward", (1, 3), (1, 3)))


def test_half_a_line_at_the_end_is_passed_over() -> None:
    assert or_raise(read_curves(written("log.jsonl", '{"loss": 1}\n{"lo'))) == (Curve("loss", (1,), (1,)),)


WILD = {
    "nested deep": '{"loss": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "large number": f'{{"loss": {10**400}}}',
    "larger number": f'{{"loss": {"1" * 5000}}}',
    "large step": f'{{"loss": 1, "step": {10**400}}}',
}


@pytest.mark.parametrize("line", WILD.values(), ids=WILD)
def test_a_line_that_can_not_be_read_is_named(line: str) -> None:
    result = tinkex("plot", str(written("log.jsonl", f'{{"loss": 1}}\n{line}\n')))
    assert (result.exit_code, result.stderr.startswith("Error: log.jsonl line 2: ")) == (1, True)


BEGUN = {
    "no file": ("", 0, 0),
    "steps": ('{"step": 1, "loss": 3}\n{"step": 2, "loss": 3}\n', 2, 2),
    "half a line": ('{"step": 1, "loss": 3}\n{"step": 2, "lo', 1, 1),
    "no newline": ('{"step": 4, "loss": 3}', 4, 1),
    "no steps to count": (
        f'{{"step": {10**400}}}\n{{"step": 1e300}}\n{{"step": null}}\n{{"step": true}}\n[]\n',
        0,
        None,
    ),
    "nested deep": ("[" * 100_000 + "\n", 0, None),
}


@pytest.mark.parametrize(("before", "last", "points"), BEGUN.values(), ids=BEGUN)
def test_a_log_that_is_resumed_counts_on_in_lines_of_its_own(before: str, last: int, points: int | None) -> None:
    file = written("log.jsonl", before)
    with or_raise(StepLog(file).begin()) as log:
        or_raise(log.add({"step": log.last + 1, "loss": 2.0}))
    assert log.last == last
    assert json.loads(file.read_text().splitlines()[-1])["step"] == last + 1
    if points is not None:
        (curve,) = or_raise(read_curves(file))
        assert (len(curve.steps), curve.steps[-1]) == (points + 1, last + 1)


@pytest.mark.parametrize("ending", [ending[1:] for ending in FORMATS])
def test_curves_are_drawn_in_the_format_of_the_ending(ending: str) -> None:
    file = written("log.jsonl", BOTH)
    result = tinkex("plot", str(file), "-o", f"curve.{ending}")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"Picture: curve.{ending}")
    assert Path(f"curve.{ending}").read_bytes()[:5] in {b"\x89PNG\r", b"<?xml", b"%PDF-"}


def test_a_home_that_can_not_be_written_to_is_not_spoken_of(tmp_path: Path) -> None:
    _ = written("log.jsonl", BOTH)
    ended = run_tinkex("plot", "log.jsonl", folder=tmp_path, HOME=str(tmp_path / "log.jsonl" / "none"), MPLCONFIGDIR="")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("command", ["plot", "train"])
def test_the_help_tells_of_every_ending(command: str) -> None:
    said = tinkex(command, "--help").stdout
    assert [ending for ending in FORMATS if ending not in said] == []


def test_only_what_is_asked_for_is_drawn() -> None:
    result = tinkex("plot", str(written("log.jsonl", BOTH)), "-m", "reward", "--format", "json")
    assert [each["name"] for each in json.loads(result.stdout)["curves"]] == ["reward"]


COMPLAINTS = {
    "no file": (["none.jsonl"], 1, "none.jsonl can't be read"),
    "no such number": (["log.jsonl", "-m", "joy"], 1, "log.jsonl has no joy; there are reward, loss"),
    "no picture": (["log.jsonl", "-o", "curve.txt"], 2, "curve.txt has an ending of no picture"),
    "no folder": (["log.jsonl", "-o", "no/curve.png"], 1, "no/curve.png can't be written"),
}


@pytest.mark.parametrize(("words", "status", "said"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_what_can_not_be_drawn_is_said_in_plain_words(words: list[str], status: int, said: str) -> None:
    _ = written("log.jsonl", BOTH)
    result = tinkex("plot", *words)
    assert (result.exit_code, result.stderr.startswith(f"Error: {said}")) == (status, True)


SPARKS: dict[str, tuple[list[float], int, str]] = {
    "rising": ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
    "more than there is room for": ([0, 0, 7, 7], 2, "▁█"),
    "level": ([1, 1, 1], 8, "▁▁▁"),
    "level, with means that are rounded": ([0.9] * 50, 24, "▁" * 24),
    "with a gap": ([0, math.nan, 1], 8, "▁█"),
    "nothing": ([], 8, ""),
}


@pytest.mark.parametrize(("values", "width", "line"), SPARKS.values(), ids=SPARKS)
def test_values_are_a_line_of_text(values: list[float], width: int, line: str) -> None:
    assert sparkline(values, width) == line


def test_a_terminal_without_blocks_gets_letters() -> None:
    assert sparkline([0, 1], 2, blocks=False).isascii()


ODD = {
    "mathematics in the title": ("loss", 1.0, "cost $_$"),
    "mathematics in a name": ("a$_$b", 1.0, ""),
    "control characters": ("a\x01\x1b\ufffe", 1.0, "b\x02"),
    "half a letter": ("a", 1.0, "b\udcff"),
    "letters that no font has": ("\u4e16\u754c", 1.0, "\U0001f9ff"),
    "the largest numbers": ("loss", 1.5e308, ""),
}


@pytest.mark.parametrize("ending", [ending[1:] for ending in FORMATS])
@pytest.mark.parametrize(("name", "value", "title"), ODD.values(), ids=ODD)
def test_whatever_names_and_numbers_there_are_a_picture_comes_of_them(
    name: str, value: float, title: str, ending: str
) -> None:
    file = Path(f"curve.{ending}")
    for count in (1, 3, 60):
        values = [value if at % 2 else -value for at in range(count)]
        assert save_curves([Curve(name, range(count), values)], file, title) == Success(file)
    if ending == "svg":
        assert expat.ParserCreate().Parse(file.read_bytes(), True) == 1


def test_long_names_of_curves_stand_above_one_another() -> None:
    names = [f"{letter}/reward_of_the_format/in_every_group/standard_deviation" for letter in "abcdef"]
    curves = [Curve(name, range(3), [1e-7, 2e-7, 3e-7]) for name in names]
    drawn = or_raise(save_curves(curves, Path("c.svg"))).read_text(encoding="utf-8")
    across = re.findall(r"<!-- (\S+) -->\s*<g[^>]*translate\(([\d.]+) ([\d.]+)\) scale", drawn)
    places = [(float(x), float(y)) for text, x, y in across if text in names]
    assert len({x for x, _ in places}) == 1
    assert [y for _, y in places] == sorted({y for _, y in places})


def test_a_level_curve_is_drawn_level() -> None:
    file = or_raise(save_curves([Curve("reward", range(120), [0.3] * 120)], Path("c.svg")))
    lines = re.findall(r'<path d="([^"]*)" clip-path=[^>]*stroke: #1f5fa8', file.read_text(encoding="utf-8"))
    assert [len(set(re.findall(r"[ML] \S+ (\S+)", line))) for line in lines] == [1, 1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
@pytest.mark.parametrize("ending", FORMATS)
def test_a_picture_for_which_the_disk_has_no_room_is_said_to_have_none(ending: str) -> None:
    file = Path(f"curve{ending}")
    file.symlink_to("/dev/full")
    failed = save_curves([Curve("loss", range(3), [3.0, 2.0, 1.0])], file).failure()
    assert failed.message == f"curve{ending} can't be written: No space left on device"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user who may not write anywhere")
def test_a_place_that_is_closed_to_pictures_is_found_before_there_is_one() -> None:
    Path("closed").mkdir(0o500)
    problem = place_problem(Path("closed/curve.png"))
    assert problem is not None
    assert problem.message == "closed/curve.png can't be written: Permission denied"


def test_curves_are_shown_in_what_the_output_can_carry() -> None:
    _ = written("log.jsonl", BOTH)
    ended = run_tinkex("plot", "log.jsonl", folder=Path(), PYTHONIOENCODING="latin-1")
    assert (ended.returncode, ended.stderr, "#" in ended.stdout) == (0, "", True)


def test_a_line_of_text_has_room_for_the_largest_numbers() -> None:
    assert sparkline([-1.5e308, 1.5e308, 1.7e308, 1.7e308], 2) == "▁█"
    assert sparkline([-1.5e308, 1.5e308], 2) == "▁█"
