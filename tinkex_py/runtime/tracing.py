"""How losses are traced: by torch, which is an extra and loads when it is first used."""

from __future__ import annotations

from importlib.util import find_spec

from returns.result import Failure, Success

from tinkex_py.errors import ExtraMissing
from tinkex_py.outcome import Outcome
from tinkex_py.plans.handles import Trace
from tinkex_py.types.custom import CustomLossGraph, PerDatumLoss


def torch_trace() -> Outcome[Trace, ExtraMissing]:
    """Torch's way to trace a function."""
    return Success(_traced) if find_spec("torch") is not None else Failure(_NO_TORCH)


def _traced(loss: PerDatumLoss) -> tuple[CustomLossGraph, PerDatumLoss]:
    from tinkex_py.losses.tracing import traced

    return traced(loss)


_NO_TORCH = ExtraMissing(
    message="create_custom_loss needs torch, which traces the loss; install it with: pip install 'tinkex-py[torch]'",
    extra="torch",
)
