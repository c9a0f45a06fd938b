"""Every block of Python in the documents runs, block after block of a page in one namespace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import tinkex_py

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def loaded(name: str) -> Any:
    spec = spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page: Path) -> list[str]:
    """Those of the page itself, each on its lines there, which tracebacks and Hypothesis show.

    Excerpts are tested where they come from, by test_examples.py.
    """
    text: str = loaded("excerpts").without(page.read_text("utf-8"))
    found = re.finditer(r"```python\n(.*?)```", text, re.DOTALL)
    return ["\n" * text.count("\n", 0, each.start(1)) + each[1] for each in found]


settings.register_profile("documents", max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True)
def few_examples() -> Iterator[None]:
    """Laws in the documents are shown, and judged elsewhere."""
    before = settings.get_current_profile_name()
    settings.load_profile("documents")
    yield
    settings.load_profile(before)


PROGRAMS = [page for page in PAGES if blocks(page)]
REFERENCE = "".join(page.read_text("utf-8") for page in sorted((ROOT / "docs" / "reference").glob("*.md")))
ELSEWHERE = {"Outcome", "Success", "Failure", "TinkerError", "__version__"}
"""Not in the reference: `returns` has the two cases of an Outcome, the page of errors their union."""


@pytest.mark.parametrize("name", [name for name in tinkex_py.__all__ if not name.startswith("Async")])
def test_what_the_package_exports_is_in_the_reference(name: str) -> None:
    home = getattr(getattr(tinkex_py, name), "__module__", "")
    by_name = f":: tinkex_py.{name}\n" in REFERENCE
    assert by_name or f"automodule:: {home}\n" in REFERENCE or name in ELSEWHERE


@pytest.mark.parametrize("page", PROGRAMS, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page.stem}
    for block in blocks(page):
        code = compile(block, str(page), "exec", dont_inherit=True)  # annotations are evaluated, as in a script
        exec(code, namespace)  # noqa: S102 - running them is the point
