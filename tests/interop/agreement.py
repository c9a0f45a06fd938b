"""The official SDK as a second opinion: the same program, written for both clients, ends in the same weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from msgspec import Struct

from tests.interop.environments import interpreter
from tests.interop.serving import embedded
from tinkex_py import TinkerPath, or_raise

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
PATIENCE = 120
"""Seconds for one program."""
COMPARED = ("adapter.safetensors", "optimizer.safetensors")


class Result(Struct, frozen=True):
    """Where a program saved its weights, and what it sampled."""

    paths: Sequence[str]
    samples: Sequence[Sequence[int]]


def differences(release: str) -> list[str]:
    """What the two programs do not agree about, run one after the other on one server."""
    own, peer = EXAMPLES / "carried_over.py", EXAMPLES / "carried_over_official.py"
    with embedded() as served:
        ours = _result(Path(sys.executable), own, served.address)
        theirs = _result(interpreter(f"tinker-{release}", f"tinker=={release}"), peer, served.address)
        unlike = [
            f"both clients: {name} of {one} and {other} differ"
            for one, other in zip(ours.paths, theirs.paths, strict=True)
            for name in COMPARED
            if _bytes(served.folder, one, name) != _bytes(served.folder, other, name)
        ]
    return unlike if ours.samples == theirs.samples else ["both clients: the samples differ", *unlike]


def _result(python: Path, program: Path, address: str) -> Result:
    ended = subprocess.run([str(python), str(program), address], stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
    return Result(**json.loads(ended.stdout))


def _bytes(folder: Path, tinker_path: str, name: str) -> bytes:
    """A file of a checkpoint in the embedded server's folder, where saves are counted before their names."""
    path = or_raise(TinkerPath.parse(tinker_path))
    kept = folder / quote(path.training_run_id, safe="") / path.kind
    return (next(kept.glob(f"*-{path.name}")) / name).read_bytes()
