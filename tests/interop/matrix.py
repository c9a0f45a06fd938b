"""What programs reported, as a matrix of operations by surfaces, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

Line: TypeAlias = dict[str, Any]
"""One operation: its name, its outcome, its seconds, and what was said about it."""
Reports: TypeAlias = Mapping[str, Sequence[Line]]

CLOSE = 1e-4
"""How much two servers' first losses of the same data may differ, of their size."""
BROKEN = frozenset({"raises", "hangs"})

INTRODUCTION = """\
# Interoperation

<!-- Written by `make interop`. -->

What `make interop` found on {day}, with every server and every release of the official SDK in an environment of its
own, as it is published. A cell is the outcome of an operation and its seconds.

## This client

The program is [everywhere.py](examples/everywhere.py), the same on every server: the embedded engine in its own process
and on a port, and two servers by other teams, which really train, on a CPU, a random model of 140,000 parameters.
"""
MIDDLE = """
What was said where an operation did not succeed:
"""
PATHS = """
Where a server opens no session for saved weights, they are sampled from by their path. hatchery then samples from the
run's weights as they are, so train on after sampling, not between saving and sampling.
"""
PEERS = """
## The official SDK on `tinkex serve`

The program is written for the SDK, and does what every release since 0.7 can do.
"""
AGREEMENT = """
## The same program in both clients

The official SDK and this client, given the same seeded supervised and reinforcement program
([migrating.md](migrating.md)) and the same server, end in the same samples and in checkpoints that are the same to the
last byte, adapter and optimizer. `make interop-quick` compares them before each merge.
"""


def table(reports: Reports) -> str:
    """Operations by surfaces in Markdown."""
    operations = list(dict.fromkeys(line["operation"] for found in reports.values() for line in found))
    rows = [["operation", *reports], ["---"] * (len(reports) + 1)]
    rows += [[name, *(_cell(found, name) for found in reports.values())] for name in operations]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page(own: Reports, peers: Reports) -> str:
    """The document that keeps both matrices."""
    day = datetime.now(UTC).date().isoformat()
    said = "\n".join(_said(own))
    return "\n".join((INTRODUCTION.format(day=day), table(own), MIDDLE, said, PATHS, PEERS, table(peers), AGREEMENT))


def wrong(own: Reports, peers: Reports, whole: Sequence[str]) -> list[str]:
    """What must not be: failures on servers that have it all, programs that raise or hang, losses that don't agree."""
    failed = [
        f"{name}: {line['operation']}: {line['outcome']}: {line.get('said', '')}"
        for name, found in {**own, **peers}.items()
        for line in found
        if line["outcome"] in BROKEN or (line["outcome"] != "ok" and (name in whole or name in peers))
    ]
    return [*failed, *_rising(own), *_apart(own, whole), *_sampled_apart(peers)]


def _rising(reports: Reports) -> Iterator[str]:
    for name, found in reports.items():
        first, last = _losses(found)
        if not last < first:
            yield f"{name}: the loss does not fall: {first} -> {last}"


def _apart(reports: Reports, whole: Sequence[str]) -> Iterator[str]:
    """The servers by other teams hold the same model, and so do those on this side."""
    for names in (set(whole), set(reports) - set(whole)):
        firsts = {name: _losses(found)[0] for name, found in reports.items() if name in names}
        if firsts and max(firsts.values()) - min(firsts.values()) > CLOSE * max(firsts.values()):
            yield f"the first losses differ: {firsts}"


def _sampled_apart(reports: Reports) -> Iterator[str]:
    samples = {name: str(line["tokens"]) for name, found in reports.items() for line in found if "tokens" in line}
    if len(set(samples.values())) > 1:
        yield f"the samples differ: {samples}"


def _losses(found: Sequence[Line]) -> tuple[float, float]:
    """The first and the last loss of training: nothing to compare where it did not come to that."""
    said = next((str(line.get("said", "")) for line in found if line["operation"] == "train"), "")
    match = re.match(r"([\d.]+) -> ([\d.]+) nats", said)
    return (float(match[1]), float(match[2])) if match else (0.0, 0.0)


def _cell(found: Sequence[Line], operation: str) -> str:
    outcomes = [line for line in found if line["operation"] == operation]
    if not outcomes:
        return ""
    other = next((line["outcome"] for line in outcomes if line["outcome"] != "ok"), "ok")
    seconds = sum(line.get("seconds", 0.0) for line in outcomes)
    return f"{other} {seconds:.2f} s"


def _said(reports: Reports) -> Iterator[str]:
    for name, found in reports.items():
        for line in found:
            if line["outcome"] not in {"ok", "not tried"}:
                said = " ".join(_anonymous(line["said"]).split())
                yield f"* {name}, {line['operation']}: {line['outcome']}: {said}"


def _anonymous(said: str) -> str:
    """Without the ids of a single run."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|mdl_[0-9a-f]{32}", "RUN", said)
