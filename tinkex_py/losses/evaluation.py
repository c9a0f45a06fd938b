"""A caller's loss at a point: differentiated by torch, or by itself. Pure; torch loads when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal, TypeAlias

from tinkex_py.errors import ExtraMissing
from tinkex_py.losses.objective import Objective, evaluate
from tinkex_py.losses.protocol import Arrays, Evaluation, LossError, LossFunction
from tinkex_py.types.datum import Datum

ArrayKind: TypeAlias = Literal["torch", "numpy"]
"""What a loss is given log-probabilities as."""


def evaluated(
    loss_fn: LossFunction, objective: Objective, data: Sequence[Datum], logprobs: Arrays, arrays: ArrayKind | None
) -> Evaluation:
    """The loss with its regularizers; `arrays` None means torch where it is installed and the loss needs it."""
    if (arrays or kind_for(loss_fn)) == "torch":  # pragma: no cover - torch is optional: test_autograd.py
        from tinkex_py.losses.autograd import differentiated

        base = differentiated(loss_fn, data, logprobs)
    else:
        base = evaluate(loss_fn, data, logprobs)
    found = objective.completed(base, data, logprobs).evaluation
    if not found.is_finite:
        raise LossError("with its regularizers the loss or one of its gradients is not finite: give them less weight")
    return found


def extra_missing(arrays: ArrayKind | None) -> ExtraMissing | None:
    """What has to be installed for a loss that wants such arrays."""
    return _NO_TORCH if arrays == "torch" and find_spec("torch") is None else None


def kind_for(loss_fn: LossFunction) -> ArrayKind:
    """Torch where it is installed, save for losses of this package, which give their own gradients."""
    own = type(loss_fn).__module__.startswith("tinkex_py.losses")
    return "torch" if not own and find_spec("torch") is not None else "numpy"


_NO_TORCH = ExtraMissing(
    message="a loss of torch's tensors needs torch; install it with: pip install 'tinkex-py[torch]', "
    "or give arrays='numpy'",
    extra="torch",
)
