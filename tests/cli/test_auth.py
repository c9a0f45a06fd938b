"""Keys that are stored on the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from returns.result import Success

from tests.cli.relay import relay
from tests.cli.running import KEY, Stock, tinkex
from tests.plans.test_authentication import jwt
from tinkex_py.runtime.credentials import store_keys
from tinkex_py.types.keys import KeyDetails
from tinkex_py.types.stored import NO_KEYS, GeneratedKey, ManualKey

FILE = Path("credentials.json")


def test_a_login_stores_a_key_that_is_then_used_until_the_logout(stock: Stock) -> None:
    at = ("--base-url", stock.address)
    logged = tinkex("auth", "login", *at, given=f"{KEY}\n")
    assert (logged.exit_code, KEY in logged.output, FILE.stat().st_mode & 0o777) == (0, False, 0o600)
    assert tinkex("run", "list", *at).exit_code == 0
    assert "is stored already" in tinkex("auth", "login", *at, given=f"{KEY}\n").stderr
    assert tinkex("auth", "logout", *at).stdout.startswith("Forgotten: embedded server; it still works: ")
    assert tinkex("run", "list", *at).exit_code == 1
    assert "no key is stored" in tinkex("auth", "logout", *at).stderr


def test_the_mark_that_some_editors_put_first_is_no_part_of_a_key(stock: Stock) -> None:
    _ = Path("key.txt").write_text(f"{KEY}\r\n", encoding="utf-8-sig")
    at = ("--base-url", stock.address)
    assert tinkex("run", "list", *at, "--api-key-file", "key.txt").exit_code == 0
    assert tinkex("auth", "login", *at, given=f"\ufeff{KEY}\r\n").exit_code == 0


def test_it_is_said_why_a_file_with_a_key_can_not_be_read(stock: Stock) -> None:
    _ = Path("key.txt").write_bytes(KEY.encode("utf-16"))
    result = tinkex("run", "list", "--base-url", stock.address, "--api-key-file", "key.txt")
    assert result.stderr.startswith("Error: key.txt can't be read: it is no text in UTF-8")


def test_what_is_no_key_is_not_stored(stock: Stock) -> None:
    result = tinkex("auth", "login", "--base-url", stock.address, given="hello\n")
    assert (result.exit_code, FILE.exists()) == (1, False)
    assert "keys begin with tml-" in result.stderr


@pytest.mark.parametrize("words", [("auth", "login"), ("auth", "logout"), ("run", "list")], ids=" ".join)
def test_a_file_that_can_be_nowhere_is_said(stock: Stock, words: tuple[str, ...]) -> None:
    at = ("--base-url", stock.address)
    result = tinkex(*words, *at, TINKEX_CREDENTIALS_FILE="~nobody-of-this-name/credentials.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: credentials_file is ")


def test_the_status_is_said_and_shown_by_the_exit_code(stock: Stock) -> None:
    good = stock.tinkex("auth", "status")
    bad = tinkex("auth", "status", "--base-url", stock.address)
    assert (good.exit_code, good.stdout) == (0, "Credentials available  yes\nTinker accessible      yes\n")
    assert (bad.exit_code, bad.stdout) == (1, "Credentials available  no\nTinker accessible      no\n")


def test_the_status_says_why_there_are_no_credentials(stock: Stock) -> None:
    at = ("auth", "status", "--base-url", stock.address)
    missing, garbage = tinkex(*at), tinkex(*at, TINKER_API_KEY="garbage")
    assert store_keys(FILE.absolute(), NO_KEYS.having("login", ManualKey(key=KEY, name="login"))) == Success(None)
    FILE.chmod(0o644)
    readable = tinkex(*at)
    for result, said in (
        (missing, "there is no API key"),
        (garbage, "keys begin with tml-"),
        (readable, "credentials.json"),
    ):
        assert (result.exit_code, result.stdout) == (1, "Credentials available  no\nTinker accessible      no\n")
        assert result.stderr.startswith("Error: ")
        assert said in result.stderr


def test_an_opaque_key_is_told_of_by_the_server(stock: Stock) -> None:
    result = stock.tinkex("auth", "whoami", "--format", "json")
    assert json.loads(result.stdout) == {
        "email": "local@tinkex.invalid",
        "organization": "local",
        "key": "embedded server",
    }


def test_a_token_says_whose_it_is(stock: Stock) -> None:
    token = jwt("tml:user:1", iss="passport-1", org_id="2", email="me@example.org")
    result = tinkex("auth", "whoami", "--format", "json", "--base-url", stock.address, TINKER_API_KEY=token)
    said = {"user_urn": "tml:user:1", "org_urn": "tml:organization:2", "email": "me@example.org"}
    assert (result.stderr, json.loads(result.stdout)) == ("", said)


REVOKED = {"granted": (200, True), "gone already": (404, True), "no key any more": (401, True), "refused": (403, False)}


@pytest.mark.parametrize(("status", "forgotten"), REVOKED.values(), ids=REVOKED)
def test_a_key_that_a_login_made_is_revoked_by_the_logout(stock: Stock, status: int, *, forgotten: bool) -> None:
    made = GeneratedKey(key=KEY, name="login", details=KeyDetails())
    assert store_keys(FILE.absolute(), NO_KEYS.having("login", made)) == Success(None)
    with relay(stock.address) as front:
        front.instead["/auth/apikey/me"] = (status, b"{}")
        result = tinkex("auth", "logout", "--base-url", front.address, "--format", "json")
    assert front.asked.count("DELETE /api/v1/auth/apikey/me") == 1
    assert ("login" not in FILE.read_text(), result.exit_code == 0) == (forgotten, forgotten)
    assert not forgotten or json.loads(result.stdout) == {"name": "login", "revoked": True}
