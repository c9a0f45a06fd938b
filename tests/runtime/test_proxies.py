"""The environment's proxy is gone through where it should be, and passed by where it should not."""

from __future__ import annotations

import pytest

from tinkex_py.config import Config
from tinkex_py.runtime.proxies import proxy_for, proxy_shown

PROXY = "http://me:pass@proxy.test:3128"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", PROXY)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://server.test:8000/a", "other, server.test"),
        ("http://server.test:8000/a", "server.test:8000"),
        ("http://server.test/a", "server.test:80"),
        ("http://gpu.server.test:8000", ".server.test:8000"),
        ("http://10.1.2.3:8000", "172.16.0.0/12, 10.0.0.0/8"),
        ("http://10.1.2.3:8000", "10.1.2.3:8000"),
        ("http://[fd00::1]:8000", "fd00::1"),
        ("http://[fd00::1]:8000", "[fd00::1]"),
        ("http://[fd00::1]:8000", "[fd00::1]:8000"),
        ("http://[fd00::1]:8000", "fd00::/8"),
        ("http://server.test", "*"),
    ],
)
def test_what_no_proxy_names_is_asked_directly(url: str, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", names)
    assert (proxy_for(Config(), url), proxy_shown(Config(), url)) == (None, None)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("http://server.test:8000", "server.test:9000"),
        ("http://server.test", "10.0.0.0/8"),
        ("http://11.1.2.3", "10.0.0.0/8"),
        ("http://10.1.2.3", "10.0.0.0/99"),
        ("http://[fd00::1]", "10.0.0.0/8"),
        ("http://server.test", ""),
    ],
)
def test_what_it_does_not_name_goes_through_the_proxy(url: str, names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", names)
    assert proxy_for(Config(), url) == PROXY
    assert proxy_shown(Config(), url) == "http://***@proxy.test:3128"


def test_the_proxy_of_the_settings_is_gone_through_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for(Config(proxy="http://own.test:1"), "http://server.test") == "http://own.test:1"


def test_what_is_no_address_has_no_proxy() -> None:
    assert (proxy_for(Config(), "http://a:b"), proxy_shown(Config(), "http://[a")) == (None, None)
