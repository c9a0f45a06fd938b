"""A loss on log-probabilities as two passes of cross-entropy: one for their values, one for its gradient. Pure.

Cross-entropy is `-sum(weights * logprobs)`: with `weights = -dC/dlogprobs` its gradient is that of the loss `C`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from returns.result import Failure, Success

from tinkex_py.errors import InvalidInput, TinkerError, Undecodable
from tinkex_py.losses.protocol import Arrays, Evaluation
from tinkex_py.outcome import Outcome
from tinkex_py.types.datum import Datum
from tinkex_py.types.mapping import FrozenMapping
from tinkex_py.types.sparse import positions
from tinkex_py.types.tensor import TensorData
from tinkex_py.types.training import ForwardBackwardOutput

LOSS = "loss:sum"
SURROGATE = "surrogate_loss:sum"


def targets_problem(data: Sequence[object]) -> InvalidInput | None:
    """The first datum without target tokens, which the log-probabilities are of."""
    for place, datum in enumerate(data):
        if isinstance(datum, Datum) and "target_tokens" not in datum.loss_fn_inputs:
            path = f"data[{place}].loss_fn_inputs['target_tokens']"
            message = f"{path} is missing: a loss on log-probabilities needs the tokens that they are of"
            return InvalidInput(message=message, path=path)
    return None


def first_pass(data: Sequence[Datum]) -> tuple[Datum, ...]:
    """The data with target tokens and weights only, zeros where there are no weights."""
    return tuple(_with_weights(datum, datum.loss_fn_inputs.get("weights") or _zeros(datum)) for datum in data)


def second_pass(data: Sequence[Datum], gradients: Arrays) -> tuple[Datum, ...]:
    """The data with the gradients, turned round, as weights."""
    return tuple(
        _with_weights(datum, _like_targets(datum, -gradient)) for datum, gradient in zip(data, gradients, strict=True)
    )


def logprobs_of(data: Sequence[Datum], output: ForwardBackwardOutput) -> Outcome[Arrays]:
    """The log-probabilities of each datum's target tokens, in their shape; Undecodable when some are missing.

    Servers answer sparse target tokens with the whole matrix, from which the cells that they list are picked.
    """
    targets = [datum.loss_fn_inputs["target_tokens"] for datum in data]
    found = [row.get("logprobs") for row in output.loss_fn_outputs]
    sizes = [None if tensor is None else tensor.size for tensor in found]
    if len(sizes) != len(targets) or not all(map(_fits, targets, sizes)):
        return Failure(_unfit(sizes, [tensor.size for tensor in targets]))
    pairs = zip(targets, found, strict=True)
    return Success(tuple(_shaped(tokens, tensor) for tokens, tensor in pairs if tensor is not None))


def merged(output: ForwardBackwardOutput, evaluation: Evaluation) -> ForwardBackwardOutput:
    """The second pass with the loss's own value and metrics; the server's value is `surrogate_loss:sum`."""
    server = dict(output.metrics)
    surrogate = {SURROGATE: server.pop(LOSS)} if LOSS in server else {}
    metrics = {**server, **surrogate, **evaluation.metrics, LOSS: evaluation.loss}
    return ForwardBackwardOutput(
        loss_fn_output_type=output.loss_fn_output_type,
        loss_fn_outputs=output.loss_fn_outputs,
        metrics=FrozenMapping(metrics),
    )


def _with_weights(datum: Datum, weights: TensorData) -> Datum:
    reduced = Datum(datum.model_input, {"target_tokens": datum.loss_fn_inputs["target_tokens"], "weights": weights})
    if datum.model_input_spans is None or datum.loss_fn_input_spans is None:
        return reduced
    return reduced.with_provenance(datum.model_input_spans, datum.loss_fn_input_spans)


def _zeros(datum: Datum) -> TensorData:
    return _like_targets(datum, np.zeros(datum.loss_fn_inputs["target_tokens"].size))


def _like_targets(datum: Datum, values: np.typing.NDArray[np.float64]) -> TensorData:
    targets = datum.loss_fn_inputs["target_tokens"]
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    return TensorData(
        flat,
        "float32",
        targets.packed.shape if targets.shape is None else targets.shape,
        targets.sparse_crow_indices,
        targets.sparse_col_indices,
    )


def _fits(targets: TensorData, size: int | None) -> bool:
    return size in {targets.size, prod(targets.shape or (targets.size,))}


def _shaped(targets: TensorData, tensor: TensorData) -> np.typing.NDArray[np.float64]:
    values = np.asarray(tensor.listed.to_numpy(), np.float64).reshape(-1)
    whole = tensor.sparse_crow_indices is None and values.size == prod(targets.shape or ())
    crow, col = targets.sparse_crow_indices, targets.sparse_col_indices
    if whole and targets.shape is not None and crow is not None and col is not None:
        values = values.reshape(targets.shape)[positions(crow, col)]
    return values.reshape(targets.packed.shape)


def _unfit(sizes: Sequence[int | None], wanted: Sequence[int]) -> TinkerError:
    return Undecodable(
        message=f"forward_backward_custom: the answer has log-probabilities of {_shown(sizes)} tokens for data with "
        f"{_shown(wanted)} target tokens; is this address a Tinker server?"
    )


def _shown(sizes: Sequence[int | None]) -> str:
    return f"{list(sizes[:8])}{'...' if len(sizes) > 8 else ''}"
