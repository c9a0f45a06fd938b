"""The page of commands has each, and its examples do what they say, at a server with something in it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from docs import commands as page
from tests.cli.hub import hub
from tests.cli.running import KEY, Stock, tinkex

ALONE = {
    "demo": "it takes its time: test_training.py",
    "serve": "it serves until it is stopped: tests/test_start_page.py",
}
"""Examples that are run elsewhere."""
RUN = sorted(page.EXAMPLES.keys() - ALONE)


def words_of(example: str, stock: Stock) -> tuple[list[str], str | None]:
    """The words of an example after the command's name, and what it is given to read."""
    said, _, file = example.partition(" < ")
    run = stock.run_id
    words = [word.replace("RUN", run).replace("SESSION", stock.session_id) for word in shlex.split(said)[1:]]
    return words, Path(file).read_text() if file else None


def test_every_command_has_an_example() -> None:
    assert [" ".join(words) for words, _ in page.commands()] == sorted(page.EXAMPLES)
    assert all(f"{example} ".startswith(f"tinkex {name} ") for name, example in page.EXAMPLES.items())


def test_the_example_of_usage_keeps_to_the_fourteen_days_that_a_server_gives() -> None:
    begin, end = map(date.fromisoformat, page.EXAMPLES["billing usage"].split()[3:5])
    assert timedelta() < end - begin <= timedelta(days=14)


@pytest.mark.parametrize("name", RUN)
def test_an_example_does_what_it_says(stock: Stock, name: str) -> None:
    _ = Path("key.txt").write_text(KEY)
    _ = Path("mine.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}))
    _ = Path("mine.txt").write_text("It was the best of times.\n")
    with hub() as there:
        environment: Mapping[str, str] = {**there.environment, "TINKER_API_KEY": KEY}
        words, given = words_of(page.EXAMPLES[name], stock)
        at = () if name in {"plot", "completion", "version"} else ("--base-url", stock.address)
        if name == "auth logout":
            assert tinkex("auth", "login", *at, given=KEY).exit_code == 0
        result = tinkex(*words, *at, given=given, **environment)
    assert (result.exit_code, result.exception) == (0, None), result.output
