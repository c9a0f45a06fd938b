"""Options that every command takes, before or after its name: one declaration, kept on the invocation."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click
from click.core import ParameterSource
from msgspec import Struct
from typing_extensions import override

Format: TypeAlias = Literal["table", "json", "jsonl"]

Decorator: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]
"""What adds an option to a command's function."""


class Finite(click.FloatRange):
    """A number within limits that is one: NaN is above and below none, and infinity is of no use."""

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number, or a usage error."""
        number: float = super().convert(value, param, ctx)
        if not isfinite(number):
            self.fail(f"{value} is not a finite number.", param, ctx)
        return number


class Place(click.Path):
    """A file or a folder; a name that is empty, as that of an unset variable is, would be the folder that one is in."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True, allow_dash: bool = False) -> None:
        super().__init__(path_type=Path, file_okay=file_okay, dir_okay=dir_okay, allow_dash=allow_dash)

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or a usage error."""
        if value == "":
            self.fail("the name is empty.", param, ctx)
        return super().convert(value, param, ctx)


class Output(Place):
    """A file to write, or - for the screen; no folder."""

    def __init__(self) -> None:
        super().__init__(allow_dash=True, dir_okay=False)


class Options(Struct, kw_only=True):
    """What was said for the whole command; what stands last wins."""

    output_format: Format = "table"
    base_url: str | None = None
    api_key_file: Path | None = None
    timeout: float | None = None
    quiet: bool = False
    verbose: int = 0


def options_of(context: click.Context) -> Options:
    """What has been said so far."""
    return context.find_root().ensure_object(Options)


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Later words win over earlier ones; a default says nothing."""
    options, name = options_of(context), str(parameter.name)
    if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
        setattr(options, name, value)


def _shared() -> list[click.Option]:
    """New options each time: click ties each to its command."""
    return [
        click.Option(
            ["-f", "--format", "output_format"],
            type=click.Choice(["table", "json", "jsonl"]),
            help="What results are written as; json and jsonl are stable, with ISO 8601 times.",
            **_KEPT,
        ),
        click.Option(["--base-url"], metavar="URL", help="The server; local:FOLDER is the embedded engine.", **_KEPT),
        click.Option(
            ["--api-key-file"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Read the API key from a file.",
            **_KEPT,
        ),
        click.Option(
            ["--timeout"], type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="For one call.", **_KEPT
        ),
        click.Option(["-q", "--quiet"], is_flag=True, help="Say only results and errors.", **_KEPT),
        click.Option(["-v", "--verbose"], count=True, help="Say more: -v repetitions, -vv every request.", **_KEPT),
    ]


_KEPT: dict[str, Any] = {"expose_value": False, "callback": _keep}
_TITLE = "Options of every command"


class _Sharing(click.Command):
    """A command with the shared options, which its help lists apart."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.own = tuple(self.params)
        self.shared = tuple(_shared())
        self.params += self.shared

    @override
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options, then the shared ones."""
        own = [each for each in self.get_params(ctx) if each not in self.shared]
        for title, parameters in (("Options", own), (_TITLE, self.shared)):
            records = [record for each in parameters if (record := each.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class Command(_Sharing):
    """A command that takes the shared options."""


class Group(_Sharing, click.Group):
    """Commands that take the shared options, as this one does before their name."""

    command_class: type[click.Command] | None = Command
    group_class: type[click.Group | type] | None = type

    @override
    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
