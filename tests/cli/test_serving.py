"""`tinkex serve`: whom it lets in, what it says of that, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docs import commands as page
from tests.cli.running import COMMAND, ENVIRONMENT, KEY, tinkex

PIPE = subprocess.PIPE


@contextmanager
def serving(*words: str) -> Generator[tuple[subprocess.Popen[str], str, str]]:
    """The server, its address, and what it tells people to do."""
    started = [*COMMAND, "serve", "--port", "0", *words]
    with subprocess.Popen(started, stdout=PIPE, stderr=PIPE, text=True, env=ENVIRONMENT) as served:
        assert served.stdout is not None
        address = served.stdout.readline().split()[5]
        try:
            yield served, address, served.stdout.readline().rstrip()
        finally:
            served.kill()


def test_a_server_that_asks_for_a_key_says_so_and_does_not_show_it() -> None:
    with serving("--api-key", KEY) as (_, address, said):
        assert said == f"Point a client at it: TINKER_BASE_URL={address} and TINKER_API_KEY=(the key that you gave)"
        let_in = [tinkex("model", "list", "--base-url", address, TINKER_API_KEY=key) for key in (KEY, "tml-local")]
    assert [result.exit_code for result in let_in] == [0, 1]


def test_a_server_that_asks_for_none_says_what_clients_need() -> None:
    with serving() as (_, address, said):
        assert said == f"Point a client at it: TINKER_BASE_URL={address} TINKER_API_KEY=tml-local"
        assert tinkex("model", "list", "--base-url", address, TINKER_API_KEY="tml-local").exit_code == 0


@pytest.mark.parametrize("host", ["", "\udcff"], ids=["empty", "no text"])
def test_a_host_without_a_name_is_not_every_address(host: str) -> None:
    result = tinkex("serve", "--host", host, "--directory", __file__)
    assert (result.exit_code, "Invalid value for '--host': it is empty" in result.stderr) == (2, True)


def test_a_folder_that_no_home_has_is_no_bug() -> None:
    result = tinkex("serve", "--port", "0", "--directory", "~nobody-of-this-name/x")
    assert (result.exit_code, result.stderr.startswith("Error: can't serve on ")) == (1, True)


@pytest.mark.parametrize("key", ["", " ", "a\nb", "schl\u00fcssel"])
def test_a_key_that_no_client_can_send_is_refused(key: str) -> None:
    result = tinkex("serve", "--port", "0", "--host", "no.such.host.invalid", "--api-key", key)
    assert (result.exit_code, "Invalid value for '--api-key': it is empty, or" in result.stderr) == (2, True)


def test_the_key_of_a_file_is_asked_for() -> None:
    _ = Path("key").write_text(f"{KEY}\n")
    with serving("--api-key-file", "key") as (_, address, said):
        assert said.endswith("TINKER_API_KEY=(the key that you gave)")
        let_in = [tinkex("model", "list", "--base-url", address, TINKER_API_KEY=key) for key in (KEY, "tml-local")]
    assert [result.exit_code for result in let_in] == [0, 1]


UNFIT = {
    "an empty file": (("--api-key-file", "empty"), "'--api-key-file': it is empty, or"),
    "two keys": (("--api-key-file", "key", "--api-key", KEY), "Give either --api-key"),
    "another server": (("--base-url", "http://127.0.0.1:9"), "Error: --base-url "),
}


@pytest.mark.parametrize(("words", "said"), UNFIT.values(), ids=UNFIT)
def test_what_would_leave_a_server_open_or_means_nothing_there_is_refused(words: tuple[str, ...], said: str) -> None:
    _ = Path("empty").write_text("\n")
    _ = Path("key").write_text(KEY)
    result = tinkex("serve", "--port", "0", "--host", "no.such.host.invalid", *words)
    assert (result.exit_code, said in result.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
def test_an_interrupt_is_how_a_server_ends_and_the_page_says_so() -> None:
    assert "130 after Ctrl-C; `tinkex serve`, which runs until then, ends with 0." in page.INTRODUCTION
    with serving() as (served, _, _said):
        served.send_signal(signal.SIGINT)
        assert (served.wait(30), served.communicate()) == (0, ("", ""))


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts a process by a POSIX signal")
@pytest.mark.parametrize("pause", [0.01, 0.06])
def test_further_interrupts_while_a_server_ends_change_nothing(pause: float) -> None:
    with serving() as (served, address, _said):
        assert tinkex("model", "list", "--base-url", address, TINKER_API_KEY="tml-local").exit_code == 0
        for _ in range(2):
            served.send_signal(signal.SIGINT)
            time.sleep(pause)
        assert (served.wait(30), served.communicate()) == (0, ("", ""))
