"""`tinkex auth`: the key that is stored on this machine, and whom it stands for."""

from __future__ import annotations

import socket
import sys

import click
from msgspec import structs
from returns.result import Failure, Success

from tinkex_py.auth import check_access
from tinkex_py.cli.invocation import Invocation, input_line, invoked
from tinkex_py.cli.options import Group
from tinkex_py.cli.tables import changed, show_one
from tinkex_py.clients.rest import RestClient
from tinkex_py.clients.service import ServiceClient
from tinkex_py.config import Config, mask
from tinkex_py.endpoints.keys import delete_api_key, get_api_key
from tinkex_py.errors import CapabilityMissing, NotFound, TinkerError, Unauthorized
from tinkex_py.outcome import Outcome
from tinkex_py.runtime.credentials import credentials_file, credentials_of, store_keys, stored_keys
from tinkex_py.types.console import CONSOLE
from tinkex_py.types.credentials import well_formed
from tinkex_py.types.keys import ApiKeyResponse
from tinkex_py.types.stored import GeneratedKey, ManualKey

_KEYS_PAGE = f"{CONSOLE}/keys"
_WORTHLESS = (Unauthorized, NotFound)
"""What a server says of a key that it doesn't know any more: there is nothing left to revoke."""


@click.group(cls=Group)
def auth() -> None:
    """The key that is stored on this machine, and whom it stands for."""


@auth.command()
@invoked
def login(invocation: Invocation) -> None:
    """Store an API key, which is typed unseen, read from standard input, or taken from --api-key-file.

    The server is asked whether it is one of its own. Every command then uses it where TINKER_API_KEY is not set.
    """
    settings = invocation.config()
    file = invocation.or_exit(credentials_file(settings))
    keys = invocation.or_exit(stored_keys(file))
    if keys.chosen is not None:
        invocation.stop(f"a key is stored already in {file} ({keys.chosen.name})", "run tinkex auth logout first")
    key = settings.api_key if invocation.options.api_key_file else _asked(invocation)
    if not key or not well_formed(key):
        invocation.stop("that is no API key: keys begin with tml-", f"copy one from {_KEYS_PAGE}, and try again")
    said = _checked(invocation, structs.replace(settings, api_key=key))
    name = said.name or f"tinkex-{socket.gethostname().split('.')[0]}"
    stored = ManualKey(key=key, name=name, note=said.note, details=said.details)
    invocation.or_exit(store_keys(file, keys.having(name, stored)))
    changed(invocation, f"Stored {mask(key)} ({name}) in {file}", {"name": name, "file": file})


@auth.command()
@invoked
def logout(invocation: Invocation) -> None:
    """Forget the stored key; one that a login made is revoked on the server too."""
    settings = invocation.config()
    file = invocation.or_exit(credentials_file(settings))
    keys = invocation.or_exit(stored_keys(file))
    chosen = keys.chosen
    if chosen is None or keys.default is None:
        invocation.stop(f"no key is stored in {file}", "nothing is left to do; TINKER_API_KEY is yours to unset")
    revoked = isinstance(chosen, GeneratedKey)
    if revoked:
        with RestClient(structs.replace(settings, api_key=chosen.key)) as rest:
            said = rest.execute(delete_api_key())
        if not isinstance(said, Failure) or not isinstance(said.failure(), _WORTHLESS):
            invocation.or_exit(said)
    invocation.or_exit(store_keys(file, keys.without(keys.default)))
    how = " and revoked" if revoked else f"; it still works: revoke it at {_KEYS_PAGE}"
    changed(invocation, f"Forgotten: {chosen.name}{how}", {"name": chosen.name, "revoked": revoked})


@auth.command()
@invoked
def status(invocation: Invocation) -> None:
    """Whether there is a credential and the server lets it in; status 1 when either is not so."""
    settings = invocation.config()
    invocation.check_directory(settings)
    credentials = Success(None) if settings.local else credentials_of(settings)
    available = isinstance(credentials, Success)
    problem = _access(settings) if available else credentials.failure()
    accessible = problem is None
    fields = {"Credentials available": available, "Tinker accessible": accessible}
    show_one(invocation, {"credentials_available": available, "accessible": accessible}, fields)
    if problem is not None:
        invocation.complain_of(problem)
        raise SystemExit(1)


@auth.command()
@invoked
def whoami(invocation: Invocation) -> None:
    """Whose key it is."""
    with invocation.client(RestClient) as rest:
        match rest.whoami():
            case Success(found):
                fields = {"email": found.email, "user": found.user_urn, "organization": found.org_urn}
                show_one(invocation, found, fields)
            case Failure(CapabilityMissing()):
                _of_key(invocation, invocation.or_exit(rest.execute(get_api_key())))
            case Failure(error):
                invocation.fail(error)


def _of_key(invocation: Invocation, said: ApiKeyResponse) -> None:
    """An opaque key says nothing itself: the server knows who made it."""
    email, organization = said.details.user_details.email, said.details.org_details.name
    value = {"email": email, "organization": organization, "key": said.name}
    show_one(invocation, value, value)


def _asked(invocation: Invocation) -> str:
    if sys.stdin is None or not sys.stdin.isatty():
        return input_line().removeprefix("\ufeff").strip()
    invocation.tell(f"Keys are made at {_KEYS_PAGE}; call this one tinkex-{socket.gethostname().split('.')[0]}")
    key: str = click.prompt("API key", hide_input=True, err=True)
    return key.strip()


def _checked(invocation: Invocation, settings: Config) -> ApiKeyResponse:
    """What the server says of the key; a server that can't say is asked whether it lets the key in."""
    with ServiceClient(settings) as service:
        said = service.execute(get_api_key())
        if isinstance(said, Failure) and isinstance(said.failure(), NotFound):
            invocation.or_exit(check_access(service))
            return ApiKeyResponse()
        return invocation.or_exit(said)


def _access(settings: Config) -> TinkerError | None:
    with ServiceClient(settings) as service:
        outcome: Outcome[None] = check_access(service)
    return outcome.failure() if isinstance(outcome, Failure) else None
