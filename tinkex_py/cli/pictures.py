"""Curves as pictures."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def save_curve(losses: Sequence[float], file: Path) -> None:
    """The loss in nats per token over the steps, in the format that the file's ending names."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    _ = FigureCanvasAgg(figure)
    axes = figure.subplots()
    _ = axes.plot(range(1, len(losses) + 1), losses, linewidth=1.5)
    _ = axes.set(xlabel="step", ylabel="loss (nats per token)", title="Training loss")
    _ = axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.savefig(file, dpi=150)
