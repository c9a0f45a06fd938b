"""What differs between what a recorded call came to and what it comes to here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import isfinite
from typing import Any, TypeGuard

from msgspec import UNSET, Struct
from returns.result import Failure, Success

from tests.replay.comparing import is_fields, is_items, placed
from tests.replay.recorded import Recording
from tinkex_py.types.tensor import TensorData

SDK_ERRORS: dict[str, tuple[str, ...]] = {
    "BadRequestError": ("BadRequest",),
    "AuthenticationError": ("Unauthorized",),
    "BillingError": ("PaymentRequired",),
    "PermissionDeniedError": ("Forbidden",),
    "NotFoundError": ("NotFound",),
    "ConflictError": ("Conflict",),
    "UnprocessableEntityError": ("Unprocessable",),
    "RateLimitError": ("RateLimited",),
    "InternalServerError": ("ServerFault",),
    "APIStatusError": ("UnexpectedStatus", "PromiseExpired", "RequestTimedOut"),
    "APIConnectionError": ("ConnectionFailed",),
    "APIResponseValidationError": ("Undecodable",),
    "ValidationError": ("Undecodable",),
    "RequestFailedError": ("RequestFailed",),
    "RetryableException": ("PromiseExpired",),
    "ValueError": ("InvalidInput", "Undecodable"),
    "TypeError": ("InvalidInput", "Undecodable"),
}
"""What each exception of the official SDK is called here."""


def result_differences(recording: Recording, ours: object) -> Iterator[tuple[str, Any, Any]]:
    """What the call came to, field by field; fields that only we have are no difference."""
    own = plain(ours)
    error = own["error"] if is_fields(own) and "error" in own else None
    if recording.error is not None:
        yield from _failure(recording.error, own, error)
    elif error is not None:
        yield "result", "a value", error
    elif not _opaque(recording.result):
        yield from known("result", unwrapped(recording.result), own)


def _failure(recorded: dict[str, Any], own: Any, error: str | None) -> Iterator[tuple[str, Any, Any]]:
    """The kind of a failure and its facts, where there is one."""
    cause = recorded.get("cause") or recorded
    name = str(cause["type"]).rpartition(".")[2]
    if error not in SDK_ERRORS.get(name, ()):
        yield "result", name, error or "a value"
        return
    facts = {"status": "status_code", "category": "category", "request_id": "request_id"}
    told = {field: recorded[key] for field, key in facts.items() if recorded.get(key) is not None and field in own}
    yield from known("result", told, own)


def known(part: str, recorded: Any, ours: Any) -> Iterator[tuple[str, Any, Any]]:
    """As `compared`, for what was recorded only; None there is as good as nothing here."""
    if is_fields(recorded) and is_fields(ours):
        for name, value in recorded.items():
            yield from known(f"{part}.{name}", value, ours.get(name))
    elif is_items(recorded) and is_items(ours) and len(recorded) == len(ours):
        for index, (theirs, own) in enumerate(zip(recorded, ours, strict=True)):
            yield from known(f"{part}[{index}]", theirs, own)
    elif not _same(recorded, ours):
        yield part, recorded, UNSET if ours is None else ours


def _same(recorded: object, ours: object) -> bool:
    if isinstance(ours, float) and not isfinite(ours):
        return recorded == str(ours)
    if isinstance(recorded, str) and isinstance(ours, str) and recorded != ours:
        try:
            return datetime.fromisoformat(recorded) == datetime.fromisoformat(ours)
        except (ValueError, TypeError):
            return False
    return recorded == ours


def unwrapped(value: Any) -> Any:
    """A recorded value without the names of the SDK's classes; an exception in a list is an error by our name."""
    if is_fields(value):
        name = next(iter(value), "")
        wrapped = len(value) == 1 and name[:1].isupper() and name.isalnum()
        return unwrapped(value[name]) if wrapped else {field: unwrapped(each) for field, each in value.items()}
    if is_items(value):
        return [unwrapped(each) for each in value]
    if isinstance(value, str):
        return {"error": SDK_ERRORS[value][0]} if value in SDK_ERRORS else placed(value)
    return value


def _opaque(result: object) -> bool:
    """Whether only the representation of an object was recorded."""
    return result is None or (
        isinstance(result, str) and (result.startswith("<tinker") or result.partition("(")[1] == "(")
    )


def plain(value: Any) -> Any:
    """An outcome, or anything in one, as plain values."""
    if isinstance(value, (Success, Failure)):
        return _outcome(value)
    if isinstance(value, TensorData):
        return {name: plain(getattr(value, name)) for name in TENSOR_FIELDS}
    if isinstance(value, Struct):
        return _tagged(value) | {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, float)):
        return value
    return _plain_collection(value)


def _outcome(outcome: Any) -> Any:
    if isinstance(outcome, Success):
        return plain(outcome.unwrap())
    error = outcome.failure()
    return {"error": type(error).__name__} | {name: plain(getattr(error, name)) for name in error.__struct_fields__}


def _is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _plain_collection(value: Any) -> Any:
    if _is_mapping(value):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if hasattr(value, "__iter__") else repr(value)


def _tagged(value: Struct) -> dict[str, object]:
    config = value.__struct_config__
    return {} if config.tag is None else {config.tag_field or "type": config.tag}


TENSOR_FIELDS = ("dtype", "shape", "data", "sparse_crow_indices", "sparse_col_indices")
