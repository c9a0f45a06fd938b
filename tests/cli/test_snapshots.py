"""What help, tables and complaints look like, compared with files; TINKEX_SNAPSHOTS=write writes them anew."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.cli.running import tinkex
from tinkex_py.cli.checkpoints import CHECKPOINTS
from tinkex_py.cli.commands import tinkex as root
from tinkex_py.cli.invocation import Invocation
from tinkex_py.cli.options import Format, Options
from tinkex_py.cli.tables import show
from tinkex_py.errors import NotFound
from tinkex_py.types.runs import Checkpoint

FOLDER = Path(__file__).parent / "snapshots"
WRITING = os.environ.get("TINKEX_SNAPSHOTS") == "write"
SAVED = datetime(2026, 7, 13, 12, 0, 0, 250_000, tzinfo=UTC)
ROWS = (
    Checkpoint(
        checkpoint_id="weights/step-10",
        checkpoint_type="training",
        time=SAVED,
        tinker_path="tinker://run-1:train:0/weights/step-10",
        size_bytes=1_234_567_890,
        user_metadata={"who": "\x1b[31mred\u202e"},
    ),
    Checkpoint(
        checkpoint_id="sampler_weights/世界",
        checkpoint_type="sampler",
        tinker_path="tinker://run-1:train:0/sampler_weights/世界",
        public=True,
        expires_at=SAVED,
    ),
)


def compare(name: str, text: str) -> None:
    file = FOLDER / f"{name}.txt"
    if WRITING:
        FOLDER.mkdir(exist_ok=True)
        _ = file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command's words, groups included."""
    yield words
    for name, each in sorted(group.commands.items()):
        if isinstance(each, click.Group):
            yield from commands(each, (*words, name))
        else:
            yield (*words, name)


def test_every_command_explains_itself() -> None:
    texts = [tinkex(*words, "--help").stdout for words in commands(root)]
    own = [text.partition("Options of every command:")[0].rstrip() for text in texts[1:]]
    compare("help", "\n\n".join((texts[0].rstrip(), *own, "")))


LAYOUTS: dict[str, tuple[Format, int | None, str | None]] = {
    "table-wide": ("table", 120, None),
    "table-narrow": ("table", 60, None),
    "table-columns": ("table", 80, "id,size,metadata"),
    "table-piped": ("table", None, None),
    "json": ("json", None, None),
    "jsonl": ("jsonl", None, None),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_laid_out_as_they_are_wanted(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    form, width, columns = LAYOUTS[layout]
    show(invocation(form, width), CHECKPOINTS, ROWS, columns)
    compare(layout, "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines()))


@pytest.mark.parametrize("width", range(10, 121))
def test_a_terminal_of_any_width_shows_every_column(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    show(invocation("table", width), CHECKPOINTS, ROWS)
    lines = capsys.readouterr().out.splitlines()
    grid = lines[0].split() == list(CHECKPOINTS.usual)
    assert grid or [line.split()[0] for line in lines[: len(CHECKPOINTS.usual)]] == list(CHECKPOINTS.usual)
    assert not grid or max(map(cell_len, lines)) <= width
    assert all(any(row.tinker_path in line for line in lines) for row in ROWS)


def test_a_complaint_is_two_lines_and_three_for_the_curious() -> None:
    error = NotFound(
        message="get_training_run: \x1b]0;there is none", status=404, request_id="r-1", endpoint="GET /x", attempts=2
    )
    said = [complaint(error, verbose=0), complaint(error, verbose=1)]
    compare("complaints", "\n".join(said))


def complaint(error: NotFound, *, verbose: int) -> str:
    written = io.StringIO()
    invocation = Invocation(options=Options(verbose=verbose), out=Console(), err=Console(file=written, width=60))
    with pytest.raises(SystemExit) as ending:
        invocation.fail(error)
    assert ending.value.code == 1
    return written.getvalue()


def invocation(form: Format, width: int | None) -> Invocation:
    out = Console(width=width, force_terminal=width is not None, color_system=None, emoji=False)
    return Invocation(options=Options(output_format=form), out=out, err=Console(stderr=True))
