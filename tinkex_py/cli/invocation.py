"""One run of the command: what was asked of it, where it speaks, and how it ends when something fails."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import update_wrapper
from pathlib import Path
from shutil import copymode
from typing import Any, NoReturn, TextIO, TypeVar, cast

import click
from msgspec import Struct, structs
from returns.result import Failure
from rich.console import Console
from rich.markup import escape

from tinkex_py.cli.asides import Asides
from tinkex_py.cli.complaints import details, exit_status, remedy
from tinkex_py.cli.display import harmless, harmless_text
from tinkex_py.cli.options import Format, Options, options_of
from tinkex_py.clients.opened import OpenedBlocking
from tinkex_py.config import LOCAL_SCHEME, Config
from tinkex_py.errors import FileFailed, MissingCredentials, TinkerError
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.credentials import credentials_of
from tinkex_py.types.files import failed, reason

T = TypeVar("T")
ClientT = TypeVar("ClientT", bound=OpenedBlocking)

_USUAL_WIDTH = 80
"""Where COLUMNS is 0, as some programs say that they don't know: rich would write nothing then."""
FOLDER = Path("tinkex-run")
"""Where the embedded engine keeps checkpoints unless another folder is named."""


class Invocation(Struct, kw_only=True):
    """What a command works with."""

    options: Options
    out: Console
    err: Console

    @property
    def format(self) -> Format:
        """How results are written."""
        return self.options.output_format

    def config(self) -> Config:
        """The settings of the environment, with what was said on the command line over them."""
        settings = self.or_exit(Config.from_env(os.environ))
        given = {
            "base_url": self.options.base_url,
            "api_key": self.key(),
            "timeout": self.options.timeout,
        }
        return structs.replace(settings, **{name: value for name, value in given.items() if value is not None})

    def key(self) -> str | None:
        """What is in the file of --api-key-file."""
        file = self.options.api_key_file
        if file is None:
            return None
        try:
            return file.read_text(encoding="utf-8-sig").strip()
        except (OSError, UnicodeDecodeError) as error:
            self.fail(failed(file, f"can't be read: {reason(error)}"))

    @contextmanager
    def client(self, kind: type[ClientT], folder: Path = FOLDER, *, engine: bool = False) -> Generator[ClientT]:
        """A client with the settings for it."""
        with kind(self.settings(folder, engine=engine)) as client:
            yield client

    def settings(self, folder: Path = FOLDER, *, engine: bool = False) -> Config:
        """Those of the server that is named; of the embedded engine where neither a server nor a credential is.

        The engine has its checkpoints in `folder`: one that is there, or with `engine` one that is made. So does an
        engine that was named without a folder, whose checkpoints would otherwise be gone with the command.
        """
        settings = self.config()
        unplaced = settings.base_url == LOCAL_SCHEME or self._nobody_is_named(settings)
        if unplaced and (engine or folder.is_dir()):
            self.check_folder(folder)
            settings = structs.replace(settings, base_url=f"{LOCAL_SCHEME}{folder}")
            if not engine:
                self.note(
                    f"Using the embedded engine, with its checkpoints in {folder}; --base-url names another server"
                )
        elif not engine:
            self.check_directory(settings)
        return settings

    def or_exit(self, outcome: Outcome[T]) -> T:
        """The value; a failure is said in two lines, and ends the command."""
        if isinstance(outcome, Failure):
            self.fail(outcome.failure())
        return outcome.unwrap()

    def fail(self, error: TinkerError) -> NoReturn:
        """Say what happened and what to do, and end with the status for it."""
        self.complain_of(error)
        raise SystemExit(exit_status(error))

    def complain_of(self, error: TinkerError) -> None:
        """Say what happened and what to do."""
        self.complain(error.message, remedy(error), details(error))

    def complain(self, what: str, to_do: str, more: str | None = None) -> None:
        """What happened and what to do, in a line each; `--verbose` adds what more there is to know."""
        self._line(self.err, f"[red]Error:[/] {escape(harmless(what))}")
        self._line(self.err, f"What to do: {escape(harmless(to_do))}")
        if more is not None and self.options.verbose:
            self._line(self.err, f"[dim]{escape(harmless(more))}[/]")

    def stop(self, what: str, to_do: str, status: int = 1) -> NoReturn:
        """Complain, and end with that status."""
        self.complain(what, to_do)
        raise SystemExit(status)

    def note(self, text: str) -> None:
        """A remark for people, beside the results; not with `--quiet`."""
        if not self.options.quiet:
            self._line(self.err, f"[dim]{escape(harmless(text))}[/]")

    def warn(self, text: str) -> None:
        """Lines that go with an error, beside the results, also with `--quiet`."""
        self._line(self.err, escape(harmless_text(text)))

    def say(self, text: str) -> None:
        """A line of the result, as it is and however long, so that paths and commands can be copied."""
        self._line(self.out, escape(harmless(text)))

    def tell(self, text: str) -> None:
        """A line of how it goes, or several: among the results where these are for people, else beside them."""
        if not self.options.quiet:
            self._line(self.out if self.format == "table" else self.err, escape(harmless_text(text)))

    def agrees(self, question: str) -> bool:
        """What the person says to a yes-or-no question; nobody there to answer is an error."""
        self.err.print(f"{harmless(question)} [y/N] ", end="", highlight=False, markup=False, soft_wrap=True)
        answer = input_line()
        if not answer:
            self.err.print()
            self.stop("there is nobody to ask", "add --yes to do it without being asked")
        return answer.strip().lower() in {"y", "yes"}

    def check_folder(self, folder: Path) -> None:
        """End where the engine can't have that folder, whose name is a part of its address."""
        try:
            _ = str(folder).encode("utf-8")
        except UnicodeEncodeError:
            what = f"{folder} can't be used: its name is no text in UTF-8"
            self.stop(what, "choose another folder with --out", status=2)

    def check_directory(self, settings: Config) -> None:
        """End where the engine would make a folder that is only looked into; one that nothing can have it refuses."""
        directory = settings.base_url.removeprefix(LOCAL_SCHEME) if settings.local else ""
        with suppress(OSError, ValueError, RuntimeError):
            if directory and not Path(directory).expanduser().is_dir():
                message = f"there is no folder {directory}, where the embedded engine would have checkpoints"
                self.fail(FileFailed(message=message, path=directory))

    def check_place(self, file: Path) -> None:
        """End where no file can be, as far as it shows before there is one."""
        try:
            found = Path(os.path.realpath(file)).parent
            why = None if found.is_dir() else f"there is no folder {file.parent}"
        except OSError as error:
            why = reason(error)
        if why is not None:
            self.fail(failed(file, f"can't be written: {why}"))

    def check_apart(self, file: Path, read: Path, option: str) -> None:
        """End where the file that is to be written is the one that is read."""
        with suppress(OSError):
            if file.samefile(read):
                self.stop(f"{read} is read here, and would be written to", f"give another file with {option}", status=2)

    def save(self, file: Path, content: bytes) -> None:
        """Write a file, whole or not at all; what is there and is no plain file, such as a pipe, is written into."""
        try:
            if file.exists() and not file.is_file():
                with file.open("wb") as there:
                    _ = there.write(content)
            else:
                _replace(Path(os.path.realpath(file)), content)
        except OSError as error:
            self.fail(failed(file, f"can't be written: {reason(error)}"))

    def write(self, content: str | bytes) -> None:
        """What is for another program, as it is."""
        click.echo(content, nl=False)

    def _line(self, console: Console, text: str) -> None:
        console.print(text, highlight=False, soft_wrap=True)

    def _nobody_is_named(self, settings: Config) -> bool:
        named = self.options.base_url or os.environ.get("TINKER_BASE_URL")
        return not named and _is_missing(credentials_of(settings))


def _replace(file: Path, content: bytes) -> None:
    """Put a file in the place of the one that is there, if any, and open to whom that was."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        _ = partial.write_bytes(content)
        if file.exists():
            copymode(file, partial)
        _ = partial.replace(file)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


def _is_missing(outcome: Outcome[object]) -> bool:
    return isinstance(outcome, Failure) and isinstance(outcome.failure(), MissingCredentials)


def input_line() -> str:
    """A line of standard input; nothing at its end, and where it is closed."""
    return "" if sys.stdin is None else sys.stdin.readline()


def begin(context: click.Context) -> Invocation:
    """The invocation of a command, its streams as they are now."""
    options = options_of(context)
    if options.verbose:
        logging.basicConfig(format="%(levelname)s %(message)s", level=_LEVELS[min(options.verbose, 2)])
        logging.getLogger("httpx").setLevel(logging.WARNING)
    out, err = _console(sys.stdout), _console(sys.stderr, stderr=True)
    err.file = cast("TextIO", Asides(err.file))
    for console in (out, err):
        if console.width < 1:
            console.width = _USUAL_WIDTH
    return Invocation(options=options, out=out, err=err)


def _console(stream: TextIO | None, *, stderr: bool = False) -> Console:
    """What writes to a stream: to a pipe or a file plainly, as programs read it, also where FORCE_COLOR is set."""
    terminal = stream is not None and stream.isatty()
    return Console(stderr=stderr, emoji=False, force_terminal=None if terminal else False)


def invoked(function: Callable[..., None]) -> Callable[..., None]:
    """A command's function, which is given its invocation first."""

    @click.pass_context
    def called(context: click.Context, /, **named: Any) -> None:
        function(begin(context), **named)

    return update_wrapper(called, function)


_LEVELS = {1: logging.INFO, 2: logging.DEBUG}
