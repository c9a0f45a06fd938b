"""Laws of settings: any environment is settings or a named problem, and no key is ever shown."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from returns.result import Failure, Success

from tinkex_py import Config
from tinkex_py.config.environment import VARIABLES, Variable
from tinkex_py.config.profiles import PROFILES, profile

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
