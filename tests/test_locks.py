"""Locks on files, between threads and between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from returns.result import Failure, Success

from tests.clients.fronts import error_of
from tinkex_py.errors import FileFailed
from tinkex_py.locks import alone, hold
from tinkex_py.outcome import Outcome

HOLDING = """
import sys
from pathlib import Path
from tinkex_py.locks import alone

def work():
    print("held", flush=True)
    sys.stdin.read()

alone(Path(sys.argv[1]), "busy", work)
"""


FORKED = """
import os, sys
from pathlib import Path
from tinkex_py.locks import hold

let_go = hold(Path(sys.argv[1]), "busy").unwrap()
if os.fork() == 0:
    let_go()
    print("held", flush=True)
    sys.stdin.read()
else:
    os.wait()
"""


def done() -> Outcome[str]:
    return Success("done")


def test_a_file_is_held_by_one_and_there_only_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "below" / "lock"

    def work() -> Outcome[str]:
        assert error_of(FileFailed, alone(file, "somebody has it", done)).message == "somebody has it"
        return Failure(FileFailed(message="no", path=""))

    assert error_of(FileFailed, alone(file, "", work)).message == "no"
    assert list(file.parent.iterdir()) == []
    assert alone(file, "", done) == Success("done")


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert isinstance(alone(file, "", done), Failure)
        process.kill()
    assert file.exists()
    assert alone(file, "", done) == Success("done")
    assert not file.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
def test_a_process_that_was_forked_off_neither_lets_go_nor_keeps_what_its_parent_holds(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", FORKED, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert isinstance(alone(file, "", done), Failure)
        process.kill()
        _ = process.wait()
        assert alone(file, "", done) == Success("done")


def test_what_is_held_is_let_go_once(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    let_go = hold(file, "").unwrap()
    assert error_of(FileFailed, hold(file, "somebody has it")).message == "somebody has it"
    let_go()
    again = hold(file, "").unwrap()
    let_go()
    assert isinstance(hold(file, ""), Failure)
    again()
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_name_is_gone_holds_nobody_off(tmp_path: Path) -> None:
    file = tmp_path / "lock"

    def work() -> Outcome[str]:
        file.unlink()
        return alone(file, "", done)

    assert alone(file, "", work) == Success("done")


def test_a_file_that_can_not_be_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for file in (tmp_path / "file" / "lock", tmp_path / ("a" * 300), tmp_path):
        assert "can't be used" in error_of(FileFailed, alone(file, "", done)).message
