"""Batches in protobuf as a server reads them: views of the bytes that came. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from returns.result import Failure, Success

from tinkex_py.outcome import Outcome
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import Datum, PromptProvenanceSpan, ProvenanceSpan, SampledProvenanceSpan
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageChunk, ModelInput, ModelInputChunk
from tinkex_py.types.tokens import Tokens
from tinkex_py.wire.protobuf.results import tensor_of

if TYPE_CHECKING:
    from tinkex_py.wire.protobuf import schema


class NumberedBatch(Struct, frozen=True, kw_only=True):
    """A batch under its number, 0 when it has none."""

    model_id: str
    seq_id: int
    batch: Batch


def decode(body: bytes) -> Outcome[NumberedBatch, str]:
    """The batch; Failure says what is wrong with the bytes."""
    from google.protobuf.message import DecodeError

    try:
        return Success(_numbered(body))
    except (DecodeError, ValueError) as error:
        return Failure(f"the protobuf message can't be read: {error}")


def number_of(body: bytes) -> tuple[str, int]:
    """The model and the number of a message, whatever the rest of it is; an empty text and 0 where there are none."""
    from google.protobuf.message import DecodeError

    from tinkex_py.wire.protobuf.schema import ForwardBackwardRequest

    try:
        message = ForwardBackwardRequest.FromString(body)
    except DecodeError:
        return "", 0
    return message.model_id, message.seq_id


def _numbered(body: bytes) -> NumberedBatch:
    from tinkex_py.wire.protobuf.schema import ForwardBackwardRequest

    message = ForwardBackwardRequest.FromString(body)
    config: Mapping[str, float | str] = {**message.loss_fn_config, **_settings(message)}
    batch = Batch(
        data=tuple(map(_datum, message.data)),
        loss_fn=message.loss_fn,
        loss_fn_config=config or None,
        forward_only=message.forward_only,
    )
    return NumberedBatch(model_id=message.model_id, seq_id=message.seq_id, batch=batch)


def _settings(message: schema.ForwardBackwardRequest) -> Mapping[str, float | str]:
    return {
        name: value.text if value.WhichOneof("value") == "text" else value.number
        for name, value in message.loss_fn_config_v2.items()
    }


def _datum(message: schema.Datum) -> Datum:
    datum = Datum(
        ModelInput(tuple(map(_chunk, message.model_input))),
        {name: tensor_of(value) for name, value in message.loss_fn_inputs.items()},
    )
    spans = _spans(message.model_input_spans), _spans(message.loss_fn_input_spans)
    return datum.with_provenance(*spans) if any(spans) else datum


def _chunk(message: schema.Chunk) -> ModelInputChunk:
    match message.WhichOneof("chunk"):
        case "image":
            image = message.image
            expected = image.expected_tokens if image.HasField("expected_tokens") else None
            return ImageChunk(image.data, _format(image.format), expected)
        case "dmel":
            return DmelChunk(message.dmel.dmel)
        case _:
            return EncodedTextChunk(Tokens.of_buffer(_ids(message.encoded_text.tokens)))


def _spans(messages: Sequence[schema.ProvenanceSpan]) -> tuple[ProvenanceSpan, ...]:
    return tuple(map(_span, messages))


def _span(message: schema.ProvenanceSpan) -> ProvenanceSpan:
    prompt = message.HasField("prompt_tokens")
    run = message.prompt_tokens if prompt else message.sampled_tokens
    kind = PromptProvenanceSpan if prompt else SampledProvenanceSpan
    return kind(sequence_id=run.sequence_id, offset=run.offset, length=run.length)


def _format(name: str) -> Literal["png", "jpeg"]:
    match name:
        case "png" | "jpeg":
            return name
        case _:
            raise ValueError(f"there is no image format {name[:20]!r}")


def _ids(tokens: bytes) -> bytes:
    if len(tokens) % 4:
        raise ValueError(f"{len(tokens)} bytes are no token ids")
    return tokens
