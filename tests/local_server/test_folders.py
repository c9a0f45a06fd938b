"""Whose the folders of a server are."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FORKING = """
import os, sys
from tinkex_py.local.bases import RANDOM, load_base
from tinkex_py.local.engine import LoraConfig, create_model
from tinkex_py.local.shelf import Shelf
from tinkex_py.local.store import Store

store, shelf = Store(), Shelf(ready=0)
shelf.put("sampler", create_model(load_base(RANDOM).unwrap(), LoraConfig(rank=2)).unwrap())
child = os.fork()
if child == 0:
    if sys.argv[1] == "closes":
        store.close()
    sys.exit()
_ = os.waitpid(child, 0)
assert store.directory.is_dir()
_ = shelf.take("sampler").unwrap()
store.close()
assert not store.directory.exists()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
@pytest.mark.parametrize("what", ["ends", "closes"])
def test_a_process_that_was_forked_off_leaves_temporary_folders_to_the_one_that_made_them(what: str) -> None:
    ended = subprocess.run([sys.executable, "-c", FORKING, what], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
