"""What code of others has raised or given, and servers have said, in words that can be shown. Pure."""

from __future__ import annotations

from reprlib import Repr

from typing_extensions import override


class _Shortening(Repr):
    """As reprlib shows values, and integers that have more digits than Python makes a text of."""

    @override
    def repr_int(self, x: int, level: int) -> str:
        try:
            return super().repr_int(x, level)
        except ValueError:
            return f"an integer of {x.bit_length()} bits"


shortened = _Shortening().repr
"""A value in a few words, whatever it is."""


def in_words(error: BaseException) -> str:
    """The kind of an exception and what it says, which is its author's code too, and may raise.

    >>> in_words(KeyError("loss"))
    "KeyError: 'loss'"
    """
    try:
        said = str(error)
    except Exception:  # noqa: BLE001 - it may raise anything
        said = "it can't say what happened"
    return f"{type(error).__name__}: {said}"


def one_line(text: str) -> str:
    r"""Words of others as part of one line, with nothing in it that a terminal obeys.

    >>> one_line("busy\nERROR \x1b[2J")
    'busy ERROR  [2J'
    """
    return text if text.isprintable() else "".join(letter if letter.isprintable() else " " for letter in text)
