"""The two clients as their scenarios need them: the same names, and the few differences between them."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

BASE_MODEL = "Qwen/Qwen3-8B"

Use = Callable[[Any], Awaitable[None]]
"""What async code does with a sampling client."""


class Surface(Protocol):
    """A client under measurement: `types` has its values, `numpy_tokens` says whether prompts may be numpy arrays."""

    types: Any
    numpy_tokens: bool

    def value(self, answer: Any) -> Any:
        """What a future, a promise or an outcome holds."""
        ...

    def sampler(self) -> Any:
        """A client that samples from a base model."""
        ...

    def trainer(self) -> Any:
        """A client that trains."""
        ...

    def rest(self) -> Any:
        """A client of the REST endpoints."""
        ...

    def awaited(self, answer: Any) -> Any:
        """What an awaited answer holds."""
        ...

    def with_async_sampler(self, use: Use) -> None:
        """Run async code that has a sampling client."""
        ...


class Official:
    """The official SDK: futures, and exceptions."""

    numpy_tokens = False

    def __init__(self, url: str) -> None:
        os.environ.update(TINKER_API_KEY="tml-benchmark", TINKER_BASE_URL=url, TINKER_TELEMETRY="0")
        self.tinker: Any = importlib.import_module("tinker")
        self.types: Any = self.tinker.types
        self.service: Any = self.tinker.ServiceClient()

    def value(self, answer: Any) -> Any:
        """What a future holds."""
        return answer.result()

    def sampler(self) -> Any:
        """A client that samples from a base model."""
        return self.service.create_sampling_client(base_model=BASE_MODEL).result()

    def trainer(self) -> Any:
        """A client that trains."""
        return self.service.create_lora_training_client(base_model=BASE_MODEL).result()

    def rest(self) -> Any:
        """A client of the REST endpoints."""
        return self.tinker.RestClient()

    def awaited(self, answer: Any) -> Any:
        """The answer itself."""
        return answer

    def with_async_sampler(self, use: Use) -> None:
        """Run async code that has a sampling client."""

        async def program() -> None:
            await use(self.sampler())

        asyncio.run(program())


class Ours:
    """This client: promises, and outcomes."""

    numpy_tokens = True

    def __init__(self, url: str) -> None:
        os.environ.update(TINKER_API_KEY="tml-benchmark", TINKER_BASE_URL=url)
        self.types: Any = importlib.import_module("tinkex_py")
        self.service: Any = self.types.ServiceClient()

    def value(self, answer: Any) -> Any:
        """What a promise, or an outcome, holds."""
        return self.types.or_raise(answer.result() if hasattr(answer, "result") else answer)

    def sampler(self) -> Any:
        """A client that samples from a base model."""
        return self.value(self.service.create_sampling_client(base_model=BASE_MODEL))

    def trainer(self) -> Any:
        """A client that trains."""
        return self.value(self.service.create_lora_training_client(base_model=BASE_MODEL))

    def rest(self) -> Any:
        """A client of the REST endpoints."""
        return self.value(self.service.create_rest_client())

    def awaited(self, answer: Any) -> Any:
        """What an outcome holds."""
        return self.types.or_raise(answer)

    def with_async_sampler(self, use: Use) -> None:
        """Run async code that has a sampling client."""

        async def program() -> None:
            async with self.types.AsyncServiceClient() as service:
                await use(self.types.or_raise(await service.create_sampling_client(base_model=BASE_MODEL)))

        asyncio.run(program())


SURFACES: dict[str, Callable[[str], Surface]] = {"official": Official, "ours": Ours}
