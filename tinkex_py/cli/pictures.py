"""Curves as pictures."""

# pyright: reportUnknownMemberType=false
# matplotlib's own annotations are partial.

from __future__ import annotations

import errno
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from returns.result import Failure, Success

from tinkex_py.cli.display import harmless
from tinkex_py.cli.records import Curve
from tinkex_py.errors import ExtraMissing, FileFailed, InvalidInput
from tinkex_py.outcome import Outcome
from tinkex_py.types.files import failed, reason

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
ENDINGS = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
"""The same for people."""
_LIKELIHOOD = "loss (nats per token)"
"""What a loss is that is never negative; those of reinforcement learning have no unit."""
_COLOURS = ("#1f5fa8", "#b3541e", "#2f7d4f", "#7a4b9e")
_UNDATED: Mapping[str, dict[str, None]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
_WIDTH, _PANEL, _HEAD, _FOOT = 7.0, 2.6, 0.75, 0.65
"""Inches, fixed: what matplotlib finds out to lay them out takes as long as drawing, and more with many panels."""
_LARGEST = 1e300
"""What is drawn at most: matplotlib's own sums of larger numbers are infinite."""
_SHARE = 40
"""The part of a curve that a smoothed place takes in on either side: one in so many."""
_SMOOTHED_FROM = 40
"""Points from which on a curve is drawn smoothed, over its own faint line."""


def place_problem(file: Path) -> InvalidInput | FileFailed | None:
    """Why no picture can be there, as far as it shows before there is one."""
    if file.suffix.lower() not in FORMATS:
        message = f"{file} has an ending of no picture; give one of {ENDINGS}"
        return InvalidInput(message=message, path="file", value=file.name)
    try:
        if file.is_dir():
            return _unwritten(file, "it is a folder")
        if not file.parent.is_dir():
            return _unwritten(file, f"there is no folder {file.parent}")
        writable = os.access(file if file.exists() else file.parent, os.W_OK)
        return None if writable else _unwritten(file, os.strerror(errno.EACCES))
    except OSError as error:
        return _unwritten(file, reason(error))


def save_curves(curves: Sequence[Curve], file: Path, title: str = "") -> Outcome[Path]:
    """The file, with a panel for each curve over the steps, in the format that its ending names."""
    problem = place_problem(file)
    if problem is not None:
        return Failure(problem)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells at length of a home that it can't write to
    try:
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return Failure(ExtraMissing(message="pictures need matplotlib: pip install 'tinkex-py[cli]'", extra="cli"))

    height = _HEAD + _FOOT + _PANEL * len(curves)
    figure = Figure(figsize=(_WIDTH, height))
    _ = FigureCanvasAgg(figure)
    edges = {"left": 0.9 / _WIDTH, "right": 1 - 0.2 / _WIDTH, "top": 1 - _HEAD / height, "bottom": _FOOT / height}
    panels = figure.subplots(len(curves), 1, sharex=True, squeeze=False, gridspec_kw={**edges, "hspace": 0.25})
    for place, curve in enumerate(curves):
        _draw(panels[place, 0], curve, _COLOURS[place % len(_COLOURS)])
    smoothed = any(len(curve.values) >= _SMOOTHED_FROM for curve in curves)
    _ = panels[-1, 0].set_xlabel("step (thick line: mean of its neighbours)" if smoothed else "step")
    whole = harmless(title or ", ".join(curve.name for curve in curves))
    _ = figure.suptitle(whole, y=1 - 0.2 / height, va="top", parse_math=False)
    kind, drawn = file.suffix.lower(), BytesIO()  # what matplotlib raises when a disk is full isn't always an OSError
    with mpl.rc_context({"svg.hashsalt": "tinkex"}), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of letters that its font lacks
        figure.savefig(drawn, format=kind[1:], dpi=150, metadata=_UNDATED.get(kind))
    try:
        _ = file.write_bytes(drawn.getvalue())
    except OSError as error:
        return Failure(_unwritten(file, reason(error)))
    return Success(file)


def _unwritten(file: Path, why: str) -> FileFailed:
    return failed(file, f"can't be written: {why}")


def _drawn(values: Sequence[float]) -> list[float]:
    """The values with those that are too large to draw at the edge of what can be."""
    return [max(-_LARGEST, min(_LARGEST, value)) for value in values]


def _draw(axes: Axes, curve: Curve, colour: str) -> None:
    steps, values = _drawn(curve.steps), _drawn(curve.values)
    many = len(values) >= _SMOOTHED_FROM
    _ = axes.plot(steps, values, color=colour, linewidth=1 if many else 1.8, alpha=0.3 if many else 1)
    if len(values) == 1:
        _ = axes.plot(steps, values, "o", color=colour)
    if many:
        _ = axes.plot(steps, _smoothed(values), color=colour, linewidth=1.8)
    likelihood = curve.name == "loss" and min(values) >= 0
    name = _LIKELIHOOD if likelihood else harmless(curve.name)
    _ = axes.set_title(name, loc="left", fontsize="medium", parse_math=False)
    if likelihood:
        _ = axes.set_ylim(bottom=0)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _smoothed(values: Sequence[float]) -> list[float]:
    """At each place the mean of as many neighbours on either side: nothing comes late, and the ends are as they are."""
    last, widest, first = len(values) - 1, max(1, len(values) // _SHARE), values[0]
    sums = list(accumulate((value - first for value in values), initial=0.0))  # of a level line, exactly nothing
    reaches = [min(widest, at, last - at) for at in range(len(values))]
    return [first + (sums[at + reach + 1] - sums[at - reach]) / (2 * reach + 1) for at, reach in enumerate(reaches)]
