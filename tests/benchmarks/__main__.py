"""This client beside the official SDK, the embedded engine beside torch: `python -m tests.benchmarks --help`.

`--save` writes what was measured into docs/performance.md, with the machine and the versions.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from tests.benchmarks import client, engines
from tests.benchmarks.scenarios import SCENARIOS
from tests.benchmarks.serving import OFFICIAL_RELEASE, ROOT, TORCH_RELEASE

QUICK = ("sample_200x16", "optim_step", "forward_backward_16x256", "build_datum", "list_checkpoints_2000")
ENGINE = "engine"
EVERYTHING = (*client.ALONE, *SCENARIOS, ENGINE)
PAGE = ROOT / "docs" / "performance.md"


def main() -> None:
    """Measure and print."""
    parser = _parser()
    asked = parser.parse_args()
    if asked.tls and asked.save:
        parser.error("the tables of the page are those of runs without --tls")
    names: Sequence[str] = asked.scenarios or (QUICK if asked.quick else EVERYTHING)
    scenarios = [name for name in names if name != ENGINE]
    if scenarios:
        lines = client.compared(scenarios, asked.transports.split(","), asked.rounds, tls=asked.tls)
        _show("figures", client.TITLES, lines, save=asked.save)
    if ENGINE in names:
        _show(ENGINE, engines.TITLES, engines.compared(torch=asked.torch), save=asked.save and asked.torch)


def _show(table: str, titles: Sequence[str], lines: Iterable[Sequence[str]], *, save: bool) -> None:
    """Print lines as they come, and write them into the page if they are to be kept."""
    kept: list[Sequence[str]] = []
    for line in lines:
        print(" ".join(f"{part:>16}" for part in line), flush=True)
        kept.append(line)
    if save:
        place = re.compile(rf"(?s)(<!-- {table} -->\n).*?(<!-- end of {table} -->)")
        written = f"{_origin()}\n\n{_table((titles, ('---',) * len(titles), *kept))}\n"
        _ = PAGE.write_text(place.sub(rf"\1{written}\2", PAGE.read_text("utf-8")), "utf-8")


def _origin() -> str:
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("httpx", "msgspec", "protobuf", "numpy")
    )
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"
    return (
        f"Measured {datetime.now(UTC).date().isoformat()} on {machine}; official SDK {OFFICIAL_RELEASE}, "
        f"torch {TORCH_RELEASE}."
    )


def _table(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    _ = parser.add_argument("--quick", action="store_true", help="a minute's selection")
    _ = parser.add_argument("--tls", action="store_true", help="over TLS, with HTTP/2 where the client speaks it")
    _ = parser.add_argument("--torch", action="store_true", help="the engine's work in torch too, which is installed")
    _ = parser.add_argument(
        "--save", action="store_true", help=f"write the tables into {PAGE.relative_to(ROOT)}; the engine's with --torch"
    )
    _ = parser.add_argument("--rounds", type=int, default=2, help="fresh processes of each client (default 2)")
    _ = parser.add_argument("--transports", default="httpx,fast", help="this client's transports, with commas between")
    _ = parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(EVERYTHING)}")
    return parser


main()
