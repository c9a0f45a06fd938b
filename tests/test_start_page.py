"""The commands of the page for newcomers work, one after the other."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.cli.running import ENVIRONMENT

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "start.md").read_text("utf-8"), re.DOTALL)
PORT = re.compile(r"\b8000\b")
BIN = Path(sys.executable).parent
SHELL = {**ENVIRONMENT, "PATH": f"{BIN}:{ENVIRONMENT['PATH']}"}
DEMO = re.findall(r"'\.\[([\w,]+)\]'\n\t@touch \$@\n", (ROOT / "Makefile").read_text("utf-8"))

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the page is for a POSIX shell")


def needed(wanted: Requirement, found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The packages that come with one, each with an extra of it or none."""
    for extra in ("", *wanted.extras):
        here = (canonicalize_name(wanted.name), extra)
        if here not in found:
            found.add(here)
            for each in map(Requirement, requires_of(wanted.name)):
                if each.marker is None or each.marker.evaluate({"extra": extra}):
                    needed(each, found)
    return found


def requires_of(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # for another platform, say
        return []


@pytest.fixture
def newcomer(tmp_path: Path) -> dict[str, str]:
    """An environment in which only what `make demo` installs can be imported."""
    (extras,) = DEMO
    names = {name for name, _ in needed(Requirement(f"tinkex-py[{extras}]"), set())}
    owners = packages_distributions().items()
    hidden = [module for module, by in owners if names.isdisjoint(map(canonicalize_name, by))]
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(f"import sys\nsys.modules.update(dict.fromkeys({hidden!r}))\n")
    path = ":".join(filter(None, (str(tmp_path / "site"), SHELL.get("PYTHONPATH"))))
    return {**SHELL, "PYTHONPATH": path}


def ran(folder: Path, script: str, shell: dict[str, str] = SHELL) -> str:
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],  # noqa: S607 - whichever bash there is
        cwd=folder,
        env=shell,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@contextmanager
def serving(folder: Path, block: str, shell: dict[str, str]) -> Generator[str]:
    """The port of the server that a block starts, which is a free one."""
    words = PORT.sub("0", block).split()
    with subprocess.Popen(words, cwd=folder, env=shell, stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout is not None
        found = next(filter(None, (re.search(r"http://[\d.]+:(\d+)", line) for line in served.stdout)))
        yield found[1]
        served.terminate()


def test_the_first_hour_is_as_the_page_says_with_what_the_demo_installs(
    tmp_path: Path, newcomer: dict[str, str]
) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    _, *blocks = BLOCKS
    serve = next(block for block in blocks if block.startswith("tinkex serve"))
    here, there = blocks[: blocks.index(serve)], blocks[blocks.index(serve) + 1 :]
    said = ran(tmp_path, "".join(here), newcomer)
    assert "worst of times" in said
    assert (tmp_path / "mine" / "steps.png").read_bytes().startswith(b"\x89PNG")
    checkpoint = "CHECKPOINT=$(grep -o 'tinker://.*' trained.txt)\n"
    with serving(tmp_path, serve, newcomer) as port:
        elsewhere = ran(tmp_path, checkpoint + PORT.sub(port, "".join(there)), newcomer)
    assert "Return the " in elsewhere
    assert "best of times" in elsewhere


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="there is nothing to clone")
@pytest.mark.skipif(not (BIN.parent / ".demo").exists(), reason="`make` did not make this environment")
def test_a_clone_has_what_the_demo_needs(tmp_path: Path) -> None:
    clone, enter, demo = BLOCKS[0].splitlines()
    prepared = f"{clone} --quiet --depth 1\n{enter}\n{demo}".replace('"$REPOSITORY"', f"file://{ROOT}")
    options = f"VENV={BIN.parent} --old-file={BIN.parent}/.demo ARGS='--steps 2 --out {tmp_path}/demo'"
    assert "Loss curve" in ran(tmp_path, f"{prepared} {options}")
