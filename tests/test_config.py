"""Settings are a value with nothing secret in it that shows."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from typing import Any, get_args

import pytest
from msgspec import structs
from returns.result import Failure, Success

from tinkex_py import Config, ServiceClient
from tinkex_py.config import DEFAULT_BASE_URL, mask
from tinkex_py.config.checks import KINDS, LEVELS, TRANSPORTS
from tinkex_py.config.environment import VARIABLES
from tinkex_py.config.profiles import PROFILES
from tinkex_py.types.batch import Dialect

KEY = "tml-0123456789abcdef"


def test_the_environment_is_read_and_empty_is_unset() -> None:
    environment = {"TINKER_API_KEY": KEY, "TINKER_BASE_URL": "", "TINKER_PROJECT_ID": "p", "TINKER_TAGS": "a, b,"}
    expected = Config(api_key=KEY, base_url=DEFAULT_BASE_URL, project_id="p", tags=("a", "b"))
    assert Config.from_env(environment) == Success(expected)
    assert Config.from_env({}) == Success(Config())


def test_a_variable_that_is_not_set_may_be_none() -> None:
    unset: Any = {"TINKER_API_KEY": None, "TINKER_BASE_URL": " "}
    assert Config.from_env(unset) == Success(Config())


NO_TEXTS: dict[str, tuple[Any, str]] = {
    "a number": ({"TINKEX_TIMEOUT": 5}, "TINKEX_TIMEOUT"),
    "bytes": ({"TINKER_API_KEY": b"tml-key"}, "TINKER_API_KEY"),
    "no mapping": (None, "variables"),
}


@pytest.mark.parametrize(("environment", "setting"), NO_TEXTS.values(), ids=NO_TEXTS)
def test_what_is_no_environment_is_refused(environment: Any, setting: str) -> None:
    assert Config.from_env(environment).failure().setting == setting


READ: dict[str, tuple[str, dict[str, Any]]] = {
    "TINKER_CREDENTIAL_CMD": ("cat key", {"credential_cmd": "cat key"}),
    "TINKER_LOG": ("DEBUG", {"log": "debug"}),
    "TINKER_TELEMETRY": ("yes", {"telemetry": True}),
    "CLOUDFLARE_ACCESS_CLIENT_ID": ("id", {"cloudflare_access_client_id": "id"}),
    "TINKEX_BEARER": ("on", {"bearer": True}),
    "TINKEX_PARITY": ("Python", {"parity": "python"}),
    "TINKEX_DIALECT": ("json", {"dialect": "json"}),
    "TINKEX_PROXY": ("http://me:pw@proxy:1", {"proxy": "http://me:pw@proxy:1"}),
    "TINKEX_DEFAULT_HEADERS": ('{"A": "x=1, y"}', {"default_headers": {"A": "x=1, y"}}),
    "TINKEX_DEFAULT_QUERY": ("a=1, b=2=3", {"default_query": {"a": "1", "b": "2=3"}}),
    "TINKEX_TIMEOUT": ("1.5", {"timeout": 1.5}),
    "TINKEX_POOL_SIZE": ("7", {"max_connections": 7}),
    "TINKEX_CHECK_CAPABILITIES": ("off", {"check_capabilities": False}),
    "TINKEX_CIRCUIT_FAILURES": ("5", {"circuit_failures": 5}),
}


@pytest.mark.parametrize(("name", "text", "settings"), [(name, *case) for name, case in READ.items()], ids=READ)
def test_a_variable_is_read_into_its_setting(name: str, text: str, settings: dict[str, Any]) -> None:
    assert Config.from_env({name: text}) == Success(Config(**settings))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TINKEX_BEARER", "perhaps"),
        ("TINKEX_TIMEOUT", "soon"),
        ("TINKEX_POOL_SIZE", "-1"),
        ("TINKEX_PROXY_HEADERS", "hush"),
    ],
)
def test_a_variable_that_cannot_be_read_is_named_and_not_shown(name: str, text: str) -> None:
    problem = Config.from_env({name: text}).failure()
    assert (problem.setting, text in repr(problem)) == (name, False)


CHOICES: dict[str, tuple[str, ...]] = {
    "TINKER_LOG": LEVELS,
    "TINKEX_PARITY": tuple(PROFILES),
    "TINKEX_DIALECT": get_args(Dialect),
    "TINKEX_TRANSPORT": TRANSPORTS,
}


@pytest.mark.parametrize(("name", "words"), CHOICES.items())
def test_the_form_of_a_variable_names_every_word_that_it_may_be(name: str, words: tuple[str, ...]) -> None:
    (form,) = (variable.form for variable in VARIABLES if variable.name == name)
    assert re.findall(r"\w+", form.replace(" or ", " ")) == list(words)
    assert [word for word in words if not isinstance(Config.from_env({name: word}), Success)] == []


WORDS = {"TINKER_LOG": "debug", "TINKEX_PARITY": "beam", "TINKEX_TRANSPORT": "httpx", "TINKEX_DIALECT": "json"}


@pytest.mark.parametrize(("name", "word"), WORDS.items())
def test_the_case_of_a_word_is_of_no_matter_wherever_it_comes_from(name: str, word: str) -> None:
    setting = name.partition("_")[2].lower()
    given: dict[str, Any] = {setting: word.upper()}
    expected: dict[str, Any] = {setting: word}
    assert Config(**given).checked() == Config.from_env({name: word.upper()}) == Success(Config(**expected))


def test_telemetry_is_on_only_after_a_clear_yes() -> None:
    assert Config.from_env({"TINKER_TELEMETRY": "perhaps"}) == Success(Config(telemetry=False))


@pytest.mark.parametrize(
    ("parity", "numbers"),
    [
        ("tinkex", (11, 60, 10, 2000)),
        ("python", (11, 60, 5, 1000)),
        ("elixir", (3, 120, 10, 1000)),
        ("beam", (3, 120, 10, 1000)),
    ],
)
def test_a_profile_has_the_numbers_of_its_client(parity: str, numbers: tuple[float, ...]) -> None:
    found = Config(parity=parity)
    assert (found.max_attempts, found.read_timeout, found.connect_timeout, found.max_connections) == numbers


def test_what_is_given_wins_over_a_profile() -> None:
    given = Config(parity="elixir", read_timeout=7.0)
    assert (given.read_timeout, given.max_attempts) == (7.0, 3)
    assert structs.replace(given, project_id="p").read_timeout == 7.0
    assert structs.replace(Config(), parity="beam").max_attempts == 3


@pytest.mark.parametrize("before", PROFILES)
@pytest.mark.parametrize("after", PROFILES)
def test_numbers_of_a_profile_give_way_to_those_of_another(before: str, after: str) -> None:
    assert Config(parity=before).changed({"parity": after}) == Config(parity=after)
    given = Config(parity=before, max_attempts=7, project_id="p")
    assert given.changed({"parity": after}) == Config(parity=after, max_attempts=7, project_id="p")
    assert given.changed({"project_id": "q"}) == Config(parity=before, max_attempts=7, project_id="q")


@pytest.mark.parametrize("config", [None, Config(parity="elixir", max_connections=7)], ids=["environment", "config"])
def test_a_profile_given_to_a_client_wins_over_that_of_its_settings(
    config: Config | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINKEX_PARITY", "elixir")
    monkeypatch.setenv("TINKEX_POOL_SIZE", "7")
    monkeypatch.delenv("TINKEX_TRANSPORT", raising=False)
    with ServiceClient(config, base_url="http://server.test", api_key=KEY, parity="python") as service:
        used = service.context.config
    assert used == Config(base_url="http://server.test", api_key=KEY, parity="python", max_connections=7)


class Choice(str, Enum):  # noqa: UP042 - one that `str` calls by another name
    """A text that `str` calls by another name."""

    KEY = KEY
    TEXT = "a"


def test_texts_of_an_enumeration_are_texts() -> None:
    config = Config(
        api_key=Choice.KEY, default_query={Choice.TEXT: Choice.TEXT}, tags=(Choice.TEXT,), project_id=Choice.TEXT
    )
    pairs = config.default_query.items()
    kept = (config.api_key, *(each for pair in pairs for each in pair), *config.tags, config.project_id)
    assert list(map(str, kept)) == [KEY, "a", "a", "a", "a"]


def test_nothing_shows_a_secret() -> None:
    config = Config(
        api_key=KEY,
        credential_cmd="echo hush",
        cloudflare_access_client_secret="hush",
        default_headers={"CF-Access-Client-Secret": "hush"},
        default_query={"token": "hush"},
        proxy="http://me:pass@proxy.test",
        proxy_headers={"Proxy-Authorization": "hush"},
        base_url="https://me:pass@a.test",
    )
    shown = f"{config!r} {config!s} {list(config.__rich_repr__())}"
    assert not [secret for secret in (KEY, "hush", "pass") if secret in shown]
    assert "api_key=None, credential_cmd=None" in repr(Config())
    assert [mask(secret) for secret in (None, "short", KEY)] == [None, "***", "tml-***cdef"]


@pytest.mark.parametrize("url", ["me:hush@a.test", "https://a.test/x@y:hush@b", "ftp://me:hush@a.test", "hush\n@"])
def test_an_address_shows_nothing_that_stands_before_an_at(url: str) -> None:
    refused = Config(base_url=url).checked()
    assert "hush" not in f"{Config(base_url=url)!r} {refused!r}"


SEEN: dict[str, tuple[str, str]] = {
    "a key": ("tml-s3cr3t", "***"),
    "a key in a query": ("http://h.test/a?key=s3cr3t", "http://h.test***"),
    "a key for a port": ("http://h.test:s3cr3t", "http://h.test***"),
    "a key behind a space": ("http://h.test s3cr3t", "***"),
    "a password in a query": ("http://h.test?u:p@s3cr3t", "***"),
    "another scheme": ("ftp://s3cr3t", "***"),
    "brackets": ("http://[s3cr3t", "***"),
    "no host": ("http://", "***"),
    "a host without a name": ("http://a..b", "http://a..b"),
}


@pytest.mark.parametrize(("url", "seen"), SEEN.values(), ids=SEEN)
@pytest.mark.parametrize("setting", ["base_url", "proxy"])
def test_of_a_wrong_address_only_the_host_is_seen(setting: str, url: str, seen: str) -> None:
    given: dict[str, Any] = {setting: url}
    config = Config(**given)
    refused = config.checked().failure()
    assert (refused.setting, refused.value, dict(config.__rich_repr__())[setting]) == (setting, seen, seen)
    assert refused.message.startswith(f"{setting} is {seen}: ")
    assert "s3cr3t" not in f"{config!r} {refused!r}"


@pytest.mark.parametrize("host", ["a..b", ".a.test", ".", "a" * 64, f"{'a' * 64}.test"])
def test_a_host_that_no_name_server_can_be_asked_for_is_refused(host: str) -> None:
    assert Config(base_url=f"http://{host}/").checked().failure().setting == "base_url"


@pytest.mark.parametrize("host", ["a.test.", "a_b", "[::1]:8000", "127.0.0.1", "b\u00fccher.test", "A.test"])
def test_any_other_host_may_be_asked(host: str) -> None:
    assert isinstance(Config(base_url=f"http://{host}/").checked(), Success)


@pytest.mark.parametrize("variable", ["TINKEX_DEFAULT_HEADERS", "TINKEX_PROXY_HEADERS"])
def test_a_line_in_the_place_of_a_header_is_not_shown(variable: str) -> None:
    refused = Config.from_env({variable: "Authorization: Basic aHVzaA=="})
    assert (isinstance(refused, Failure), "aHVzaA" in repr(refused)) == (True, False)
    assert "aHVzaA" not in repr(Config(default_headers={"Authorization: Basic aHVzaA": "="}))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no number": ({"timeout": float("nan")}, "timeout is nan, which is no number: give a number of seconds"),
    "a number beyond all": ({"timeout": 2**2000}, "timeout is 11"),
    "no integer": ({"max_attempts": 2.5}, "max_attempts is 2.5: give an integer of 64 bits"),
    "an integer beyond all": ({"max_attempts": 2**64}, "max_attempts is 18446744073709551616: give an integer"),
    "a truth value": ({"max_attempts": True}, "max_attempts is of the kind bool: give an integer"),
    "a text for a number": ({"timeout": "tml-s3cr3t"}, "timeout is of the kind str: give a number"),
    "half a pair": ({"project_id": "\ud800"}, "project_id is a text with half a surrogate pair, which can't be sent: "),
    "half a pair in a list": ({"tags": ["a", "\ud800"]}, "tags is a text with half a surrogate pair, which"),
    "half a pair in a query": ({"default_query": {"a": "\ud800"}}, "default_query is a text with half a surrogate"),
    "half a pair in a name": ({"default_query": {"\ud800": "a"}}, "default_query is a text with half a surrogate"),
    "half a pair in metadata": ({"user_metadata": {"a": "\ud800"}}, "user_metadata is a text with half a surr"),
    "a number in a list": ({"tags": ["a", 1]}, "tags is of the kind tuple: give a list of texts"),
    "a decimal": ({"timeout": Decimal(5)}, "timeout is of the kind Decimal: give a number"),
}


@pytest.mark.parametrize(("settings", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_setting_is_said(settings: dict[str, Any], message: str) -> None:
    refused = Config(**settings).checked().failure()
    assert (refused.message[: len(message)], "s3cr3t" in repr(refused)) == (message, False)


def test_the_embedded_engine_needs_no_address() -> None:
    assert (Config(base_url="local:").local, Config().local) == (True, False)
    assert isinstance(Config(base_url="local:/tmp/x").checked(), Success)
    assert "base_url='local:/tmp/x'" in repr(Config(base_url="local:/tmp/x"))


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "scheme": ({"base_url": "ftp://a.test"}, "base_url"),
    "no host": ({"base_url": "https://"}, "base_url"),
    "port": ({"base_url": "http://a.test:x"}, "base_url"),
    "port 0": ({"base_url": "http://a.test:0"}, "base_url"),
    "query": ({"base_url": "http://a.test/?q"}, "base_url"),
    "password": ({"base_url": "http://me:pass@a.test"}, "base_url"),
    "key": ({"api_key": "tml-\n"}, "api_key"),
    "empty key": ({"api_key": ""}, "api_key"),
    "header name": ({"default_headers": {"a b": "c"}}, "default_headers"),
    "header value": ({"default_headers": {"a": "ü"}}, "default_headers"),
    "number": ({"timeout": 0}, "timeout"),
    "optional number": ({"load_timeout": -1}, "load_timeout"),
    "profile": ({"parity": "ruby"}, "parity"),
    "transport": ({"transport": "pigeon"}, "transport"),
    "dialect": ({"dialect": "xml"}, "dialect"),
    "level": ({"log": "loud"}, "log"),
    "header with parentheses": ({"default_headers": {"x(a)": "c"}}, "default_headers"),
    "length of bodies": ({"default_headers": {"Content-Length": "5"}}, "default_headers"),
    "encoding of bodies": ({"proxy_headers": {"transfer-encoding": "chunked"}}, "proxy_headers"),
    "proxy": ({"proxy": "proxy:80"}, "proxy"),
    "proxy header": ({"proxy_headers": {"a:b": "c"}}, "proxy_headers"),
    "secret": ({"cloudflare_access_client_secret": "a\nb"}, "cloudflare_access_client_secret"),
    "purpose": ({"pool_sizes": {"fun": 1}}, "pool_sizes"),
    "pool": ({"pool_sizes": {"rest": 0}}, "pool_sizes['rest']"),
    "breaker": ({"circuit_reset": 0}, "circuit_reset"),
    "failures": ({"circuit_failures": -1}, "circuit_failures"),
    "not a number": ({"read_timeout": float("nan")}, "read_timeout"),
}


@pytest.mark.parametrize(("settings", "name"), BAD.values(), ids=BAD)
def test_an_unusable_setting_is_named(settings: dict[str, Any], name: str) -> None:
    refused = Config(**settings).checked()
    assert isinstance(refused, Failure)
    assert refused.failure().setting == name
    assert refused.failure().message.startswith(f"{name} is ")


def test_good_headers_pass() -> None:
    assert isinstance(Config(default_headers={"X-Extra": "", "Y": "1"}).checked(), Success)
    whole = Config(pool_sizes={"rest": 1}, circuit_failures=5, proxy="http://me:pw@proxy.test:3128")
    assert whole.checked() == Success(whole)


def test_an_integer_that_python_makes_no_text_of_is_refused_in_few_words() -> None:
    refused = Config(max_attempts=1 << 20_000).checked().failure()
    assert (refused.setting, refused.value) == ("max_attempts", "an integer of 20001 bits")


def test_every_setting_is_judged_by_its_kind() -> None:
    assert set(Config.__annotations__.values()) == set(KINDS)


class Mine(Config, frozen=True, kw_only=True):
    experiment: bytes = b""


def test_settings_of_ones_own_kind_are_judged_as_others_are() -> None:
    assert isinstance(Mine().checked(), Success)
    assert Mine(timeout=-1.0).checked() == Config(timeout=-1.0).checked()
    wrong: Any = "yes"
    assert Mine(telemetry=wrong).checked() == Config(telemetry=wrong).checked()
