"""A server for each test, with its checkpoints in the test's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local_server.driving import Driven


@pytest.fixture
def driven(tmp_path: Path) -> Driven:
    return Driven(tmp_path / "checkpoints")
