"""A token says whom it stands for; an opaque key doesn't."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from returns.result import Failure, Success

from tests.plans.scripted import Script, reply
from tinkex_py import Config, Outcome, errors
from tinkex_py.plans.authentication import Authentication
from tinkex_py.plans.identity import Identity, identified
from tinkex_py.plans.startup import Startup
from tinkex_py.types.credentials import Token


def jwt(**claims: str) -> str:
    return f"eyJ.{urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.x"


def startup(authentication: Authentication) -> Startup:
    return Startup(config=Config(base_url="http://server.test"), authentication=authentication)


def who(authentication: Authentication) -> Outcome[Identity]:
    return Script(reply(200, {})).run(identified(startup(authentication)))


def test_the_token_in_force_says_it() -> None:
    token = Token(jwt=jwt(sub="tml:organization_user:1", org_id="7", email="a@b.test"))
    assert who(Authentication(token=token)) == Success(
        Identity(user_urn="tml:organization_user:1", org_urn="tml:organization:7", email="a@b.test")
    )


def test_a_token_given_as_the_key_says_it() -> None:
    key = jwt(sub="u", iss="passport-prod", email="")
    assert who(Authentication(credential=key)) == Success(Identity(user_urn="u"))


@pytest.mark.parametrize("key", ["tml-opaque", jwt(sub="u", iss="somebody"), jwt(iss="passport-prod"), None])
def test_anything_else_says_nothing(key: str | None) -> None:
    outcome = who(Authentication(credential=key))
    assert isinstance(outcome, Failure)
    error = outcome.failure()
    assert isinstance(error, errors.CapabilityMissing)
    assert error.capability == "whoami"


def test_who_has_asked_for_the_credential_need_not_ask_again() -> None:
    asked: list[str] = []

    def source(preferred: str) -> Outcome[str]:
        asked.append(preferred)
        return Success(jwt(sub="u", iss="passport-prod"))

    begun = startup(Authentication(source=source))
    outcomes = [Script(reply(200, {})).run(identified(begun)) for _ in range(2)]
    assert (outcomes, len(asked)) == ([Success(Identity(user_urn="u"))] * 2, 1)
