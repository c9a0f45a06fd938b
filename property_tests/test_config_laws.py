"""Laws of settings: any environment is settings or a named problem, and no key is ever shown."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from returns.result import Failure, Success

from property_tests.anything import ANYTHING, NUMBERS
from tinkex_py import Config, Outcome, ServiceClient
from tinkex_py.config.environment import VARIABLES, Variable
from tinkex_py.config.masking import MASKED
from tinkex_py.config.profiles import PROFILES, profile
from tinkex_py.types import FrozenMapping, GetServerCapabilitiesResponse

NAMES = [*(variable.name for variable in VARIABLES), "PATH"]
ADDRESSES = st.text() | st.text("htps:/.@[]?#0x ", max_size=12) | st.sampled_from(["local:", "http://[::1]:80/a"])
PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.dictionaries(st.sampled_from(NAMES), ADDRESSES))
def test_any_environment_is_read(environment: dict[str, str]) -> None:
    match Config.from_env(environment):
        case Success(config):
            assert config.checked() == Success(config)
        case Failure(problem):
            assert problem.message.startswith(problem.setting)


@given(st.sampled_from(VARIABLES), st.text())
def test_no_variable_is_shown_when_it_cannot_be_used(variable: Variable, text: str) -> None:
    secret = f"hush{text}hush"
    match Config.from_env({variable.name: secret}):
        case Failure(problem) if variable.setting in {"api_key", "proxy_headers", "default_headers"}:
            assert secret not in repr(problem)
        case _:
            pass


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "read_timeout": st.floats(0.1, 1e6),
        "connect_timeout": st.floats(0.1, 1e6),
        "max_attempts": st.integers(1, 99),
        "max_connections": st.integers(1, 9999),
        "tags": st.lists(st.text()),
        "user_metadata": st.dictionaries(st.text(), st.text()),
    },
)


@given(st.sampled_from(list(PROFILES)), SETTINGS)
def test_settings_are_the_given_ones_then_the_profile_s_then_the_defaults(parity: str, given: dict[str, Any]) -> None:
    config, usual = Config(parity=parity, **given), Config()
    for name, number in profile(parity).items():
        wanted = given.get(name, getattr(usual, name))
        assert getattr(config, name) == (number if wanted == getattr(usual, name) else wanted)
    assert structs.replace(config) == config
    assert hash(structs.replace(config)) == hash(config)


@given(st.sampled_from(["parity", "transport", "dialect", "log"]), st.text(PRINTABLE, min_size=12, max_size=80))
def test_no_secret_shows_in_the_place_of_a_choice(setting: str, text: str) -> None:
    given_: dict[str, Any] = {setting: f"tml-{text}"}
    config = Config(**given_)
    secret = str(getattr(config, setting))
    problem = config.checked().failure()
    assert problem.setting == setting
    assert not re.search(re.escape(secret), f"{config} {config!r} {problem}", re.IGNORECASE)


@given(st.text(PRINTABLE, min_size=8, max_size=80).map("tml-".__add__))
def test_no_secret_shows(secret: str) -> None:
    config = Config(
        api_key=secret,
        credential_cmd=secret,
        cloudflare_access_client_secret=secret,
        proxy_headers={"X-Secret": secret},
        default_headers={"X-Secret": secret},
    )
    assert secret not in f"{config} {config!r} {config.__rich_repr__()} {config.checked()}"


BEFORE = st.sampled_from(["", "/", "ftp://", "http:", "http://h?", "http://h/a#", "http://h ", "http://h:", "//h?a="])
AFTER = st.sampled_from(["", "/", "?", "@", "@h", "?@h", " ", ":80", "\n"])


@given(st.sampled_from(["base_url", "proxy"]), BEFORE, st.text(PRINTABLE, min_size=8, max_size=80), AFTER)
def test_no_secret_in_an_address_shows(setting: str, before: str, secret: str, after: str) -> None:
    given_: dict[str, Any] = {setting: f"{before}tml-{secret}{after}"}
    config = Config(**given_)
    assert f"tml-{secret}" not in f"{config!s} {config.__rich_repr__()}"
    match config.checked():
        case Failure(problem):
            assert f"tml-{secret}" not in f"{problem.message} {problem.value}"
        case Success(same):
            assert same is config


@given(st.sampled_from(Config.__struct_fields__), NUMBERS | ANYTHING)
def test_a_setting_of_any_kind_is_usable_or_refused_by_name(name: str, value: object) -> None:
    config = Config(**{name: value})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    assert name in repr(config)
    match config.checked():
        case Success(same):
            assert same is config
            assert type(getattr(config, name)) in {int, float, bool, str, tuple, FrozenMapping, type(None)}
        case Failure(problem):
            assert problem.setting.startswith(name)
            assert isinstance(asked_of(ServiceClient(config)), Failure)


@given(st.sampled_from(["config", "base_url", "api_key", "observers", "transport", "poll_backoff", "parity"]), ANYTHING)
def test_a_client_can_be_made_of_anything(argument: str, value: object) -> None:
    given_: dict[str, Any] = {"base_url": "http://127.0.0.1:1", "api_key": "tml-key", "observers": [], argument: value}
    assert isinstance(asked_of(ServiceClient(**given_)), Failure)


@given(st.sampled_from(sorted(MASKED)), st.sampled_from([b"hush", ["hush"], {1: b"hush"}]))
def test_no_secret_shows_in_a_wrong_place(name: str, value: object) -> None:
    config = Config(**{name: value})  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - on purpose
    assert "hush" not in f"{config!r} {config.checked()!r}"


def asked_of(client: ServiceClient) -> Outcome[GetServerCapabilitiesResponse]:
    """What comes of asking a server that isn't there."""
    with client:
        return client.get_server_capabilities(timeout=0.01)
