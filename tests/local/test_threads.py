"""One thread for the engine's matrices, and as many as before for everybody else's."""

from __future__ import annotations

from collections.abc import Generator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from tinkex_py.local.threads import one_thread

threadpoolctl: Any = import_module("threadpoolctl")


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


def test_who_comes_second_leaves_the_setting_to_who_came_first(before: set[int]) -> None:
    """As where two engines compute at once, and the first is done first."""
    first, second = one_thread(), one_thread()
    first.__enter__()
    second.__enter__()
    assert threads() <= {1}
    _ = first.__exit__(None, None, None)
    assert threads() == before
    _ = second.__exit__(None, None, None)
    assert threads() == before


def test_a_failure_inside_leaves_nothing_behind(before: set[int]) -> None:
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads() == before
    with one_thread():
        assert threads() <= {1}
