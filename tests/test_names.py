"""Every public name of the other clients has its name here, or says why there is none."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinkex_py
from docs import migration
from docs.migration import Carried

NAMES = migration.names()


@pytest.mark.parametrize("name", NAMES, ids=[name.there for name in NAMES])
def test_a_name_of_another_client_is_found_here(name: Carried) -> None:
    assert name.client in migration.CLIENTS
    if name.here:
        assert migration.found(name.here) is not None
    else:
        assert name.note


def test_no_name_is_there_twice() -> None:
    assert len({(name.client, name.there) for name in NAMES}) == len(NAMES)


def test_a_name_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(AttributeError):
        _ = migration.found("ServiceClient.no_such_method")


def test_each_carried_over_program_is_shown_whole() -> None:
    page = (Path(migration.__file__).parent / "migrating.md").read_text("utf-8")
    programs = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    assert [program.count("\ndef main()") for program in programs] == [1, 1]


def test_every_public_name_is_offered_before_it_is_loaded() -> None:
    words = [sys.executable, "-c", "import tinkex_py; print(*dir(tinkex_py))"]
    offered = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert {*tinkex_py.__all__, "auth", "errors", "types"} <= {*offered} & {*dir(tinkex_py)}
