"""What is said of a file that can't be read or written."""

from __future__ import annotations

import errno
import os

import pytest

from tinkex_py.types.files import reason


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a"), os.strerror(errno.ENOSPC), id="the system"),
        pytest.param(OSError("no such codec"), "no such codec", id="a library"),
        pytest.param(PermissionError(), "PermissionError", id="nothing"),
        pytest.param(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), "it is no text in UTF-8", id="no text"),
    ],
)
def test_a_reason_is_never_left_out(error: OSError | UnicodeDecodeError, said: str) -> None:
    assert reason(error) == said
