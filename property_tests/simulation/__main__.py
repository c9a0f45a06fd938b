"""`python -m property_tests.simulation`: many schedules, what happened in them, and whether broken runtimes show."""

# ruff: noqa: T201 - it prints

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field, structs
from returns.result import Failure

from property_tests.simulation.laws import broken
from property_tests.simulation.mutations import LIMIT, MUTATIONS, found
from property_tests.simulation.programs import Story, play
from property_tests.simulation.schedules import Schedule, from_seed
from tinkex_py.testing.faults import KINDS


class Tally(Struct, kw_only=True):
    """What happened in all schedules so far."""

    schedules: int = 0
    calls: int = 0
    exchanges: int = 0
    violations: int = 0
    faults: Counter[str] = field(default_factory=Counter[str])
    failures: Counter[str] = field(default_factory=Counter[str])

    def add(self, story: Story) -> None:
        """Count one more."""
        self.schedules += 1
        self.calls += len(story.taken)
        self.exchanges += len(story.network.carried)
        self.faults.update(story.network.happened)
        outcomes = (call.outcome for call in story.taken)
        self.failures.update(type(each.failure()).__name__ for each in outcomes if isinstance(each, Failure))


def soak(first: int, count: int) -> Tally:
    """Play so many schedules from that seed on; what breaks a law is shrunk and shown."""
    tally, begun = Tally(), time.monotonic()
    for seed in range(first, first + count):
        story = play(from_seed(seed))
        tally.add(story)
        violations = broken(story)
        if violations:
            tally.violations += 1
            _show(seed, violations)
        if tally.schedules % 500 == 0:
            pace = (time.monotonic() - begun) / tally.schedules
            print(f"{tally.schedules} schedules, {tally.violations} violations, {pace * 1000:.0f} ms each", flush=True)
    return tally


def shrunk(schedule: Schedule) -> Schedule:
    """The schedule without what it can lose and still break a law."""
    while True:
        smaller = next((each for each in _smaller(schedule) if broken(play(each))), None)
        if smaller is None:
            return schedule
        schedule = smaller


def _smaller(schedule: Schedule) -> Iterator[Schedule]:
    for place in range(len(schedule.acts)):
        yield structs.replace(schedule, acts=schedule.acts[:place] + schedule.acts[place + 1 :])
    for place in range(len(schedule.faults)):
        yield structs.replace(schedule, faults=schedule.faults[:place] + schedule.faults[place + 1 :])


def _show(seed: int, violations: Iterable[str]) -> None:
    print(f"seed {seed}:", *violations, sep="\n    ")
    print(f"    shrunk: {shrunk(from_seed(seed))}", flush=True)


def _table(head: tuple[str, str], rows: Mapping[str, int]) -> None:
    print(f"\n| {head[0]} | {head[1]} |\n| --- | ---: |")
    for name, times in rows.items():
        print(f"| {name} | {times:,} |")


def _mutate() -> bool:
    """Whether every mutation was found."""
    all_found = True
    print(f"\n| Mutation | Found by seed (of {LIMIT}) | Law |\n| --- | ---: | --- |")
    for name, mutation in MUTATIONS.items():
        result = found(mutation)
        all_found = all_found and result is not None
        seed, law = (None, "") if result is None else (result[0], result[1].partition(":")[0].replace("_", " "))
        print(f"| {name} | {'not found' if seed is None else seed} | {law} |", flush=True)
    return all_found


def _summary(tally: Tally, first: int) -> None:
    print(
        f"\n{tally.schedules:,} schedules from seed {first}: {tally.calls:,} calls, {tally.exchanges:,} exchanges, "
        f"{tally.violations} violations."
    )
    _table(("What happened", "Times"), {kind: tally.faults[kind] for kind in KINDS})
    _table(("Failure", "Outcomes"), dict(sorted(tally.failures.items())))


def main() -> int:
    """0 when no law was broken, and every mutation was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="play this one schedule, and tell its story")
    parser.add_argument("--mutations", action="store_true", help="only the check that broken runtimes are found")
    given = parser.parse_args()
    if given.seed is not None:
        return _one(given.seed)
    violations = 0
    if not given.mutations:
        tally = soak(given.first, given.count)
        violations = tally.violations
        _summary(tally, given.first)
    return 0 if _mutate() and not violations else 1


def _one(seed: int) -> int:
    schedule = from_seed(seed)
    story = play(schedule)
    print(schedule)
    for call in story.taken:
        print(call.index, call.act.work, call.outcome or call.raised)
    violations = broken(story)
    print(*violations, sep="\n")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
