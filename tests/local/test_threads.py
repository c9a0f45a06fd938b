"""One thread for the engine's matrices, and as many as before for everybody else's."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tinkex_py.local.threads import one_thread

threadpoolctl: Any = import_module("threadpoolctl")


FORKING = """
import os, threading
import numpy as np
import threadpoolctl
from tinkex_py.local.threads import one_thread

def threads():
    return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}

_ = np.ones((2, 2)) @ np.ones((2, 2))
entered, ended = threading.Event(), threading.Event()
def compute():
    with one_thread():
        entered.set()
        ended.wait()
computing = threading.Thread(target=compute)
computing.start()
entered.wait()
child = os.fork()
if child == 0:
    threadpoolctl.threadpool_limits(limits=2, user_api="blas")
    before = threads()
    with one_thread():
        inside = threads()
    print(inside <= {1} and threads() == before, flush=True)
    os._exit(0)
os.waitpid(child, 0)
ended.set()
computing.join()
"""


def threads() -> set[int]:
    """How many threads the BLAS libraries of this process use."""
    return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture
def before() -> Generator[set[int]]:
    """Two, whatever the machine has; none where threads of numpy's library can't be set."""
    _ = np.ones((2, 2)) @ np.ones((2, 2))
    with threadpoolctl.threadpool_limits(limits=2, user_api="blas"):
        yield threads()


def test_there_is_one_inside_and_what_there_was_afterwards(before: set[int]) -> None:
    with one_thread():
        assert threads() <= {1}
    assert threads() == before


def test_there_is_one_until_the_last_of_several_engines_has_left(before: set[int]) -> None:
    """Each on a thread of its own, as where two servers of a process compute at once, and the first is done first."""
    first, second = one_thread(), one_thread()
    first.__enter__()
    with ThreadPoolExecutor(1) as other:
        other.submit(second.__enter__).result()
        _ = first.__exit__(None, None, None)
        assert threads() <= {1}
        _ = other.submit(second.__exit__, None, None, None).result()
    assert threads() == before
    with one_thread():
        assert threads() <= {1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only where processes are forked")
def test_a_process_that_was_forked_off_while_one_computed_counts_anew() -> None:
    told = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"


def test_a_failure_inside_leaves_nothing_behind(before: set[int]) -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads() == before
    with one_thread():
        assert threads() <= {1}
