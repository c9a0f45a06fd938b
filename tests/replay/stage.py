"""Where a recorded call is made again: our real clients in virtual time, brought to where the recording begins."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias

from msgspec import structs

from tests.replay.comparing import BASE, is_fields, recorded_body
from tests.replay.recorded import Recording
from tests.replay.server import Server
from tinkex_py import AdamParams, Datum, ModelInput, SamplingParams
from tinkex_py.clients.context import Context
from tinkex_py.clients.service import AsyncServiceClient
from tinkex_py.config import Config
from tinkex_py.plans.sessions import session_id
from tinkex_py.runtime.credentials import credentials_of
from tinkex_py.testing.simulation import simulate
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk
from tinkex_py.types.tensor import TensorData

MODEL = "Qwen/Qwen3-8B"
SETTLING = 5.0
"""Seconds in which what follows a call must have been sent; less than a heartbeat's interval."""


class Stage:
    """One client, and the server that plays the recording to it.

    Clients are `Any` here: the recordings call by the official names, and a name that is missing is for the judge.
    """

    def __init__(self, service: Any, server: Server) -> None:
        self.service = service
        self.server = server
        self.recording = server.recording
        self.context: Context = service.context

    def begin(self) -> None:
        """From here on, requests are the recording's."""
        self.server.recorded = True

    async def session(self) -> object:
        """Open the session, as the first call that needs one does."""
        return await self.service.execute(session_id(self.context.session))

    async def trainer(self) -> Any:
        """A model in training just before its first recorded step."""
        _, model = self._first(r"(session-\d+):train:(\d+)", default=0)
        trainers = [(await self.service.create_lora_training_client(MODEL)).unwrap() for _ in range(model + 1)]
        for _ in range(self._number("seq_id", 1) - 1):
            _ = (await trainers[-1].optim_step(AdamParams())).unwrap()
        for _ in range(self._number("sampling_session_seq_id", 0)):
            _ = (await self.service.create_sampling_client(base_model=MODEL)).unwrap()
        self.begin()
        return trainers[-1]

    async def sampler(self) -> Any:
        """A sampling session just before its first recorded sample."""
        _, index = self._first(r"(session-\d+):sample:(\d+)", default=0)
        samplers = [(await self.service.create_sampling_client(base_model=MODEL)).unwrap() for _ in range(index + 1)]
        for _ in range(self._number("seq_id", 0)):
            _ = (await samplers[-1].sample(ModelInput.from_ints([1]), 1, SamplingParams(max_tokens=1))).unwrap()
        self.begin()
        return samplers[-1]

    async def ready(self) -> Any:
        """A service with an open session, just before the recording's first model or sampler."""
        _ = await self.session()
        for _ in range(self._number("model_seq_id", 0)):
            _ = (await self.service.create_lora_training_client(MODEL)).unwrap()
        for _ in range(self._number("sampling_session_seq_id", 0)):
            _ = (await self.service.create_sampling_client(base_model=MODEL)).unwrap()
        self.begin()
        return self.service

    async def rest(self) -> Any:
        """A REST client; it needs nothing before its first call."""
        self.begin()
        return (await self.service.create_rest_client()).unwrap()

    async def admin(self) -> Any:
        """An admin client."""
        self.begin()
        return (await self.service.create_admin_client()).unwrap()

    def bodies(self, operation: str) -> list[Any]:
        """The recorded bodies of an operation, in the order of their numbers."""
        found = [
            recorded_body(each.request)
            for each in self.recording.exchanges
            if each.request.path.removeprefix("/api/v1/") == operation
        ]
        return sorted(found, key=lambda body: body.get("seq_id", 0))

    def data(self, rounds: int = 1) -> list[Datum]:
        """The recorded batch as our values, whole again; of the first of several rounds."""
        bodies = self.bodies("forward_backward") or self.bodies("forward")
        first = bodies[: len(bodies) // rounds]
        return [datum_of(each) for body in first for each in _batch(body)["data"]]

    def _number(self, name: str, default: int) -> int:
        bodies = [recorded_body(each.request) for each in self.recording.exchanges]
        return min((int(body[name]) for body in bodies if is_fields(body) and name in body), default=default)

    def _first(self, pattern: str, default: int) -> tuple[str, int]:
        found = re.search(pattern, " ".join(str(recorded_body(each.request)) for each in self.recording.exchanges))
        return (self.server.session, default) if found is None else (found[1], int(found[2]))


Call: TypeAlias = Callable[[Stage], Awaitable[object]]


def played(recording: Recording, call: Call, config: Config, user_metadata: Mapping[str, str]) -> tuple[Server, object]:
    """The server after the call was made and what followed it was sent, and what the call came to."""
    server = Server(recording)

    async def program(service: AsyncServiceClient) -> object:
        result = await call(Stage(service, server))
        for _ in range(10):
            if server.unused:
                await asyncio.sleep(SETTLING / 10)
        return result

    settings, source = structs.replace(config, base_url=BASE), credentials_of(config).unwrap()
    return server, simulate(program, server, config=settings, user_metadata=user_metadata, source=source)


def _batch(body: dict[str, Any]) -> dict[str, Any]:
    batch: dict[str, Any] = body.get("forward_backward_input") or body.get("forward_input") or body
    return batch


def datum_of(recorded: dict[str, Any]) -> Datum:
    """A recorded datum of either encoding as ours."""
    given = recorded["model_input"]
    parts = [chunk_of(each) for each in (given["chunks"] if is_fields(given) else given)]
    return Datum(ModelInput(parts), {name: tensor_of(each) for name, each in recorded["loss_fn_inputs"].items()})


def chunk_of(recorded: dict[str, Any]) -> Any:
    """A recorded chunk of either encoding as ours."""
    match recorded:
        case {"encoded_text": {"tokens": tokens}} | {"tokens": tokens}:
            return EncodedTextChunk(tokens)
        case {"encoded_text": _}:
            return EncodedTextChunk([])
        case {"type": "image", "data": data}:
            return ImageChunk(b64decode(data), recorded["format"], recorded.get("expected_tokens"))
        case {"type": "image_asset_pointer"}:
            return ImageAssetPointerChunk(recorded["format"], recorded["location"], recorded.get("expected_tokens"))
        case {"image": image}:
            return ImageChunk(bytes.fromhex(image["data"]), image["format"], image.get("expected_tokens"))
        case {"dmel": {"dmel": data}}:
            return DmelChunk(bytes.fromhex(data))
        case _:
            raise AssertionError(recorded)


def tensor_of(recorded: dict[str, Any]) -> TensorData:
    """A recorded tensor of either encoding as ours."""
    dtype: Literal["int64", "float32"] = "int64" if recorded["dtype"] in {2, "int64"} else "float32"
    sparse = recorded.get("sparse_csr")
    if sparse is not None:
        return TensorData(sparse["values"], dtype, recorded["shape"], sparse["crow_indices"], sparse["col_indices"])
    return TensorData(recorded.get("data", recorded.get("dense", [])), dtype, recorded.get("shape"))
