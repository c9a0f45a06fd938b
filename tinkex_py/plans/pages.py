"""Lists that a server gives page by page: all of them, the first page, or the first N items. Pure.

A list ends at the total that the server counts, with a page that is short or says nothing new, or when enough is there.
A page begins where the one before ended, so what is added meanwhile moves items to the next page too, and they are
counted once; what is deleted meanwhile moves as many out of it, and they are missed.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from msgspec import Struct, structs

from tinkex_py.endpoints.checkpoints import list_user_checkpoints
from tinkex_py.endpoints.runs import list_training_runs
from tinkex_py.endpoints.sessions import list_sessions, search_sessions
from tinkex_py.plans.effects import Plan
from tinkex_py.plans.retry import Policy, call
from tinkex_py.request import Request
from tinkex_py.types.runs import AccessScope, Checkpoint, CheckpointsListResponse, Cursor, TrainingRun
from tinkex_py.types.runs import TrainingRunsResponse as Runs
from tinkex_py.types.sessions import ListSessionsResponse, SessionSearchRequest, SessionSummary

PageT = TypeVar("PageT")
ItemT = TypeVar("ItemT")


class Listing(Struct, Generic[PageT, ItemT], frozen=True):
    """A list: how a page of it is asked for (by limit and offset), what a page holds, and what an item is known by.

    `size` items are asked for at once.
    """

    ask: Callable[[int, int], Request[PageT]]
    items: Callable[[PageT], Sequence[ItemT]]
    key: Callable[[ItemT], Hashable]
    cursor: Callable[[PageT], Cursor | None]
    size: int = 100


def collected(
    listing: Listing[PageT, ItemT], policy: Policy, *, wanted: int | None = None, offset: int = 0
) -> Plan[tuple[ItemT, ...]]:
    """The items from `offset` on, `wanted` of them at most, none twice; each page is asked for within the policy."""
    got: dict[Hashable, ItemT] = {}
    reached, size = offset, listing.size if wanted is None else min(listing.size, wanted)
    while wanted is None or len(got) < wanted:
        page = yield from call(listing.ask(size, reached), policy)
        items, before = listing.items(page), len(got)
        for item in items:
            _ = got.setdefault(listing.key(item), item)
        reached += len(items)
        if len(got) == before or _ended(listing.cursor(page), size, len(items), reached):
            break
    return tuple(got.values())[:wanted]


def training_runs(access_scope: AccessScope = "owned", project_id: str | None = None) -> Listing[Runs, TrainingRun]:
    """Training runs, the last used first."""
    return Listing(
        lambda limit, offset: list_training_runs(
            limit=limit, offset=offset, access_scope=access_scope, project_id=project_id
        ),
        lambda page: page.training_runs,
        lambda run: run.training_run_id,
        lambda page: page.cursor,
    )


def user_checkpoints() -> Listing[CheckpointsListResponse, Checkpoint]:
    """The user's checkpoints of all runs."""
    return Listing(
        lambda limit, offset: list_user_checkpoints(limit=limit, offset=offset),
        lambda page: page.checkpoints,
        lambda checkpoint: checkpoint.tinker_path or (checkpoint.checkpoint_id, checkpoint.time),
        lambda page: page.cursor,
    )


def sessions(access_scope: AccessScope = "owned") -> Listing[ListSessionsResponse, str]:
    """Session ids."""
    return Listing(
        lambda limit, offset: list_sessions(limit=limit, offset=offset, access_scope=access_scope),
        lambda page: page.sessions,
        lambda session_id: session_id,
        lambda _: None,
    )


def found_sessions(
    search: SessionSearchRequest, policy: Policy, *, wanted: int | None = None
) -> Plan[tuple[SessionSummary, ...]]:
    """The sessions that a search finds from its cursor on, `wanted` of them at most; no page is asked for twice."""
    got: list[SessionSummary] = []
    asked = {search.cursor}
    while wanted is None or len(got) < wanted:
        page = yield from call(search_sessions(search), policy)
        got += page.sessions
        if page.next_cursor is None or page.next_cursor in asked:
            break
        asked.add(page.next_cursor)
        search = structs.replace(search, cursor=page.next_cursor)
    return tuple(got[:wanted])


def _ended(cursor: Cursor | None, asked: int, came: int, reached: int) -> bool:
    """Whether the list is over: a page is short against what was asked for, or what the server gives at most."""
    known = Cursor() if cursor is None else cursor
    full = min(asked, known.limit) if known.limit > 0 else asked
    return came < full or (known.total_count is not None and reached >= known.total_count)
