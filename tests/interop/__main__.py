"""One program on every surface: `python -m tests.interop [quick]`. Prints a matrix; fails when something is wrong.

A surface is a client program and the server it is pointed at. The quick ones are this package's client on the embedded
engine, in process and on a port, and the official SDK's last release on that port; all of them are the quick ones, the
SDK's other releases, and servers by other teams. The whole matrix is kept in docs/interoperation.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from tests.interop.agreement import differences
from tests.interop.environments import interpreter
from tests.interop.matrix import Line, page, table, wrong
from tests.interop.names import unnamed
from tests.interop.serving import FOREIGN, Served, embedded, foreign

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "interoperation.md"
RELEASES = ("0.7.0", "0.15.0", "0.24.1", "0.25.0", "0.38.0")
PATIENCE = 240
"""Seconds for one program."""


class Surface(Struct, frozen=True, kw_only=True):
    """A program, the Python that runs it, and whether it has the engine in its own process."""

    name: str
    program: str
    python: Callable[[], Path] = lambda: Path(sys.executable)
    in_process: bool = False


def official(release: str) -> Surface:
    """The program of the official SDK, run by a release of it."""
    return Surface(
        name=f"SDK {release}",
        program="official.py",
        python=lambda: interpreter(f"tinker-{release}", f"tinker=={release}"),
    )


OWN = (Surface(name="in process", program="own.py", in_process=True), Surface(name="on a port", program="own.py"))


def lines(surface: Surface, served: Served) -> list[Line]:
    """What a program reported; that it hangs or ends badly is a line of its own."""
    address = "local:" if surface.in_process else served.address
    command = [str(surface.python()), str(HERE / surface.program), address, served.base_model]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        written, errors, status = ended.stdout, ended.stderr, ended.returncode
    except subprocess.TimeoutExpired as late:
        written, errors, status = _text(late.stdout), f"no end after {PATIENCE} s", None
    found: list[Line] = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    if status != 0:
        end = "hangs" if status is None else "raises"
        found.append({"operation": "end", "outcome": end, "said": errors.strip()[-300:] or f"status {status}"})
    return found


def main() -> None:
    """Run every program, print the matrix and what went wrong, and keep the matrix when it is whole."""
    quick = sys.argv[1:] == ["quick"]
    releases = RELEASES[-1:] if quick else RELEASES
    with embedded() as served:
        own = {surface.name: lines(surface, served) for surface in OWN}
        peers = {surface.name: lines(surface, served) for surface in map(official, releases)}
    for name in () if quick else FOREIGN:
        with foreign(name) as served:
            own[name] = lines(Surface(name=name, program="own.py"), served)
    print(table(own), table(peers), sep="\n\n")
    whole = [surface.name for surface in OWN]
    found = [*wrong(own, peers, whole), *differences(RELEASES[-1]), *unnamed(RELEASES[-1])]
    print("\n".join(found))
    if not quick:
        _ = PAGE.write_text(page(own, peers), "utf-8")
    sys.exit(bool(found))


def _text(written: bytes | str | None) -> str:
    return written.decode() if isinstance(written, bytes) else written or ""


if __name__ == "__main__":
    main()
