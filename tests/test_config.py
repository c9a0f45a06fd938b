"""Settings are a value with nothing secret in it that shows."""

from __future__ import annotations

from typing import Any

import pytest
from returns.result import Failure, Success

from tinkex_py import Config
from tinkex_py.config import DEFAULT_BASE_URL, mask

KEY = "tml-0123456789abcdef"


def test_the_environment_is_read_and_empty_is_unset() -> None:
    environment = {"TINKER_API_KEY": KEY, "TINKER_BASE_URL": "", "TINKER_PROJECT_ID": "p", "TINKER_TAGS": "a, b,"}
    expected = Config(api_key=KEY, base_url=DEFAULT_BASE_URL, project_id="p", tags=("a", "b"))
    assert Config.from_env(environment) == Success(expected)
    assert Config.from_env({}) == Success(Config())


def test_nothing_shows_a_secret() -> None:
    config = Config(api_key=KEY, default_headers={"CF-Access-Client-Secret": "hush"}, base_url="https://me:pass@a.test")
    shown = f"{config!r} {config!s} {list(config.__rich_repr__())}"
    assert not [secret for secret in (KEY, "hush", "pass") if secret in shown]
    assert [mask(secret) for secret in (None, "short", KEY)] == [None, "***", "tml-***cdef"]


@pytest.mark.parametrize("url", ["me:hush@a.test", "https://a.test/x@y:hush@b", "ftp://me:hush@a.test", "hush\n@"])
def test_an_address_shows_nothing_that_stands_before_an_at(url: str) -> None:
    refused = Config(base_url=url).checked()
    assert "hush" not in f"{Config(base_url=url)!r} {refused!r}"


def test_the_embedded_engine_needs_no_address() -> None:
    assert (Config(base_url="local:").local, Config().local) == (True, False)
    assert isinstance(Config(base_url="local:/tmp/x").checked(), Success)


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
