"""`tinkex doctor`: which server this is, what it can do, and what there is to mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import click
from msgspec import Struct
from returns.result import Failure, Success
from rich.markup import escape

from tinkex_py import errors
from tinkex_py.cli.complaints import remedy
from tinkex_py.cli.display import harmless
from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command
from tinkex_py.cli.probes import Found, abilities, probe, skew, unknown, vintage
from tinkex_py.cli.tables import Column, Table, show
from tinkex_py.clients.service import ServiceClient
from tinkex_py.config import Config, mask
from tinkex_py.config.masking import shown
from tinkex_py.errors import TinkerError
from tinkex_py.runtime.credentials import credentials_file, credentials_of
from tinkex_py.runtime.opening import IN_PROCESS
from tinkex_py.version import PROTOCOL_VERSION

State: TypeAlias = Literal["good", "note", "bad"]

_SKEWED = 30.0
"""Seconds that clocks may differ before short-lived tokens suffer."""
_SLOW = 0.5
"""Seconds of a small question from which on a server is slow."""
_FEW = 4
"""Models that are named."""
_MARKS = {"good": "[green]good[/]", "note": "[yellow]note[/]", "bad": "[red]bad [/]"}


_ELSEWHERE = "look at --base-url or TINKER_BASE_URL: what answers there is no Tinker server"
_UNREACHED: Mapping[type[TinkerError], str] = {
    errors.NotFound: _ELSEWHERE,
    errors.UnexpectedStatus: _ELSEWHERE,
    errors.Undecodable: _ELSEWHERE,
    errors.ConnectionFailed: "look at --base-url or TINKER_BASE_URL, at the network, and at a proxy on the way",
    errors.DeadlineExceeded: "look whether the server is well, and at the network",
    errors.Unauthorized: "check TINKER_API_KEY, or run tinkex auth login",
}
"""What to do where a server gives no access, of causes whose usual advice is to ask the doctor."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at: how it is, and what to do if it isn't good."""

    about: str
    state: State
    finding: str
    to_do: str | None = None


FINDINGS: Table[Finding] = Table(
    key="findings",
    columns={
        "about": Column(lambda each: each.about),
        "state": Column(lambda each: each.state),
        "finding": Column(lambda each: each.finding),
        "to_do": Column(lambda each: each.to_do),
    },
    usual=("about", "state", "finding", "to_do"),
)


@click.command(cls=Command)
@invoked
def doctor(invocation: Invocation) -> None:
    """Look at the settings and the server, and say what there is to mend. Takes ten seconds at most.

    It tells which server answers and what it speaks, where the credential comes from, how far the clocks are apart,
    which models there are, how long an answer takes, and what the server lacks. Nothing is changed. Status 1 when
    something is bad.
    """
    settings = invocation.settings()
    with ServiceClient(settings) as service:
        findings = list(_findings(settings, service))
    if invocation.format == "table" and invocation.out.is_terminal:
        _print(invocation, findings)
    else:
        show(invocation, FINDINGS, findings)
    if any(each.state == "bad" for each in findings):
        raise SystemExit(1)


def _findings(config: Config, service: ServiceClient) -> Iterator[Finding]:
    """Of the settings that were asked for: a client that can't work with them has others."""
    where = "the embedded engine, in this process" if _embedded(config) else f"{shown('base_url', config.base_url)}"
    yield Finding(about="server", state="good", finding=where)
    yield _credential(config)
    found = probe(service)
    match found.capabilities:
        case Failure(error):
            to_do = _UNREACHED.get(type(error)) or remedy(error)
            yield Finding(about="access", state="bad", finding=error.message, to_do=to_do)
            return
        case Success(capabilities):
            yield _latency(found)
            yield from _clock(found)
            yield _dialect(found)
            yield Finding(
                about="vintage",
                state="good",
                finding=f"{vintage(found) or 'unknown'} or later; this client speaks {PROTOCOL_VERSION}",
            )
            yield _models([each.model_name or "" for each in capabilities.supported_models])
            yield from _lacking(found)


def _embedded(config: Config) -> bool:
    return config.local or config.base_url == IN_PROCESS


def _credential(config: Config) -> Finding:
    if _embedded(config):
        return Finding(about="credential", state="good", finding="none, and the embedded engine needs none")
    match credentials_of(config):
        case Failure(error):
            return _bad("credential", error)
        case Success(credentials):
            file = credentials_file(config).value_or(config.credentials_file)
            places = {"stored": f"in {file}", "command": "printed by the credential command"}
            where = places.get(credentials.origin(), "in TINKER_API_KEY or --api-key-file")
            match credentials():
                case Success(credential):
                    return Finding(about="credential", state="good", finding=f"{mask(credential)}, {where}")
                case Failure(error):
                    return _bad("credential", error)


def _latency(found: Found) -> Finding:
    if found.latency is None:
        return Finding(about="latency", state="note", finding="a small question got no answer", to_do="try again")
    slow = found.latency > _SLOW
    way = "look at the network, or at a proxy on the way" if slow else None
    return Finding(
        about="latency", state="note" if slow else "good", finding=f"{1000 * found.latency:.1f} ms", to_do=way
    )


def _clock(found: Found) -> Iterator[Finding]:
    ahead = skew(found)
    if ahead is not None:
        wrong = abs(ahead) > _SKEWED
        said = (
            f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the server's" if wrong else "as the server's"
        )
        to_do = "set this machine's clock: short-lived tokens depend on it" if wrong else None
        yield Finding(about="clock", state="bad" if wrong else "good", finding=said, to_do=to_do)


def _dialect(found: Found) -> Finding:
    match found.dialect:
        case Success(dialect):
            return Finding(about="dialect", state="good", finding=f"batches are sent as {dialect}")
        case Failure(error):
            return Finding(about="dialect", state="note", finding=error.message, to_do=remedy(error))


def _models(names: list[str]) -> Finding:
    if not names:
        return Finding(about="models", state="note", finding="the server lists none", to_do="ask its operators")
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return Finding(about="models", state="good", finding=f"{len(names)}: {', '.join(names[:_FEW])}{more}")


def _lacking(found: Found) -> Iterator[Finding]:
    for each in abilities():
        outcome = found.abilities[each.name]
        if unknown(outcome):
            said = f"not there (known since {each.since})"
            yield Finding(about=each.name, state="note", finding=said, to_do=f"nothing: {each.without}")
        elif isinstance(outcome, Failure):
            error = outcome.failure()
            yield Finding(about=each.name, state="note", finding=error.message, to_do=remedy(error))


def _bad(about: str, error: TinkerError) -> Finding:
    return Finding(about=about, state="bad", finding=error.message, to_do=remedy(error))


def _print(invocation: Invocation, findings: list[Finding]) -> None:
    width = max(len(each.about) for each in findings)
    for each in findings:
        line = f"{_MARKS[each.state]}  {each.about:<{width}}  {escape(harmless(each.finding))}"
        invocation.out.print(line, highlight=False, soft_wrap=True)
        if each.to_do is not None:
            way = f"      {'':<{width}}  [dim]what to do: {escape(harmless(each.to_do))}[/]"
            invocation.out.print(way, highlight=False, soft_wrap=True)
