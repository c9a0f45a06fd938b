"""The runtime broken on purpose, in ways that clients have been broken in: the laws have to notice each.

Each mutation is a name and what is put in the place of what, for as long as it lasts.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any, TypeVar
from unittest.mock import patch

from returns.result import Failure

from property_tests.simulation.laws import broken, undisturbed
from property_tests.simulation.programs import play
from property_tests.simulation.schedules import from_seed
from tinkex_py.errors import TransportError
from tinkex_py.plans import batches, retry
from tinkex_py.plans.batches import Cut
from tinkex_py.plans.effects import Plan, attempt, random_bits, require
from tinkex_py.plans.polling import Waiting
from tinkex_py.plans.runs import Run
from tinkex_py.request import AnyRequest, Pairs, Reply
from tinkex_py.runtime import http

T = TypeVar("T")

LIMIT = 500
"""Schedules within which a mutation has to be found."""


def number_taken_before_encoding(run: Run, *args: Any, prepare: Callable[..., Plan[Cut]], **kwargs: Any) -> Plan[Cut]:
    """A batch that can't be encoded leaves a hole in the numbers."""
    outcome = yield from attempt(prepare(run, *args, **kwargs))
    run.next_number += isinstance(outcome, Failure)
    return (yield from require(outcome))


def new_key_per_resend(
    request: AnyRequest, headers: Pairs, count: int = 1, *, answered: Callable[..., Plan[Reply | TransportError]]
) -> Plan[Reply | TransportError]:
    """A server can't tell a repetition from a new command."""
    anew = f"key-{yield from random_bits()}"
    renamed = tuple((name, anew if name == "x-idempotency-key" else text) for name, text in headers)
    return (yield from answered(request, renamed, count))


def no_deadline_on_polling(waiting: Waiting, begun: float, at: float) -> float:
    """Waiting for a result never ends by itself."""
    del waiting, begun, at
    return inf


def failed_chunk_keeps_the_turn(run: Run, cut: Cut, *, put: Callable[[Run, Cut], Plan[T]]) -> Plan[T]:
    """Everything after it waits for ever."""
    outcome = yield from attempt(put(run, cut))
    if isinstance(outcome, Failure):
        _ = run.queue.enter()
    return (yield from require(outcome))


def key_sent_across_a_redirect(url: str) -> str:
    """Every address seems to be the configured one."""
    del url
    return "anywhere"


@dataclass(frozen=True)
class Mutation:
    """What is replaced, and by what."""

    place: object
    name: str
    replacement: Callable[..., Any]

    @contextmanager
    def alive(self) -> Generator[None]:
        """The runtime with this mistake in it."""
        with patch.object(self.place, self.name, self.replacement):
            yield


MUTATIONS: Mapping[str, Mutation] = {
    "number taken before encoding": Mutation(
        batches, "prepared", partial(number_taken_before_encoding, prepare=batches.prepared)
    ),
    "new idempotency key per resend": Mutation(retry, "answered", partial(new_key_per_resend, answered=retry.answered)),
    "no deadline on polling": Mutation(Waiting, "left", no_deadline_on_polling),
    "failed chunk keeps the turn": Mutation(batches, "put", partial(failed_chunk_keeps_the_turn, put=batches.put)),
    "key sent across a redirect": Mutation(http, "_origin", key_sent_across_a_redirect),
}


def found(mutation: Mutation, first: int = 0) -> tuple[int, str] | None:
    """The seed of the first schedule that shows the mistake, and the law it breaks; None when none does."""
    undisturbed.cache_clear()
    with mutation.alive():
        for seed in range(first, first + LIMIT):
            violations = broken(play(from_seed(seed)))
            if violations:
                return seed, violations[0]
    undisturbed.cache_clear()
    return None
