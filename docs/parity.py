"""The page of features, made from features.txt: what the other clients have, its name here, and its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).parent.parent
TABLE = Path(__file__).parent / "features.txt"
NOT_YET = "not yet"
NONE = "-"
"""Where there is nothing to test: what is left out on purpose."""

HEAD = "| Feature | Python SDK | Elixir client | Here | Shown by |\n| --- | --- | --- | --- | --- |"
INTRODUCTION = """\
# Parity

What the official Python SDK (0.38.0) and the Elixir client (tinkex 0.4.0) have, what it is called here, and the tests
that show it: functions below `tests/` and `property_tests/`, and exchanges recorded from the official SDK, which
`tests/replay` plays to this client and compares field by field. A row whose test does not exist fails the build.
"""


def features_page(notice: str) -> str:
    """One table for each part of the file."""
    return "\n".join((notice, INTRODUCTION, counted(), "", *sections()))


def sections() -> Iterator[str]:
    """A heading and a table for each part."""
    for title, rows in parts().items():
        yield f"## {title}\n\n{HEAD}"
        yield "\n".join(f"| {' | '.join((*row[:4], shown(row[4])))} |" for row in rows) + "\n"


def parts() -> Mapping[str, list[list[str]]]:
    """The rows by the heading that they stand under: feature, two columns of others, name here, tests."""
    found: dict[str, list[list[str]]] = {}
    for line in TABLE.read_text("utf-8").splitlines():
        if line.startswith("# "):
            found[line.removeprefix("# ")] = []
        else:
            found[next(reversed(found))].append(line.split(" | "))
    return found


def counted() -> str:
    """How many rows there are, and how many wait."""
    rows = [row for each in parts().values() for row in each]
    waiting = sum(row[4] == NOT_YET for row in rows)
    return f"{len(rows)} rows, {waiting or 'none'} of them without a test that shows it."


def shown(references: str) -> str:
    """Links to the tests, or the word in their place."""
    if references in {NOT_YET, NONE}:
        return references
    return ", ".join(map(link, references.split(", ")))


def link(reference: str) -> str:
    """A reference as Markdown; LookupError when there is no such test."""
    kind, _, name = reference.partition("/")
    match kind:
        case "replay" if name in recordings():
            return f"recording `{name}`"
        case "typing" if (ROOT / "tests" / reference).exists():
            return f"`tests/{reference}`"
        case _:
            return f"`{located(reference)}`"


def located(reference: str) -> str:
    """A test as pytest names it; with the same name in several files, `@file` says which."""
    name, _, file = reference.partition("@")
    found = [place for place in tests().get(name, ()) if file in {"", place}]
    if len(found) != 1:
        raise LookupError(f"features.txt: {reference} names {len(found)} tests")
    return f"{found[0]}::{name}"


@cache
def tests() -> Mapping[str, list[str]]:
    """The files of each test function."""
    found: dict[str, list[str]] = {}
    for file in sorted(file for folder in ("tests", "property_tests") for file in (ROOT / folder).rglob("test_*.py")):
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text("utf-8"), re.MULTILINE):
            found.setdefault(name, []).append(file.relative_to(ROOT).as_posix())
    return found


@cache
def recordings() -> frozenset[str]:
    """The names of all recordings, with their release."""
    files = (ROOT / "tests" / "recordings").glob("*.json")
    return frozenset(f"{file.stem}/{each['name']}" for file in files for each in msgspec.json.decode(file.read_bytes()))
