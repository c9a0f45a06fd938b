"""Hypothesis strategies for the values of this client, for laws of programs that use it; needs the package hypothesis.

Each function gives a strategy. What it draws can be used as it is, but for `anything` and `arguments`, and for the
contents of images and audio, which are any bytes. Once this module is imported, Hypothesis draws the same for their
types, hence for types of one's own that hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from hypothesis.strategies import SearchStrategy
from msgspec import Struct
from msgspec import structs as fields_of
from returns.result import Failure, Success

from tinkex_py.endpoints.service import get_server_capabilities
from tinkex_py.errors import StatusError, TinkerError
from tinkex_py.interpret import status_error
from tinkex_py.outcome import Outcome
from tinkex_py.request import Pairs, Reply
from tinkex_py.types import (
    AdamParams,
    Datum,
    DmelChunk,
    EncodedTextChunk,
    ImageAssetPointerChunk,
    ImageChunk,
    LoraConfig,
    ModelInput,
    ModelInputChunk,
    SamplingParams,
    TensorData,
)
from tinkex_py.types.limits import LARGEST_TOKEN

T = TypeVar("T")

_SECONDS = st.floats(0, 1e6)
_SIZES = st.none() | st.integers(0, LARGEST_TOKEN)
_CONTENTS = st.binary(min_size=1)
_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)
_FORMATS = st.sampled_from(["png", "jpeg"])
_SHARES = st.floats(0, 1, exclude_max=True, width=32)
_LOGPROBS = st.floats(-20, 0, width=32)  # ratios of up to e**20: float32 holds the squares of such gradients
_REFUSALS = st.sampled_from([300, 400, 401, 402, 403, 404, 408, 409, 410, 413, 415, 418, 422, 429, 500, 501, 503])
_STATUSES = _REFUSALS | st.sampled_from([200, 202, 204])
_FACTS: Mapping[object, SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(0, 10**6),
    float: _SECONDS,
    str: st.text(max_size=20),
    float | None: st.none() | _SECONDS,
}
_SURROGATE: Mapping[str, SearchStrategy[float]] = {"logprobs": _LOGPROBS, "advantages": st.floats(-3, 3, width=32)}
_PER_TOKEN: Mapping[str, Mapping[str, SearchStrategy[float]]] = {
    "cross_entropy": {"weights": st.floats(0, 2, width=32)},
    **dict.fromkeys(("importance_sampling", "ppo", "cispo", "dro", "gspo", "stable_reinforce"), _SURROGATE),
}
"""What each built-in loss takes for every token besides its target."""


def token_ids(
    vocabulary: int = LARGEST_TOKEN + 1, *, min_size: int = 0, max_size: int = 32
) -> SearchStrategy[list[int]]:
    """Token ids `[T]` below `vocabulary`."""
    return st.lists(st.integers(0, vocabulary - 1), min_size=min_size, max_size=max_size)


_CHUNKS: Mapping[type, SearchStrategy[ModelInputChunk]] = {
    EncodedTextChunk: st.builds(EncodedTextChunk, token_ids()),
    ImageChunk: st.builds(ImageChunk, _CONTENTS, _FORMATS, _SIZES),
    ImageAssetPointerChunk: st.builds(ImageAssetPointerChunk, _FORMATS, _NAMES, _SIZES),
    DmelChunk: st.builds(DmelChunk, _CONTENTS),
}


def chunks() -> SearchStrategy[ModelInputChunk]:
    """Parts of a prompt: text, images, assets, audio."""
    return st.one_of(list(_CHUNKS.values()))


def model_inputs(vocabulary: int | None = None, *, max_size: int = 32) -> SearchStrategy[ModelInput]:
    """Prompts of any chunks; with a `vocabulary`, of 1 to `max_size` text tokens below it."""
    if vocabulary is None:
        return st.builds(ModelInput, st.lists(chunks(), max_size=4))
    return token_ids(vocabulary, min_size=1, max_size=max_size).map(ModelInput.from_ints)


def tensors() -> SearchStrategy[TensorData]:
    """Dense tensors of float32 or int64, of no more than two dimensions, with finite numbers."""
    shapes = arrays.array_shapes(min_dims=0, max_dims=2, max_side=4)
    finite: dict[str, Any] = {"allow_nan": False, "allow_infinity": False}
    return st.builds(
        TensorData.of, arrays.arrays(np.float32, shapes, elements=finite) | arrays.arrays(np.int64, shapes)
    )


def data() -> SearchStrategy[Datum]:
    """Examples with any inputs, as the wire takes them; a loss may want others."""
    return st.builds(Datum, model_inputs(), st.dictionaries(_NAMES, tensors(), max_size=3))


def batches(
    loss_fn: str = "cross_entropy", *, vocabulary: int = 256, max_size: int = 4, max_length: int = 16
) -> SearchStrategy[list[Datum]]:
    """Batches of 1 to `max_size` examples that a built-in loss takes, of up to `max_length` tokens each.

    ValueError names the losses that there are.
    """
    if loss_fn not in _PER_TOKEN:
        raise ValueError(f"{loss_fn!r} is no built-in loss: give {', '.join(_PER_TOKEN)}")
    return st.lists(_examples(_PER_TOKEN[loss_fn], vocabulary, max_length), min_size=1, max_size=max_size)


def _examples(
    per_token: Mapping[str, SearchStrategy[float]], vocabulary: int, max_length: int
) -> SearchStrategy[Datum]:
    """Drawn token by token, so that they shrink by leaving tokens out."""
    token = st.integers(0, vocabulary - 1)
    rows = st.lists(st.tuples(token, token, *per_token.values()), min_size=1, max_size=max_length)
    return rows.map(lambda drawn: _datum(("target_tokens", *per_token), *map(list, zip(*drawn, strict=True))))


def _datum(names: Sequence[str], tokens: list[int], *inputs: list[float]) -> Datum:
    return Datum(ModelInput.from_ints(tokens), dict(zip(names, inputs, strict=True)))


def sampling_params(*, max_tokens: int = 16) -> SearchStrategy[SamplingParams]:
    """How to sample up to `max_tokens` tokens."""
    return st.builds(
        SamplingParams,
        max_tokens=st.integers(1, max_tokens),
        seed=st.none() | st.integers(0, 2**31 - 1),
        stop=st.none() | st.text(min_size=1, max_size=4) | token_ids(256, max_size=3),
        temperature=st.floats(0, 2, width=32),
        top_k=st.just(-1) | st.integers(1, 100),
        top_p=st.floats(0.125, 1, width=32),
    )


def adam_params() -> SearchStrategy[AdamParams]:
    """Steps of Adam that keep weights finite."""
    return st.builds(
        AdamParams,
        learning_rate=st.floats(0, 1e-2),
        beta1=_SHARES,
        beta2=_SHARES,
        eps=st.floats(1e-12, 1e-3),
        weight_decay=st.floats(0, 0.5),
        grad_clip_norm=st.floats(0, 10),
    )


def replies(statuses: SearchStrategy[int] = _STATUSES) -> SearchStrategy[Reply]:
    """Answers of a server, with bodies that may be JSON and headers that may be wishes."""
    names = st.sampled_from(["retry-after", "retry-after-ms", "x-request-id", "x-should-retry"])
    texts = st.text()
    texts.validate()  # has Hypothesis make its tables of characters, which takes longer than a draw may, before one
    pairs = st.lists(st.tuples(names, texts | st.integers().map(str)), max_size=3)
    headers: SearchStrategy[Pairs] = pairs.map(tuple)
    said = st.text(st.characters(codec="ascii", exclude_characters='"\\'), max_size=20)
    bodies = st.binary(max_size=40) | said.map(lambda text: f'{{"detail": "{text.strip()}"}}'.encode())
    return st.builds(Reply, status=statuses, headers=headers, body=bodies, at=_SECONDS)


def errors() -> SearchStrategy[TinkerError]:
    """Every way an operation can fail; those of a status are read from a server's answer."""
    others = [cause for cause in get_args(TinkerError) if cause not in get_args(StatusError)]
    refused = replies(_REFUSALS).map(lambda reply: status_error(get_server_capabilities(), reply))
    return refused | st.sampled_from(others).flatmap(_built)


def _built(cause: type[Any]) -> SearchStrategy[Any]:
    facts = {each.name: _fact(each.type) for each in fields_of.fields(cause)}
    return st.builds(cause, **{**facts, "message": st.text(min_size=1, max_size=40)})


def _fact(kind: Any) -> SearchStrategy[Any]:
    return _FACTS[kind] if kind in _FACTS else st.from_type(kind)


def outcomes(values: SearchStrategy[T]) -> SearchStrategy[Outcome[T]]:
    """Operations that went well with one of `values`, or failed."""
    good: SearchStrategy[Outcome[T]] = values.map(Success)
    return good | errors().map(Failure)


def anything() -> SearchStrategy[Any]:
    """What a caller might pass by mistake: numbers, texts, bytes, containers of containers."""
    return st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
        max_leaves=8,
    )


def arguments() -> SearchStrategy[Any]:
    """Arguments as callers might build them, right and wrong: tensors, inputs, examples and settings of `anything`."""
    lists = st.lists(anything())
    names = st.sampled_from(["target_tokens", "weights", "mask"])
    images = st.builds(ImageChunk, st.binary() | anything(), _FORMATS | anything(), anything())
    examples = st.builds(Datum, lists.map(ModelInput.from_ints), st.dictionaries(st.text(), lists))
    return st.one_of(
        anything(),
        lists.map(TensorData),
        lists.map(ModelInput.from_ints),
        lists.map(ModelInput),
        *(_odd(kind) for kind in (SamplingParams, AdamParams, LoraConfig)),
        images.map(ModelInput.empty().append),
        st.builds(Datum, anything(), st.dictionaries(names, lists)),
        examples.map(lambda datum: [datum]),
    )


def _odd(kind: type[Struct]) -> SearchStrategy[Struct]:
    """Settings with something odd in one place."""
    place = st.tuples(st.sampled_from(kind.__struct_fields__), anything())
    return place.map(lambda field: kind(**dict([field])))


_OF_TYPES: Mapping[type, SearchStrategy[object]] = {
    **_CHUNKS,
    ModelInput: model_inputs(),
    TensorData: tensors(),
    Datum: data(),
    SamplingParams: sampling_params(),
    AdamParams: adam_params(),
}
for _type, _strategy in _OF_TYPES.items():
    st.register_type_strategy(_type, _strategy)
