"""What losses of one's own need: numpy, and torch to trace them. Both are extras, and load when they are first used."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from returns.result import Failure, Success

from tinkex_py.errors import ExtraMissing
from tinkex_py.outcome import Outcome
from tinkex_py.types.custom import CustomLossGraph, PerDatumLoss

if TYPE_CHECKING:
    from tinkex_py.plans.handles import Trace


def torch_trace() -> Outcome[Trace, ExtraMissing]:
    """Torch's way to trace a function."""
    missing = _NO_TORCH if find_spec("torch") is None else numpy_missing()
    return Success(_traced) if missing is None else Failure(missing)


def numpy_missing() -> ExtraMissing | None:
    """The error that numpy, which every loss of one's own needs, isn't installed; None if it is."""
    return _NO_NUMPY if find_spec("numpy") is None else None


def _traced(loss: PerDatumLoss) -> tuple[CustomLossGraph, PerDatumLoss]:
    from tinkex_py.losses.tracing import traced

    return traced(loss)


_NO_NUMPY = ExtraMissing(
    message="a loss of your own needs numpy; install it with: pip install 'tinkex-py[local]'", extra="local"
)
_NO_TORCH = ExtraMissing(
    message="create_custom_loss needs torch, which traces the loss; install it with: pip install 'tinkex-py[torch]'",
    extra="torch",
)
