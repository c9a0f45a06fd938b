"""Curves as pictures."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from returns.result import Failure, Success

from tinkex_py.errors import ExtraMissing, FileFailed
from tinkex_py.outcome import Outcome


def save_curve(losses: Sequence[float], file: Path) -> Outcome[Path]:
    """The file, with the loss in nats per token over the steps, in the format that its ending names."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return Failure(ExtraMissing(message="pictures need matplotlib: pip install 'tinkex-py[cli]'", extra="cli"))

    figure = Figure(figsize=(7, 4), layout="constrained")
    _ = FigureCanvasAgg(figure)
    axes = figure.subplots()
    _ = axes.plot(range(1, len(losses) + 1), losses, linewidth=1.5)
    _ = axes.set(xlabel="step", ylabel="loss (nats per token)", title="Training loss")
    _ = axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    try:
        figure.savefig(file, dpi=150)
    except OSError as error:
        return Failure(FileFailed(message=f"{file} can't be written: {error.strerror}", path=str(file)))
    return Success(file)
