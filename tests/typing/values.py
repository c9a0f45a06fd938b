"""Values, outcomes and errors in use, checked by mypy and pyright and never run."""

from __future__ import annotations

from array import array
from typing import Literal, assert_never, assert_type

import numpy as np

from tinkex_py import Config, Datum, Failure, ModelInput, Outcome, Success, TensorData, TinkerError, check, errors
from tinkex_py.outcome import as_tuple, collect, or_raise, then
from tinkex_py.types import DmelChunk, EncodedTextChunk, ImageAssetPointerChunk, ImageChunk, ModelInputChunk


def parsed(text: str) -> Outcome[int, errors.InvalidInput]:
    return Success(len(text)) if text else Failure(errors.InvalidInput(message="it is empty", path="text"))


def halved(number: int) -> Outcome[float, errors.FileFailed]:
    return Success(number / 2)


def chained() -> None:
    assert_type(then(parsed("a"), halved), Outcome[float, errors.InvalidInput | errors.FileFailed])
    assert_type(collect([parsed("a"), parsed("b")]), Outcome[tuple[int, ...], errors.InvalidInput])
    assert_type(or_raise(parsed("a")), int)
    assert_type(as_tuple(parsed("a")), tuple[Literal["ok"], int] | tuple[Literal["error"], errors.InvalidInput])


def checked(datum: Datum) -> None:
    assert_type(check(datum), Outcome[Datum, errors.InvalidInput])
    assert_type(Config.from_env({}), Outcome[Config, errors.InvalidConfig])
    assert_type(ModelInput.from_ints([1]).to_ints(), Outcome[list[int], errors.InvalidInput])


def origins() -> None:
    floats, integers = np.zeros((2, 3), np.float16), np.arange(3)
    assert_type(TensorData(floats).shape, tuple[int, ...] | None)
    assert_type(TensorData.from_numpy(integers).data, list[int] | list[float])
    TensorData([[1.0], [2.0]])
    TensorData(array("d", [1.5]))
    Datum(ModelInput.from_ints(integers), {"target_tokens": [1, 2], "weights": floats, "mask": TensorData([1])})


def positions(chunk: ModelInputChunk) -> int | None:
    match chunk:
        case EncodedTextChunk():
            return assert_type(chunk.length, int)
        case ImageChunk() | ImageAssetPointerChunk():
            return chunk.expected_tokens
        case DmelChunk():
            return chunk.length
        case _:
            assert_never(chunk)


def what_to_do(error: TinkerError) -> str:  # noqa: C901 - as many cases as errors
    """Every error there is, by its class."""
    match error:
        case errors.BadRequest() | errors.Unauthorized() | errors.PaymentRequired() | errors.Forbidden():
            return error.detail
        case errors.NotFound() | errors.RequestTimedOut() | errors.Conflict() | errors.PromiseExpired():
            return error.detail
        case errors.PayloadTooLarge() | errors.UnsupportedEncoding() | errors.ServerFault() | errors.UnexpectedStatus():
            return str(error.status)
        case errors.Unprocessable(fields=fields):
            return ", ".join(assert_type(fields, tuple[str, ...]))
        case errors.RateLimited(retry_after=seconds):
            assert_type(seconds, float | None)
            return f"again in {seconds} s"
        case errors.ConnectionFailed() | errors.RedirectRefused() | errors.ResponseTooLarge() | errors.Undecodable():
            return error.endpoint or ""
        case errors.DeadlineExceeded() | errors.Cancelled() | errors.OutOfSequence() | errors.SessionEnded():
            return str(error.attempts)
        case errors.RequestFailed(category=category):
            return assert_type(category, errors.Category)
        case errors.ClientClosed() | errors.CapabilityMissing() | errors.CircuitOpen() | errors.MissingCredentials():
            return error.message
        case errors.InvalidInput() | errors.FileFailed():
            return error.path
        case errors.CallbackFailed() | errors.InvalidConfig() | errors.ExtraMissing():
            return error.message
        case _:
            assert_never(error)


def forgetful(error: errors.TransportError) -> str:  # type: ignore[return] # pyright: ignore[reportReturnType] - one is missing
    match error:  # type: ignore[exhaustive-match] # pyright: ignore[reportMatchNotExhaustive] - ResponseTooLarge is missing
        case errors.ConnectionFailed() | errors.RedirectRefused():
            return error.message
