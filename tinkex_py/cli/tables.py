"""Results as tables for people, and as JSON for programs: the one place that lays them out."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any, Generic, TypeVar

import click
import msgspec
from msgspec import Struct
from rich.cells import cell_len
from rich.table import Table as Grid
from rich.text import Text

from tinkex_py.cli.display import harmless_json, shown
from tinkex_py.cli.invocation import Invocation
from tinkex_py.cli.options import Decorator
from tinkex_py.types.kinds import is_mapping

T = TypeVar("T")

_FEW = 8
"""Letters of a cell that are worth showing."""


class Column(Struct, Generic[T], frozen=True):
    """A column: what its cells show; `whole` cells are never cut, so that they can be copied."""

    value: Callable[[T], object]
    whole: bool = False
    right: bool = False


class Table(Struct, Generic[T], frozen=True, kw_only=True):
    """Things of one kind: what they are called in JSON, their columns by name, and those shown unless others are."""

    key: str
    columns: Mapping[str, Column[T]]
    usual: tuple[str, ...]

    def chosen(self, text: str | None) -> tuple[str, ...]:
        """The columns of a list such as `id,model`; a usage error names those there are."""
        names = self.usual if text is None else tuple(name.strip() for name in text.split(",") if name.strip())
        unknown = [name for name in names if name not in self.columns]
        if unknown or not names:
            raise click.BadParameter(
                f"{', '.join(unknown) or 'nothing'} is no column; there are {', '.join(self.columns)}",
                param_hint="--columns",
            )
        return names


def columns_option(table: Table[Any]) -> Decorator:
    """The option that chooses columns, which are looked at before anything is asked."""

    def checked(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
        _ = table.chosen(text)
        return text

    said = f"Columns of the table, of: {', '.join(table.columns)}."
    return click.option("-c", "--columns", metavar="NAMES", callback=checked, help=said)


def show(
    invocation: Invocation,
    table: Table[T],
    rows: Sequence[T],
    columns: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> None:
    """The rows, as the person or the program wants them."""
    names = table.chosen(columns)
    match invocation.format:
        case "json":
            write_json(invocation, {**(extra or {}), table.key: rows})
        case "jsonl":
            for row in rows:
                write_line(invocation, row)
        case "table":
            cells = [[shown(table.columns[name].value(row)) for name in names] for row in rows]
            _grid(invocation, table, names, cells)


def show_one(invocation: Invocation, value: object, fields: Mapping[str, object]) -> None:
    """One thing: its fields under one another, or the thing itself as JSON."""
    match invocation.format:
        case "json":
            write_json(invocation, value)
        case "jsonl":
            write_line(invocation, value)
        case "table":
            width = max(map(len, fields), default=0)
            for name, each in fields.items():
                invocation.say(f"{name:<{width}}  {shown(each)}")


def done(invocation: Invocation, sentence: str, value: Mapping[str, object]) -> None:
    """Something was made: `What: where` for a person, with `--quiet` only where, an object for a program."""
    answer(invocation, sentence.partition(": ")[2] if invocation.options.quiet else sentence, value)


def changed(invocation: Invocation, sentence: str, value: Mapping[str, object]) -> None:
    """Something is otherwise now: a sentence for a person, but not with `--quiet`, an object for a program."""
    if not (invocation.options.quiet and invocation.format == "table"):
        answer(invocation, sentence, value)


def answer(invocation: Invocation, text: str, value: Mapping[str, object]) -> None:
    """A result that is one text for a person, an object for a program."""
    if invocation.format == "table":
        invocation.say(text)
    else:
        show_one(invocation, value, value)


def write_json(invocation: Invocation, value: object) -> None:
    """JSON in lines; times are ISO 8601."""
    invocation.write(harmless_json(msgspec.json.format(_encoded(value), indent=2).decode()) + "\n")


def write_line(invocation: Invocation, value: object) -> None:
    """JSON in one line."""
    invocation.write(harmless_json(_encoded(value).decode()) + "\n")


def _encoded(value: object) -> bytes:
    """Every field by its name, null where there is nothing: what programs read is always of one form."""
    return msgspec.json.encode(value, enc_hook=_plain)


def _plain(value: object) -> object:
    if isinstance(value, PurePath):  # whose name may be no text
        return os.fsencode(value).decode("utf-8", "replace")
    return dict(value) if is_mapping(value) else str(value)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Comma-separated values, with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    _ = writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _grid(invocation: Invocation, table: Table[T], names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """On a terminal a grid that fits it; into a pipe whole cells, with tabs between them."""
    if not invocation.out.is_terminal:
        for line in (names, *cells):
            invocation.write("\t".join(line) + "\n")
        return
    widths = _widths(table, names, cells, invocation.out.width)
    if widths is None:
        _records(invocation, names, cells)
        return
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for name, width in zip(names, widths, strict=True):
        right = table.columns[name].right
        grid.add_column(name, overflow="ellipsis", no_wrap=True, width=width, justify="right" if right else "left")
    for line in cells:
        grid.add_row(*map(Text, line))
    invocation.out.print(grid)


def _records(invocation: Invocation, names: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Where a grid has no room: each row as lines of its own, as long as they are."""
    width = max(map(len, names))
    for number, line in enumerate(cells):
        if number:
            invocation.say("")
        for name, cell in zip(names, line, strict=True):
            invocation.say(f"{name:<{width}}  {cell}")


def _widths(table: Table[T], names: Sequence[str], cells: Sequence[Sequence[str]], room: int) -> Sequence[int] | None:
    """Those of the columns, with space between, of which the widest are cut until all fit.

    Whole cells are never cut, and a few letters stay of the others: where these have no room, it is None.
    """
    left = room - 2 * (len(names) - 1)
    wanted = [(_longest(names, cells, name), table.columns[name].whole) for name in names]
    least = [width if whole else min(width, _FEW) for width, whole in wanted]
    if sum(least) > left:
        return None
    widths = [min(width, left) for width, _ in wanted]
    while sum(widths) > left:
        widest = max((width, -place) for place, width in enumerate(widths) if width > least[place])
        widths[-widest[1]] -= 1
    return widths


def _longest(names: Sequence[str], cells: Sequence[Sequence[str]], name: str) -> int:
    at = names.index(name)
    return max(cell_len(text) for text in (name, *(line[at] for line in cells)))
