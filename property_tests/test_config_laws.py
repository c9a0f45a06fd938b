"""Laws of settings: any environment is settings or a named problem, and no key is ever shown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from returns.result import Failure, Success

from tinkex_py import Config

NAMES = ["TINKER_BASE_URL", "TINKER_API_KEY", "TINKER_PROJECT_ID", "TINKER_TAGS", "PATH"]
ADDRESSES = st.text() | st.text("htps:/.@[]?#0x ", max_size=12) | st.sampled_from(["local:", "http://[::1]:80/a"])
PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)


@given(st.dictionaries(st.sampled_from(NAMES), ADDRESSES))
def test_any_environment_is_read(environment: dict[str, str]) -> None:
    match Config.from_env(environment):
        case Success(config):
            assert config.checked() == Success(config)
        case Failure(problem):
            assert problem.message.startswith(problem.setting)


@given(st.text(PRINTABLE, min_size=8, max_size=80).map("tml-".__add__))
def test_no_secret_shows(secret: str) -> None:
    config = Config(api_key=secret, default_headers={"X-Secret": secret})
    assert secret not in f"{config} {config!r} {config.__rich_repr__()} {config.checked()}"
