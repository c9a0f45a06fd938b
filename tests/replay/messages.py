"""A reader of the protocol's one protobuf request, written from its table and not from our schema: the judge's own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Reader: TypeAlias = Callable[[Any], Any]
Fields: TypeAlias = "dict[int, tuple[str, str, Reader]]"

WIDTHS = {1: "f", 2: "q", 3: "i"}


def text(value: bytes) -> str:
    return value.decode()


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def double(value: bytes) -> float:
    return float(struct.unpack("<d", value)[0])


def array(form: str) -> Reader:
    return lambda value: [number for (number,) in struct.iter_unpack(f"<{form}", value)]


def raw(value: bytes) -> str:
    return value.hex()


def packed(value: bytes | int) -> list[int]:
    return [value] if isinstance(value, int) else [signed(number) for number in _varints(value)]


def message(fields: Callable[[], Fields]) -> Reader:
    return lambda value: read(value, fields())


def entry(of_value: Reader, default: object) -> Reader:
    fields: Fields = {1: ("key", "one", text), 2: ("value", "one", of_value)}
    return lambda value: {"key": "", "value": default} | read(value, fields)


def tensor(value: bytes) -> dict[str, Any]:
    found = read(value, TENSOR)
    form = array(WIDTHS.get(found.get("dtype", 0), "b"))
    for part, name in ((found, "dense"), (found.get("sparse_csr", {}), "values")):
        if name in part:
            part[name] = form(part[name])
    return found


def span(value: bytes) -> dict[str, Any]:
    return read(value, SPAN)


SPARSE: Fields = {
    1: ("values", "one", bytes),
    2: ("crow_indices", "one", array("q")),
    3: ("col_indices", "one", array("q")),
}
TENSOR: Fields = {
    1: ("dense", "one", bytes),
    2: ("sparse_csr", "one", message(lambda: SPARSE)),
    3: ("dtype", "one", int),
    4: ("shape", "joined", packed),
}
SOURCE: Fields = {1: ("sequence_id", "one", text), 2: ("offset", "one", signed), 3: ("length", "one", signed)}
SPAN: Fields = {
    1: ("prompt_tokens", "one", message(lambda: SOURCE)),
    2: ("sampled_tokens", "one", message(lambda: SOURCE)),
}
TEXT: Fields = {1: ("tokens", "one", array("i"))}
IMAGE: Fields = {1: ("data", "one", raw), 2: ("format", "one", text), 3: ("expected_tokens", "one", signed)}
DMEL: Fields = {1: ("dmel", "one", raw)}
CHUNK: Fields = {
    1: ("encoded_text", "one", message(lambda: TEXT)),
    2: ("image", "one", message(lambda: IMAGE)),
    3: ("dmel", "one", message(lambda: DMEL)),
}
DATUM: Fields = {
    1: ("model_input", "many", message(lambda: CHUNK)),
    2: ("loss_fn_inputs", "map", entry(tensor, {})),
    3: ("model_input_spans", "many", span),
    4: ("loss_fn_input_spans", "many", span),
}
OPTION: Fields = {1: ("number", "one", double), 2: ("text", "one", text)}
REQUEST: Fields = {
    1: ("model_id", "one", text),
    2: ("seq_id", "one", signed),
    3: ("data", "many", message(lambda: DATUM)),
    4: ("loss_fn", "one", text),
    5: ("loss_fn_config", "map", entry(double, 0.0)),
    6: ("forward_only", "one", bool),
    7: ("loss_fn_config_v2", "map", entry(message(lambda: OPTION), {})),
}


def request(content: bytes) -> dict[str, Any]:
    """A ForwardBackwardRequest as plain values; a false `forward_only` is the same as none."""
    return {name: value for name, value in read(content, REQUEST).items() if value is not False}


def read(content: bytes, fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in _fields(content):
        name, how, reader = fields.get(number, (f"field {number}", "many", repr))
        if how == "one":
            found[name] = reader(value)
        elif how == "many":
            found.setdefault(name, []).append(reader(value))
        elif how == "joined":
            found.setdefault(name, []).extend(reader(value))
        else:
            pair = reader(value)
            found.setdefault(name, {})[pair["key"]] = pair["value"]
    return found


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        length, at = _varint(content, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        assert at + length <= len(content), "a field is cut off"
        yield key >> 3, content[at : at + length]
        at += length


def _varints(content: bytes) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at
