"""How a recorded call is made on one of our clients, and what is taken of what it came to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from returns.result import Failure

from tests.replay.stage import Call, Stage


def rest(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on a REST client."""
    return asking(lambda client, _: call(client))


def asking(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a REST client that reads the recording."""

    async def made(stage: Stage) -> object:
        return await call(await stage.rest(), stage)

    return made


def admin(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on an admin client."""
    return administering(lambda client, _: call(client))


def administering(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on an admin client that reads the recording."""

    async def made(stage: Stage) -> object:
        return await call(await stage.admin(), stage)

    return made


def service(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A call on a service client whose session is open."""

    async def made(stage: Stage) -> object:
        return await call(await stage.ready())

    return made


def starting(call: Callable[[Any], Awaitable[object]]) -> Call:
    """A first call on a new service client."""

    async def made(stage: Stage) -> object:
        stage.begin()
        return await call(stage.service)

    return made


def training(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a training client, just before the recorded step."""

    async def made(stage: Stage) -> object:
        return await call(await stage.trainer(), stage)

    return made


def sampling(call: Callable[[Any, Stage], Awaitable[object]]) -> Call:
    """A call on a sampling client, just before the recorded sample."""

    async def made(stage: Stage) -> object:
        return await call(await stage.sampler(), stage)

    return made


async def opened(stage: Stage) -> object:
    """The session, as the first call that needs one opens it."""
    stage.begin()
    _ = await stage.session()
    return None


async def waited(stage: Stage, seconds: float) -> None:
    """A client that is left alone for a while after its session was opened."""
    _ = await stage.session()
    stage.begin()
    await asyncio.sleep(seconds)


async def closed(stage: Stage, *args: object, **kwargs: object) -> None:
    """A service client closed, its session with it."""
    _ = await stage.ready()
    await stage.service.close(*args, **kwargs)


async def made_by(creation: Awaitable[Any]) -> object:
    """The id of the model that a creation made."""
    return await mapped(creation, lambda trainer: trainer.model_id)


async def mapped(call: Awaitable[Any], function: Callable[[Any], Any]) -> object:
    """A part of what a call came to."""
    return (await call).map(function)


async def followed(call: Awaitable[Any], function: Callable[[Any], Awaitable[object]]) -> object:
    """What a call on what another made came to."""
    outcome = await call
    return outcome if _failed(outcome) else await function(outcome.unwrap())


def _failed(outcome: object) -> bool:
    return isinstance(outcome, Failure)


def informed(creation: Awaitable[Any]) -> Awaitable[object]:
    """What the server says of the model that a creation made."""
    return followed(creation, lambda trainer: trainer.get_info())


def named(creation: Awaitable[Any]) -> Awaitable[object]:
    """The base model of the sampling client that a creation made."""
    return followed(creation, lambda sampler: sampler.get_base_model())


async def done(call: Awaitable[Any]) -> object:
    """That a call succeeded, whatever its value."""
    return await mapped(call, lambda _: "ok")


async def ignored(call: Awaitable[object]) -> None:
    """A call of which only the requests were recorded."""
    _ = await call


async def each(*calls: Awaitable[object]) -> list[object]:
    """What several calls came to, one after the other."""
    return [await call for call in calls]


def submitted(*promises: Any) -> Awaitable[list[object]]:
    """What several submitted steps came to."""
    return each(*promises)


def last(*calls: Awaitable[object]) -> Awaitable[object]:
    """What the last of several calls came to."""

    async def made() -> object:
        return (await each(*calls))[-1]

    return made()


async def path_of(copying: Awaitable[Any]) -> object:
    """Where a copy went."""
    return await mapped(copying, lambda copied: getattr(copied, "tinker_path", copied))
