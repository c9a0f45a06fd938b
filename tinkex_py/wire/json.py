"""The JSON dialect: values as compact UTF-8 JSON with None left out, and lenient reading. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import nan
from typing import Any, Literal, SupportsFloat, SupportsIndex, TypeAlias, TypeVar

import msgspec
from msgspec import Struct, structs
from returns.result import Failure, Success
from typing_extensions import TypeForm

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome, then
from tinkex_py.request import Encoded, Null, own_text
from tinkex_py.types.datum import Datum
from tinkex_py.types.inputs import ModelInput
from tinkex_py.types.kinds import is_mapping, is_row
from tinkex_py.types.packing import TYPE_CODES
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.tokens import Tokens

T = TypeVar("T")
Json: TypeAlias = "dict[str, Json] | list[Json] | str | float | None"

CONTENT_TYPE = "application/json"


def encode(body: Struct) -> Encoded:
    """The body as JSON; fields that are None are left out, those that are Null say null."""
    return Encoded.of(CONTENT_TYPE, written(body))


def written(value: object) -> bytes:
    """A value as JSON, as part of a body."""
    return _encoder.encode(lower(value))


def encoded(body: Struct) -> Outcome[Encoded, InvalidInput]:
    """The body as JSON; InvalidInput names the first text in it that UTF-8 has no bytes for."""
    try:
        return Success(encode(body))
    except UnicodeEncodeError as error:
        place = next(_unwritable(lower(body), ""), "")
        shown = ascii(error.object)
        message = f"{place} is {shown}: give a text without halves of surrogate pairs"
        return Failure(InvalidInput(message=message, path=place, value=shown))


def numbered(step: Encoded, model_id: str, seq_id: int) -> Encoded:
    """An encoded step of `model_id` under its number, put in front of the bytes there are."""
    front = written({"model_id": model_id, "seq_id": seq_id})[:-1]
    first, *rest = step.parts
    comma = b"" if step.size == len(b"{}") else b","
    return Encoded.of(CONTENT_TYPE, front + comma, memoryview(first)[1:], *rest)


def lower(value: object) -> object:
    """The value as what JSON has: dictionaries, lists, texts, numbers."""
    lowered = _LOWERED.get(type(value))
    if lowered is not None:
        return lowered(value)
    return _lower_struct(value) if isinstance(value, Struct) else _lower_container(value)


def decode(form: TypeForm[T], body: bytes) -> Outcome[T, str]:
    """The body as a value of that type; Failure says what is wrong with it. NaN and Infinity are read too."""
    try:
        value: T = _decoder(form).decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        if b"NaN" in body or b"Infinity" in body:
            return then(_loaded(body), lambda loaded: convert(form, loaded))
        return Failure(str(error))
    return Success(value)


def decode_answer(form: TypeForm[T], body: bytes) -> Outcome[T, str]:
    """As `decode`, of what a server wrote, where one odd field is no reason to lose the rest.

    A metric that is null is NaN. A time without a zone is in UTC, and one that nobody can read is None: it spoils no
    list of other things. Another field that can't be null is as if left out.
    """
    decoded = decode(form, body)
    if isinstance(decoded, Success) or not any(each.fullmatch(decoded.failure()) for each in _MENDABLE):
        return decoded
    return then(_loaded(body), lambda value: _mended_until_read(form, value))


def leniently(body: bytes, reason: str) -> Outcome[Json, str]:
    """What can be made of a body that isn't quite JSON; Failure with that reason when nothing can."""
    try:
        value: Json = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return Failure(reason)
    return Success(value)


def convert(form: TypeForm[T], value: object) -> Outcome[T, str]:
    """A value of JSON's own kinds as a value of that type."""
    try:
        converted: T = msgspec.convert(value, form, strict=False, dec_hook=_read_leaf)
    except (msgspec.ValidationError, RecursionError, UnicodeEncodeError) as error:  # half a character is no number
        return Failure(str(error))
    return Success(converted)


def _loaded(body: bytes) -> Outcome[Json, str]:
    try:
        value: Json = json.loads(body.decode())  # by itself it reads the bytes of half a character too
    except (ValueError, RecursionError) as error:
        return Failure(str(error))
    return Success(value)


def _mended_until_read(form: TypeForm[T], value: Json) -> Outcome[T, str]:
    converted = convert(form, value)
    while isinstance(converted, Failure) and _mend(value, converted.failure()):
        converted = convert(form, value)
    return converted


def _mend(value: Json, problem: str) -> int:
    """Mend what the problem says is wrong; return how much of it there was. JSON has no NaN: writers put null."""
    match value:
        case {"metrics": dict(metrics)} if _NO_METRIC.fullmatch(problem):
            lost = [name for name, metric in metrics.items() if metric is None]
            metrics.update(dict.fromkeys(lost, nan))
            return len(lost)
        case _:
            found = _NO_TIME.fullmatch(problem)
            mend, found = (_mend_time, found) if found else (_leave_out, _NO_NULL.fullmatch(problem))
            return 0 if found is None else _mend_fields(value, _STEP.findall(found[1]), mend)


def _mend_fields(value: Json, place: Sequence[str], mend: Callable[[dict[str, Json], str], bool]) -> int:
    """Mend the fields at that place, in whichever item of a list; return how many needed it."""
    name, *rest = place
    match value:
        case list():
            return sum(_mend_fields(each, rest, mend) for each in value)
        case dict() if name in value:
            return _mend_fields(value[name], rest, mend) if rest else mend(value, name)
        case _:
            return 0


def _mend_time(fields: dict[str, Json], name: str) -> bool:
    given, fields[name] = fields[name], _mended(fields[name])
    return fields[name] != given


def _leave_out(fields: dict[str, Json], name: str) -> bool:
    """Writers put null for what they would leave out."""
    lost = fields[name] is None
    if lost:
        del fields[name]
    return lost


def _mended(value: Json) -> Json:
    """A time without a zone as it is in UTC, what is no time at all as None."""
    try:
        time = msgspec.convert(value, datetime | None, strict=False)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None if isinstance(value, str) else value
    return value if time is None or time.tzinfo else f"{value}Z"


def _decoder(form: object) -> msgspec.json.Decoder[Any]:
    """One decoder a type: building one takes as long as a small answer takes to decode."""
    if form not in _decoders:
        _decoders[form] = msgspec.json.Decoder(form, strict=False, dec_hook=_read_leaf)
    return _decoders[form]


def _lower_tokens(tokens: Tokens) -> object:
    return _numbers(tokens.buffer, "i")


def _lower_datum(datum: Datum) -> dict[str, object]:
    return {"loss_fn_inputs": lower(datum.loss_fn_inputs), "model_input": lower(datum.model_input)}


def _lower_container(value: object) -> object:
    if is_mapping(value):
        return {key: lower(item) for key, item in value.items()}
    if is_row(value) and not set(map(type, value)) <= _SCALARS:
        return [lower(item) for item in value]
    return value


def _unwritable(value: object, place: str) -> Iterator[str]:
    """Where texts stand that UTF-8 has no bytes for, as names or as values."""
    if isinstance(value, str):
        if value.encode(errors="replace").decode() != value:
            yield place
    elif is_mapping(value):
        for key, item in value.items():
            yield from _unwritable(key, place)
            yield from _unwritable(item, f"{place}.{key}" if place else str(key))
    elif is_row(value):
        for index, item in enumerate(value):
            yield from _unwritable(item, f"{place}[{index}]")


def _lower_struct(value: Struct) -> dict[str, object]:
    lowered: dict[str, object] = {}
    for name, item in zip(value.__struct_encode_fields__, structs.astuple(value), strict=True):
        if item is not None:
            lowered[name] = item if type(item) in _SCALARS else lower(item)
    config = value.__struct_config__
    if config.tag is not None:
        lowered[str(config.tag_field)] = config.tag
    return lowered


def _lower_tensor(tensor: TensorData) -> dict[str, object]:
    parts: dict[str, object | None] = {
        "data": _numbers(tensor.buffer, TYPE_CODES[tensor.dtype]),
        "dtype": tensor.dtype,
        "shape": tensor.shape,
        "sparse_crow_indices": tensor.sparse_crow_indices,
        "sparse_col_indices": tensor.sparse_col_indices,
    }
    return {name: part for name, part in parts.items() if part is not None}


def _numbers(buffer: memoryview, code: Literal["i", "q", "f"]) -> object:
    """Numbers as a list, or as JSON if they are many: a part at a time, so that the lists stay in the caches."""
    if len(buffer) <= _PART:
        return buffer.cast(code).tolist()
    text = bytearray()
    for start in range(0, len(buffer), _PART):
        end = len(text)
        _encoder.encode_into(buffer[start : start + _PART].cast(code).tolist(), text, max(end - 1, 0))
        text[end - 1 : end] = b"," if end else b""
    return msgspec.Raw(text)


def _write_leaf(value: object) -> object:
    """Texts and numbers that aren't Python's own: integers by `__index__`, others by `__float__`."""
    match value:
        case str():
            return own_text(value)
        case SupportsIndex():
            return int(value)
        case SupportsFloat():
            return float(value)
        case _:
            raise NotImplementedError(type(value))


def _read_leaf(kind: type, value: object) -> object:
    """Build the types that msgspec doesn't know; a ValueError becomes a decoding error with its path."""
    if kind is TensorData:
        return _read_tensor(value)
    if kind is Datum:
        parts = msgspec.convert(value, _JsonDatum, strict=False, dec_hook=_read_leaf)
        return Datum(parts.model_input, parts.loss_fn_inputs)
    raise NotImplementedError(kind)


class _JsonDatum(Struct):
    model_input: ModelInput
    loss_fn_inputs: dict[str, TensorData]


class _JsonTensor(Struct):
    data: Sequence[int | float | None]
    dtype: str = "float32"
    shape: tuple[int, ...] | None = None
    sparse_crow_indices: tuple[int, ...] | None = None
    sparse_col_indices: tuple[int, ...] | None = None


def _read_tensor(value: object) -> TensorData:
    parts = msgspec.convert(value, _JsonTensor, strict=False)
    integers = parts.dtype.startswith(("int", "uint", "bool"))
    tensor = TensorData(
        _whole(parts.data) if integers else _with_nan(parts.data),
        "int64" if integers else "float32",
        parts.shape,
        parts.sparse_crow_indices,
        parts.sparse_col_indices,
    )
    if tensor.problem is not None:
        raise ValueError(f"{tensor.problem.place}{': ' if tensor.problem.place else ''}{tensor.problem.reason}")
    return tensor


def _whole(data: Sequence[float | None]) -> Sequence[float | None]:
    """Some writers put integers as `1.0`."""
    if set(map(type, data)) <= {int}:
        return data
    return [int(each) if isinstance(each, float) and each.is_integer() else each for each in data]


def _with_nan(data: Sequence[float | None]) -> Sequence[float | None]:
    """JSON has no NaN: writers put null."""
    return [nan if each is None else each for each in data] if None in data else data


_NO_TIME = re.compile(
    r"(?:Invalid RFC3339 encoded datetime|Expected `datetime` with a timezone component)"
    r" - at `\$((?:\.\w+|\[\d+\])*\.\w+)`"
)
_NO_METRIC = re.compile(r"Expected `float`, got `null` - at `\$\.metrics\[\.\.\.\]`")
_NO_NULL = re.compile(r"Expected `[^`]+`, got `null` - at `\$((?:\.\w+|\[\d+\])*\.\w+)`")
_MENDABLE = (_NO_TIME, _NO_METRIC, _NO_NULL)
_STEP = re.compile(r"\w+")
"""The names and numbers that a place is made of."""
_PART = 8192
_SCALARS = {int, float, str, bool, type(None)}
_LOWERED: Mapping[type, Callable[[Any], object]] = {
    Datum: _lower_datum,
    Null: lambda _: None,
    TensorData: _lower_tensor,
    Tokens: _lower_tokens,
}
"""What has a form of its own in JSON."""
_encoder = msgspec.json.Encoder(enc_hook=_write_leaf)
_decoders: dict[object, msgspec.json.Decoder[Any]] = {}
