"""This client beside the official SDK: the lines of a table."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.pairs import Figures, Variant, imported, in_turn, installed, rows, started, variants
from tests.benchmarks.scenarios import GROWING
from tests.benchmarks.serving import stub_server

TITLES = ("scenario", "figure", "official", "transport", "ours", "official / ours", "aim")
ALONE = ("import", "startup", "installed")
"""What is measured in processes of its own kind."""


def compared(names: Iterable[str], transports: Sequence[str], rounds: int, *, tls: bool) -> Iterator[tuple[str, ...]]:
    """Each figure of each scenario, as soon as it is there."""
    with ExitStack() as stack:
        certificate = _certificate(Path(stack.enter_context(tempfile.TemporaryDirectory()))) if tls else None
        url = stack.enter_context(stub_server(certificate))
        among = variants(transports, certificate)
        for name in names:
            yield from rows(name, _measured(name, url, among, rounds))


def _measured(name: str, url: str, among: Sequence[Variant], rounds: int) -> dict[str, Figures]:
    """How cost grows is a matter of this client alone."""
    if name == "import":
        return imported(among[:2])
    if name == "startup":
        return started(among, url)
    if name == "installed":
        return installed(among)
    if name in GROWING:
        return in_turn(name, url, among[1:], rounds)
    return in_turn(name, url, among, rounds)


def _certificate(folder: Path) -> Path:
    """A test authority's certificate for localhost; its key stands beside it."""
    import trustme

    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate = folder / "localhost.pem"
    _ = certificate.write_bytes(b"".join(blob.bytes() for blob in (*issued.cert_chain_pems, authority.cert_pem)))
    issued.private_key_pem.write_to_path(f"{certificate}.key")
    return certificate
