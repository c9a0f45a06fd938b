"""This client beside the official SDK: `python -m tests.benchmarks.client [--quick] [--tls] [--save] [SCENARIO ...]`.

`--save` writes the table into docs/performance.md, with the machine and the versions.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.pairs import Figures, Variant, compared, imported, installed, rows, variants
from tests.benchmarks.scenarios import GROWING, SCENARIOS
from tests.benchmarks.serving import OFFICIAL_RELEASE, ROOT, stub_server

QUICK = ("sample_200x16", "optim_step", "forward_backward_16x256", "build_datum", "list_checkpoints_2000")
TITLES = ("scenario", "figure", "official", "transport", "ours", "official / ours", "aim")
PAGE = ROOT / "docs" / "performance.md"
_TABLE = re.compile(r"(?s)(<!-- {name} -->\n).*?(<!-- end of {name} -->)".replace("{name}", "figures"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = _parser().parse_args(arguments)
    names = asked.scenarios or (QUICK if asked.quick else ("import", "installed", *SCENARIOS))
    lines: list[tuple[str, ...]] = []
    with ExitStack() as stack:
        certificate = _certificate(Path(stack.enter_context(tempfile.TemporaryDirectory()))) if asked.tls else None
        url = stack.enter_context(stub_server(certificate))
        among = variants(asked.transports.split(","), certificate)
        for name in names:
            found = _measured(name, url, among, asked.rounds)
            fresh = rows(name, found)
            lines += fresh
            print("\n".join(f"{' '.join(f'{part:>16}' for part in line)}" for line in fresh), flush=True)
    if asked.save:
        _ = PAGE.write_text(_TABLE.sub(rf"\1{_page(lines)}\2", PAGE.read_text("utf-8")), "utf-8")


def _measured(name: str, url: str, among: Sequence[Variant], rounds: int) -> dict[str, Figures]:
    """How cost grows is a matter of this client alone, and takes long."""
    if name == "import":
        return imported(among[:2])
    if name == "installed":
        return installed(among)
    if name in GROWING:
        return compared(name, url, among[1:], 1)
    return compared(name, url, among, rounds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    _ = parser.add_argument("--quick", action="store_true", help="a minute's selection")
    _ = parser.add_argument("--tls", action="store_true", help="over TLS, with HTTP/2 where the client speaks it")
    _ = parser.add_argument("--save", action="store_true", help=f"write the table into {PAGE.relative_to(ROOT)}")
    _ = parser.add_argument("--rounds", type=int, default=2, help="fresh processes of each client (default 2)")
    _ = parser.add_argument("--transports", default="httpx,fast", help="this client's transports, with commas between")
    _ = parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(('import', 'installed', *SCENARIOS))}")
    return parser


def _certificate(folder: Path) -> Path:
    """A test authority's certificate for localhost; its key stands beside it."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate = folder / "localhost.pem"
    _ = certificate.write_bytes(b"".join(blob.bytes() for blob in (*issued.cert_chain_pems, authority.cert_pem)))
    issued.private_key_pem.write_to_path(f"{certificate}.key")
    return certificate


def _page(lines: Sequence[tuple[str, ...]]) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("httpx", "msgspec", "protobuf"))
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"
    table = [TITLES, ("---",) * len(TITLES), *lines]
    said = f"Measured {datetime.now(UTC).date().isoformat()} on {machine}; official SDK {OFFICIAL_RELEASE}.\n\n"
    return said + "\n".join(f"| {' | '.join(line)} |" for line in table) + "\n"


if __name__ == "__main__":
    main()
