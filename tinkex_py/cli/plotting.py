"""`tinkex plot`: the curves of a training's log."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinkex_py.cli.invocation import Invocation, invoked
from tinkex_py.cli.options import Command, Place
from tinkex_py.cli.pictures import ENDINGS, save_curves
from tinkex_py.cli.records import Curve, read_curves
from tinkex_py.cli.sparkline import sparkline
from tinkex_py.cli.tables import Column, Table, show


def _has_blocks() -> bool:
    """Whether blocks can be written where results go."""
    return str(getattr(sys.stdout, "encoding", "utf-8")).lower().startswith("utf")


CURVES: Table[Curve] = Table(
    key="curves",
    columns={
        "name": Column(lambda curve: curve.name),
        "steps": Column(lambda curve: len(curve.values), right=True),
        "first": Column(lambda curve: curve.values[0], right=True),
        "last": Column(lambda curve: curve.values[-1], right=True),
        "least": Column(lambda curve: min(curve.values), right=True),
        "most": Column(lambda curve: max(curve.values), right=True),
        "curve": Column(lambda curve: sparkline(curve.values, 24, blocks=_has_blocks())),
    },
    usual=("name", "steps", "first", "last", "curve"),
)


@click.command(cls=Command)
@click.argument("log", type=Place())
@click.option("-o", "--output", type=Place(), help=f"The picture, {ENDINGS}.  [default: LOG with .png]")
@click.option("-m", "--metric", "metrics", multiple=True, help="Draw this number; may be repeated.  [default: all]")
@click.option("--title", default="", help="What stands above it.")
@invoked
def plot(invocation: Invocation, log: Path, output: Path | None, metrics: tuple[str, ...], title: str) -> None:
    """Draw the curves of LOG, a line of JSON for each step with numbers by name, such as train --log writes.

    Loss and reward come first, each number in a panel of its own.
    """
    picture = output or log.with_suffix(".png")
    invocation.check_apart(picture, log, "--output")
    curves = invocation.or_exit(read_curves(log, metrics))
    file = invocation.or_exit(save_curves(curves, picture, title or log.stem))
    show(invocation, CURVES, curves)
    if invocation.format == "table":
        invocation.tell(f"Picture: {file}")
