"""The page of commands, made from the commands themselves; the examples here are run by a test."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence

import click

from tinkex_py.cli.commands import tinkex
from tinkex_py.cli.options import Command

Words = tuple[str, ...]

INTRODUCTION = """\
# Commands

Every command of `tinkex` (extra `cli`), with its options and an example. `RUN` and `SESSION` stand for ids that lists
show. The [options of every command](#options-of-every-command) stand before the command's name or after it. A command
ends with status 0, with 1 when it failed or part of what it was to do did, with 2 when it was called wrongly or given
a value or a setting that can't be used, and with 130 after Ctrl-C; `tinkex serve`, which runs until then, ends with 0.
After SIGTERM, and when their terminal is closed, `tinkex train` and `demo` save a checkpoint, as after Ctrl-C, and end
with 143 or 129.

Terminals get colours, unless NO_COLOR is set. Pipes and files get plain text, also where FORCE_COLOR is set.
"""

EXAMPLES: Mapping[str, str] = {
    "auth login": "tinkex auth login < key.txt",
    "auth logout": "tinkex auth logout",
    "auth status": "tinkex auth status",
    "auth whoami": "tinkex auth whoami --format json",
    "billing checkpoint-storage": "tinkex billing checkpoint-storage --csv storage.csv",
    "billing usage": "tinkex billing usage 2026-07-01 2026-07-15 --csv usage.csv",
    "checkpoint delete": "tinkex checkpoint delete --type sampler --before 2026-07-13 --dry-run",
    "checkpoint download": "tinkex checkpoint download tinker://RUN/weights/state --output adapters",
    "checkpoint info": "tinkex checkpoint info tinker://RUN/weights/state",
    "checkpoint list": "tinkex checkpoint list --run-id RUN --columns path,size",
    "checkpoint publish": "tinkex checkpoint publish tinker://RUN/weights/state",
    "checkpoint push-hf": "tinkex checkpoint push-hf tinker://RUN/weights/state --repo me/my-adapter",
    "checkpoint save": "tinkex checkpoint save --base-model tinkex/tiny-random --rank 8 --name start",
    "checkpoint set-ttl": "tinkex checkpoint set-ttl tinker://RUN/weights/state --ttl 86400",
    "checkpoint unpublish": "tinkex checkpoint unpublish tinker://RUN/weights/state",
    "completion": "tinkex completion bash",
    "demo": "tinkex demo --steps 60",
    "doctor": "tinkex doctor",
    "model list": "tinkex model list tiny",
    "plot": "tinkex plot mine.jsonl --output curves.svg",
    "run info": "tinkex run info RUN",
    "run list": "tinkex run list --limit 5 --columns id,model,updated",
    "sample": 'tinkex sample "It was" --model-path tinker://RUN/sampler_weights/sampler --max-tokens 8 --show-logprobs',
    "serve": "tinkex serve --port 8000 --directory mine",
    "session export-trace": "tinkex session export-trace SESSION --output trace.json",
    "session info": "tinkex session info SESSION",
    "session list": "tinkex session list --limit 5",
    "session search": "tinkex session search --status client_finished",
    "train": "tinkex train mine.txt --steps 20 --out mine --log mine.jsonl",
    "version": "tinkex version --json --deps",
}


def commands_page(notice: str) -> str:
    """A section for each command, and one for what they share."""
    shared = f"## Options of every command\n\n{table(next(commands())[1].shared)}\n"
    return "\n".join((notice, INTRODUCTION, shared, *(section(words, each) for words, each in commands())))


def commands(group: click.Group = tinkex, words: Words = ()) -> Iterator[tuple[Words, Command]]:
    """Every command that does something, with its words."""
    for name, each in sorted(group.commands.items()):
        match each:
            case click.Group():
                yield from commands(each, (*words, name))
            case Command():
                yield (*words, name), each
            case _:
                raise LookupError(f"tinkex {name} lacks the options of every command")


def section(words: Words, command: Command) -> str:
    """What it does, how it is called, its options and an example; LookupError when there is no example."""
    name = " ".join(words)
    arguments = " ".join(command.collect_usage_pieces(click.Context(command))[1:])
    parts = (
        f"## tinkex {name}",
        inspect.cleandoc(command.help or ""),
        arguments and f"Usage: `tinkex {name} [OPTIONS] {arguments}`",
        table(command.own),
        f"```sh\n{EXAMPLES[name]}\n```\n",
    )
    return "\n\n".join(part for part in parts if part)


def table(parameters: Sequence[click.Parameter]) -> str:
    """The options and what they do; nothing where there are none."""
    records = (each.get_help_record(click.Context(tinkex)) for each in parameters if isinstance(each, click.Option))
    rows = [f"| `{cell(name)}` | {cell(says)} |" for name, says in filter(None, records)]
    return "\n".join(("| Option | What it does |", "| --- | --- |", *rows)) if rows else ""


def cell(text: str) -> str:
    """A text in a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
