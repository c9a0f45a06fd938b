"""Which encoding a server reads batches in: found out once, before a step of the user is at stake. Pure.

A tiny batch for a model that can't exist is sent in protobuf. An answer of one who read it settles the matter, as does
a refusal of the encoding. A bare 500 may come of a server that stumbles over protobuf or of one that is unwell, so the
same is then asked in JSON; when neither is read again and again, JSON is tried, and nothing is remembered.
"""

from __future__ import annotations

from msgspec import Struct, field
from returns.result import Failure, Success

from tinkex_py.config import Config
from tinkex_py.endpoints.steps import forward_backward_of_nobody
from tinkex_py.errors import TinkerError
from tinkex_py.outcome import Outcome
from tinkex_py.plans.effects import Plan, attempt, require, sleep
from tinkex_py.plans.once import Once
from tinkex_py.plans.retry import Policy, backoff, call
from tinkex_py.plans.startup import Startup, flags
from tinkex_py.types.batch import Dialect

_ROUNDS = 3


class Dialects(Struct, kw_only=True):
    """What is known of the servers' dialects, by address; `known` may be shared by all clients of a process."""

    config: Config
    known: dict[str, Dialect]
    startup: Startup | None = None
    """Where the server's flags are known from; None takes the defaults."""
    asking: Once[Dialect, TinkerError] = field(default_factory=Once[Dialect, TinkerError])

    @property
    def found(self) -> Dialect | None:
        """The dialect that is set, or that was found out, of this client's server."""
        return self.config.dialect or self.known.get(self.config.base_url)

    def forget(self) -> None:
        """The server refused the dialect that it was found to speak: ask anew when it matters next."""
        _ = self.known.pop(self.config.base_url, None)
        self.asking.forget()


def dialect_of(dialects: Dialects) -> Plan[Dialect]:
    """The server's dialect; whoever asks first finds it out, a failure to do so is not kept."""
    if dialects.found is not None:
        return dialects.found
    return (yield from require((yield from dialects.asking.ask(lambda: _found_out(dialects)))))


def compresses(dialects: Dialects) -> Plan[bool]:
    """Whether the server asks for compressed batches."""
    if dialects.startup is None:
        return False
    return (yield from flags(dialects.startup)).proto_compress_fwdbwd


def _found_out(dialects: Dialects) -> Plan[Outcome[Dialect]]:
    outcome = yield from attempt(_settled(dialects.config))
    if isinstance(outcome, Failure):
        return outcome
    settled = outcome.unwrap()
    if settled is None:
        dialects.asking.forget()
        return Success("json")
    dialects.known[dialects.config.base_url] = settled
    return Success(settled)


def _settled(config: Config) -> Plan[Dialect | None]:
    policy = Policy(seconds=config.timeout, attempts=config.max_attempts)
    for asked in range(1, _ROUNDS + 1):
        dialect = yield from _asked(policy)
        if dialect is not None:
            return dialect
        yield from sleep(backoff(policy, asked))
    return None


def _asked(policy: Policy) -> Plan[Dialect | None]:
    """The dialect by the answers to a batch in either; None when they tell nothing."""
    protobuf = yield from call(forward_backward_of_nobody("protobuf"), policy)
    if protobuf != "unclear":
        return "protobuf" if protobuf == "read" else "json"
    json = yield from call(forward_backward_of_nobody("json"), policy)
    if json != "unclear":
        return "json" if json == "read" else "protobuf"
    return None
