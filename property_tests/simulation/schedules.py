"""Random programs and what happens to them, from any source of choices: a seed, or hypothesis, which shrinks."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias, TypeVar

from hypothesis import strategies as st
from msgspec import Struct, structs

from tinkex_py.testing.faults import KINDS, Fault, Kind
from tinkex_py.types.batch import Dialect

T = TypeVar("T")

Work: TypeAlias = Literal[
    "backward", "batch", "forward", "step", "save", "load", "sample", "sampler", "faulty", "close"
]
"""Steps of a trainer (a `batch` is cut into three chunks, a `faulty` one is refused before it is sent), samples of a
base model or of a trainer's weights, or the end of the client in the middle of everything."""


class Act(Struct, frozen=True, kw_only=True):
    """One call: of which trainer, whether the program waits for it, what time it gets, when it is cancelled."""

    work: Work
    trainer: int = 0
    waits: bool = False
    timeout: float | None = None
    cancel: float | None = None


class Schedule(Struct, frozen=True, kw_only=True):
    """A program, and what happens to each of its exchanges after the first `calm` ones; `endless` to all after those.

    `chunk` is how many data the server takes at once.
    """

    acts: tuple[Act, ...] = ()
    faults: tuple[Fault, ...] = ()
    endless: Fault | None = None
    trainers: int = 1
    chunk: int = 2
    dialect: Dialect | None = "json"
    parallel: bool = False
    circuit: int = 0
    calm: int = 0
    seed: int = 0


class Choose(Protocol):
    """One of some options."""

    def __call__(self, options: Sequence[T], /) -> T:
        """That one."""
        ...


def from_seed(seed: int) -> Schedule:
    """The schedule of that number: always the same."""
    chance = random.Random(seed)  # noqa: S311 - a schedule repeats
    return structs.replace(_schedule(chance.choice), seed=seed)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Any schedule, as hypothesis wants it: what comes first in a choice is simpler."""

    def choose(options: Sequence[T], /) -> T:
        return draw(st.sampled_from(options))

    return _schedule(choose)


def _schedule(choose: Choose) -> Schedule:
    trainers, count = choose((1, 1, 1, 2)), choose(range(1, 9))
    rarity = choose((1, 3, 0, 8))
    return Schedule(
        acts=tuple(_act(choose, trainers) for _ in range(count)),
        faults=tuple(_fault(choose, rarity) for _ in range(choose((0, 5, 10, 20, 40)))),
        endless=_made(choose, choose(_ENDLESS)) if choose((False,) * 9 + (True,)) else None,
        trainers=trainers,
        dialect=choose(_DIALECTS),
        parallel=choose((False, True)),
        circuit=choose((0, 0, 0, 0, 2)),
        calm=choose((0, 9, 14)),
    )


def _act(choose: Choose, trainers: int) -> Act:
    return Act(
        work=choose(_WORK),
        trainer=choose(range(trainers)),
        waits=choose((False, True)),
        timeout=choose((None, None, None, 5.0, 50.0)),
        cancel=choose((None,) * 9 + (0.0, 0.05, 3.0)),
    )


def _fault(choose: Choose, rarity: int) -> Fault:
    """Nothing in `rarity` of so many cases; what ends most programs happens less often."""
    nothing: tuple[Kind, ...] = ("nothing",)
    kind = choose((*nothing * rarity * len(KINDS), *_OFTEN * 4, *KINDS) if rarity else KINDS)
    return _made(choose, kind)


def _made(choose: Choose, kind: Kind) -> Fault:
    statuses = _AFTERWARDS if kind == "status afterwards" else _STATUSES
    return Fault(
        kind=kind,
        seconds=choose(_SECONDS[kind]) if kind in _SECONDS else 0.0,
        status=choose(statuses) if kind.startswith("status") else 503,
        retry_after=choose(_WISHES) if kind.startswith("status") else None,
    )


_DIALECTS: Sequence[Dialect | None] = ("json", "protobuf", None)
_USUAL: tuple[Work, ...] = (
    "backward",
    "step",
    "batch",
    "backward",
    "step",
    "save",
    "load",
    "forward",
    "sample",
    "sampler",
)
_ENDING: tuple[Work, ...] = ("faulty", "faulty", "close")
_WORK: Sequence[Work] = (*_USUAL * 4, *_ENDING)
_STATUSES = (503, 503, 429, 429, 500, 502, 504, 408, 409, 400, 401, 402, 403, 404, 410, 413, 415, 422, 418)
_AFTERWARDS = (503, 500, 502, 504, 408)
_WISHES = (None, None, "0", "2", "120")
_SECONDS: Mapping[Kind, Sequence[float]] = {
    "late": (0.1, 3.0, 15.0, 40.0),
    "overtaken": (0.05, 1.0, 8.0, 90.0),
    "leap": (5.0, 100.0, 7200.0),
    "wall clock": (-5000.0, 600.0, 5000.0),
}
_ENDLESS: Sequence[Kind] = ("pending", "refused", "silent", "status", "try again", "truncated")
_OFTEN: tuple[Kind, ...] = (
    *("late", "refused", "lost", "unanswered", "overtaken", "duplicated", "reset", "status afterwards"),
    *("pending", "try again"),
)
