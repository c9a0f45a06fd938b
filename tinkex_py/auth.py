"""Whether there is a credential, whether the server lets it in, and the token that it is worth."""

from __future__ import annotations

from collections.abc import Mapping

from returns.result import Failure, Success

from tinkex_py.clients.service import ServiceClient
from tinkex_py.config import Config
from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import MissingCredentials
from tinkex_py.outcome import Outcome, change, then
from tinkex_py.plans.effects import Plan, halt
from tinkex_py.plans.retry import call
from tinkex_py.plans.startup import Startup, presented
from tinkex_py.runtime.credentials import credentials_of
from tinkex_py.runtime.opening import from_environment
from tinkex_py.types.kinds import is_duration, optional
from tinkex_py.types.limits import Rule, broken


def has_credentials(environment: Mapping[str, str] | None = None) -> bool:
    """Whether a client of that environment, or of this process's own, would have a credential; nothing is sent or run.

    >>> has_credentials({"TINKER_API_KEY": "tml-0123456789abcdef"}), has_credentials({"TINKER_API_KEY": "wrong"})
    (True, False)
    """
    settings = from_environment() if environment is None else Config.from_env(environment)
    return isinstance(then(settings, credentials_of), Success)


def check_access(client: ServiceClient | None = None, *, timeout: float | None = None) -> Outcome[None]:
    """None when the server lets this client in. GET /api/v1/get_server_capabilities

    Unauthorized, Forbidden or PaymentRequired (402) come back at once: nothing here waits for an account to be settled.
    """
    if client is None:
        with ServiceClient() as own:
            return check_access(own, timeout=timeout)
    found = broken(_TIMEOUT, {"timeout": timeout})
    if found is not None:
        return Failure(found)
    answered = client.execute(call(get_server_capabilities(), client.context.policy(timeout)))
    return change(answered, lambda _: None)


def get_tinker_token(client: ServiceClient | None = None) -> Outcome[str]:
    """What requests present: the short-lived token where the server exchanges credentials, else the credential.

    A token that has less than a minute left is renewed first; where none is exchanged, a credential command runs. It is
    a secret: keep it out of logs.
    """
    if client is None:
        with ServiceClient() as own:
            return get_tinker_token(own)
    return client.execute(_presented(client.context.startup))


def _presented(startup: Startup) -> Plan[str]:
    credential = yield from presented(startup)
    if credential is None:
        return (yield from halt(MissingCredentials(message="the embedded engine needs no credential, and has none")))
    return credential


_TIMEOUT = (Rule("timeout", optional(is_duration), "give a number of seconds, or None for the client's own"),)
