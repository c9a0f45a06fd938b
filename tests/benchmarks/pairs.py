"""Scenarios of both clients in turn, on one stub server: medians and ratios."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.benchmarks.measuring import ask
from tests.benchmarks.serving import CACHE, ROOT, figures, official_python
from tests.benchmarks.targets import TARGETS

Figures = Mapping[str, float]
AUTHORITY = "SSL_CERT_FILE"
"""The variable that says whom to trust."""


class Variant(NamedTuple):
    """A client as it is measured: its name in the tables, its Python, its surface and its environment."""

    name: str
    python: str
    surface: str
    settings: Mapping[str, str]


def variants(transports: Sequence[str], certificate: Path | None) -> list[Variant]:
    """The official SDK, and this client over each transport."""
    trusted = {} if certificate is None else {AUTHORITY: str(certificate)}
    ours = [
        Variant(transport, sys.executable, "ours", {**trusted, "TINKEX_TRANSPORT": transport})
        for transport in transports
    ]
    return [Variant("official", official_python(), "official", trusted), *ours]


def in_turn(scenario: str, url: str, among: Iterable[Variant], rounds: int) -> dict[str, Figures]:
    """Each variant's medians; the variants take turns, so that a busy machine disturbs all alike."""
    runs: dict[str, list[Figures]] = {}
    for _ in range(rounds):
        for variant in among:
            ran = figures(variant.python, variant.surface, url, scenario, variant.settings)
            runs.setdefault(variant.name, []).extend([ran] if ran else [])
    return {name: _medians(each) for name, each in runs.items() if each}


def imported(among: Iterable[Variant]) -> dict[str, Figures]:
    """What importing costs in a fresh process, the interpreter's own start included."""
    modules = {"official": "tinker", "ours": "tinkex_py"}
    return {each.name: _started(each, f"import {modules[each.surface]}") for each in among}


def started(among: Sequence[Variant], url: str) -> dict[str, Figures]:
    """From the start of a process to the result of its first optim_step, of a server that has nothing to do."""
    ask(url, "/_config", {"work_ms": 0}, among[0].settings.get(AUTHORITY))
    return {each.name: _started(each, _FIRST_RESULT.format(surface=each.surface, url=url)) for each in among}


def _started(variant: Variant, program: str, rounds: int = 9) -> Figures:
    """Medians of fresh processes; one before them leaves the bytecode that an installation has."""
    environment = {**os.environ, **variant.settings, **_WITH_BYTECODE}
    runs: list[Figures] = []
    for _ in range(1 + rounds):
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        ran = subprocess.run(
            [variant.python, "-W", "ignore", "-c", program + _MOST],
            cwd=ROOT,
            env=environment,
            check=True,
            capture_output=True,
        )
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        runs.append({"wall_ms": 1e3 * wall, "cpu_ms": 1e3 * cpu, "peak_mb": int(ran.stdout) * 1024 / 1e6})
    return _medians(runs[1:])


_WITH_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(CACHE / "bytecode")}
_FIRST_RESULT = """
from tests.benchmarks.surfaces import SURFACES

surface = SURFACES["{surface}"]("{url}")
step = surface.trainer().optim_step(surface.types.AdamParams(learning_rate=1e-4))
surface.value(step)
"""
_MOST = """
import os

line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(line.split()[1], flush=True)
os._exit(0)  # how long a process takes to end is not what is measured here
"""


def installed(among: Iterable[Variant]) -> dict[str, Figures]:
    """Megabytes of a fresh installation with its bytecode: this client's, and the official SDK's without pip."""
    found: dict[str, Figures] = {}
    for each in among:
        with TemporaryDirectory() as folder:
            place = _packages(each, folder)
            files = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
            sizes = (path.stat().st_size for path in files if not path.relative_to(place).parts[0].startswith(_TOOLS))
            found[each.name] = {"megabytes": sum(sizes) / 1e6}
    return found


def _packages(variant: Variant, folder: str) -> Path:
    """Where the packages of a variant are; this client is installed there, with the extra of its transport."""
    if variant.surface == "official":
        return next(Path(variant.python).parents[1].glob("lib/python*/site-packages"))
    wanted = f"{ROOT}[fast]" if variant.name == "fast" else str(ROOT)
    subprocess.run([variant.python, "-m", "pip", "install", "--quiet", "--target", folder, wanted], check=True)
    return Path(folder)


_TOOLS = ("pip", "setuptools", "pkg_resources")


def _medians(runs: Sequence[Figures]) -> Figures:
    return {name: median(run[name] for run in runs) for name in runs[0]}


def rows(scenario: str, found: Mapping[str, Figures]) -> list[tuple[str, ...]]:
    """Lines of a table: each figure of the official SDK, of this client, their ratio, and the ratio aimed at."""
    official = found.get("official", {})
    return [
        (scenario, figure, _shown(base), name, _shown(own), _ratio(base, own), _aim(scenario, figure, name))
        for name, ours in found.items()
        if name != "official"
        for figure, own in ours.items()
        for base in [official.get(figure)]
    ]


def _shown(figure: float | None) -> str:
    return "-" if figure is None else f"{figure:,.1f}"


def _ratio(base: float | None, own: float) -> str:
    return f"{base / own:.2f}" if base is not None and own > 0 else "-"


def _aim(scenario: str, figure: str, variant: str) -> str:
    found = [each for each in TARGETS if (each.scenario, each.figure) == (scenario, figure)]
    return "".join(f"{each.httpx if variant == 'httpx' else each.fast:.1f}" for each in found)
