"""A server that computes nothing: fast answers of the protocol's shape, for measuring clients on loopback.

Every answer is made once and kept; a promise's id carries all that is needed to keep it. `GET /_stats` counts requests
and bytes, `POST /_config` takes the server's flags, `work_ms` and `checkpoints`.

`python -m tests.benchmarks.stub PORT` speaks plain HTTP/1.1 with little between the socket and the answer, so that the
server's own time is a small part of what a client waits; over TLS and HTTP/2 granian runs `app`: see `serving`.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from itertools import count
from typing import Any, cast

import httptools
import msgspec
import numpy as np
import uvloop
from typing_extensions import override

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Answer = tuple[bytes, bytes]

JSON, PROTOBUF = b"application/json", b"application/x-protobuf"
BASE_MODEL = "Qwen/Qwen3-8B"

_config: dict[str, Any] = {"client_config": {}, "work_ms": 0, "checkpoints": 2000}
_stats: Counter[str] = Counter()
_numbers = count(1)
_chance = np.random.default_rng(0)
_shapes: dict[str, tuple[int, ...]] = {}
_keys: dict[tuple[int, bytes], str] = {}


class _Chunk(msgspec.Struct):
    tokens: msgspec.Raw = msgspec.Raw(b"[]")


class _Input(msgspec.Struct):
    chunks: list[_Chunk]


class _Datum(msgspec.Struct):
    model_input: _Input


class _Data(msgspec.Struct):
    data: list[_Datum]


class _Batch(msgspec.Struct):
    forward_backward_input: _Data


class _Params(msgspec.Struct):
    max_tokens: int = 128


class _Sample(msgspec.Struct):
    num_samples: int
    sampling_params: _Params


class _Question(msgspec.Struct):
    request_id: str


_read_batch = msgspec.json.Decoder(_Batch).decode
_read_sample = msgspec.json.Decoder(_Sample).decode
_read_question = msgspec.json.Decoder(_Question).decode


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    out = bytearray()
    while number > 0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def block(field: int, payload: bytes) -> bytes:
    """A length-delimited field."""
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def blocks(message: memoryview) -> list[tuple[int, memoryview]]:
    """The length-delimited fields of a message; others are skipped."""
    found: list[tuple[int, memoryview]] = []
    at = 0
    while at < len(message):
        tag, at = _varint_at(message, at)
        value, at = _varint_at(message, at) if tag & 7 in {0, 2} else (0, at + (8 if tag & 7 == 1 else 4))
        if tag & 7 == 2:
            found.append((tag >> 3, message[at : at + value]))
            at += value
    return found


def _varint_at(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _lengths(body: bytes, content_type: bytes) -> tuple[int, ...]:
    """Tokens of each datum."""
    if content_type != PROTOBUF:
        data = _read_batch(body).forward_backward_input.data
        return tuple(sum(bytes(chunk.tokens).count(b",") + 1 for chunk in each.model_input.chunks) for each in data)
    data_blocks = [each for field, each in blocks(memoryview(body)) if field == 3]
    return tuple(
        sum(
            len(ids) // 4
            for field, chunk in blocks(each)
            if field == 1
            for _, text in blocks(chunk)
            for _, ids in blocks(text)
        )
        for each in data_blocks
    )


def _key(body: bytes, content_type: bytes) -> str:
    """A batch's shape, read once for all bodies of the same length."""
    known = (len(body), content_type)
    if known not in _keys:
        shape = _lengths(body, content_type)
        _keys[known] = f"{len(shape)}x{sum(shape)}x{abs(hash(shape))}"
        _shapes[_keys[known]] = shape
    return _keys[known]


def _logprobs(length: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (-_chance.exponential(1.0, length)).astype(np.float32)


@cache
def _outputs(key: str, *, protobuf: bool) -> Answer:
    shape = _shapes[key]
    if not protobuf:
        rows = [{"logprobs": {"data": _logprobs(n).tolist(), "dtype": "float32", "shape": [n]}} for n in shape]
        output = {"loss_fn_output_type": "ArrayRecord", "loss_fn_outputs": rows, "metrics": {"loss:sum": 1.5}}
        return JSON, msgspec.json.encode(output)
    offsets = (np.concatenate([[0], np.cumsum(shape)]).astype(np.int64) * 4).tobytes()
    tensor = block(1, _logprobs(sum(shape)).tobytes()) + block(2, offsets) + b"\x18\x01"
    record = (
        block(1, b"ArrayRecord") + block(2, block(1, b"logprobs") + block(2, tensor)) + b"\x18" + varint(len(shape))
    )
    metric = block(1, b"loss:sum") + b"\x11" + struct.pack("<d", 1.5)
    return PROTOBUF, block(1, b"ArrayRecord") + block(2, record) + block(3, metric)


@cache
def _samples(sequences: int, length: int, *, protobuf: bool) -> Answer:
    ids = [_chance.integers(0, 150_000, length, dtype=np.int32) for _ in range(sequences)]
    if protobuf:
        each = (b"\x08\x01" + block(2, row.tobytes()) + block(3, _logprobs(length).tobytes()) for row in ids)
        return PROTOBUF, b"".join(block(1, sequence) for sequence in each)
    drawn = [{"stop_reason": "length", "tokens": row.tolist(), "logprobs": _logprobs(length).tolist()} for row in ids]
    return JSON, msgspec.json.encode({"type": "sample", "sequences": drawn})


def _checkpoint(number: int) -> dict[str, Any]:
    name = f"weights/step-{number:06d}"
    return {
        "checkpoint_id": name,
        "checkpoint_type": "training",
        "time": f"2026-01-{1 + number % 28:02d}T{number % 24:02d}:{number % 60:02d}:00.123456Z",
        "tinker_path": f"tinker://0b1c2d3e-1111-2222-3333-444455556666:train:0/{name}",
        "size_bytes": 123_456_789 + number,
        "public": False,
    }


@cache
def _checkpoints(how_many: int) -> bytes:
    return msgspec.json.encode({"checkpoints": [_checkpoint(number) for number in range(how_many)]})


_RUN = msgspec.json.encode(
    {
        "training_run_id": "run-1",
        "base_model": BASE_MODEL,
        "model_owner": "benchmark",
        "is_lora": True,
        "lora_rank": 32,
        "last_request_time": "2026-01-01T00:00:00.123456Z",
        "last_checkpoint": _checkpoint(1),
        "last_sampler_checkpoint": _checkpoint(2),
        "user_metadata": {"a": "b"},
    }
)


def _promise(kind: str, spec: str, more: str = "") -> bytes:
    return f'{{"request_id":"{kind}~{spec}~{next(_numbers)}~{time.monotonic():.4f}"{more}}}'.encode()


def _asample(body: bytes, _content_type: bytes) -> bytes:
    asked = _read_sample(body)
    ids = ",".join(f'"sequence-{index}"' for index in range(asked.num_samples))
    return _promise("s", f"{asked.num_samples}x{asked.sampling_params.max_tokens}", f',"sample_sequence_ids":[{ids}]')


def _create_model(body: bytes, _content_type: bytes) -> bytes:
    asked = msgspec.json.decode(body)
    return _promise("c", f"{asked['session_id']}:train:{asked['model_seq_id']}")


def _info(body: bytes, _content_type: bytes) -> bytes:
    data = {"arch": "qwen3", "model_name": BASE_MODEL, "tokenizer_id": BASE_MODEL}
    known = {"model_id": msgspec.json.decode(body)["model_id"], "model_data": data, "is_lora": True, "lora_rank": 32}
    return msgspec.json.encode({**known, "model_name": BASE_MODEL, "type": "get_info"})


_CAPABLE = {"model_name": BASE_MODEL, "max_context_length": 65_536, "trainable": True, "sampleable": True}
_FIXED: dict[str, bytes] = {
    "client/dynamic_config": b"{}",
    "session_heartbeat": b"{}",
    "telemetry": b'{"status":"accepted"}',
    "get_server_capabilities": msgspec.json.encode({"supported_models": [_CAPABLE]}),
    "training_runs/run-1": _RUN,
}
_MADE: dict[str, Callable[[bytes, bytes], bytes]] = {
    "client/config": lambda _body, _type: msgspec.json.encode(_config["client_config"]),
    "create_session": lambda _body, _type: b'{"session_id":"session-%d"}' % next(_numbers),
    "create_sampling_session": lambda _body, _type: b'{"sampling_session_id":"sampler-%d"}' % next(_numbers),
    "create_model": _create_model,
    "get_info": _info,
    "asample": _asample,
    "forward_backward": lambda body, content_type: _promise("f", _key(body, content_type)),
    "optim_step": lambda _body, _type: _promise("o", ""),
    "training_runs/run-1/checkpoints": lambda _body, _type: _checkpoints(_config["checkpoints"]),
}


def _kept(request_id: str, *, protobuf: bool) -> Answer:
    """What a promise holds."""
    kind, spec, *_ = request_id.split("~")
    match kind:
        case "s":
            sequences, _, length = spec.partition("x")
            return _samples(int(sequences), int(length), protobuf=protobuf)
        case "f":
            return _outputs(spec, protobuf=protobuf)
        case "c":
            return JSON, b'{"model_id":"%s"}' % spec.encode()
        case _:
            return JSON, b'{"metrics":{"grad_norm:mean":0.1}}'


async def _retrieve(body: bytes, accept: bytes) -> Answer:
    request_id = _read_question(body).request_id
    left = float(request_id.rpartition("~")[2]) + _config["work_ms"] / 1e3 - time.monotonic()
    if _config["work_ms"] and left > 0:
        await asyncio.sleep(left)
    return _kept(request_id, protobuf=b"x-protobuf" in accept)


def _control(path: str, body: bytes) -> bytes | None:
    if path == "/_config":
        _config.update(msgspec.json.decode(body))
    if path == "/_stats":
        return msgspec.json.encode(_stats)
    return b"{}" if path == "/_config" else None


async def _answered(path: str, headers: Mapping[bytes, bytes], body: bytes) -> tuple[int, Answer]:
    name = path.removeprefix("/api/v1/")
    _stats[name] += 1
    if name == "retrieve_future":
        return 200, await _retrieve(body, headers.get(b"accept", b""))
    made = _MADE.get(name)
    found = _FIXED.get(name) if made is None else made(body, headers.get(b"content-type", b""))
    found = _control(path, body) if found is None else found
    return (404, (JSON, b'{"detail":"not found"}')) if found is None else (200, (JSON, found))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    parts: list[bytes] = []
    more = scope["type"] == "http"
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    status, (content_type, out) = await _answered(scope["path"], dict(scope["headers"]), b"".join(parts))
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(out))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": out})


class Connection(asyncio.Protocol):
    """A connection over plain HTTP/1.1; answers leave in one piece."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._path = b""
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports behave as asyncio's, without being derived from them.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._path, self._headers, self._parts = b"", {}, []

    def on_url(self, part: bytes) -> None:
        """Part of its address."""
        self._path += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        self._headers[name.lower()] = value

    def on_body(self, part: bytes) -> None:
        """Part of its body."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """All of it is there."""
        path, _, _ = self._path.decode().partition("?")
        task = asyncio.get_running_loop().create_task(self._answer(path, self._headers, b"".join(self._parts)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, path: str, headers: Mapping[bytes, bytes], body: bytes) -> None:
        status, (content_type, out) = await _answered(path, headers, body)
        front = b"HTTP/1.1 %d -\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, content_type, len(out))
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines([front, out])


async def serve(port: int) -> None:
    """Serve on loopback until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
