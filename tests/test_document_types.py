"""Every block of Python in the documents passes mypy's strict mode, page by page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_documents import PROGRAMS, ROOT, blocks

SETTLED = '# mypy: disable-error-code="possibly-undefined,unused-awaitable"'
"""What a block leaves to those after it: that it has run to its end is what the page is about. And a promise is on its
way whether or not anybody awaits it."""


def test_the_blocks_of_a_page_are_accepted_by_mypy(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy comes with the extra dev: make coverage runs this")
    for page in PROGRAMS:
        name = page.stem.lower().replace("-", "_")
        _ = (tmp_path / f"page_{name}.py").write_text("\n\n".join([SETTLED, *blocks(page)]), "utf-8")
    cache = ["--cache-dir", str(ROOT / ".mypy_cache")]
    words = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *cache, str(tmp_path)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr
