"""What code of others has raised, in words. Pure."""

from __future__ import annotations


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
