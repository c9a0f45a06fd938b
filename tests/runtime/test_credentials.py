"""Credentials come from where they should, stay where they are, and are shown to nobody."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import stat
import sys
import time
from pathlib import Path

import httpx
import pytest
from returns.result import Failure, Success

from tests.plans.test_authentication import jwt
from tinkex_py import AsyncServiceClient, Config, Outcome, ServiceClient, errors
from tinkex_py.runtime.credentials import (
    LONGEST,
    Credentials,
    command_output,
    credentials_of,
    store_keys,
    stored_keys,
)
from tinkex_py.types.keys import KeyDetails
from tinkex_py.types.stored import NO_KEYS, GeneratedKey, ManualKey, StoredKeys

KEY = "tml-0123456789abcdef"
MANUAL = ManualKey(key=KEY, name="laptop", note="mine")
GENERATED = GeneratedKey(key="tml-other", name="login", details=KeyDetails())
SLEEPER = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(60)'"
DETACHED = f"{shlex.quote(sys.executable)} -c 'import os, time; os.setsid(); time.sleep(30)'"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "credentials.json"


def test_what_is_stored_is_read_again_by_its_owner_only(file: Path) -> None:
    keys = NO_KEYS.having("a", MANUAL).having("b", GENERATED)
    assert store_keys(file, keys) == Success(None)
    assert stored_keys(file) == Success(keys)
    assert [stat.S_IMODE(place.stat().st_mode) for place in (file, file.parent)] == [0o600, 0o700]
    assert [entry.name for entry in file.parent.iterdir()] == ["credentials.json"]


def test_the_file_has_the_form_that_the_official_client_writes(file: Path) -> None:
    assert store_keys(file, NO_KEYS.having("a", MANUAL)) == Success(None)
    record = {"type": "manual", "key": KEY, "name": "laptop", "note": "mine"}
    assert json.loads(file.read_text()) == {"version": 1, "default": "a", "keys": {"a": record}}


def test_a_stored_key_that_no_header_can_carry_is_not_sent(file: Path) -> None:
    keys = NO_KEYS.having("a", ManualKey(key=f"{KEY}\n", name="laptop"))
    assert store_keys(file, keys) == Success(None)
    with ServiceClient(Config(base_url="http://127.0.0.1:9", credentials_file=str(file))) as client:
        error = client.get_server_capabilities(timeout=5).failure()
    assert (type(error), KEY in repr(error)) == (errors.InvalidConfig, False)


def test_a_missing_file_holds_nothing(file: Path) -> None:
    assert stored_keys(file) == Success(NO_KEYS)


@pytest.mark.parametrize(
    ("place", "mode", "remedy"),
    [
        ("file", 0o644, "chmod 600"),
        ("file", 0o620, "chmod 600"),
        ("folder", 0o770, "chmod 700"),
        ("folder", 0o1777, "move it to a folder of your own"),
    ],
)
def test_what_others_can_reach_is_refused_with_the_command_that_mends_it(
    file: Path, place: str, mode: int, remedy: str
) -> None:
    assert store_keys(file, NO_KEYS.having("a", MANUAL)) == Success(None)
    (file if place == "file" else file.parent).chmod(mode)
    problem = stored_keys(file).failure()
    assert (remedy in problem.message, KEY in repr(problem)) == (True, False)


def test_nothing_is_stored_where_it_would_be_refused(file: Path) -> None:
    file.parent.mkdir()
    file.parent.chmod(0o777)
    problem = store_keys(file, NO_KEYS.having("a", MANUAL)).failure()
    assert ("chmod 700" in problem.message, list(file.parent.iterdir())) == (True, [])


def test_a_folder_in_the_place_of_the_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    outcome = stored_keys(tmp_path)
    assert isinstance(outcome, Failure)
    assert (outcome.failure().path, "is no file" in outcome.failure().message) == (str(tmp_path), True)
    assert "chmod" not in outcome.failure().message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "keys": {"a": {"type": "odd"}}}', "[" * 99999]
)
def test_a_file_that_cannot_be_read_is_a_failure(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700)
    file.touch(0o600)
    file.write_text(text)
    assert isinstance(stored_keys(file).failure(), errors.FileFailed)


def test_a_place_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    assert isinstance(store_keys(tmp_path / "taken" / "credentials.json", NO_KEYS).failure(), errors.FileFailed)


def test_a_command_prints_the_credential() -> None:
    assert command_output(f"echo '  {KEY}  '") == Success(KEY)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (f"echo {KEY}; exit 3", "status 3"),
        ("true", "nothing"),
        ("yes", "more than"),
        (f"printf '{KEY}\\nx'", "nothing"),
    ],
)
def test_a_command_that_fails_says_how_and_shows_nothing_it_printed(command: str, told: str) -> None:
    problem = command_output(command).failure()
    assert (told in problem.message, KEY in repr(problem)) == (True, False)
    assert len(problem.message) < LONGEST


def test_a_command_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    assert "too long" in command_output(SLEEPER, patience=0.2).failure().message
    assert time.monotonic() - began < 30


def test_what_a_command_leaves_behind_is_not_waited_for() -> None:
    began = time.monotonic()
    assert command_output(f"{DETACHED} & echo {KEY}", patience=2.0) == Success(KEY)
    assert "too long" in command_output(f"{DETACHED} & {SLEEPER}", patience=2.0).failure().message
    assert time.monotonic() - began < 20


def test_a_command_runs_anew_each_time_it_is_asked(tmp_path: Path) -> None:
    counter = shlex.quote(str(tmp_path / "count"))
    source = Credentials(Config(credential_cmd=f"echo x >> {counter}; echo tml-$(wc -l < {counter} | tr -d ' ')"))
    assert [source(), source()] == [Success("tml-1"), Success("tml-2")]


def test_a_client_outlives_what_its_command_printed_and_runs_it_once_for_all(tmp_path: Path) -> None:
    key, runs = tmp_path / "key", tmp_path / "runs"

    def answer(request: httpx.Request) -> httpx.Response:
        if request.headers["x-api-key"] != key.read_text():
            return httpx.Response(401, json={"detail": "expired"})
        return httpx.Response(200 if request.url.path.endswith("capabilities") else 404, json={})

    async def program() -> list[Outcome[object]]:
        async with AsyncServiceClient(config, transport=httpx.MockTransport(answer)) as service:
            key.write_text("tml-1")
            first = await service.get_server_capabilities()
            key.write_text("tml-2")
            return [first, *await asyncio.gather(*(service.get_server_capabilities() for _ in range(40)))]

    command = f"echo x >> {shlex.quote(str(runs))}; cat {shlex.quote(str(key))}"
    config = Config(base_url="http://server.test", credential_cmd=command)
    assert {type(each) for each in asyncio.run(program())} == {Success}
    assert runs.read_text() == "x\n" * 2


def test_an_expired_token_is_refused_here_and_told_where_it_is_from(file: Path) -> None:
    expired = jwt("me", exp=1)
    assert store_keys(file, NO_KEYS.having("a", ManualKey(key=expired, name="a"))) == Success(None)
    for setting, config in (
        ("api_key", Config(api_key=expired)),
        ("credential_cmd", Config(credential_cmd=f"echo {expired}")),
        ("credentials_file", Config(credentials_file=str(file))),
    ):
        error = credentials_of(config).unwrap()().failure()
        assert isinstance(error, errors.InvalidConfig)
        assert (error.setting, "clock" in error.message, expired in repr(error)) == (setting, True, False)
    assert isinstance(Credentials(Config(api_key=jwt("me", exp=time.time() + 60)))(), Success)


def test_the_key_wins_over_the_command_and_the_command_over_the_file(file: Path) -> None:
    assert store_keys(file, NO_KEYS.having("a", MANUAL)) == Success(None)
    place = str(file)
    sources = [
        Config(api_key="tml-given", credential_cmd="echo tml-cmd", credentials_file=place),
        Config(api_key="odd", credential_cmd="echo tml-cmd", credentials_file=place),
        Config(credential_cmd="echo tml-cmd", credentials_file=place),
        Config(credentials_file=place),
    ]
    found = [credentials_of(config).unwrap()() for config in sources]
    assert found == [Success("tml-given"), Success("tml-cmd"), Success("tml-cmd"), Success(KEY)]
    assert KEY not in repr(credentials_of(sources[-1]))


def test_a_server_that_wants_a_command_gets_no_key() -> None:
    assert isinstance(Credentials(Config(api_key=KEY))("credential_cmd").failure(), errors.MissingCredentials)
    both = Config(api_key=KEY, credential_cmd="echo tml-cmd")
    assert Credentials(both)("credential_cmd") == Success("tml-cmd")


@pytest.mark.parametrize(
    ("exchanging", "wanted", "exchanged"),
    [(True, "credential_cmd", "tml-cmd"), (True, "api_key", KEY), (False, "credential_cmd", None)],
)
def test_the_command_wins_over_a_key_where_it_is_exchanged_and_wanted(
    wanted: str, exchanged: str | None, *, exchanging: bool
) -> None:
    presented: dict[str, str] = {}
    flags = {"pjwt_auth_enabled": exchanging, "credential_default_source": wanted}
    bodies: dict[str, object] = {"config": flags, "dynamic_config": {}, "token": {"jwt": jwt("me")}}

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        presented[name] = request.headers["x-api-key"]
        return httpx.Response(200 if name in bodies else 401, json=bodies.get(name))

    config = Config(base_url="http://server.test", api_key=KEY, credential_cmd="echo tml-cmd")
    with ServiceClient(config, transport=httpx.MockTransport(answer)) as service:
        assert isinstance(service.get_server_capabilities().failure(), errors.Unauthorized)
    assert (presented["config"], presented.get("token")) == (KEY, exchanged)
    assert presented["get_server_capabilities"] == (jwt("me") if exchanging else KEY)


def test_a_key_that_begins_like_none_is_refused_before_anything_is_sent() -> None:
    with ServiceClient(base_url="http://server.test", api_key="sk-hush-hush-hush") as service:
        outcome = service.get_server_capabilities()
    assert isinstance(outcome, Failure)
    assert isinstance(outcome.failure(), errors.InvalidConfig)
    assert "hush" not in repr(outcome)


@pytest.mark.parametrize("place", ["~nobody-of-this-name/credentials.json", "a\0b"])
def test_a_file_that_can_be_nowhere_is_the_outcome_of_every_operation(place: str) -> None:
    with ServiceClient(Config(base_url="http://server.test", credentials_file=place)) as service:
        outcomes = [service.get_server_capabilities(), service.create_sampling_client(base_model="model")]
    for outcome in outcomes:
        match outcome:
            case Failure(errors.InvalidConfig(message=message, setting="credentials_file")):
                assert message.startswith("credentials_file is ")
            case other:
                pytest.fail(str(other))


def test_without_any_there_are_none(file: Path) -> None:
    assert isinstance(credentials_of(Config(credentials_file=str(file))).failure(), errors.MissingCredentials)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_failure(file: Path) -> None:
    assert store_keys(file, NO_KEYS) == Success(None)
    file.chmod(0o000)
    assert isinstance(stored_keys(file).failure(), errors.FileFailed)


def test_keys_are_added_and_removed_as_values() -> None:
    keys = NO_KEYS.having("a", MANUAL).having("b", GENERATED)
    assert (keys.chosen, NO_KEYS.chosen) == (GENERATED, None)
    assert keys.without("b") == NO_KEYS.having("a", MANUAL)
    assert keys.without("a") == StoredKeys(version=1, default="b", keys={"b": GENERATED})
    assert keys.without("a").without("b").without("c") == NO_KEYS
    assert "tml-" not in repr(keys)
