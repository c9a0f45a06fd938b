"""What may happen to an exchange between a client and a server, as values, and where each may happen. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct
from msgspec.structs import asdict

from tinkex_py.request import Reply
from tinkex_py.types.kinds import is_duration, is_text, is_whole, one_of, optional
from tinkex_py.types.limits import Rule, broken

Kind: TypeAlias = Literal[
    "nothing",
    "late",
    "refused",
    "lost",
    "silent",
    "unanswered",
    "overtaken",
    "duplicated",
    "reset",
    "truncated",
    "status",
    "status afterwards",
    "proxy",
    "compressed refusal",
    "page",
    "garbage",
    "flood",
    "elsewhere",
    "pending",
    "try again",
    "expired",
    "dialect",
    "leap",
    "wall clock",
    "restarted",
    "restored",
]
"""What happens:

* `nothing`, or the exchange is `late`;
* the connection is `refused`; the request is `lost` and the connection breaks; or it is `silent`, and breaks when the
  client has waited long enough;
* the server takes the request and the answer is lost (`unanswered`); or the connection breaks first and the request
  arrives later, when it may be `overtaken` by others; or it arrives twice (`duplicated`);
* half of the answer's body comes, with the connection `reset`, or `truncated` as if that were all;
* something between answers with a `status`, before the server took the request or `afterwards`; with a `proxy`'s empty
  400, or a `compressed refusal`; with a `page` for people, or `garbage` that calls itself JSON; with a `flood`
  of `FLOOD` bytes; with a redirect `elsewhere`;
* a question for a result is answered `pending`, `try again` or `expired`; a batch that its `dialect` isn't read;
* the client's machine sleeps, so that its clock does a `leap`, or the server's `wall clock` is set to another time;
* the server takes the request and is `restarted` before it answers, its models gone; or `restored` besides to what it
  had before its last checkpoint.
"""
KINDS: tuple[Kind, ...] = get_args(Kind)

QUESTIONS = frozenset({"pending", "try again", "expired"})
"""The kinds that happen to questions for a result only."""
BATCHES = frozenset({"dialect"})
"""The kinds that happen to batches only."""


def _is_status(value: object) -> bool:
    return is_whole(value, 200, 599)


_RULES = (
    Rule("kind", one_of(*KINDS), f"there are {', '.join(KINDS)}"),
    Rule("seconds", is_duration, "give a number of seconds"),
    Rule("status", _is_status, "give a status from 200 to 599"),
    Rule("retry_after", optional(is_text), "give a text, as a header has it"),
)
ELSEWHERE = "http://elsewhere.test"
FLOOD = 1 << 20


class Fault(Struct, frozen=True, kw_only=True):
    """What happens to one exchange, with the `seconds` that it is about, and a status with its Retry-After.

    ValueError for what can't happen, such as a kind that there isn't: a test in which nothing happens would tell
    nothing.
    """

    kind: Kind = "nothing"
    seconds: float = 0.0
    status: int = 503
    retry_after: str | None = None

    def __post_init__(self) -> None:
        problem = broken(_RULES, asdict(self))
        if problem is not None:
            raise ValueError(problem.message)

    def concerns(self, path: str) -> bool:
        """Whether it can happen to a request of that path."""
        if self.kind in QUESTIONS:
            return path.endswith("/retrieve_future")
        return self.kind not in BATCHES or path.endswith(("/forward_backward", "/forward"))

    @property
    def instead(self) -> Reply | None:
        """The answer that comes in the place of the server's, if there is one."""
        if self.kind in {"status", "status afterwards"}:
            return _status(self.status, self.retry_after)
        return _INSTEAD.get(self.kind)


def _status(status: int, retry_after: str | None) -> Reply:
    wish = () if retry_after is None else (("retry-after", retry_after),)
    return Reply(status=status, headers=(_JSON, *wish), body=b'{"detail": "something between says so"}')


_JSON = ("content-type", "application/json")
_HTML = ("content-type", "text/html")
_INSTEAD: Mapping[str, Reply] = {
    "proxy": Reply(status=400),
    "compressed refusal": Reply(
        status=400, headers=(_JSON, ("content-encoding", "gzip")), body=gzip.compress(b'{"detail": "no"}', mtime=0)
    ),
    "page": Reply(status=200, headers=(_HTML,), body=b"<html><body>Sign in to the network</body></html>"),
    "garbage": Reply(status=200, headers=(_JSON,), body=b"\x00\xff{]"),
    "flood": Reply(status=200, headers=(_JSON,), body=b" " * FLOOD),
    "elsewhere": Reply(status=307, headers=(("location", f"{ELSEWHERE}/api/v1/there"),)),
    "pending": Reply(status=200, headers=(_JSON,), body=b'{"status": "pending"}'),
    "try again": Reply(
        status=200,
        headers=(_JSON,),
        body=b'{"type": "try_again", "queue_state": "paused_capacity", "queue_state_reason": "so many others"}',
    ),
    "expired": Reply(status=410, headers=(_JSON,), body=b'{"detail": "the result is not kept any more"}'),
    "dialect": Reply(status=415, headers=(_JSON,), body=b'{"detail": "this server does not read that"}'),
}
