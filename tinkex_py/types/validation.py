"""What is wrong with a value before it is sent: its place, what stands there, and what to do. Pure.

Large tensors and token lists are looked through in C; only what is wrong is searched for element by element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from returns.result import Failure, Success
from typing_extensions import TypeIs

from tinkex_py.errors import InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types.arguments import search_problem
from tinkex_py.types.batch import Batch
from tinkex_py.types.datum import Datum, PromptProvenanceSpan, SampledProvenanceSpan
from tinkex_py.types.inputs import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInput
from tinkex_py.types.kinds import is_mapping, is_whole, one_of
from tinkex_py.types.limits import (
    LARGEST_TOKEN,
    loss_config_problem,
    name_problem,
    refused,
    settings_problem,
)
from tinkex_py.types.packing import Unpackable, place_of
from tinkex_py.types.retries import RecoveryPolicy, RetryConfig
from tinkex_py.types.rows import Kind, Rows, rows_of
from tinkex_py.types.sampling import SamplingParams
from tinkex_py.types.scanning import all_look_finite, all_within_int31, first_beyond_int31, first_non_finite
from tinkex_py.types.sessions import SessionSearchRequest
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.training import (
    AdamOptimizerConfig,
    AdamParams,
    DimuonOptimizerConfig,
    DimuonParams,
    LoraConfig,
    OtherOptimizer,
)

T = TypeVar("T")

IMAGE_FORMATS = ("png", "jpeg")
_is_format = one_of(*IMAGE_FORMATS)
_ROOTS: dict[type, str] = {
    Datum: "datum",
    ModelInput: "model_input",
    TensorData: "tensor",
    SamplingParams: "sampling_params",
    AdamParams: "optim_params",
    DimuonParams: "optim_params",
    DimuonOptimizerConfig: "optimizer",
    OtherOptimizer: "optimizer",
    LoraConfig: "lora_config",
    RetryConfig: "retry_config",
    RecoveryPolicy: "recovery",
    EncodedTextChunk: "chunk",
    ImageChunk: "chunk",
    ImageAssetPointerChunk: "chunk",
    DmelChunk: "chunk",
    str: "name",
}


def check(value: T) -> Outcome[T, InvalidInput]:
    """The value if it can be sent as it is: a Datum, a batch of them, an input or a chunk of it, a tensor, settings,
    a search, or a name.

    >>> check(SamplingParams(temperature=-1.0)).failure().path
    'sampling_params.temperature'
    """
    found = problem(value, _root_of(value))
    return Success(value) if found is None else Failure(found)


def problem(value: object, path: str) -> InvalidInput | None:
    """What is wrong with the value that the caller knows by `path`, such as `data`; None when nothing is."""
    match value:
        case Batch():
            return _batch(value.data, value.rows, path)
        case Datum():
            return _datum(value, path)
        case ModelInput():
            return _model_input(value, path)
        case TensorData():
            return _tensor(value, path)
        case EncodedTextChunk() | ImageChunk() | ImageAssetPointerChunk() | DmelChunk():
            return _chunk(value, path)
        case (
            SamplingParams()
            | AdamParams()
            | DimuonParams()
            | DimuonOptimizerConfig()
            | LoraConfig()
            | RetryConfig()
            | RecoveryPolicy()
        ):
            return settings_problem(value, path)
        case AdamOptimizerConfig():
            return None
        case OtherOptimizer(type=family, settings=settings):
            return name_problem(family, f"{path}.type") or loss_config_problem(settings, f"{path}.settings")
        case str():
            return name_problem(value, path)
        case _:
            return _other(value, path)


def input_problem(value: object, path: str) -> InvalidInput | None:
    """What is wrong with a value that stands where a model input has to."""
    if isinstance(value, ModelInput):
        return _model_input(value, path)
    return refused(path, value, "give a ModelInput, such as ModelInput.from_ints(tokens)")


def _root_of(value: object) -> str:
    named = (_ROOTS[kind] for kind in type(value).__mro__ if kind in _ROOTS)
    return next(named, "loss_fn_config" if is_mapping(value) else "data")


def _other(value: object, path: str) -> InvalidInput | None:
    if isinstance(value, SessionSearchRequest):
        return search_problem(value)
    if is_mapping(value):
        return loss_config_problem(value, path)
    if _is_sequence(value):
        return _batch(value, rows_of(value), path)
    return refused(path, value, "give a Datum, a list of them, an input, a tensor, settings, a search or a name")


def _is_sequence(value: object) -> TypeIs[Sequence[object]]:
    return isinstance(value, Sequence)


def _batch(data: Sequence[object], rows: Rows, path: str) -> InvalidInput | None:
    if not data:
        return refused(path, data, "give at least one Datum")
    right = all(_looks_right(kind, column) for kind, column in rows.inputs.items())
    left = rows.others if right else range(len(data))
    problems = (_element(data[index], f"{path}[{index}]") for index in left)
    return next(filter(None, problems), None)


def _looks_right(kind: Kind, column: Sequence[memoryview]) -> bool:
    """Whether one look at a loss input of all data shows that nothing is wrong, as mostly; else each is looked at."""
    if name_problem(kind.name, "") is not None:
        return False
    if kind.name == "target_tokens":
        return kind.dtype == "int64" and (kind.sound or all_within_int31(column))
    return kind.dtype != "float32" or kind.sound or all_look_finite(column)


def _element(datum: object, path: str) -> InvalidInput | None:
    return _datum(datum, path) if isinstance(datum, Datum) else refused(path, datum, "give a Datum")


def _datum(datum: Datum, path: str) -> InvalidInput | None:
    if datum.problem is not None:
        return _unpackable(datum.problem, path)
    problems = (_loss_input(name, tensor, path) for name, tensor in datum.loss_fn_inputs.items())
    return (
        input_problem(datum.model_input, f"{path}.model_input")
        or next(filter(None, problems), None)
        or _spans(datum.model_input_spans, datum.model_input.length, f"{path}.model_input_spans")
        or _spans(datum.loss_fn_input_spans, _targets(datum), f"{path}.loss_fn_input_spans")
    )


def _targets(datum: Datum) -> int | None:
    """How many positions the targets have, None when they are no row."""
    targets = datum.loss_fn_inputs.get("target_tokens")
    flat = targets is not None and targets.sparse_crow_indices is None and len(targets.packed.shape) == 1
    return targets.size if targets is not None and flat else None


def _spans(spans: Sequence[object] | None, positions: int | None, path: str) -> InvalidInput | None:
    """Spans are of known sequences, and cover the positions."""
    covered = 0
    for index, span in enumerate(spans or ()):
        if not isinstance(span, (PromptProvenanceSpan, SampledProvenanceSpan)):
            return refused(f"{path}[{index}]", span, "give a PromptProvenanceSpan or a SampledProvenanceSpan")
        if not (is_whole(span.length, 0) and is_whole(span.offset, 0)):
            return refused(f"{path}[{index}]", span, "give a length and an offset of at least 0")
        found = name_problem(span.sequence_id, f"{path}[{index}].sequence_id")
        if found is not None:
            return found
        covered += span.length
    if spans is None or positions in {None, covered}:
        return None
    return refused(path, spans, f"give spans that cover {positions} positions; these cover {covered}")


def _loss_input(name: str, tensor: TensorData, datum: str) -> InvalidInput | None:
    path = f"{datum}.loss_fn_inputs[{name!r}]"
    return (
        name_problem(name, f"{datum}.loss_fn_inputs")
        or _tensor(tensor, path)
        or (_target_tokens(tensor, path) if name == "target_tokens" else None)
    )


def _tensor(tensor: TensorData, path: str) -> InvalidInput | None:
    if tensor.problem is not None:
        return _unpackable(tensor.problem, path)
    position = None if tensor.sound else first_non_finite(tensor.packed)
    if position is None:
        return None
    return refused(_place(tensor, position, path), tensor.data[position], "give a finite number")


def _target_tokens(tensor: TensorData, path: str) -> InvalidInput | None:
    if tensor.dtype != "int64":
        return refused(path, tensor, "give token ids, which are integers")
    position = None if tensor.sound else first_beyond_int31(tensor.packed)
    if position is None:
        return None
    token = tensor.buffer.cast("q")[position]
    remedy = f"give token ids from 0 to {LARGEST_TOKEN}; a weight of 0 keeps a position out of the loss"
    return refused(_place(tensor, position, path), token, remedy)


def _place(tensor: TensorData, position: int, path: str) -> str:
    return f"{path}{place_of(position, tensor.packed.shape)}"


def _unpackable(found: Unpackable, path: str) -> InvalidInput:
    place = f"{path}{found.place}"
    return InvalidInput(message=f"{place}: {found.reason}", path=place, value=found.value)


def _model_input(model_input: ModelInput, path: str) -> InvalidInput | None:
    problems = (_chunk(chunk, f"{path}.chunks[{index}]") for index, chunk in enumerate(model_input.chunks))
    return next(filter(None, problems), None)


def _chunk(chunk: object, path: str) -> InvalidInput | None:
    match chunk:
        case EncodedTextChunk():
            found = chunk.packed.problem
            return None if found is None else _unpackable(found, f"{path}.tokens")
        case ImageChunk():
            return _bytes(chunk.data, f"{path}.data") or _image(chunk, path)
        case ImageAssetPointerChunk():
            return name_problem(chunk.location, f"{path}.location") or _image(chunk, path)
        case DmelChunk():
            return _bytes(chunk.dmel, f"{path}.dmel")
        case _:
            return refused(path, chunk, "give a chunk, such as EncodedTextChunk(tokens)")


def _bytes(data: object, path: str) -> InvalidInput | None:
    return None if isinstance(data, bytes) and data else refused(path, data, "give bytes that are not empty")


def _image(chunk: ImageChunk | ImageAssetPointerChunk, path: str) -> InvalidInput | None:
    if not _is_format(chunk.format):
        return refused(f"{path}.format", chunk.format, f"give one of {', '.join(IMAGE_FORMATS)}")
    if chunk.expected_tokens is not None and not is_whole(chunk.expected_tokens, 0, LARGEST_TOKEN):
        return refused(f"{path}.expected_tokens", chunk.expected_tokens, "give an integer of 0 to 2**31 - 1, or None")
    return None
