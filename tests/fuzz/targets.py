"""What the fuzzer feeds: each takes any bytes, and must neither raise nor give anything but a value or a refusal."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import cache

from returns.result import Failure, Success

from tinkex_py.endpoints.promises import retrieve_future
from tinkex_py.endpoints.service import client_config
from tinkex_py.endpoints.steps import optim_step, submit_step
from tinkex_py.interpret import interpret
from tinkex_py.local.incoming import Held, incoming
from tinkex_py.local.routes import endpoints
from tinkex_py.local.server import Server
from tinkex_py.request import AnyRequest, Encoded, Pairs, Reply
from tinkex_py.types.credentials import Claims, claims
from tinkex_py.types.handles import read
from tinkex_py.types.paths import TinkerPath
from tinkex_py.types.sampling import SampleResponse
from tinkex_py.types.training import AdamParams, ForwardBackwardOutput, SaveWeightsResponse
from tinkex_py.wire.compression import unpacked

JSON, PROTOBUF = "application/json", "application/x-protobuf"
LIMIT = 1 << 16

REQUESTS: tuple[AnyRequest, ...] = (
    retrieve_future("r", "ForwardBackward", ForwardBackwardOutput),
    retrieve_future("r", "Sample", SampleResponse),
    retrieve_future("r", "SaveWeights", SaveWeightsResponse),
    retrieve_future("r", "OptimStep", optim_step(AdamParams()).returns),
    submit_step("optim_step", Encoded.of(JSON, b"{}")),
    client_config("0"),
)


def results_in_json(data: bytes) -> None:
    """Any body that calls itself JSON is a value or Undecodable."""
    _interpreted(200, JSON, data)


def results_in_protobuf(data: bytes) -> None:
    """Any body that calls itself protobuf is a value or Undecodable, lying lengths and all."""
    _interpreted(200, PROTOBUF, data)


def refusals(data: bytes) -> None:
    """Any body of any status is an error with a text; so is any Retry-After."""
    status = 400 + data[0] if data else 500
    wish = data[1:30].decode("latin-1")
    _interpreted(status, JSON, data[1:], (("retry-after", wish), ("retry-after-ms", wish), ("date", wish)))


def compressed_bodies(data: bytes) -> None:
    """What expands is cut at the limit, and what is broken is said to be."""
    for encoding in ("gzip", "deflate", "zstd", "gzip, zstd"):
        match unpacked(encoding, data, LIMIT):
            case Success(body):
                assert len(body) <= LIMIT
            case Failure(reason):
                assert reason


def paths(data: bytes) -> None:
    """What is read as a path says itself again."""
    text = data.decode("utf-8", "replace")
    match TinkerPath.parse(text):
        case Success(path):
            assert TinkerPath.parse(str(path)) == Success(path)
        case Failure(error):
            assert error.message


def server(data: bytes) -> None:
    """Any body for any endpoint is answered, and its work done, with a status that is no accident of ours."""
    method, pattern = _endpoints()[data[0] % len(_endpoints())] if data else ("POST", "/api/v1/create_session")
    content_type = PROTOBUF if data[1:2] >= b"\x80" else JSON
    body = data[2:]
    name = body[:12].decode("utf-8", "replace").replace("/", "_") or "x"
    target = f"{pattern.replace('*', name)}?limit={name}"
    found = _server().handle(incoming(method, target, (("content-type", content_type),), body))
    status = found.otherwise.status if isinstance(found, Held) else found.status
    assert 200 <= status < 500, (method, target, status)
    _server().work()


def _interpreted(status: int, content_type: str, body: bytes, headers: Pairs = ()) -> None:
    reply = Reply(status=status, headers=(("content-type", content_type), *headers), body=body)
    for request in REQUESTS:
        match interpret(request, reply):
            case Success(_):
                assert status < 400 or status in request.returns.statuses
            case Failure(error):
                assert error.message


@cache
def _endpoints() -> tuple[tuple[str, str], ...]:
    return tuple(endpoints())


@cache
def _server() -> Server:
    return Server(now=lambda: 1000.0)


def credentials(data: bytes) -> None:
    """Any middle of a JWT says something or nothing; any handle is one, or refused."""
    inside = urlsafe_b64encode(data).decode()
    assert isinstance(claims(f"eyJ.{inside}.x"), Claims | None)
    match read(inside):
        case Success(handle):
            assert isinstance(handle.session_id, str)
        case Failure(error):
            assert error.message


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (results_in_json, results_in_protobuf, refusals, compressed_bodies, paths, credentials, server)
}
SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "results_in_json": (
        b'{"status":"pending"}',
        b'{"error":"no","category":"user"}',
        b'{"loss_fn_output_type":"x","loss_fn_outputs":[{"a":{"data":[1.0],"dtype":"float32","shape":[1]}}],"metrics":{}}',
        b'{"sequences":[{"tokens":[1],"logprobs":[null],"stop_reason":"stop"}]}',
        b'{"type":"try_again","retry_after_ms":5}',
    ),
    "refusals": (b"\x1d7", b'\x00{"detail":[{"loc":["body","x"],"msg":"no"}]}', b"\x1dWed, 21 Oct 2015 07:28:00 GMT"),
    "credentials": (
        b'{"exp":1}',
        b"[" * 100_000,
        b'{"session_id":"s","sampling_session_id":"s:sample:0","holder":{"base_url":"http://a"}}',
    ),
    "paths": (b"tinker://run/weights/a", b"tinker://a:train:0/sampler_weights/b"),
    "server": (b'\x08\x00{"tags":[]}', b'\x12\x00{"model_id":"m","seq_id":1,"adam_params":{}}'),
}
