"""Log-probabilities as coloured text: what the model was sure of is green, what surprised it is red."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import click
from rich.console import Console
from rich.text import Text

from tinkex_py.cli.display import harmless, harmless_text

_BEFORE = 8
"""Tokens before a token that its text may depend on."""
_LONGEST = 8
"""Tokens that one character may take."""

SCALE: Sequence[tuple[float, str]] = (
    (-0.1, "green"),
    (-0.7, "cyan"),
    (-2.3, "yellow"),
    (-4.6, "underline magenta"),
    (float("-inf"), "bold underline red"),
)
"""The looks of a token by its log-probability in nats: probabilities of 0.9, 0.5, 0.1, 0.01, and less.

What surprised is underlined too: some themes, and some people, have one colour for red and magenta, or red and green.
"""


class Piece(NamedTuple):
    """A bit of text, and the log-probability in nats of the tokens that it is."""

    text: str
    logprob: float


def pieces(
    tokens: Sequence[int], logprobs: Sequence[float], decode: Callable[[Sequence[int]], str]
) -> tuple[Piece, ...]:
    """The text in the smallest pieces that are whole characters, one or several tokens each."""
    found: list[Piece] = []
    start, total = 0, 0.0
    for place, logprob in enumerate(logprobs):
        total += logprob
        before = decode(tokens[max(0, start - _BEFORE) : start])
        whole = decode(tokens[max(0, start - _BEFORE) : place + 1])
        text = whole.removeprefix(before) if whole.startswith(before) else decode(tokens[start : place + 1])
        unfinished = text.endswith("\ufffd") and place + 1 - start < _LONGEST and place + 1 < len(logprobs)
        if not unfinished:
            found.append(Piece(text, total))
            start, total = place + 1, 0.0
    return tuple(found)


def colour(logprob: float) -> str:
    """What a log-probability looks like."""
    return next(name for least, name in SCALE if logprob >= least)


def show_pieces(console: Console, found: Sequence[Piece]) -> None:
    """The text in colours with what they mean; without colours, a line for each piece with its log-probability."""
    if not console.is_terminal or console.no_color:
        for piece in found:
            click.echo(f"{harmless(piece.text)}\t{piece.logprob:.3f}")
        return
    console.print(Text.assemble(*((harmless_text(piece.text), colour(piece.logprob)) for piece in found)))
    marks = (">0.9", "0.5", "0.1", "0.01", "less")
    legend = [(f" {mark} ", f"reverse {name}") for mark, (_, name) in zip(marks, SCALE, strict=True)]
    mean = sum(piece.logprob for piece in found) / max(1, len(found))
    console.print(Text.assemble(("probability:", "dim"), *legend, (f"  mean log-probability {mean:.3f}", "dim")))
