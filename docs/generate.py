"""Writes the pages of docs/ that are made from the code, and the excerpts in others.

`--check` only says whether they are up to date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import get_args

import msgspec

from tinkex_py import endpoints
from tinkex_py.errors import RequestError, StatusError, TinkerError
from tinkex_py.types.causes import CAUSES, EVERYWHERE, INSTEAD, Cause

DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py from the code: change the code, then run `make docs`. -->"
ERRORS_INTRODUCTION = """\
# Errors

Every operation that fails ends in `Failure(error)`, and `error` is one of these frozen structs from `tinkex_py.errors`.
Their union is `TinkerError`, and a `match` over it can be checked for completeness: by pyright in strict mode, by mypy
with `enable_error_code = ["exhaustive-match"]`, which its strict mode leaves out, and by both where the last case is
`case _: assert_never(error)`. [Go on after a failure](howto/failures.md) says what a program can do by the kind of an
error, and has such a `match`.
"""

OPERATIONS = """\
An operation has the name of its endpoint, which messages begin with: `sample` and `compute_logprobs` are `asample`, and
`save_state` is `save_weights`. A method that sends several requests may fail with what each of them may fail with.

These may happen to every operation. A status that is listed nowhere below is read as the first table says.\
"""

ENDPOINTS_INTRODUCTION = """\
# Endpoints

Each builder in `tinkex_py.endpoints` makes one request as a value, and `service.execute(request)` sends it. Those of
training steps make a `Step`, which can't be sent by itself: a training client gives it a number when it is its turn.
Bodies and answers are JSON; where a server takes protobuf, batches and their results are protobuf. "Since" and "up to"
name releases of the official SDK. [Errors](errors.md) says what an operation may fail with.
"""
VINTAGES: Mapping[str, str] = {
    "assign_session_project": "since 0.22",
    "cancel_future": "since 0.30",
    "client_config": "since 0.18; 404 means defaults",
    "client_dynamic_config": "since 0.25; 404 means defaults",
    "copy_weights": "since 0.30",
    "create_custom_loss": "since 0.36, where the server runs losses itself",
    "export_session_trace": "since 0.24; asked again every 5 s while pending",
    "finish_session": "since 0.30",
    "forward": "its own endpoint in JSON only, up to 0.24",
    "get_audit_log": "since 0.20; may redirect to where the log is",
    "get_billing_usage": "since 0.24",
    "get_checkpoint_archive_url": "up to 0.35; JSON, or a redirect that is not followed",
    "get_current_checkpoint_storage_usage": "since 0.33",
    "get_external_weights_urls": "since 0.30",
    "join_sampling_session": "since 0.33",
    "load_model": "as the only request since 0.38; servers before it make a model first",
    "retrieve_futures": "since 0.30",
    "save_weights_external": "since 0.30",
    "search_sessions": "since 0.36",
    "set_checkpoint_ttl": "since 0.15",
    "unload_model": "up to 0.25",
}
"""Which releases of the protocol know it, where not all do."""


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
        operations_section(),
        instead_section(),
    )
    return "\n".join(sections)


def causes_table(causes: Sequence[Cause]) -> str:
    """One row per cause."""
    head = ("| Status | Error | When | What to do |", "| --- | --- | --- | --- |")
    rows = (f"| {each.status or '-'} | `{each.variant}` | {cell(each.when)} | {cell(each.remedy)} |" for each in causes)
    return "\n".join((*head, *rows, ""))


def operations_section() -> str:
    """What may happen to every operation, and to each besides."""
    own = (f"### {name}\n\n{causes_table(causes)}" for name, causes in sorted(CAUSES.items()) if causes)
    none = ", ".join(f"`{name}`" for name, causes in sorted(CAUSES.items()) if not causes)
    every = f"## By operation\n\n{OPERATIONS}\n\n{causes_table(EVERYWHERE)}"
    return "\n".join((every, f"Nothing besides is known of {none}; of the others:\n", *own))


def instead_section() -> str:
    """What serves where a server doesn't offer an endpoint."""
    head = ("## Where a server doesn't offer it\n", "| Operation | Instead |", "| --- | --- |")
    return "\n".join((*head, *(f"| `{name}` | {cell(way)} |" for name, way in sorted(INSTEAD.items())), ""))


def builders() -> list[Callable[..., object]]:
    """Every builder there is, by module and place."""
    modules = [import_module(f"tinkex_py.endpoints.{found.name}") for found in iter_modules(endpoints.__path__)]
    return [
        member
        for module in modules
        if module.__name__ != "tinkex_py.endpoints.verbs"
        for member in vars(module).values()
        if inspect.isfunction(member) and member.__module__ == module.__name__ and not member.__name__.startswith("_")
    ]


def endpoint_row(builder: Callable[..., object]) -> str:
    """Method, path, builder, answer, and what else there is to know."""
    place, _, note = (inspect.getdoc(builder) or "").splitlines()[0].partition(": ")
    method, path = place.split(" ", 1)
    name = f"{builder.__module__.rpartition('.')[2]}.{builder.__name__}"
    returned = str(inspect.signature(builder).return_annotation)
    answer = returned.partition("[")[2].removesuffix("]") or returned
    said = "; ".join(filter(None, (note, VINTAGES.get(builder.__name__))))
    return f"| {method} | `{path}` | `{name}` | `{cell(answer)}` | {cell(said)} |"


def endpoints_page() -> str:
    """One row per builder."""
    head = ("| Method | Path | Builder | Answer | Notes |", "| --- | --- | --- | --- | --- |")
    return "\n".join((NOTICE, ENDPOINTS_INTRODUCTION, *head, *map(endpoint_row, builders()), ""))


PAGES: Mapping[str, Callable[[], str]] = {
    "errors.md": errors_page,
    "endpoints.md": endpoints_page,
    "migrating.md": import_module("migration").migrating_page,
    "settings.md": import_module("defaults").settings_page,
    "commands.md": partial(import_module("commands").commands_page, NOTICE),
    "parity.md": partial(import_module("parity").features_page, NOTICE),
}


def stale_pages() -> dict[Path, str]:
    """The pages whose file is missing or differs, with the text they should have."""
    filled = import_module("excerpts").filled
    others = [page for page in DOCS.rglob("*.md") if page.name not in PAGES]
    pages = {DOCS / name: render() for name, render in PAGES.items()} | {
        page: filled(page.read_text("utf-8")) for page in others
    }
    return {path: text for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text}


def check() -> int:
    """Name the stale pages; 1 when there are any."""
    stale = stale_pages()
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)} is stale: run `make docs`")
    return int(bool(stale))


def write() -> int:
    """Write the stale pages."""
    for path, text in stale_pages().items():
        _ = path.write_text(text, "utf-8", newline="\n")
        print(f"{path.relative_to(DOCS.parent)} written")
    return 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["--check"] else write())
