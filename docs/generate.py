"""Writes the pages of docs/ that are made from the code; `--check` only says whether they are up to date."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

import msgspec

from tinkex_py.errors import RequestError, StatusError, TinkerError

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py from the code: change the code, then run `make docs`. -->"
ERRORS_INTRODUCTION = """\
# Errors

Every operation that fails ends in `Failure(error)`, and `error` is one of these frozen structs from `tinkex_py.errors`.
Their union is `TinkerError`: a `match` over it is checked for completeness by mypy and pyright.
"""


def cell(text: str) -> str:
    """`text` on one line, safe inside a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def code_and_sentence(cause: type) -> tuple[str, str]:
    """The status code, or a dash where there is none, and the rest of the docstring."""
    doc = cell(inspect.getdoc(cause) or "")
    code, colon, sentence = doc.partition(": ")
    return (code, sentence[:1].upper() + sentence[1:]) if colon and code[0].isdigit() else ("-", doc)


def field_names(cause: type[msgspec.Struct], shared: frozenset[str]) -> str:
    """The fields that `shared` lacks, in order, as code."""
    return ", ".join(f"`{name}`" for name in cause.__struct_fields__ if name not in shared)


def fields_of_all(causes: tuple[type[msgspec.Struct], ...]) -> frozenset[str]:
    """The fields that every one of `causes` has."""
    first, *others = (frozenset(cause.__struct_fields__) for cause in causes)
    return first.intersection(*others)


def error_table(causes: tuple[type[msgspec.Struct], ...]) -> str:
    """One row per cause, with the fields it has beyond those of all; the caption names the latter."""
    shared = fields_of_all(causes)
    names = ", ".join(f"`{name}`" for name in causes[0].__struct_fields__ if name in shared)
    rows = (
        f"| `{cause.__name__}` | {code} | {sentence} | {field_names(cause, shared)} |"
        for cause in causes
        for code, sentence in [code_and_sentence(cause)]
    )
    head = ("| Error | Status | Meaning | Further fields |", "| --- | --- | --- | --- |")
    return "\n".join((f"All of these have {names}.", "", *head, *rows, ""))


def errors_page() -> str:
    """The whole error union in three tables: read from a status, other causes with a request, causes without one."""
    status, request, whole = get_args(StatusError), get_args(RequestError), get_args(TinkerError)
    sections = (
        NOTICE,
        ERRORS_INTRODUCTION,
        "## Read from the status of an answer\n",
        error_table(status),
        "## With a request behind them, whatever its status\n",
        error_table(tuple(cause for cause in request if cause not in status)),
        "## Found on this side\n",
        error_table(tuple(cause for cause in whole if cause not in request)),
    )
    return "\n".join(sections)


PAGES: Mapping[str, Callable[[], str]] = {"errors.md": errors_page}


def stale_pages() -> dict[Path, str]:
    """The pages whose file is missing or differs, with the text they should have."""
    pages = {DOCS / name: render() for name, render in PAGES.items()}
    return {path: text for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text}


def check() -> int:
    """Name the stale pages; 1 when there are any."""
    stale = stale_pages()
    for path in stale:
        print(f"docs/{path.name} is stale: run `make docs`")
    return int(bool(stale))


def write() -> int:
    """Write the stale pages."""
    for path, text in stale_pages().items():
        _ = path.write_text(text, "utf-8", newline="\n")
        print(f"docs/{path.name} written")
    return 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["--check"] else write())
