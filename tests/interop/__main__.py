"""One program on every surface: `python -m tests.interop [quick]`. Prints one matrix; fails when anything failed.

A surface is a client program and the server it is pointed at. The quick ones are this package's client on the embedded
engine, in process and on a port, and the official SDK's last release on that port.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct

from tests.interop.environments import interpreter

HERE = Path(__file__).parent
KEY, BASE_MODEL = "tml-interoperation", "tinkex/tiny-english"
RELEASES = ("0.7.0", "0.15.0", "0.24.1", "0.25.0", "0.38.0")
PATIENCE = 240
"""Seconds for one program."""

SERVER = """
import sys
from tinkex_py.local.asgi import serve
serve(directory=sys.argv[1], api_key=sys.argv[2])
"""

Line: TypeAlias = dict[str, Any]


class Surface(Struct, frozen=True, kw_only=True):
    """A program, the Python that runs it, and where it is pointed at: None stands for the served engine."""

    name: str
    program: str
    python: Callable[[], Path] = lambda: Path(sys.executable)
    address: str | None = None


def official(release: str) -> Surface:
    """The program of the official SDK, run by a release of it."""
    return Surface(
        name=f"SDK {release}",
        program="official.py",
        python=lambda: interpreter(f"tinker-{release}", f"tinker=={release}"),
    )


QUICK = (
    Surface(name="in process", program="own.py", address="local:"),
    Surface(name="on a port", program="own.py"),
    official(RELEASES[-1]),
)
ALL = (*QUICK[:-1], *map(official, RELEASES))


@contextmanager
def served() -> Generator[str]:
    """The address of the embedded engine on a port, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-u", "-c", SERVER, folder, KEY]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def lines(surface: Surface, address: str) -> list[Line]:
    """What a program reported; what it wrote beside that is shown when it did not come to its end."""
    command = [str(surface.python()), str(HERE / surface.program), surface.address or address, BASE_MODEL]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        written, errors, status = ended.stdout, ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as late:
        written, errors, status = _text(late.stdout), f"it hangs: no end after {PATIENCE} s", 1
    found: list[Line] = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    if status != 0 and all(line["outcome"] == "ok" for line in found):
        found.append({"operation": "end", "outcome": errors.strip()[-300:] or f"status {status}"})
    return found


def _text(written: bytes | str | None) -> str:
    return written.decode() if isinstance(written, bytes) else written or ""


def matrix(reports: dict[str, list[Line]]) -> str:
    """Operations by surfaces, as a table in Markdown: seconds, or FAILED, or nothing where it is not done."""
    operations = list(dict.fromkeys(line["operation"] for found in reports.values() for line in found))
    rows = [["operation", *reports], ["---"] * (len(reports) + 1)]
    rows += [[name, *(_cell(found, name) for found in reports.values())] for name in operations]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(found: Sequence[Line], operation: str) -> str:
    outcomes = [line for line in found if line["operation"] == operation]
    if any(line["outcome"] != "ok" for line in outcomes):
        return "FAILED"
    return f"ok {sum(line.get('seconds', 0) for line in outcomes):.2f} s" if outcomes else ""


def disagreements(reports: dict[str, list[Line]]) -> list[str]:
    """What went wrong, and whether the same training led to the same greedy sample everywhere."""
    wrong = [
        f"{name}: {line['operation']}: {line['outcome']}"
        for name, found in reports.items()
        for line in found
        if line["outcome"] != "ok"
    ]
    samples = {name: line["tokens"] for name, found in reports.items() for line in found if "tokens" in line}
    same = len({tuple(tokens) for tokens in samples.values()}) <= 1
    return wrong if same else [*wrong, f"the samples differ: {samples}"]


def main() -> None:
    """Run every program, print the matrix and what went wrong."""
    surfaces = QUICK if sys.argv[1:] == ["quick"] else ALL
    with served() as address:
        reports = {surface.name: lines(surface, address) for surface in surfaces}
    print(matrix(reports))
    wrong = disagreements(reports)
    print("\n".join(wrong))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
